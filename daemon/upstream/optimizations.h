/*
 * What makes a run fast, each a switch. On is how recflow works; off brings back the policy of the service that it replaces, so that
 * a pair of runs measures one optimisation. Every switch is read in one place: those of calls in upstream/, the others in flow/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* In the order of the phases in which they came about. */
enum rf_optimization {
        RF_OPT_ARTIST_PREFETCH,
        RF_OPT_LONG_ARTIST_TTL,
        RF_OPT_PARALLEL_ARTISTS,
        RF_OPT_LONG_RECCOBEAT_TIMEOUT,
        RF_OPT_NO_STAGGER,
        RF_OPT_CHUNK_CONCURRENCY,
        RF_OPT_BATCH_DETAILS,
        RF_OPT_SKIP_KNOWN_DETAILS,
        RF_OPT_PARALLEL_ENRICHMENT,
        RF_OPT_PREFETCH_DETAILS,
        RF_OPT_OVERLAP_DISCOVERY,
        RF_OPT_LONG_DETAILS_TTL,
        RF_OPT_CHUNK_CACHE,
        RF_OPT_PREWARM,
        RF_OPT_SMALL_CHUNKS,
        RF_OPT_CANCEL_SLOW,
        RF_OPT_CIRCUIT_BREAKER,
        RF_OPT_SKIP_ORDERING,
        RF_OPT_EARLY_EXIT,
        RF_OPT_PACED_LIMITER,
        RF_OPT_BATCH_FEATURES,
        RF_OPT_COALESCE,
        RF_OPT_REUSE_PASSES,
        RF_OPT_STALE_SERVING,
        RF_OPT_LOCAL_ANALYSIS,
        RF_OPT_COUNT
};

struct rf_optimization_info {
        const char *name, *phase;
        const char *on, *off; /* what is done then, for people */
};

extern const struct rf_optimization_info rf_optimization_infos[RF_OPT_COUNT];

/* -1 if there is none. */
int rf_optimization_find(const char *name);

/* The switches that are on: bit N is that of N. */
struct rf_optimizations {
        uint64_t on;
};

static inline bool rf_is_on(const struct rf_optimizations *set, enum rf_optimization o)
{
        return set->on >> o & 1;
}

void rf_optimizations_set(struct rf_optimizations *set, enum rf_optimization o, bool is_on);

/* The old policy throughout, and recflow's. */
struct rf_optimizations rf_optimizations_baseline(void);
struct rf_optimizations rf_optimizations_full(void);
/* By name: "baseline" or "full". -ENOENT. */
int rf_optimizations_profile(const char *name, struct rf_optimizations *ret);
