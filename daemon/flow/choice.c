#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "flow/cohesion.h"
#include "flow/constraints.h"
#include "flow/names.h"

#define SHARE_MENTIONS .40f       /* of the playlist for tracks of mentioned artists, where there are mentions */
#define SHARE_FOCUS .75f          /* where the wish is about them */
#define OTHERS_CAP 2u             /* tracks of an artist that the wish isn't about */
#define FINALISTS_PER_TRACK 6u    /* candidates considered for each place */
#define FINALISTS_MIN 150u
#define EXCHANGES_MAX 400u
#define DURATION_WEIGHT 50.0      /* a duration off by all of itself, against one track's whole score */
#define DURATION_AIM .01          /* exchanges go on until it's this close: better than the promise */
#define SEED_SPAN .10f            /* of a score: so nearly equal are tracks among which the seed decides */

/* One candidate in the running. */
struct finalist {
        const struct rf_candidate *c;
        float score;   /* the candidate's, and what the seed adds */
        size_t track;  /* number in the pool */
        size_t artist; /* class: equal for the same artist */
        size_t song;
        bool is_chosen;
};

struct choosing {
        const struct rf_brief *b;
        struct finalist *f;
        size_t n;          /* finalists, best first */
        size_t *by_artist; /* chosen of each class */
        size_t *by_song;
        size_t chosen, count_min, count_max;
        double duration_ms, wished_ms;
};

void rf_choice_done(struct rf_choice *c)
{
        free(c->tracks);
        *c = (struct rf_choice){ 0 };
}

/* Between 0 and SEED_SPAN. Depends on the recording alone, not on how or when it was found. */
static float drawn(const struct rf_candidate *c, uint64_t seed)
{
        uint64_t names[2] = { c->artist_key, c->title_key }, hash;

        if (seed == 0)
                return 0.f;
        hash = c->track.isrc ? rf_hash(c->track.isrc, strlen(c->track.isrc), seed) : rf_hash(names, sizeof(names), seed);
        return SEED_SPAN * (float)(hash >> 40) * 0x1p-24f;
}

static int by_score(const void *pa, const void *pb)
{
        const struct finalist *a = pa, *b = pb;

        if (a->c->is_protected != b->c->is_protected)
                return a->c->is_protected ? -1 : 1;
        if (a->score != b->score)
                return a->score > b->score ? -1 : 1;
        return rf_candidate_compare(a->c, b->c);
}

struct keyed {
        uint64_t key;
        size_t at;
};

static int by_key(const void *pa, const void *pb)
{
        const struct keyed *a = pa, *b = pb;

        if (a->key != b->key)
                return a->key < b->key ? -1 : 1;
        return a->at < b->at ? -1 : a->at > b->at;
}

/* Numbers finalists by equal keys; an unknown artist or title (0) is a class of its own each. */
static int classify(struct choosing *x)
{
        _cleanup_free_ struct keyed *artists = calloc(x->n + 1, sizeof(*artists)), *songs = calloc(x->n + 1, sizeof(*songs));
        size_t a = 0, s = 0;

        if (!artists || !songs)
                return -ENOMEM;
        for (size_t i = 0; i < x->n; i++) {
                uint64_t both[2] = { x->f[i].c->artist_key, x->f[i].c->song_key };

                artists[i] = (struct keyed){ both[0], i };
                songs[i] = (struct keyed){ both[0] && both[1] ? both[0] * 31 + both[1] : 0, i };
        }
        qsort(artists, x->n, sizeof(*artists), by_key);
        qsort(songs, x->n, sizeof(*songs), by_key);
        for (size_t i = 0; i < x->n; i++) {
                a += i > 0 && (artists[i].key != artists[i - 1].key || artists[i].key == 0);
                s += i > 0 && (songs[i].key != songs[i - 1].key || songs[i].key == 0);
                x->f[artists[i].at].artist = a;
                x->f[songs[i].at].song = s;
        }
        return 0;
}

static bool is_mentioned(const struct rf_candidate *c)
{
        return c->source == RF_SOURCE_USER_ANCHOR;
}

