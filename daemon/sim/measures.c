#include "sim/measures.h"

#include <stddef.h>
#include <string.h>

#define MEASURE(member, label_, unit_) { #member, label_, unit_, offsetof(struct sim_result, member), SIM_QUALITY_COUNT }
#define QUALITY(member, label_, quality_) { #member, label_, SIM_UNIT_QUALITY, offsetof(struct sim_result, member), quality_ }

const struct sim_measure sim_measures[] = {
        MEASURE(limiter_ms, "waits: old limiter", SIM_UNIT_MS),
        MEASURE(batch_pauses_ms, "waits: batches", SIM_UNIT_MS),
        MEASURE(artist_pauses_ms, "waits: artists", SIM_UNIT_MS),
        MEASURE(analysis_ms, "waits: language model", SIM_UNIT_MS),
        MEASURE(calls, "calls", SIM_UNIT_NUMBER),
        MEASURE(hit_percent, "cache hits", SIM_UNIT_PERCENT),
        MEASURE(refused, "429s caused", SIM_UNIT_NUMBER),
        MEASURE(timeouts, "timeouts", SIM_UNIT_NUMBER),
        MEASURE(retries, "retries", SIM_UNIT_NUMBER),
        MEASURE(wasted, "wasted calls", SIM_UNIT_NUMBER),
        MEASURE(errors, "errors", SIM_UNIT_NUMBER),
        MEASURE(error_percent, "errors of calls", SIM_UNIT_PERCENT),
        MEASURE(failed_percent, "failed runs", SIM_UNIT_PERCENT),
        MEASURE(enough_percent, "enough tracks", SIM_UNIT_PERCENT),
        MEASURE(tracks, "tracks", SIM_UNIT_NUMBER),
        MEASURE(passes, "passes", SIM_UNIT_NUMBER),
        QUALITY(ndcg, "nDCG@20", SIM_QUALITY_NDCG),
        QUALITY(cohesion, "cohesion", SIM_QUALITY_COHESION),
        QUALITY(coherence, "coherence", SIM_QUALITY_COHERENCE),
        QUALITY(diversity, "diversity", SIM_QUALITY_DIVERSITY),
        QUALITY(arc_fit, "arc fit", SIM_QUALITY_ARC_FIT),
        MEASURE(bound_ms, "bound", SIM_UNIT_MS),
        MEASURE(bound_ratio, "time over bound", SIM_UNIT_NUMBER),
        MEASURE(services_bound_ms, "services' bound", SIM_UNIT_MS),
        MEASURE(services_bound_ratio, "time over that", SIM_UNIT_NUMBER),
        MEASURE(limits_percent, "limits used", SIM_UNIT_PERCENT),
        MEASURE(cpu_ms, "CPU", SIM_UNIT_CPU),
        MEASURE(active_kib, "heap, active run", SIM_UNIT_KIB),
        MEASURE(waiting_kib, "heap, waiting run", SIM_UNIT_KIB),
        MEASURE(coroutines, "coroutines", SIM_UNIT_NUMBER),
};
const size_t sim_n_measures = sizeof(sim_measures) / sizeof(sim_measures[0]);

double sim_measure_of(const struct sim_measure *m, const struct sim_result *r)
{
        double v;

        memcpy(&v, (const char *)r + m->offset, sizeof(v));
        return v;
}
