#include "flow/brief.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

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

bool rf_brief_excludes_year(const struct rf_brief *b, unsigned year)
{
        for (size_t i = 0; i < b->n_excluded_years; i++)
                if (year >= b->excluded_years[i].from && (b->excluded_years[i].to == 0 || year <= b->excluded_years[i].to))
                        return true;
        return false;
}

const char *rf_years_words(const struct rf_years *y, char *buf, size_t size)
{
        if (y->to == 0)
                snprintf(buf, size, "since %u", y->from);
        else if (y->from == 0)
                snprintf(buf, size, "until %u", y->to);
        else
                snprintf(buf, size, "%u to %u", y->from, y->to);
        return buf;
}

void rf_brief_leave_out(struct rf_brief *b, const char *wish, const char *why, const char *relaxation)
{
        bool is_last = b->n_left_out >= RF_LEFT_OUT_MAX - 1;
        struct rf_left_out l = { .wish = rf_arena_strdup(&b->arena, is_last ? "more" : wish), .why = rf_arena_strdup(&b->arena, why) };

        if (!l.wish || !l.why)
                return;
        if (relaxation && !is_last)
                l.relaxation = rf_arena_strdup(&b->arena, relaxation);
        b->left_out[is_last ? RF_LEFT_OUT_MAX - 1 : b->n_left_out] = l;
        b->n_left_out = MIN(b->n_left_out + 1, (size_t)RF_LEFT_OUT_MAX);
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