static size_t cap_of(const struct choosing *x, const struct finalist *f)
{
        size_t cap = MAX(x->b->artist_cap, 1u);

        if (x->b->artist_cap_origin == RF_FROM_PROMPT)
                return cap;
        if (f->c->is_protected || (is_mentioned(f->c) && x->b->n_mentions > 0))
                return MAX(cap, (size_t)ceilf(SHARE_MENTIONS * (float)x->b->n_tracks / (float)MAX(x->b->n_mentions, (size_t)1)));
        return x->b->kind == RF_KIND_ARTIST_FOCUS ? MIN(cap, (size_t)OTHERS_CAP) : cap;
}

/* Whether one may come in, once another (may be NULL) has gone. */
static bool may_enter(const struct choosing *x, const struct finalist *in, const struct finalist *out)
{
        size_t artist = x->by_artist[in->artist] - (out && out->artist == in->artist);
        size_t song = x->by_song[in->song] - (out && out->song == in->song);

        return !in->is_chosen && artist < cap_of(x, in) && (song == 0 || x->b->allows_versions);
}

static void set_chosen(struct choosing *x, struct finalist *f, bool is_chosen)
{
        f->is_chosen = is_chosen;
        x->by_artist[f->artist] += is_chosen ? 1 : (size_t)-1;
        x->by_song[f->song] += is_chosen ? 1 : (size_t)-1;
        x->chosen += is_chosen ? 1 : (size_t)-1;
        x->duration_ms += is_chosen ? f->c->track.duration_ms : -(double)f->c->track.duration_ms;
}

static bool is_full(const struct choosing *x)
{
        double mean = x->chosen > 0 ? x->duration_ms / (double)x->chosen : 0.0;

        if (x->chosen >= x->count_max)
                return true;
        /* by duration: full when the next track would rather overshoot */
        return x->wished_ms > 0.0 && x->chosen >= x->count_min && x->duration_ms + mean / 2.0 >= x->wished_ms;
}

/* The best first: mentions up to their share, then everything by score. */
static void fill(struct choosing *x)
{
        float share = x->b->kind == RF_KIND_ARTIST_FOCUS ? SHARE_FOCUS : SHARE_MENTIONS;
        size_t reserved = (size_t)ceilf(share * (float)MIN(x->count_max, (size_t)MAX(x->b->n_tracks, 1u)));

        for (size_t i = 0; i < x->n && !is_full(x) && x->chosen < reserved; i++)
                if (is_mentioned(x->f[i].c) && may_enter(x, &x->f[i], NULL))
                        set_chosen(x, &x->f[i], true);
        for (size_t i = 0; i < x->n && !is_full(x); i++)
                if (may_enter(x, &x->f[i], NULL))
                        set_chosen(x, &x->f[i], true);
}

static double off(const struct choosing *x, double duration_ms)
{
        double d = fabs(duration_ms - x->wished_ms) / x->wished_ms;

        return d <= DURATION_AIM ? 0.0 : d;
}

/* What taking `out` (may be NULL) for `in` (may be NULL) is worth. */
static double gain_of(const struct choosing *x, const struct finalist *in, const struct finalist *out)
{
        double duration = x->duration_ms, score = 0.0;

        if (in) {
                duration += in->c->track.duration_ms;
                score += (double)in->score;
        }
        if (out) {
                duration -= out->c->track.duration_ms;
                score -= (double)out->score;
        }
        /* adding or dropping isn't a matter of score: a playlist isn't better for being longer */
        if (!in || !out)
                score = 0.0;
        return score + DURATION_WEIGHT * (off(x, x->duration_ms) - off(x, duration));
}

/*
 * Exchange search for the duration: at each step the exchange (or, where the count is free, the addition or removal) that helps most,
 * until none does.
 */
static void exchange(struct choosing *x)
{
        for (unsigned step = 0; step < EXCHANGES_MAX && off(x, x->duration_ms) > 0.0; step++) {
                struct finalist *in = NULL, *out = NULL;
                double best = 1e-9;

                for (size_t i = 0; i <= x->n; i++) {
                        struct finalist *o = i < x->n ? &x->f[i] : NULL; /* the last: nothing goes */

                        if (o && (!o->is_chosen || o->c->is_protected))
                                continue;
                        if (o && x->chosen > x->count_min && x->chosen > 1 && gain_of(x, NULL, o) > best) {
                                best = gain_of(x, NULL, o);
                                in = NULL;
                                out = o;
                        }
                        if (!o && x->chosen >= x->count_max)
                                continue;
                        for (size_t k = 0; k < x->n; k++) {
                                double gain;

                                if (x->f[k].is_chosen || x->f[k].c->track.duration_ms == 0)
                                        continue;
                                gain = gain_of(x, &x->f[k], o);
                                if (gain > best && may_enter(x, &x->f[k], o)) {
                                        best = gain;
                                        in = &x->f[k];
                                        out = o;
                                }
                        }
                }
                if (!in && !out)
                        break;
                if (out)
                        set_chosen(x, out, false);
                if (in)
                        set_chosen(x, in, true);
        }
}

