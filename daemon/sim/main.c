/* recflow-sim: the daemon's own code under a virtual clock against simulated services, measured. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "sim/json.h"
#include "sim/recording.h"
#include "sim/rerun.h"
#include "sim/table.h"
#include "sim/week_table.h"

enum { EXIT_USAGE = 2, COLUMNS_MAX = 2 * SIM_PROFILES_MAX, MESSAGE_SIZE = 512 };

/* What one invocation works with. */
struct session {
        struct sim_arguments arguments;
        struct sim_stage stage;
        json_t *models; /* what --json will print */
        char message[MESSAGE_SIZE];
        char tape[PATH_MAX]; /* of a recording: absolute */
};

static struct rf_optimizations switches(const struct sim_arguments *a, const char *profile)
{
        struct rf_optimizations set = rf_optimizations_baseline();

        (void)rf_optimizations_profile(profile, &set); /* the arguments were checked */
        return (struct rf_optimizations){ .on = (set.on | a->on) & ~a->off };
}

static int make_setup(struct session *s, const struct sim_model *model, bool with_overrides, struct sim_setup **ret)
{
        const struct sim_arguments *a = &s->arguments;
        int r = sim_setup_new(model, a->plugin_directory, ret, s->message, sizeof(s->message));

        for (size_t i = 0; i < a->n_overrides && with_overrides && r >= 0; i++)
                r = sim_setup_override(*ret, a->overrides[i], s->message, sizeof(s->message));
        return r;
}

/* ---- Tables ---- */

static int run_columns(struct session *s, const struct sim_model *model, struct sim_column *columns, size_t *n)
{
        static const char *const names[][2] = { { "baseline", "baseline, what if" }, { "full", "full, what if" } };
        const struct sim_arguments *a = &s->arguments;
        int r = 0;

        for (size_t p = 0; p < a->n_profiles && r >= 0; p++)
                for (unsigned what_if = 0; what_if < (a->n_overrides > 0 ? 2u : 1u) && r >= 0; what_if++) {
                        _cleanup_(sim_setup_freep) struct sim_setup *setup = NULL;
                        bool is_full = strcmp(a->profiles[p], "full") == 0;

                        r = make_setup(s, model, what_if == 1, &setup);
                        if (r >= 0)
                                r = sim_experiment_run(&s->stage, setup, &a->plan, switches(a, a->profiles[p]), &columns[*n].result,
                                                       s->message, sizeof(s->message));
                        if (r >= 0)
                                columns[(*n)++].name = names[is_full][what_if];
                }
        return r;
}

/* What belongs beside each other: a profile and what if, or else the two profiles. */
static bool are_compared(const struct sim_arguments *a, size_t second)
{
        return second % 2 == 1 && (a->n_overrides > 0 || a->n_profiles > 1 || a->replay);
}

static int print_columns(struct session *s, const struct sim_model *model, const struct sim_column *columns, size_t n)
{
        int r = 0;

        sim_table_print(stdout, &s->arguments, model, &s->stage, columns, n);
        for (size_t i = 1; i < n && r >= 0; i++)
                if (are_compared(&s->arguments, i))
                        r = sim_table_print_difference(stdout, &s->arguments, &s->stage, &columns[i - 1], &columns[i]);
        fputc('\n', stdout);
        return r;
}

static int add_columns(struct session *s, const struct sim_model *model, const struct sim_column *columns, size_t n)
{
        json_t *results = json_object(), *differences = json_object();
        char name[64];

        for (size_t i = 0; i < n; i++)
                json_object_set_new(results, columns[i].name, sim_json_result(&columns[i].result));
        for (size_t i = 1; i < n; i++)
                if (are_compared(&s->arguments, i)) {
                        snprintf(name, sizeof(name), "%s less %s", columns[i].name, columns[i - 1].name);
                        json_object_set_new(differences, name,
                                            sim_json_difference(&columns[i - 1].result, &columns[i].result,
                                                                sim_prompts_count(s->stage.prompts), s->arguments.plan.seed));
                }
        return json_array_append_new(s->models, json_pack("{s:s, s:o, s:o}", "model", model->name, "results", results, "differences",
                                                          differences)) < 0 ? -ENOMEM : 0;
}

