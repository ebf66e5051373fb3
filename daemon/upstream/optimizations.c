#include "upstream/optimizations.h"

#include <errno.h>
#include <string.h>

const struct rf_optimization_info rf_optimization_infos[RF_OPT_COUNT] = {
        [RF_OPT_ARTIST_PREFETCH] = { "artist-prefetch", "0.1", "Top tracks are fetched ahead, during seed gathering.",
                "Top tracks are fetched when an artist is processed." },
        [RF_OPT_LONG_ARTIST_TTL] = { "long-artist-ttl", "0.1", "Artists' top tracks are cached as long as the provider declares, 2 h or more.",
                "Artists' top tracks are cached for 30 min." },
        [RF_OPT_PARALLEL_ARTISTS] = { "parallel-artists", "0.2", "All artists are processed at once, bounded.",
                "One artist after another, with a pause of 0.1 s each." },
        [RF_OPT_LONG_RECCOBEAT_TIMEOUT] = { "long-reccobeat-timeout", "1.1",
                "Recommendations, details and features may take as long as the provider declares, 60 s.", "No call may take longer than 30 s." },
        [RF_OPT_NO_STAGGER] = { "no-stagger", "2.1", "Chunks of seeds start at once.", "Chunk i starts 0.2 s times i late." },
        [RF_OPT_CHUNK_CONCURRENCY] = { "chunk-concurrency", "2.2", "6 chunks of seeds at once.", "3 chunks of seeds at once." },
        [RF_OPT_BATCH_DETAILS] = { "batch-details", "2.3", "Batches of track details are fetched at once, bounded.",
                "One batch of track details after another." },
        [RF_OPT_SKIP_KNOWN_DETAILS] = { "skip-known-details", "2.4", "Details are fetched only for tracks whose duration isn't known.",
                "Details are always fetched." },
        [RF_OPT_PARALLEL_ENRICHMENT] = { "parallel-enrichment", "3.1", "Details and features are fetched at once.",
                "Details are fetched, then features." },
        [RF_OPT_PREFETCH_DETAILS] = { "prefetch-details", "3.2",
                "Details of known seeds are fetched while recommendations are awaited.", "Details of known seeds are fetched when needed." },
        [RF_OPT_OVERLAP_DISCOVERY] = { "overlap-discovery", "3.3", "Artist discovery overlaps seed gathering.",
                "Artist discovery follows seed gathering." },
        [RF_OPT_LONG_DETAILS_TTL] = { "long-details-ttl", "4.1", "Track details are cached as long as the provider declares, 2 h or more.",
                "Track details are cached for 30 min." },
        [RF_OPT_CHUNK_CACHE] = { "chunk-cache", "4.2", "The whole result of a chunk of seeds is cached for 15 min.",
                "Only single answers are cached." },
        [RF_OPT_PREWARM] = { "prewarm", "4.3", "Common seeds and moods are kept warm by a timer.", "-" },
        [RF_OPT_SMALL_CHUNKS] = { "small-chunks", "5.1", "10 to 15 recommendations per chunk of seeds, in twice the chunks.",
                "20 recommendations per chunk of seeds." },
        [RF_OPT_CANCEL_SLOW] = { "cancel-slow", "5.2", "A slow call is cancelled at its share of the deadline.",
                "A slow call is waited for until its full timeout." },
        [RF_OPT_CIRCUIT_BREAKER] = { "circuit-breaker", "5.3", "A service that fails again and again is left alone for a while.", "-" },
        [RF_OPT_SKIP_ORDERING] = { "skip-ordering", "6.1", "Ordering is skipped when the order already meets the criteria.",
                "The playlist is always ordered." },
        [RF_OPT_EARLY_EXIT] = { "early-exit", "6.2", "Generation stops once there are enough good tracks.",
                "Everything is generated, then filtered." },
        [RF_OPT_PACED_LIMITER] = { "paced-limiter", "ours", "Calls are paced smoothly, per provider and credential.",
                "60 calls per calendar minute and tool, then a sleep of 60 s from the oldest call." },
        [RF_OPT_BATCH_FEATURES] = { "batch-features", "ours", "Features of as many tracks a call as the endpoint takes.",
                "Features of one track a call, 5 at a time, with 1.2 s between." },
        [RF_OPT_COALESCE] = { "coalesce", "ours", "Equal calls in flight are one call.", "Each caller calls." },
        [RF_OPT_REUSE_PASSES] = { "reuse-passes", "ours", "A further pass uses what is known.", "A further pass fetches everything again." },
        [RF_OPT_STALE_SERVING] = { "stale-serving", "ours",
                "Old answers are served while they are fetched anew, and when that fails.", "-" },
        [RF_OPT_LOCAL_ANALYSIS] = { "local-analysis", "ours", "Intent, mood, choice and scoring are computed here, in microseconds.",
                "Intent, mood, choice and scoring take the time of a language model." },
};

int rf_optimization_find(const char *name)
{
        for (int i = 0; i < RF_OPT_COUNT; i++)
                if (strcmp(rf_optimization_infos[i].name, name) == 0)
                        return i;
        return -1;
}

void rf_optimizations_set(struct rf_optimizations *set, enum rf_optimization o, bool is_on)
{
        const uint64_t bit = (uint64_t)1 << o;

        set->on = is_on ? set->on | bit : set->on & ~bit;
}

struct rf_optimizations rf_optimizations_baseline(void)
{
        return (struct rf_optimizations){ 0 };
}

struct rf_optimizations rf_optimizations_full(void)
{
        return (struct rf_optimizations){ .on = ((uint64_t)1 << RF_OPT_COUNT) - 1 };
}

int rf_optimizations_profile(const char *name, struct rf_optimizations *ret)
{
        if (strcmp(name, "full") == 0)
                *ret = rf_optimizations_full();
        else if (strcmp(name, "baseline") == 0)
                *ret = rf_optimizations_baseline();
        else
                return -ENOENT;
        return 0;
}
