#include "flow/evaluate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/cohesion.h"

/* Shares of the overall quality (docs/workflow.md, "Overall quality"). */
#define QUALITY_COHESION .40f
#define QUALITY_COVERAGE .25f
#define QUALITY_CONFIDENCE .20f
#define QUALITY_VARIETY .15f
#define VARIETY_FULL .6f /* unique artists per track that count as full variety */

/* Shares of a candidate's score: what it sounds like first. A named genre weighs more than one that a mood implies. */
struct shares {
        float fit, genre, confidence, popularity, era;
};
static const struct shares SHARES_MOOD = { .fit = .66f, .genre = .12f, .confidence = .10f, .popularity = .06f, .era = .06f };
static const struct shares SHARES_NAMED = { .fit = .54f, .genre = .24f, .confidence = .10f, .popularity = .06f, .era = .06f };

#define GENRE_UNKNOWN .35f       /* a track whose genre nobody told */
#define GENRE_PULL .25f           /* of the way from the wish to the genre's own middle */
#define GENRE_TRACKS_MIN 5u      /* fewer don't tell what a genre sounds like */
#define POPULARITY_UNKNOWN 50.f
#define POPULARITY_USUAL 60.f    /* what most people like best to hear: known, not worn out */
#define ERA_SOFT_YEARS 15.f      /* so far outside a soft era nothing of it is left */
#define UNKNOWN_SOUND .9f
#define EXPLICIT_UNKNOWN .10f    /* taken off where only clean tracks are wished and a track doesn't tell */

static bool has_named_genre(const struct rf_brief *b)
{
        for (size_t i = 0; i < b->n_genres; i++)
                if (b->genres[i].is_named)
                        return true;
        return false;
}

static float popularity_score(const struct rf_brief *b, const struct rf_candidate *c)
{
        float p = c->track.popularity >= 0 ? (float)c->track.popularity : POPULARITY_UNKNOWN;

        if (b->wants_obscure)
                return 1.f - p / 100.f;
        if (b->wants_popular)
                return p / 100.f;
        return 1.f - fabsf(p - POPULARITY_USUAL) / 100.f;
}

static float era_score(const struct rf_brief *b, const struct rf_candidate *c)
{
        float year = (float)c->track.release_year, outside = 0.f;

        if (b->year_from == 0 && b->year_to == 0)
                return 1.f;
        if (c->track.release_year == 0)
                return .5f;
        if (b->year_from && year < (float)b->year_from)
                outside = (float)b->year_from - year;
        else if (b->year_to && year > (float)b->year_to)
                outside = year - (float)b->year_to;
        return MAX(0.f, 1.f - outside / ERA_SOFT_YEARS);
}

/* Whether any service told how it sounds. */
static bool has_sound(const struct rf_candidate *c)
{
        return c->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY);
}

/* A track that nobody knows the sound of fits as well as what else its generator found; a little less, since it's a risk. */
static void guess_fits(struct rf_pool *pool)
{
        float sum[RF_SOURCE_COUNT] = { 0 }, n[RF_SOURCE_COUNT] = { 0 };

        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *c = rf_pool_at(pool, i);

                if (has_sound(c) && (c->drop == RF_DROP_NONE || c->drop == RF_DROP_CLASH)) {
                        sum[c->source] += c->fit;
                        n[c->source] += 1.f;
                }
        }
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                struct rf_candidate *c = rf_pool_at(pool, i);

                if (!has_sound(c) && n[c->source] > 0.f)
                        c->fit = sum[c->source] / n[c->source] * UNKNOWN_SOUND;
        }
}

static void set_score(struct rf_candidate *c, const struct rf_brief *b, const struct shares *s)
{
        float genre = MAX(c->genre_weight, GENRE_UNKNOWN);

        c->score = s->fit * c->fit + s->genre * genre + s->confidence * c->confidence +
                   s->popularity * popularity_score(b, c) + s->era * era_score(b, c);
        if (b->explicit_allowed == 0 && c->track.is_explicit < 0)
                c->score -= EXPLICIT_UNKNOWN;
}

/* Of the wished genre for sure: found by searching a named one. */
static bool stands_for_genre(const struct rf_brief *b, const struct rf_candidate *c)
{
        if (c->via != RF_VIA_GENRE || !c->via_name)
                return false;
        for (size_t i = 0; i < b->n_genres; i++)
                if (b->genres[i].is_named && strcmp(b->genres[i].name, c->via_name) == 0)
                        return true;
        return false;
}

