#include "flow/reason.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flow/cohesion.h"

/* What people call the features in which tracks can be close. */
static const struct {
        enum rf_feature feature;
        const char *name;
} ASPECTS[] = {
        { RF_FEATURE_ENERGY, "energy" },
        { RF_FEATURE_VALENCE, "mood" },
        { RF_FEATURE_TEMPO, "tempo" },
        { RF_FEATURE_ACOUSTICNESS, "acoustic sound" },
        { RF_FEATURE_DANCEABILITY, "rhythm" },
        { RF_FEATURE_INSTRUMENTALNESS, "instrumental sound" },
};

static void add(char *buf, size_t size, const char *format, ...) _printf_(3, 4);
static void add(char *buf, size_t size, const char *format, ...)
{
        size_t n = strlen(buf);
        va_list ap;

        va_start(ap, format);
        vsnprintf(buf + n, size - n, format, ap);
        va_end(ap);
}

/* The two features in which two tracks are closest, "energy and mood". */
static bool closest(const struct rf_features *a, const struct rf_features *b, char *buf, size_t size)
{
        int first = -1, second = -1;
        float d1 = 1.f, d2 = 1.f;

        for (size_t i = 0; i < ARRAY_SIZE(ASPECTS); i++) {
                enum rf_feature f = ASPECTS[i].feature;
                float d;

                if (!(a->has & b->has & RF_FEATURE_BIT(f)))
                        continue;
                d = fabsf(a->value[f] - b->value[f]) / rf_feature_tolerance(f);
                if (d < d1) {
                        second = first;
                        d2 = d1;
                        first = (int)i;
                        d1 = d;
                } else if (d < d2) {
                        second = (int)i;
                        d2 = d;
                }
        }
        if (first < 0)
                return false;
        snprintf(buf, size, "%s%s%s", ASPECTS[first].name, second >= 0 ? " and " : "", second >= 0 ? ASPECTS[second].name : "");
        return true;
}

static const char *first_artist(const struct rf_candidate *c)
{
        return c->track.n_artists > 0 && c->track.artists[0].name ? c->track.artists[0].name : "an unnamed artist";
}

static void add_origin(const struct rf_pool *pool, const struct rf_candidate *c, char *buf, size_t size)
{
        char aspects[64];

        switch (c->via) {
        case RF_VIA_MENTION:
                if (c->is_protected)
                        add(buf, size, "named in the wish");
                else
                        add(buf, size, "by %s, named in the wish", first_artist(c));
                return;
        case RF_VIA_ARTIST:
                add(buf, size, "by %s, an artist of the wished kind", first_artist(c));
                return;
        case RF_VIA_GENRE:
                add(buf, size, "%s", c->via_name ? c->via_name : "of the wished genre");
                return;
        case RF_VIA_SEED:
                if (closest(&c->track.features, &rf_pool_at(pool, c->via_seed)->track.features, aspects, sizeof(aspects)))
                        add(buf, size, "close to \"%s\" in %s", c->via_name, aspects);
                else
                        add(buf, size, "recommended with \"%s\"", c->via_name);
                return;
        case RF_VIA_USER:
                add(buf, size, "among your own favourites");
                return;
        case RF_VIA_TEXT:
                add(buf, size, "found by the words of the wish");
                return;
        }
}

/* The wished features that the track meets best, in figures. */
static void add_facts(const struct rf_candidate *c, const struct rf_brief *b, char *buf, size_t size)
{
        const struct rf_features *f = &c->track.features;
        const char *separator = "; ";
        unsigned named = 0;

        if (!(f->has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY))) {
                add(buf, size, "; its sound isn't known to any service");
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(ASPECTS) && named < 2; i++) {
                enum rf_feature a = ASPECTS[i].feature;

                if (a == RF_FEATURE_TEMPO || !b->targets[a].is_set || !(f->has & RF_FEATURE_BIT(a)) ||
                    rf_target_distance(&b->targets[a], a, f->value[a]) > 0.f)
                        continue;
                add(buf, size, "%s%s %.2f", separator, ASPECTS[i].name, (double)f->value[a]);
                separator = ", ";
                named++;
        }
        if (f->has & RF_FEATURE_BIT(RF_FEATURE_TEMPO))
                add(buf, size, "%s%.0f bpm", separator, (double)f->value[RF_FEATURE_TEMPO]);
}

const char *rf_reason_of(const struct rf_pool *pool, const struct rf_candidate *c, const struct rf_brief *b, struct rf_arena *arena)
{
        char buf[768] = "";

        add_origin(pool, c, buf, sizeof(buf));
        add_facts(c, b, buf, sizeof(buf));
        return rf_arena_strdup(arena, buf);
}
