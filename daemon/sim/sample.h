/* What one run did. */
#pragma once

#include "flow/flow.h"
#include "sim/stage.h"

struct sim_sample {
        size_t prompt;
        int error; /* of the run; 0: it gave a playlist */
        uint64_t total_us, step_us[RF_STEP_COUNT];
        uint32_t answers;   /* of services, that the run got */
        uint32_t hits, misses, coalesced;
        uint32_t timeouts, retries, errors; /* of its calls */
        uint64_t longest_us[RF_OP_COUNT];   /* the longest call of an operation that gave the run an answer */
        double ndcg;        /* below 0: unknown; of a run that failed 0 */
        double cohesion, coherence, diversity, arc_fit;
        uint32_t n_tracks, passes;
        uint64_t bound_us;  /* below which no policy could come: sim_trial_run() says how it is reckoned */
};

void sim_sample_call(struct sim_sample *s, const struct rf_call_record *record);
void sim_sample_playlist(struct sim_sample *s, const struct sim_stage *stage, const struct rf_playlist *p);

/*
 * The longest chain of calls that need each other's answers: below it no policy could come. Approximated by the longest call, of those that
 * were answered, of each stage: analysis; searches and the listener's own tracks; artists' top tracks and albums; albums' tracks;
 * recommendations; details and features.
 */
uint64_t sim_sample_chain_us(const struct sim_sample *s);