static int take(const struct choosing *x, struct rf_choice *ret)
{
        struct rf_choice choice = { .tracks = calloc(x->chosen + 1, sizeof(*choice.tracks)) };

        if (!choice.tracks)
                return -ENOMEM;
        for (size_t i = 0; i < x->n; i++) {
                const struct finalist *f = &x->f[i];

                if (f->is_chosen) {
                        choice.tracks[choice.n++] = f->track;
                        choice.duration_ms += f->c->track.duration_ms;
                        choice.score += (double)f->c->score;
                } else if (x->by_artist[f->artist] >= cap_of(x, f))
                        choice.capped++;
        }
        *ret = choice;
        return 0;
}

/* Whether a candidate is in the running where the era is so many years wider than wished. */
static bool runs(const struct rf_brief *b, const struct rf_candidate *c, unsigned wider)
{
        if (c->drop == RF_DROP_NONE)
                return true;
        return wider > 0 && c->drop == RF_DROP_ERA && rf_constraints_fits_wider(b, c, wider) &&
               !rf_clashes(b, &c->track.features, NULL);
}

static int choose(const struct rf_pool *pool, const struct rf_brief *b, unsigned wider, uint64_t seed, struct rf_choice *ret)
{
        _cleanup_free_ struct finalist *finalists = calloc(rf_pool_size(pool) + 1, sizeof(*finalists));
        _cleanup_free_ size_t *by_artist = NULL, *by_song = NULL;
        struct choosing x = { .b = b, .f = finalists, .wished_ms = b->duration_s * 1000.0 };
        bool by_duration = b->duration_s > 0 && b->n_tracks_origin == RF_FROM_DEFAULT;
        size_t places;
        int r;

        if (!finalists)
                return -ENOMEM;
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *c = rf_pool_at(pool, i);

                if (runs(b, c, wider))
                        finalists[x.n++] = (struct finalist){ .c = c, .score = c->score + drawn(c, seed), .track = i };
        }
        qsort(finalists, x.n, sizeof(*finalists), by_score);
        x.count_min = x.count_max = MIN(b->n_tracks, RF_TRACKS_MAX);
        if (by_duration) {
                x.count_min = b->n_tracks_least ? b->n_tracks_least : 1;
                x.count_max = b->n_tracks_most ? b->n_tracks_most : RF_TRACKS_MAX;
        }
        /* a cap of one or two needs many finalists; three minutes are a short track */
        places = by_duration ? MIN(b->duration_s / 180u + 1u, RF_TRACKS_MAX) : x.count_max;
        x.n = MIN(x.n, MAX(places * FINALISTS_PER_TRACK, (size_t)FINALISTS_MIN));
        by_artist = calloc(x.n + 1, sizeof(*by_artist));
        by_song = calloc(x.n + 1, sizeof(*by_song));
        if (!by_artist || !by_song)
                return -ENOMEM;
        x.by_artist = by_artist;
        x.by_song = by_song;
        r = classify(&x);
        if (r < 0)
                return r;
        fill(&x);
        if (x.wished_ms > 0.0)
                exchange(&x);
        return take(&x, ret);
}

int rf_constraints_choose(const struct rf_pool *pool, const struct rf_brief *b, uint64_t seed, struct rf_choice *ret)
{
        return choose(pool, b, 0, seed, ret);
}

int rf_constraints_count(const struct rf_pool *pool, const struct rf_brief *b, uint32_t cap, unsigned wider, size_t *ret)
{
        struct rf_brief relaxed = *b; /* borrows everything */
        _cleanup_(rf_choice_done) struct rf_choice c = { 0 };
        int r;

        relaxed.artist_cap = cap;
        relaxed.duration_s = 0;
        r = choose(pool, &relaxed, wider, 0, &c);
        if (r < 0)
                return r;
        *ret = c.n;
        return 0;
}
