#include "flow/playlist.h"

#include <stdlib.h>

static const char *const SOURCES[RF_SOURCE_COUNT] = {
        [RF_SOURCE_USER_ANCHOR] = "user_anchor",
        [RF_SOURCE_ARTIST_DISCOVERY] = "artist_discovery",
        [RF_SOURCE_SEED_BASED] = "seed_based",
};

static const char *const STEPS[RF_STEP_COUNT] = {
        [RF_STEP_UNDERSTAND] = "understand", [RF_STEP_GATHER] = "gather", [RF_STEP_GENERATE] = "generate",
        [RF_STEP_EVALUATE] = "evaluate", [RF_STEP_ORDER] = "order",
};

static const char *const FRESHNESS[] = {
        [RF_FRESH_NEW] = "fresh", [RF_FRESH_CACHED] = "cached", [RF_FRESH_STALE] = "stale",
};

struct rf_playlist *rf_playlist_free(struct rf_playlist *p)
{
        if (!p)
                return NULL;
        rf_brief_free((struct rf_brief *)p->brief);
        rf_arena_done(&p->arena);
        free(p);
        return NULL;
}

const char *rf_source_name(enum rf_source s)
{
        return (size_t)s < ARRAY_SIZE(SOURCES) ? SOURCES[s] : "unknown";
}

const char *rf_step_name(enum rf_step s)
{
        return (size_t)s < ARRAY_SIZE(STEPS) ? STEPS[s] : "unknown";
}

const char *rf_freshness_name(enum rf_freshness f)
{
        return (size_t)f < ARRAY_SIZE(FRESHNESS) ? FRESHNESS[f] : "unknown";
}
