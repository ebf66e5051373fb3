#include "flow/discography.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/calls.h"

#define DEEP_POPULARITY_MIN 20 /* where popularity is known, deep cuts lie between */
#define DEEP_POPULARITY_MAX 80

/* Whether the provider that gave the artist's id can do an operation now. */
static bool can_at(const struct rf_run *run, enum rf_op op, const struct rf_known_artist *a)
{
        return a->id && rf_run_can_at(run, op, a->provider);
}

static struct rf_call tracks_call(const struct rf_run *run, const struct rf_discography *d, const struct rf_known_artist *a)
{
        if (can_at(run, RF_OP_ARTIST_TOP_TRACKS, a))
                return (struct rf_call){ .query = { .op = RF_OP_ARTIST_TOP_TRACKS, .ids = &a->id, .n_ids = 1, .limit = d->top },
                                         .at = a->provider };
        return (struct rf_call){ .query = { .op = RF_OP_SEARCH_TRACKS, .artist = a->name, .limit = d->top } };
}

static int take_tracks(const struct rf_discography *d, const struct rf_call *call, const struct rf_known_artist *a, bool is_deep,
                       struct rf_finds *finds)
{
        for (size_t i = 0; call->answer && i < call->answer->n_tracks; i++) {
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

/* One round: a call for each artist. */
static int round_of_tracks(struct rf_run *run, const struct rf_discography *d, struct rf_call *calls, struct rf_finds *finds)
{
        int r;

        for (size_t i = 0; i < d->n_artists; i++)
                calls[i] = tracks_call(run, d, &d->artists[i]);
        r = rf_calls_make(run, RF_STEP_GENERATE, calls, d->n_artists);
        for (size_t i = 0; i < d->n_artists && r >= 0; i++)
                r = take_tracks(d, &calls[i], &d->artists[i], false, finds);
        rf_calls_done(calls, d->n_artists);
        return r;
}

/* Two rounds: the albums of each artist, then the tracks of a few of them. */
static int rounds_of_albums(struct rf_run *run, const struct rf_discography *d, struct rf_call *calls, struct rf_finds *finds)
{
        _cleanup_free_ struct rf_call *albums = calloc(d->n_artists * d->albums + 1, sizeof(*albums));
        size_t n = 0, asked = 0;
        int r;

        if (!albums)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_artists; i++)
                if (can_at(run, RF_OP_ARTIST_ALBUMS, &d->artists[i]) && can_at(run, RF_OP_ALBUM_TRACKS, &d->artists[i]))
                        calls[asked++] = (struct rf_call){ .query = { .op = RF_OP_ARTIST_ALBUMS, .ids = &d->artists[i].id, .n_ids = 1,
                                                                      .limit = 10 }, .at = d->artists[i].provider, .tag = i };
        r = asked > 0 ? rf_calls_make(run, RF_STEP_GENERATE, calls, asked) : 0;
        for (size_t i = 0; i < asked && r >= 0; i++)
                for (size_t k = 0; calls[i].answer && k < MIN(calls[i].answer->n_albums, (size_t)d->albums); k++)
                        albums[n++] = (struct rf_call){ .query = { .op = RF_OP_ALBUM_TRACKS, .ids = &calls[i].answer->albums[k].id,
                                                                   .n_ids = 1 }, .at = calls[i].at, .tag = calls[i].tag };
        if (r >= 0 && n > 0)
                r = rf_calls_make(run, RF_STEP_GENERATE, albums, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_tracks(d, &albums[i], &d->artists[albums[i].tag], true, finds);
        rf_calls_done(albums, n);
        rf_calls_done(calls, asked);
        return r;
}

int rf_discography_look_up(struct rf_run *run, const struct rf_discography *d, struct rf_finds *finds)
{
        _cleanup_free_ struct rf_call *calls = calloc(d->n_artists + 1, sizeof(*calls));
        int r;

        if (!calls)
                return -ENOMEM;
        if (d->n_artists == 0)
                return 0;
        r = round_of_tracks(run, d, calls, finds);
        if (r >= 0 && d->albums > 0 && rf_run_has_time(run, RF_STEP_GENERATE))
                r = rounds_of_albums(run, d, calls, finds);
        return r;
}
