/* Many independent runs of one setup under one set of switches, and what they say. */
#pragma once

#include "sim/statistics.h"
#include "sim/trial.h"

struct sim_plan {
        size_t runs, concurrency; /* so many runs, so many of them at once on one daemon */
        bool is_sequence;         /* all of them on one daemon, one after the other */
        bool is_unlearned;        /* daemons don't know yet what they will be refused */
        enum sim_cache cache;
        uint64_t gap_us, deadline_us, seed;
        const size_t *prompt;     /* NULL: all in turn; otherwise this one */
        const char *tape;         /* absolute path; exchanges are recorded there, or answered from there; NULL: neither */
        bool plays_tape;
};

struct sim_spread {
        double p50, p95, p99;
};

struct sim_result {
        struct sim_sample *samples;
        size_t n;
        struct sim_totals totals;

        /* of one run */
        struct sim_spread time_ms, step_ms[RF_STEP_COUNT];
        double calls, hit_percent, refused, timeouts, retries, wasted, errors, error_percent, timeout_percent;
        double failed_percent; /* runs without a playlist */
        double enough_percent; /* runs with at least the minimum number of tracks */
        double tracks, passes, ndcg, cohesion, coherence, diversity, arc_fit;
        double limiter_ms, batch_pauses_ms, artist_pauses_ms, analysis_ms; /* waits, by their causes */
        double requests[RF_OP_COUNT]; /* by what they were for */
        struct sim_provider_share {
                const char *name; /* static; NULL: none */
                double calls, timeout_percent, error_percent;
        } to[SIM_PROVIDERS_MAX]; /* of each provider's calls */
        double bound_ms, bound_ratio; /* means of the bound, and of the time over it */
        double services_bound_ms, services_bound_ratio; /* with the services' limits alone */
        double limits_percent;        /* of what the limits allow in the time taken */
        double cpu_ms, active_kib, waiting_kib, coroutines;
};

/* Run `i` has the same prompt and the same weather in every experiment of a plan. */
int sim_experiment_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_plan *plan,
                       struct rf_optimizations optimizations, struct sim_result *ret, char *message, size_t size);
/* The prompt of the first run. -ENOMEM. */
int sim_plan_first_prompt(const struct sim_stage *stage, const struct sim_plan *plan, size_t *ret);
void sim_result_done(struct sim_result *r);

enum sim_quality { SIM_QUALITY_NDCG, SIM_QUALITY_COHESION, SIM_QUALITY_COHERENCE, SIM_QUALITY_DIVERSITY, SIM_QUALITY_ARC_FIT,
                   SIM_QUALITY_COUNT };

/* How much better `b` is than `a`, run by run; runs of the same prompt count as one subject. */
int sim_result_difference(const struct sim_result *a, const struct sim_result *b, enum sim_quality q, size_t n_prompts, uint64_t seed,
                          struct sim_interval *ret);
