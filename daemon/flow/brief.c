#include "flow/brief.h"

#include <errno.h>
#include <string.h>

struct rf_brief *rf_brief_new(void)
{
        return calloc(1, sizeof(struct rf_brief));
}

struct rf_brief *rf_brief_free(struct rf_brief *b)
{
        if (!b)
                return NULL;
        rf_arena_done(&b->arena);
        free(b);
        return NULL;
}

const char *rf_brief_kind_name(enum rf_brief_kind kind)
{
        static const char *const names[] = { "mood_variety", "genre_exploration", "artist_focus", "specific_track_similar" };

        return names[kind];
}

static const char *const arcs[] = { "steady", "build", "peak", "wind_down" };

const char *rf_arc_name(enum rf_arc arc)
{
        return arcs[arc];
}

int rf_arc_from_name(const char *name, enum rf_arc *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(arcs); i++)
                if (strcmp(arcs[i], name) == 0 || (i == RF_ARC_WIND_DOWN && strcmp(name, "wind-down") == 0)) {
                        *ret = (enum rf_arc)i;
                        return 0;
                }
        return -EINVAL;
}

const char *rf_term_kind_name(enum rf_term_kind kind)
{
        static const char *const names[RF_TERM_KINDS] = {
                "mood",       "activity", "weather", "time",   "place", "genre",    "era",      "language", "region", "tempo", "energy",
                "instrument", "vocals",   "popularity", "artist", "track", "count", "duration", "explicit", "arc",
        };

        return names[kind];
}

const char *rf_feature_name(enum rf_feature feature)
{
        static const char *const names[RF_FEATURE_COUNT] = {
                "acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness",
                "valence",      "key",          "mode",   "loudness",         "tempo",    "popularity",
        };

        return names[feature];
}
