#include "sim/trial.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "sched/sched.h"

enum { RELATED_MAX = 3, LEARNING_RUNS = 3 };

#define START_WALL_US (1767225600ull * USEC_PER_SEC) /* 2026-01-01: the same date on any day */
#define LEARNING_DEADLINE_US (3600 * USEC_PER_SEC)

/* A trial under way: what its coroutines share. */
struct crowd {
        const struct sim_trial *trial;
        struct sim_house house;
        struct sim_sample *samples;
        size_t next;
        uint64_t asked_us, ended_us; /* when all were asked for, and the last ended */
        struct sim_counts before, after;
        struct sim_refusals *learned; /* NULL unless that is what it's for */
        double cpu_ms;
        struct sim_memory_meter meter;
        struct sim_allowance allowances[2 * SIM_PROVIDERS_MAX]; /* in force: the services' own, and those configured */
        size_t allowed[2 * SIM_PROVIDERS_MAX], n_allowances;    /* and which provider of the setup each is of */
        size_t n_services;                                      /* so many of them, the first, are the services' own */
        int error; /* of what was observed */
};

/* Clients have the numbers of their samples, plus one; 0 is nobody who counts. */
static void observe(void *arg, const struct rf_caller *caller, const struct rf_call_record *record)
{
        struct crowd *c = arg;

        if (c->samples && caller->client > 0 && sim_sample_call(&c->samples[caller->client - 1], record) < 0)
                c->error = -ENOMEM;
}

/*
 * The heap is looked at when a run begins to order: it holds all that it found. In the middle of its calls there would be the answers, too,
 * that the simulated services keep in memory until their time has come.
 */
static void progressed(void *arg, const struct rf_progress *p)
{
        struct crowd *c = arg;

        c->meter.most_active = MAX(c->meter.most_active, c->meter.n_active);
        if (p->step == RF_STEP_ORDER)
                sim_memory_look(&c->meter);
}

/* ---- Runs ---- */

static int recommend(struct crowd *c, const char *prompt, uint64_t client, uint64_t asked_us, struct rf_playlist **ret)
{
        const struct sim_trial *t = c->trial;
        struct rf_wish wish = { .prompt = prompt, .deadline_ms = (uint32_t)(t->deadline_us / USEC_PER_MSEC) }; /* no seed: the best tracks */
        struct rf_run_hooks hooks = { .progress = progressed, .arg = c, .client = client, .deadline_us = t->deadline_us ? asked_us + t->deadline_us : RF_FOREVER };
        char message[256];

        return rf_flow_recommend(&c->house.flow, &wish, &hooks, ret, message, sizeof(message));
}

static int run_one(struct crowd *c, size_t i)
{
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        struct sim_sample *s = &c->samples[i];
        uint64_t asked_us = c->trial->is_sequence ? rf_now_us() : c->asked_us;
        int r;

        s->prompt = c->trial->prompts[i];
        c->meter.n_active++;
        r = recommend(c, sim_prompts_text(c->trial->stage->prompts, s->prompt), i + 1, asked_us, &p);
        c->meter.n_active--;
        s->total_us = rf_now_us() - asked_us;
        if (r >= 0)
                sim_sample_playlist(s, c->trial->stage, p);
        else
                s->error = r;
        return r == -ECANCELED || r == -ENOMEM ? r : 0;
}

/* Takes the next run until there is none. */
static int worker(void *arg)
{
        struct crowd *c = arg;
        int r = 0;

        while (r >= 0 && c->next < c->trial->n)
                r = run_one(c, c->next++);
        return r;
}

static int run_all(struct crowd *c)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        size_t places = c->trial->is_sequence ? 1 : (size_t)sim_setup_get(c->trial->setup, RF_SET_RUNS_ACTIVE_MAX)->integer;
        int r = rf_group_new(RF_FOREVER, &g);

        c->asked_us = rf_now_us();
        for (size_t i = 0; i < MIN(places, c->trial->n) && r >= 0; i++)
                r = rf_group_spawn(g, "run", worker, c);
        if (r >= 0)
                r = rf_group_join(g);
        c->ended_us = rf_now_us();
        return r;
}

/* ---- Before the runs that count ---- */