static int run_model(struct session *s, const struct sim_model *model)
{
        struct sim_column columns[COLUMNS_MAX] = { 0 };
        size_t n = 0;
        int r = run_columns(s, model, columns, &n);

        if (r >= 0)
                r = s->models ? add_columns(s, model, columns, n) : print_columns(s, model, columns, n);
        for (size_t i = 0; i < n; i++)
                sim_result_done(&columns[i].result);
        return r;
}

/* ---- Ablation ---- */

static int ablate_model(struct session *s, const struct sim_model *model)
{
        _cleanup_(sim_setup_freep) struct sim_setup *setup = NULL;
        struct sim_arguments *a = &s->arguments;
        struct sim_ablation ablation = { 0 };
        int r = make_setup(s, model, true, &setup);

        if (r >= 0)
                r = sim_ablation_run(&s->stage, setup, &a->plan, switches(a, "full"), switches(a, "baseline"), &ablation, s->message,
                                     sizeof(s->message));
        if (r >= 0 && !s->models)
                sim_table_print_ablation(stdout, a, model, &ablation);
        if (r >= 0 && s->models && json_array_append_new(s->models, json_pack("{s:s, s:o}", "model", model->name, "ablation",
                                                                              sim_json_ablation(&ablation))) < 0)
                r = -ENOMEM;
        sim_ablation_done(&ablation);
        return r;
}

/* ---- Weeks ---- */

/* What the services refuse is known to a daemon that has run for a while. */
static int learn_refusals(struct session *s, struct sim_setup *setup, struct sim_refusals *ret)
{
        const struct sim_trial t = { .stage = &s->stage, .setup = setup, .seed = s->arguments.plan.seed };

        return s->arguments.plan.is_unlearned ? 0 : sim_trial_learn(&t, ret, s->message, sizeof(s->message));
}

static int live_through(struct session *s, const struct sim_model *model, const char *profile)
{
        _cleanup_(sim_setup_freep) struct sim_setup *setup = NULL;
        _cleanup_free_ struct sim_refusals *known = calloc(1, sizeof(*known));
        const struct sim_arguments *a = &s->arguments;
        struct sim_week_plan plan = { .requests = a->plan.runs, .seed = a->plan.seed, .refusals = known };
        struct sim_week_result results[2];
        int r = known ? make_setup(s, model, true, &setup) : -ENOMEM;

        if (r >= 0)
                r = learn_refusals(s, setup, known);
        for (unsigned i = 0; i < 2 && r >= 0; i++) {
                plan.is_warmed = i == 1;
                r = sim_week_run(&s->stage, setup, &plan, switches(a, profile), &results[i], s->message, sizeof(s->message));
        }
        if (r >= 0 && s->models)
                r = json_array_append_new(s->models, sim_week_json(model, profile, &results[0], &results[1])) < 0 ? -ENOMEM : 0;
        else if (r >= 0)
                sim_week_print(stdout, a, model, profile, &results[0], &results[1]);
        return r;
}

static int live_model(struct session *s, const struct sim_model *model)
{
        int r = 0;

        for (size_t p = 0; p < s->arguments.n_profiles && r >= 0; p++)
                r = live_through(s, model, s->arguments.profiles[p]);
        return r;
}

/* ---- Recordings ---- */

/* One run, kept. */
static int record(struct session *s)
{
        struct sim_arguments *a = &s->arguments;
        int r = sim_recording_begin(a, &s->stage, s->message, sizeof(s->message));

        if (r < 0)
                return r;
        if (!realpath(a->record, s->tape))
                return -errno;
        a->plan.tape = s->tape;
        return run_model(s, a->models[0]);
}

/* The run as it was, and, if anything is to be different, as it would have been. */
static int replay_columns(struct session *s, const struct sim_recording *recording, struct sim_column *columns, size_t *n)
{
        const struct sim_arguments *a = &s->arguments;
        bool differs = a->on || a->off || a->n_overrides > 0 || a->plan.deadline_us > 0;
        struct sim_plan plan = { .runs = 1, .concurrency = 1, .seed = recording->seed, .deadline_us = recording->deadline_us,
                                 .is_unlearned = recording->is_unlearned, .prompt = &recording->prompt, .tape = s->tape,
                                 .plays_tape = true };
        int r = 0;

        for (unsigned what_if = 0; what_if < (differs ? 2u : 1u) && r >= 0; what_if++) {
                _cleanup_(sim_setup_freep) struct sim_setup *setup = NULL;
                struct rf_optimizations set = recording->optimizations;

                if (what_if) {
                        set.on = (set.on | a->on) & ~a->off;
                        plan.deadline_us = a->plan.deadline_us ? a->plan.deadline_us : plan.deadline_us;
                }
                r = make_setup(s, recording->model, what_if == 1, &setup);
                if (r >= 0)
                        r = sim_experiment_run(&s->stage, setup, &plan, set, &columns[*n].result, s->message, sizeof(s->message));
                if (r >= 0)
                        columns[(*n)++].name = what_if ? "what if" : recording->profile;
        }
        return r;
}

