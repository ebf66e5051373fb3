#include "flow/cohesion.h"
#include "flow/discography.h"
#include "flow/generators.h"

#define ARTISTS_FIRST 12u   /* looked into in the first pass (reference of the workflow: 12 to 20) */
#define ARTISTS_LATER 8u    /* more of them in each further pass */
#define CONFIDENCE .75f

/* Tracks of each artist: k = clamp(2.5 target / n + 2, 3, 5) are to be chosen; twice as many give a choice. */
static uint32_t tracks_per_artist(const struct rf_brief *b, size_t n)
{
        float k = 2.5f * (float)b->n_tracks / (float)MAX(n, (size_t)1) + 2.f;

        return 2u * (uint32_t)CLAMP(k, 3.f, 5.f);
}

int rf_artists_generator(void *arg)
{
        struct rf_generator *g = arg;
        struct rf_run *run = g->run;
        size_t from = run->n_looked_into, n = g->pass == 0 ? ARTISTS_FIRST : ARTISTS_LATER;

        if (from >= run->n_matched)
                return 0;
        n = MIN(n, run->n_matched - from);
        run->n_looked_into += n;
        return rf_discography_look_up(run, &(struct rf_discography){
                .artists = run->matched + from, .n_artists = n, .top = tracks_per_artist(run->brief, n),
                /* deep cuts cost two more rounds: where the obscure is wished, or the well-known didn't do */
                .albums = run->brief->wants_obscure || g->pass > 0 ? 1 : 0, .source = RF_SOURCE_ARTIST_DISCOVERY,
                .via = RF_VIA_ARTIST, .confidence = CONFIDENCE }, &g->finds);
}
