/* What one run did. */
#pragma once

#include "flow/flow.h"
#include "sim/bound.h"
#include "sim/models.h"
#include "sim/stage.h"

struct sim_sample {
        size_t prompt;
        int error; /* of the run; 0: it gave a playlist */
        uint64_t total_us, step_us[RF_STEP_COUNT];
        uint32_t answers;   /* of services, that the run got */
        uint32_t hits, misses, coalesced;
        uint32_t timeouts, retries, errors; /* of its calls */
        uint32_t requests[RF_OP_COUNT];     /* to services, by what they were for */
        uint64_t analysis_us;               /* waited for a language model */
        struct sim_calls_to {
                const char *provider; /* as sim_models name it; NULL: none */
                uint32_t calls, timeouts, errors; /* that the cache didn't answer */
        } to[SIM_PROVIDERS_MAX];

        struct sim_call *calls; /* those that gave the run an answer, until its bound is reckoned */
        size_t n_calls, capacity;
        double ndcg;        /* below 0: unknown; of a run that failed 0 */
        double cohesion, coherence, diversity, arc_fit;
        uint32_t n_tracks, passes;
        bool has_enough;    /* at least the minimum number of tracks */
        uint64_t bound_us;  /* below which no policy could come: sim_trial_run() says how it is reckoned */
        uint64_t services_bound_us; /* the same with the services' limits alone */
};

int sim_sample_call(struct sim_sample *s, const struct rf_call_record *record); /* -ENOMEM */
void sim_sample_playlist(struct sim_sample *s, const struct sim_stage *stage, const struct rf_playlist *p);

/* Reckons its bounds and lets go of the calls; the first `n_services` allowances are the services' own. -ENOMEM. */
int sim_sample_bound(struct sim_sample *s, const struct sim_allowance *allowances, size_t n, size_t n_services);
void sim_sample_done(struct sim_sample *s);