static int replay(struct session *s)
{
        struct sim_column columns[COLUMNS_MAX] = { 0 };
        struct sim_recording recording;
        size_t n = 0;
        int r = sim_recording_read(s->arguments.replay, &s->stage, &recording, s->message, sizeof(s->message));

        if (r >= 0 && !realpath(s->arguments.replay, s->tape))
                r = -errno;
        if (r >= 0)
                r = replay_columns(s, &recording, columns, &n);
        s->arguments.plan.runs = 1;
        s->arguments.plan.seed = r >= 0 ? recording.seed : 0;
        if (r >= 0)
                r = s->models ? add_columns(s, recording.model, columns, n) : print_columns(s, recording.model, columns, n);
        for (size_t i = 0; i < n; i++)
                sim_result_done(&columns[i].result);
        return r;
}

/* ---- The whole ---- */

static int print_json(struct session *s)
{
        json_t *all = json_pack("{s:I, s:I, s:I, s:O}", "runs", (json_int_t)s->arguments.plan.runs, "concurrency",
                                (json_int_t)s->arguments.plan.concurrency, "seed", (json_int_t)s->arguments.plan.seed, "models", s->models);
        int r = all && json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) >= 0 ? 0 : -ENOMEM;

        json_decref(all);
        fputc('\n', stdout);
        return r;
}

static int run(struct session *s)
{
        const struct sim_arguments *a = &s->arguments;
        struct sim_stage_options o = { .plugin_directory = a->plugin_directory, .data_directory = a->data_directory, .prompts = a->prompts,
                                     .distinct = a->is_distinct ? MAX(a->plan.runs, a->plan.concurrency) : 0 };
        int r;

        if (a->replays_run)
                return sim_rerun(a, s->message, sizeof(s->message));
        r = sim_stage_open(&o, &s->stage, s->message, sizeof(s->message));
        if (r >= 0 && a->replay)
                r = replay(s);
        else if (r >= 0 && a->record)
                r = record(s);
        for (size_t i = 0; i < a->n_models && !a->replay && !a->record && r >= 0; i++)
                r = a->is_week     ? live_model(s, a->models[i]) :
                    a->is_ablation ? ablate_model(s, a->models[i]) :
                                     run_model(s, a->models[i]);
        if (r >= 0 && s->models)
                r = print_json(s);
        if (r >= 0 && fflush(stdout) != 0)
                r = -errno;
        sim_stage_close(&s->stage);
        return r;
}

int main(int argc, char **argv)
{
        _cleanup_free_ struct session *s = calloc(1, sizeof(*s));
        int r;

        if (!s) {
                fputs("recflow-sim: out of memory\n", stderr);
                return EXIT_FAILURE;
        }
        r = sim_arguments_parse(argc, argv, &s->arguments, s->message, sizeof(s->message));
        if (r < 0) {
                fprintf(stderr, "recflow-sim: %s; recflow-sim --help lists the options\n", s->message);
                return EXIT_USAGE;
        }
        if (s->arguments.action == SIM_HELP) {
                sim_arguments_help(stdout);
                return EXIT_SUCCESS;
        }
        if (s->arguments.action == SIM_VERSION) {
                puts("recflow-sim " PACKAGE_VERSION);
                return EXIT_SUCCESS;
        }
        s->models = s->arguments.is_json ? json_array() : NULL;
        r = run(s);
        json_decref(s->models);
        if (r < 0)
                fprintf(stderr, "recflow-sim: %s\n", s->message[0] ? s->message : rf_strerror(r));
        return r == -RF_ECONFIG || r == -RF_ENORUN ? EXIT_USAGE : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
