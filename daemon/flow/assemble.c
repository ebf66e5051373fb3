#include "flow/assemble.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "flow/phases.h"
#include "flow/quality.h"
#include "flow/reason.h"
#include "flow/sequence.h"
#include "flow/sound.h"

static uint16_t milli(float x)
{
        return (uint16_t)lrintf(CLAMP(x, 0.f, 1.f) * 1000.f);
}

static int copy(struct rf_arena *arena, const char *from, const char **ret)
{
        *ret = rf_arena_strdup(arena, from);
        return from && !*ret ? -ENOMEM : 0;
}

int rf_assemble_track(const struct rf_track *from, struct rf_arena *arena, struct rf_track *ret)
{
        struct rf_track t = *from;
        struct rf_artist_ref *artists = rf_arena_array(arena, MAX(from->n_artists, (size_t)1), sizeof(*artists));
        int r = artists ? 0 : -ENOMEM;

        for (size_t i = 0; i < from->n_artists && r >= 0; i++) {
                r = copy(arena, from->artists[i].id, &artists[i].id);
                if (r >= 0)
                        r = copy(arena, from->artists[i].name, &artists[i].name);
        }
        t.artists = artists;
        if (r >= 0)
                r = copy(arena, from->id, &t.id);
        if (r >= 0)
                r = copy(arena, from->title, &t.title);
        if (r >= 0)
                r = copy(arena, from->album, &t.album);
        if (r >= 0)
                r = copy(arena, from->album_id, &t.album_id);
        if (r >= 0)
                r = copy(arena, from->isrc, &t.isrc);
        if (r >= 0)
                r = copy(arena, from->uri, &t.uri);
        if (r >= 0)
                r = copy(arena, from->spotify_id, &t.spotify_id);
        if (r >= 0)
                *ret = t;
        return r;
}

static int assemble_track(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_candidate *c, enum rf_phase phase,
                          struct rf_arena *arena, struct rf_playlist_track *ret)
{
        struct rf_playlist_track t = { .provider = c->provider, .source = c->source, .phase = phase, .freshness = c->freshness,
                                       .confidence_milli = milli(c->confidence), .cohesion_milli = milli(c->cohesion) };
        int r = rf_assemble_track(&c->track, arena, &t.track);

        if (r < 0)
                return r;
        t.reason = rf_reason_of(pool, c, b, arena);
        if (!t.reason)
                return -ENOMEM;
        *ret = t;
        return 0;
}

/* What ordering and quality look at, in the order of the playlist. */
struct heard {
        struct rf_sound *sounds;
        struct rf_features *features;
        size_t *order;
};

static void heard_done(struct heard *h)
{
        free(h->sounds);
        free(h->features);
        free(h->order);
}

static int order(const struct rf_run *run, const struct rf_choice *choice, struct heard *h, struct rf_sequence_result *ret)
{
        const struct rf_pool *pool = run->pool;
        _cleanup_free_ struct rf_sound *given = calloc(choice->n + 1, sizeof(*given));
        int r;

        h->sounds = calloc(choice->n + 1, sizeof(*h->sounds));
        h->features = calloc(choice->n + 1, sizeof(*h->features));
        h->order = calloc(choice->n + 1, sizeof(*h->order));
        if (!given || !h->sounds || !h->features || !h->order)
                return -ENOMEM;
        for (size_t i = 0; i < choice->n; i++) {
                const struct rf_candidate *c = rf_pool_at(pool, choice->tracks[i]);

                given[i] = rf_sound_of(&c->track.features, c->artist_key);
        }
        r = rf_sequence_order(given, choice->n, run->brief->arc, run->seed, rf_run_is_on(run, RF_OPT_SKIP_ORDERING), h->order, ret);
        if (r < 0)
                return r;
        for (size_t i = 0; i < choice->n; i++) {
                h->sounds[i] = given[h->order[i]];
                h->features[i] = rf_pool_at(pool, choice->tracks[h->order[i]])->track.features;
        }
        return 0;
}

int rf_assemble(const struct rf_run *run, const struct rf_choice *choice, const struct rf_evaluation *evaluation, struct rf_playlist *p)
{
        const struct rf_pool *pool = run->pool;
        const struct rf_brief *b = run->brief;
        _cleanup_(heard_done) struct heard h = { 0 };
        struct rf_playlist_track *tracks = rf_arena_array(&p->arena, choice->n + 1, sizeof(*tracks));
        struct rf_sequence_result ordering;
        int r;

        if (!tracks)
                return -ENOMEM;
        r = order(run, choice, &h, &ordering);
        for (size_t i = 0; i < choice->n && r >= 0; i++)
                r = assemble_track(pool, b, rf_pool_at(pool, choice->tracks[h.order[i]]), rf_phase_at(i, choice->n), &p->arena,
                                   &tracks[i]);
        if (r < 0)
                return r;
        p->tracks = tracks;
        p->n_tracks = choice->n;
        p->duration_ms = choice->duration_ms;
        p->seed = run->seed;
        p->receipt.ordering_was_skipped = ordering.was_good;
        return rf_quality_measure(&(struct rf_quality_input){ .sounds = h.sounds, .features = h.features, .n = choice->n,
                                  .arc = b->arc, .seed = run->seed, .cohesion = evaluation->cohesion, .overall = evaluation->overall,
                                  .ordering = ordering }, &p->receipt.quality);
}