static int run_before(struct crowd *c, const char *prompt)
{
        struct rf_playlist *p = NULL;
        int r = recommend(c, prompt, 0, rf_now_us(), &p);

        rf_playlist_free(p);
        return r == -ECANCELED || r == -ENOMEM ? r : 0; /* whether it gave anything is no matter here */
}

static int prepare(struct crowd *c)
{
        const struct sim_trial *t = c->trial;
        int r = 0;

        if (t->cache == SIM_CACHE_COLD)
                return 0;
        for (size_t i = 0; i < t->n && r >= 0; i++) {
                const char *related[RELATED_MAX] = { sim_prompts_text(t->stage->prompts, t->prompts[i]) };
                size_t n = 1;

                if (t->cache == SIM_CACHE_WARM)
                        n = sim_prompts_related(t->stage->prompts, t->prompts[i], related, RELATED_MAX);
                for (size_t k = 0; k < n && r >= 0; k++)
                        r = run_before(c, related[k]);
        }
        return r < 0 ? r : rf_sleep_us(t->gap_us);
}

/* ---- Limits ---- */

static void allow(struct crowd *c, size_t provider, struct sim_allowance a)
{
        a.provider = sim_setup_provider(c->trial->setup, provider)->name;
        c->allowed[c->n_allowances] = provider;
        c->allowances[c->n_allowances++] = a;
}

/* What the services allow, and what the daemon was told, or must take for granted, of that. */
static void learn_allowances(struct crowd *c)
{
        const struct sim_setup *setup = c->trial->setup;
        const struct sim_model *m = sim_setup_model(setup);

        for (size_t p = 0; p < sim_setup_n_providers(setup); p++) {
                const char *name = sim_setup_provider(setup, p)->name;

                for (size_t l = 0; l < ARRAY_SIZE(m->limits) && m->limits[l].provider; l++)
                        if (strcmp(m->limits[l].provider, name) == 0)
                                allow(c, p, (struct sim_allowance){ .calls = m->limits[l].calls, .window_us = m->limits[l].window_us });
        }
        c->n_services = c->n_allowances;
        for (size_t p = 0; p < sim_setup_n_providers(setup) && rf_is_on(&c->trial->optimizations, RF_OPT_PACED_LIMITER); p++)
                allow(c, p, sim_house_allowance(&c->house, sim_setup_provider(setup, p)->name));
}

/* What the first `n` limits allow: `share` of the calls to each provider. */
static uint64_t limits_us(const struct crowd *c, size_t n, double share)
{
        uint64_t most = 0;

        for (size_t i = 0; i < n; i++) {
                size_t p = c->allowed[i];
                double calls = (double)(c->after.asked[p] - c->before.asked[p]) * share;

                most = MAX(most, sim_allowance_us(&c->allowances[i], (uint64_t)calls));
        }
        return most;
}

/* The providers go with the house: their names stay in the model. */
static void keep_names(struct crowd *c, struct sim_sample *s)
{
        for (size_t i = 0; i < SIM_PROVIDERS_MAX && s->to[i].provider; i++)
                for (size_t p = 0; p < sim_setup_n_providers(c->trial->setup); p++)
                        if (strcmp(sim_setup_provider(c->trial->setup, p)->name, s->to[i].provider) == 0)
                                s->to[i].provider = sim_setup_provider(c->trial->setup, p)->name;
}

static int reckon_bounds(struct crowd *c)
{
        const struct sim_trial *t = c->trial;
        int r = 0;

        for (size_t i = 0; i < t->n && r >= 0; i++) {
                double share = t->is_sequence ? 1.0 / (double)t->n : (double)(i + 1) / (double)t->n;

                keep_names(c, &c->samples[i]);
                r = sim_sample_bound(&c->samples[i], c->allowances, c->n_allowances, c->n_services);
                if (t->n > 1) {
                        c->samples[i].bound_us = MAX(c->samples[i].bound_us, limits_us(c, c->n_allowances, share));
                        c->samples[i].services_bound_us = MAX(c->samples[i].services_bound_us, limits_us(c, c->n_services, share));
                }
        }
        return r;
}

/* ---- The whole ---- */

