#include "sim/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"

enum { VERSION_WRITTEN = 1 };

static int fail(int r, const char *path, const char *what, char *message, size_t size)
{
        snprintf(message, size, "%.300s: %s", path, what);
        return r;
}

/* ---- Writing ---- */

static json_t *names_of(struct rf_optimizations set)
{
        json_t *list = json_array();

        for (int o = 0; o < RF_OPT_COUNT; o++)
                if (rf_is_on(&set, (enum rf_optimization)o))
                        json_array_append_new(list, json_string(rf_optimization_infos[o].name));
        return list;
}

int sim_recording_begin(const struct sim_arguments *a, const struct sim_stage *stage, char *message, size_t size)
{
        struct rf_optimizations set = rf_optimizations_baseline();
        size_t prompt = 0;
        json_t *head;
        FILE *f;
        int r = sim_plan_first_prompt(stage, &a->plan, &prompt);

        if (r < 0)
                return r;
        (void)rf_optimizations_profile(a->profiles[0], &set); /* the arguments were checked */
        set.on = (set.on | a->on) & ~a->off;
        head = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:b, s:o}", "recflow_recording", VERSION_WRITTEN, "model", a->models[0]->name,
                         "profile", a->profiles[0], "prompt", sim_prompts_text(stage->prompts, prompt), "seed", (json_int_t)a->plan.seed,
                         "deadline_us", (json_int_t)a->plan.deadline_us, "unlearned", (int)a->plan.is_unlearned, "on", names_of(set));
        if (!head)
                return -ENOMEM;
        f = fopen(a->record, "we");
        if (!f)
                r = fail(-errno, a->record, strerror(errno), message, size);
        else if (json_dumpf(head, f, JSON_COMPACT) < 0 || fputc('\n', f) == EOF || fclose(f) != 0)
                r = fail(-EIO, a->record, "it can't be written", message, size);
        json_decref(head);
        return r;
}

/* ---- Reading ---- */

static int find_prompt(const struct sim_stage *stage, const char *text, size_t *ret)
{
        for (size_t i = 0; text && i < sim_prompts_count(stage->prompts); i++)
                if (strcmp(sim_prompts_text(stage->prompts, i), text) == 0) {
                        *ret = i;
                        return 0;
                }
        return -ENOENT;
}

static int take(const json_t *head, const struct sim_stage *stage, const char *path, struct sim_recording *r, char *message, size_t size)
{
        const char *model = json_string_value(json_object_get(head, "model")), *profile = json_string_value(json_object_get(head, "profile"));
        const json_t *on = json_object_get(head, "on");

        if (json_integer_value(json_object_get(head, "recflow_recording")) != VERSION_WRITTEN || !model || !profile)
                return fail(-RF_ECONFIG, path, "it isn't a recording of this version", message, size);
        r->model = sim_model_find(model);
        if (!r->model)
                return fail(-RF_ECONFIG, path, "its model isn't known here", message, size);
        r->profile = strcmp(profile, "full") == 0 ? "full" : "baseline";
        r->seed = (uint64_t)json_integer_value(json_object_get(head, "seed"));
        r->deadline_us = (uint64_t)json_integer_value(json_object_get(head, "deadline_us"));
        r->is_unlearned = json_is_true(json_object_get(head, "unlearned"));
        for (size_t i = 0; i < json_array_size(on); i++) {
                const char *name = json_string_value(json_array_get(on, i));
                int o = name ? rf_optimization_find(name) : -1;

                if (o < 0)
                        return fail(-RF_ECONFIG, path, "one of its switches isn't known here", message, size);
                rf_optimizations_set(&r->optimizations, (enum rf_optimization)o, true);
        }
        if (find_prompt(stage, json_string_value(json_object_get(head, "prompt")), &r->prompt) < 0)
                return fail(-RF_ECONFIG, path, "its prompt isn't among the prompts: give the --prompts that it was made with", message, size);
        return 0;
}

int sim_recording_read(const char *path, const struct sim_stage *stage, struct sim_recording *ret, char *message, size_t size)
{
        FILE *f = fopen(path, "re");
        json_t *head;
        int r;

        if (!f)
                return fail(-errno, path, strerror(errno), message, size);
        head = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
        fclose(f);
        *ret = (struct sim_recording){ 0 };
        r = take(head, stage, path, ret, message, size);
        json_decref(head);
        return r;
}
