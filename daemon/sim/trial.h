/* A crowd on one simulated daemon: so many runs at once, or one after the other, in virtual time. */
#pragma once

#include "sim/house.h"
#include "sim/memory.h"
#include "sim/sample.h"

enum sim_cache { SIM_CACHE_COLD, SIM_CACHE_WARM, SIM_CACHE_REPEAT };

struct sim_trial {
        const struct sim_stage *stage;
        struct sim_setup *setup;
        struct rf_optimizations optimizations;
        const struct sim_refusals *refusals; /* NULL: nothing is known */
        enum sim_cache cache;                /* what the daemon has seen before */
        uint64_t gap_us;                     /* between that and the runs that count */
        uint64_t deadline_us;                /* of each run; 0: none */
        uint64_t seed;                       /* of the weather and of the runs */
        const size_t *prompts;               /* numbers of the stage's prompts, one a run */
        size_t n;
        bool is_sequence;                    /* one after the other; otherwise all are asked for at once, and what exceeds
                                                runs.active_max waits */
};

struct sim_totals {
        uint64_t attempts, refused, violations;
        uint64_t paused_us[RF_PAUSE_COUNT], limited_us; /* that the old policy spent on pauses, and on its limiter */
        uint64_t taken_us, least_us; /* from the first run's start to the last one's end; and the least that the busiest limit allows */
        double cpu_ms; /* of this process, the simulated services' own work included, the measuring of memory not */
        size_t n_daemons;
        struct sim_memory memory; /* `active_kib` is the sum over the daemons, the others are the most of any */
};

/*
 * `ret_samples` gets one for each run, `ret_totals` is added to. A run at once with others is timed from when it was asked for. Its bound
 * is its chain of calls, or what the services' limits allow, whichever is longer: of the calls of all runs its share and that of the runs
 * before it, in whole windows, the first of which is free. -RF_ECONFIG, -RF_EPLUGIN with a sentence in `message`.
 */
int sim_trial_run(const struct sim_trial *t, struct sim_sample *ret_samples, struct sim_totals *ret_totals, char *message, size_t size);

/* Finds out what a daemon of this setup would be refused, by a few runs that don't count. */
int sim_trial_learn(const struct sim_trial *t, struct sim_refusals *ret, char *message, size_t size);