static int crowd_main(void *arg)
{
        struct crowd *c = arg;
        double start_ms;
        int r;

        learn_allowances(c);
        sim_house_refuse(&c->house, c->trial->refusals);
        rf_upstream_start(c->house.upstream);
        r = prepare(c);
        c->before = sim_house_counts(&c->house);
        start_ms = sim_memory_cpu_ms();
        if (r >= 0 && c->samples)
                r = run_all(c);
        for (size_t i = 0; i < c->trial->n && c->learned && r >= 0; i++)
                r = run_before(c, sim_prompts_text(c->trial->stage->prompts, c->trial->prompts[i]));
        c->cpu_ms = sim_memory_cpu_ms() - start_ms - c->meter.cpu_ms;
        sim_memory_end(&c->meter);
        c->after = sim_house_counts(&c->house);
        if (c->learned)
                sim_house_refusals(&c->house, c->learned);
        if (r >= 0 && c->samples)
                r = reckon_bounds(c); /* while the providers' names are there */
        rf_upstream_stop(c->house.upstream);
        return r;
}

static int run_crowd(struct crowd *c, char *message, size_t size)
{
        const struct sim_trial *t = c->trial;
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        struct sim_house_options o = { .optimizations = t->optimizations, .seed = t->seed, .observe = observe, .observe_arg = c };
        int r = sim_house_open(t->stage, t->setup, &o, &c->house, message, size);

        if (r < 0)
                return r;
        r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = START_WALL_US }, &s);
        if (r >= 0)
                r = rf_sched_run(s, crowd_main, c);
        c->meter.memory.coroutines = (double)rf_sched_stats(s).coroutines_peak;
        sim_house_close(&c->house);
        return r;
}

/* What the limits in force make of the calls, at the least. The old policy keeps to others. */
static uint64_t least_us(const struct crowd *c)
{
        uint64_t most = 0;

        if (!rf_is_on(&c->trial->optimizations, RF_OPT_PACED_LIMITER))
                return 0;
        for (size_t p = 0; p < sim_setup_n_providers(c->trial->setup); p++)
                most = MAX(most, sim_setup_least_us(c->trial->setup, p, c->after.asked[p] - c->before.asked[p]));
        return most;
}

static void add_totals(const struct crowd *c, struct sim_totals *t)
{
        t->attempts += c->after.attempts - c->before.attempts;
        t->refused += c->after.refused - c->before.refused;
        t->violations += c->after.violations - c->before.violations;
        for (unsigned i = 0; i < RF_PAUSE_COUNT; i++)
                t->paused_us[i] += c->after.paused_us[i] - c->before.paused_us[i];
        t->limited_us += c->after.limited_us - c->before.limited_us;
        t->taken_us += c->ended_us - c->asked_us;
        t->least_us += least_us(c);
        t->cpu_ms += c->cpu_ms;
        t->n_daemons++;
        t->memory.active_kib += c->meter.memory.active_kib;
        t->memory.coroutines = MAX(t->memory.coroutines, c->meter.memory.coroutines / (double)MAX(c->meter.most_active, (size_t)1));
}

int sim_trial_run(const struct sim_trial *t, struct sim_sample *ret_samples, struct sim_totals *ret_totals, char *message, size_t size)
{
        struct crowd c = { .trial = t, .samples = ret_samples };
        int r;

        memset(ret_samples, 0, t->n * sizeof(*ret_samples));
        r = run_crowd(&c, message, size);
        if (r >= 0)
                r = c.error;
        for (size_t i = 0; i < t->n; i++)
                sim_sample_done(&ret_samples[i]);
        if (r < 0)
                return r;
        add_totals(&c, ret_totals);
        return 0;
}

int sim_trial_learn(const struct sim_trial *t, struct sim_refusals *ret, char *message, size_t size)
{
        size_t n_prompts = sim_prompts_count(t->stage->prompts), prompts[LEARNING_RUNS];
        struct sim_trial learning = *t;
        struct crowd c = { .trial = &learning, .learned = ret };

        for (size_t i = 0; i < LEARNING_RUNS; i++)
                prompts[i] = i * 7 % n_prompts;
        learning.prompts = prompts;
        learning.n = LEARNING_RUNS;
        learning.refusals = NULL;
        learning.cache = SIM_CACHE_COLD;
        learning.optimizations = rf_optimizations_full();
        learning.deadline_us = LEARNING_DEADLINE_US;
        return run_crowd(&c, message, size);
}
