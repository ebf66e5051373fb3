/*
 * What makes a run fast, each a switch. On is how recflow works; off brings back the policy of the service that it replaces, so that
 * a pair of runs measures one optimisation. Every switch is read in one room: those of calls in upstream/, prewarm in warm/, the others in flow/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Symbol, name, phase, what is done when it is on, and when it is off; in the order of the phases in which they came about. */
#define RF_OPTIMIZATION_LIST(X) \
        X(ARTIST_PREFETCH, "artist-prefetch", "0.1", "Top tracks are fetched ahead, during seed gathering.", \
          "Top tracks are fetched when an artist is processed.") \
        X(LONG_ARTIST_TTL, "long-artist-ttl", "0.1", \
          "Artists' top tracks are cached as long as the provider declares, 2 h or more.", \
          "Artists' top tracks are cached for 30 min.") \
        X(PARALLEL_ARTISTS, "parallel-artists", "0.2", "All artists are processed at once, bounded.", \
          "One artist after another, with a pause of 0.1 s each.") \
        X(LONG_RECCOBEAT_TIMEOUT, "long-reccobeat-timeout", "1.1", \
          "Recommendations, details and features may take as long as the provider declares, 60 s.", \
          "No call may take longer than 30 s.") \
        X(NO_STAGGER, "no-stagger", "2.1", "Chunks of seeds start at once.", "Chunk i starts 0.2 s times i late.") \
        X(CHUNK_CONCURRENCY, "chunk-concurrency", "2.2", "6 chunks of seeds at once.", "3 chunks of seeds at once.") \
        X(BATCH_DETAILS, "batch-details", "2.3", "Batches of track details are fetched at once, bounded.", \
          "One batch of track details after another.") \
        X(SKIP_KNOWN_DETAILS, "skip-known-details", "2.4", "Details are fetched only for tracks whose duration isn't known.", \
          "Details are always fetched.") \
        X(PARALLEL_ENRICHMENT, "parallel-enrichment", "3.1", "Details and features are fetched at once.", \
          "Details are fetched, then features.") \
        X(PREFETCH_DETAILS, "prefetch-details", "3.2", "Details of known seeds are fetched while recommendations are awaited.", \
          "Details of known seeds are fetched when needed.") \
        X(OVERLAP_DISCOVERY, "overlap-discovery", "3.3", "Artist discovery overlaps seed gathering.", \
          "Artist discovery follows seed gathering.") \
        X(LONG_DETAILS_TTL, "long-details-ttl", "4.1", \
          "Track details are cached as long as the provider declares, 2 h or more.", \
          "Track details are cached for 30 min.") \
        X(CHUNK_CACHE, "chunk-cache", "4.2", "The whole result of a chunk of seeds is cached as long as the provider declares, 15 min or more.", \
          "Only single answers are cached.") \
        X(PREWARM, "prewarm", "4.3", "What is asked for again and again, and what is named, is kept warm by a timer.", \
          "Nothing is kept warm.") \
        X(SMALL_CHUNKS, "small-chunks", "5.1", "15 recommendations per chunk of seeds, in more of the chunks.", \
          "20 recommendations per chunk of seeds.") \
        X(CANCEL_SLOW, "cancel-slow", "5.2", "A slow call is cancelled at its share of the deadline.", \
          "A slow call is waited for until its full timeout, or the deadline.") \
        X(CIRCUIT_BREAKER, "circuit-breaker", "5.3", "A service that fails again and again is left alone for a while.", \
          "A service that fails is asked on and on.") \
        X(SKIP_ORDERING, "skip-ordering", "6.1", "Ordering is skipped when the order already meets the criteria.", \
          "The playlist is always ordered.") \
        X(EARLY_EXIT, "early-exit", "6.2", "Generation stops once there are enough good tracks.", \
          "Everything is generated, then filtered.") \
        X(PACED_LIMITER, "paced-limiter", "ours", "Calls are paced smoothly, per provider and credential.", \
          "60 calls per calendar minute and tool, then a sleep of 60 s from the oldest call.") \
        X(BATCH_FEATURES, "batch-features", "ours", "Features of as many tracks a call as the endpoint takes.", \
          "Features of one track a call, 5 at a time, with 1.2 s between.") \
        X(COALESCE, "coalesce", "ours", "Equal calls in flight are one call.", "Each caller calls.") \
        X(REUSE_PASSES, "reuse-passes", "ours", "A further pass uses what is known.", \
          "A further pass fetches everything again.") \
        X(STALE_SERVING, "stale-serving", "ours", "Old answers are served while they are fetched anew, and when that fails.", \
          "Old answers count as missing.") \
        X(LOCAL_ANALYSIS, "local-analysis", "ours", "Intent, mood, choice and scoring are computed here, in microseconds.", \
          "Intent, mood, choice and scoring take the time of a language model.")

enum rf_optimization {
#define SYMBOL(symbol, name, phase, on, off) RF_OPT_##symbol,
        RF_OPTIMIZATION_LIST(SYMBOL)
#undef SYMBOL
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
