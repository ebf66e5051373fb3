#include "flow/discography.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/calls.h"
#include "sched/sched.h"

#define TOP_PAGE 10u           /* an artist's tracks that services list at a time */
#define ALBUMS_LISTED 10u      /* of each artist */
#define ALBUMS_TOGETHER 4u
#define ARTISTS_TOGETHER 8u
#define PAUSE_US 100000u       /* between artists, where they come one after another */
#define DEEP_POPULARITY_MIN 20 /* where popularity is known, deep cuts lie between */
#define DEEP_POPULARITY_MAX 80

/* Whether the provider that gave the artist's id can do an operation now. */
static bool can_at(const struct rf_run *run, enum rf_op op, const struct rf_known_artist *a)
{
        return a->id && rf_run_can_at(run, op, a->provider);
}

/* However many are wished, whole pages are asked for: whoever asks for the artist's tracks next asks the same. */
static struct rf_call tracks_call(const struct rf_run *run, const struct rf_discography *d, const struct rf_known_artist *a)
{
        uint32_t limit = (d->top + TOP_PAGE - 1) / TOP_PAGE * TOP_PAGE;

        if (can_at(run, RF_OP_ARTIST_TOP_TRACKS, a))
                return (struct rf_call){ .query = { .op = RF_OP_ARTIST_TOP_TRACKS, .ids = &a->id, .n_ids = 1, .limit = limit },
                                         .at = a->provider };
        return (struct rf_call){ .query = { .op = RF_OP_SEARCH_TRACKS, .artist = a->name, .limit = limit } };
}

static int take_tracks(const struct rf_discography *d, const struct rf_call *call, const struct rf_known_artist *a, bool is_deep,
                       struct rf_finds *finds)
{
        size_t most = is_deep ? SIZE_MAX : d->top;

        for (size_t i = 0; call->answer && i < MIN(call->answer->n_tracks, most); i++) {
                const struct rf_track *t = &call->answer->tracks[i];
                int r;

                if (is_deep && t->popularity >= 0 && (t->popularity < DEEP_POPULARITY_MIN || t->popularity > DEEP_POPULARITY_MAX))
                        continue;
                r = rf_finds_add(finds, &(struct rf_find){ .track = t, .answer = call->answer, .source = d->source,
                                 .freshness = call->freshness, .via = d->via, .via_name = a->name, .confidence = d->confidence,
                                 .genre_weight = a->genre_weight });
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One artist being looked into: the argument of a coroutine. */
struct looking {
        struct rf_run *run;
        const struct rf_discography *d;
        const struct rf_known_artist *artist;
        struct rf_finds finds;
};

static int look_at_top(struct looking *l)
{
        struct rf_call call = tracks_call(l->run, l->d, l->artist);
        int r = rf_calls_make(l->run, RF_STEP_GENERATE, &call, 1);

        /* an app learns what it may not do by being refused: then there is the other way, in this run already */
        if (r >= 0 && !call.answer && call.query.op == RF_OP_ARTIST_TOP_TRACKS && !can_at(l->run, RF_OP_ARTIST_TOP_TRACKS, l->artist)) {
                rf_calls_done(&call, 1);
                call = tracks_call(l->run, l->d, l->artist);
                r = rf_calls_make(l->run, RF_STEP_GENERATE, &call, 1);
        }
        if (r >= 0)
                r = take_tracks(l->d, &call, l->artist, false, &l->finds);
        rf_calls_done(&call, 1);
        return r;
}

static int look_at_albums(struct looking *l)
{
        struct rf_call list = { .query = { .op = RF_OP_ARTIST_ALBUMS, .ids = &l->artist->id, .n_ids = 1, .limit = ALBUMS_LISTED },
                                .at = l->artist->provider };
        struct rf_call albums[RF_DISCOGRAPHY_ALBUMS_MAX] = { 0 };
        size_t n = 0;
        int r = rf_calls_make(l->run, RF_STEP_GENERATE, &list, 1);

        for (size_t i = 0; r >= 0 && list.answer && i < list.answer->n_albums && n < MIN(l->d->albums, RF_DISCOGRAPHY_ALBUMS_MAX); i++)
                albums[n++] = (struct rf_call){ .query = { .op = RF_OP_ALBUM_TRACKS, .ids = &list.answer->albums[i].id, .n_ids = 1 },
                                                .at = list.at };
        if (r >= 0 && n > 0)
                r = rf_calls_make_as(l->run, RF_STEP_GENERATE,
                                     &(struct rf_manner){ .together = rf_run_is_on(l->run, RF_OPT_PARALLEL_ARTISTS) ? ALBUMS_TOGETHER : 1 },
                                     albums, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_tracks(l->d, &albums[i], l->artist, true, &l->finds);
        rf_calls_done(albums, n);
        rf_calls_done(&list, 1);
        return r;
}

/* The well-known tracks, then deep cuts. */
static int look_into(void *arg)
{
        struct looking *l = arg;
        int r = look_at_top(l);

        if (r >= 0 && l->d->albums > 0 && can_at(l->run, RF_OP_ARTIST_ALBUMS, l->artist) &&
            can_at(l->run, RF_OP_ALBUM_TRACKS, l->artist) && rf_run_has_time(l->run, RF_STEP_GENERATE))
                r = look_at_albums(l);
        return r;
}

/* All the artists, and who is next. */
struct round {
        const struct rf_run *run;
        struct looking *list;
        size_t n, next;
        uint64_t pause_us;
};

static int look_into_next(void *arg)
{
        struct round *round = arg;
        int r = 0;

        while (round->next < round->n && r >= 0) {
                r = look_into(&round->list[round->next++]);
                if (r >= 0 && round->pause_us > 0 && round->next < round->n && rf_run_has_time(round->run, RF_STEP_GENERATE))
                        r = rf_upstream_pause(round->run->flow->upstream, RF_PAUSE_ARTISTS, round->pause_us);
        }
        return r;
}

static int look_into_all(struct round *round, size_t together)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int r = rf_group_new(RF_FOREVER, &g);

        for (size_t i = 0; i < MIN(round->n, together) && r >= 0; i++) {
                r = rf_group_spawn(g, "artist", look_into_next, round);
                if (r == -EAGAIN) /* no coroutine to be had */
                        r = look_into_next(round);
        }
        if (r >= 0)
                r = rf_group_join(g);
        return r == -ETIMEDOUT ? 0 : r; /* the best so far is what is wanted */
}

int rf_discography_look_up(struct rf_run *run, const struct rf_discography *d, struct rf_finds *finds)
{
        _cleanup_free_ struct looking *list = calloc(d->n_artists + 1, sizeof(*list));
        bool is_parallel;
        int r;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_artists; i++)
                list[i] = (struct looking){ .run = run, .d = d, .artist = &d->artists[i] };
        is_parallel = rf_run_is_on(run, RF_OPT_PARALLEL_ARTISTS);
        r = look_into_all(&(struct round){ .run = run, .list = list, .n = d->n_artists, .pause_us = is_parallel ? 0 : PAUSE_US },
                          is_parallel ? ARTISTS_TOGETHER : 1);
        for (size_t i = 0; i < d->n_artists; i++) {
                for (size_t k = 0; k < list[i].finds.n && r >= 0; k++)
                        r = rf_finds_add(finds, &list[i].finds.list[k]);
                rf_finds_done(&list[i].finds);
        }
        return r;
}