void rf_evaluate_tune(const struct rf_pool *pool, const struct rf_brief *b, struct rf_brief *tuned)
{
        float sum[RF_FEATURE_COUNT] = { 0 };
        unsigned n[RF_FEATURE_COUNT] = { 0 };

        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *c = rf_pool_at(pool, i);

                if (!stands_for_genre(b, c))
                        continue;
                for (unsigned f = 0; f < RF_FEATURE_COUNT; f++)
                        if (c->track.features.has & RF_FEATURE_BIT(f)) {
                                sum[f] += c->track.features.value[f];
                                n[f]++;
                        }
        }
        for (unsigned f = 0; f < RF_FEATURE_COUNT; f++) {
                const struct rf_target *t = &b->targets[f];
                float shift;

                if (!t->is_set || t->is_hard || n[f] < GENRE_TRACKS_MIN || f == RF_FEATURE_KEY || f == RF_FEATURE_MODE)
                        continue;
                shift = GENRE_PULL * (sum[f] / (float)n[f] - (t->low + t->high) / 2.f);
                tuned->targets[f].low = t->low + shift;
                tuned->targets[f].high = t->high + shift;
        }
}

struct known {
        uint64_t artist;
        size_t candidate;
};

static int by_artist(const void *pa, const void *pb)
{
        const struct known *a = pa, *b = pb;

        if (a->artist != b->artist)
                return a->artist < b->artist ? -1 : 1;
        return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

/* What is known of one track's genre holds for its artist's others, a little less. */
static int spread_genres(struct rf_pool *pool)
{
        size_t n = rf_pool_size(pool);
        _cleanup_free_ struct known *sorted = calloc(n + 1, sizeof(*sorted));

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                sorted[i] = (struct known){ rf_pool_at(pool, i)->artist_key, i };
        qsort(sorted, n, sizeof(*sorted), by_artist);
        for (size_t from = 0, to; from < n; from = to) {
                float most = 0.f;

                for (to = from; to < n && sorted[to].artist == sorted[from].artist; to++)
                        most = MAX(most, rf_pool_at(pool, sorted[to].candidate)->genre_weight);
                for (size_t i = from; i < to && sorted[from].artist != 0; i++) {
                        struct rf_candidate *c = rf_pool_at(pool, sorted[i].candidate);

                        c->genre_weight = MAX(c->genre_weight, most * .9f);
                }
        }
        return 0;
}

int rf_evaluate_pool(struct rf_pool *pool, const struct rf_brief *b, const struct rf_brief *tuned)
{
        const struct shares *shares = has_named_genre(b) ? &SHARES_NAMED : &SHARES_MOOD;
        int r = spread_genres(pool);

        if (r < 0)
                return r;
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                struct rf_candidate *c = rf_pool_at(pool, i);

                if (c->drop != RF_DROP_NONE)
                        continue;
                c->cohesion = rf_cohesion(b, &c->track.features);
                c->fit = rf_fit(tuned, &c->track.features);
                if (!c->is_protected && rf_clashes(b, &c->track.features, NULL))
                        c->drop = RF_DROP_CLASH;
        }
        guess_fits(pool);
        for (size_t i = 0; i < rf_pool_size(pool); i++)
                set_score(rf_pool_at(pool, i), b, shares);
        return 0;
}

static int by_value(const void *pa, const void *pb)
{
        uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

        return a < b ? -1 : a > b;
}

static size_t unique_artists(const struct rf_pool *pool, const struct rf_choice *c)
{
        _cleanup_free_ uint64_t *keys = calloc(c->n + 1, sizeof(*keys));
        size_t unique = 0;

        if (!keys)
                return 0;
        for (size_t i = 0; i < c->n; i++)
                keys[i] = rf_pool_at(pool, c->tracks[i])->artist_key;
        qsort(keys, c->n, sizeof(*keys), by_value);
        for (size_t i = 0; i < c->n; i++)
                unique += i == 0 || keys[i] != keys[i - 1];
        return unique;
}

struct rf_evaluation rf_evaluate_choice(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c)
{
        struct rf_evaluation e = { 0 };
        float target = (float)MAX(b->n_tracks, 1u), n = (float)c->n;

        if (c->n == 0)
                return e;
        for (size_t i = 0; i < c->n; i++) {
                const struct rf_candidate *t = rf_pool_at(pool, c->tracks[i]);

                e.cohesion += t->cohesion / n;
                e.confidence += t->confidence / n;
                e.outliers += t->cohesion < RF_COHESION_OUTLIER;
                e.fit += t->fit / n;
        }
        if (b->duration_s > 0 && b->n_tracks_origin == RF_FROM_DEFAULT)
                e.coverage = MIN((float)c->duration_ms / ((float)b->duration_s * 1000.f), 1.f);
        else
                e.coverage = MIN(n / target, 1.f);
        e.variety = MIN((float)unique_artists(pool, c) / n / VARIETY_FULL, 1.f);
        e.overall = QUALITY_COHESION * e.cohesion + QUALITY_COVERAGE * e.coverage + QUALITY_CONFIDENCE * e.confidence +
                    QUALITY_VARIETY * e.variety;
        e.passes = e.overall >= b->quality_threshold && c->n >= b->n_tracks_min && e.outliers * 3 <= c->n;
        if (b->duration_s > 0)
                e.passes = e.passes || (e.overall >= b->quality_threshold && e.outliers * 3 <= c->n &&
                                        rf_constraints_duration_kept(b, c->duration_ms));
        return e;
}
