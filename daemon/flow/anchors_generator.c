#include <errno.h>

#include "flow/discography.h"
#include "flow/generators.h"

#define TOP_TRACKS 20u
#define TOP_TRACKS_SEED 5u    /* of an artist that only points a direction */
#define ALBUMS 2u
#define ALBUMS_FOCUS 8u       /* where the wish is about the artist */
#define CONFIDENCE .85f       /* more by a mentioned artist (docs/workflow.md, "Generation") */

/* Artists mentioned for themselves, or only as a direction; each once. */
static size_t pick(const struct rf_run *run, bool is_direction, struct rf_known_artist *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_mentioned; i++) {
                bool is_listed = run->mentioned[i].is_seed_only != is_direction;

                for (size_t k = 0; k < n; k++)
                        is_listed |= ret[k].key == run->mentioned[i].key;
                if (is_listed)
                        continue;
                ret[n] = run->mentioned[i];
                ret[n++].genre_weight = is_direction ? .8f : 1.f;
        }
        return n;
}

uint32_t rf_anchors_albums(const struct rf_brief *b)
{
        return b->kind == RF_KIND_ARTIST_FOCUS ? ALBUMS_FOCUS : ALBUMS;
}

int rf_anchors_generator(void *arg)
{
        struct rf_generator *g = arg;
        struct rf_run *run = g->run;
        struct rf_discography wanted = { .top = TOP_TRACKS, .source = RF_SOURCE_USER_ANCHOR, .via = RF_VIA_MENTION, .confidence = CONFIDENCE,
                                         .albums = rf_anchors_albums(run->brief) };
        struct rf_discography directions = { .top = TOP_TRACKS_SEED, .source = RF_SOURCE_SEED_BASED, .via = RF_VIA_MENTION,
                                             .confidence = CONFIDENCE };
        struct rf_known_artist *list;
        int r;

        /* an artist's tracks are the same in every pass */
        if ((run->has_mentioned_tracks && !run->fetches_anew) || run->n_mentioned == 0)
                return 0;
        run->has_mentioned_tracks = true;
        list = rf_arena_array(&run->arena, 2 * run->n_mentioned, sizeof(*list));
        if (!list)
                return -ENOMEM;
        wanted.artists = list;
        wanted.n_artists = pick(run, false, list);
        directions.artists = list + run->n_mentioned;
        directions.n_artists = pick(run, true, list + run->n_mentioned);
        r = rf_discography_look_up(run, &wanted, &g->finds);
        return r < 0 ? r : rf_discography_look_up(run, &directions, &g->finds);
}
