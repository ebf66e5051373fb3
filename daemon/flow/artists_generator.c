#include "flow/artists.h"
#include "flow/cohesion.h"
#include "flow/discography.h"
#include "flow/generators.h"

#define ARTISTS_FIRST 12u   /* looked into in the first pass (docs/workflow.md, "Generation") */
#define ARTISTS_LATER 8u    /* more of them in each further pass */
#define ARTISTS_FEW 8u      /* that even a small genre usually has */
#define ALBUMS_ALL 6u       /* of each, where everything is generated before it is filtered */
#define CONFIDENCE .75f

/* Tracks of each artist: k = clamp(2.5 target / n + 2, 3, 5) are to be chosen; twice as many give a choice. */
static uint32_t tracks_per_artist(const struct rf_brief *b, size_t n)
{
        float k = 2.5f * (float)b->n_tracks / (float)MAX(n, (size_t)1) + 2.f;

        return 2u * (uint32_t)CLAMP(k, 3.f, 5.f);
}

/* Deep cuts cost two more rounds: where the obscure is wished, or the well-known didn't do. */
static uint32_t albums(const struct rf_run *run, unsigned pass)
{
        if (!rf_run_is_on(run, RF_OPT_EARLY_EXIT))
                return ALBUMS_ALL;
        return run->brief->wants_obscure || pass > 0 ? 1 : 0;
}

struct rf_artists_forecast rf_artists_forecast(const struct rf_run *run, unsigned pass)
{
        bool begins_anew = pass == 0 || !rf_run_is_on(run, RF_OPT_REUSE_PASSES);
        uint32_t from = begins_anew ? 0 : ARTISTS_FIRST + (pass - 1) * ARTISTS_LATER, n = pass == 0 ? ARTISTS_FIRST : ARTISTS_LATER;

        n = run->n_genres > 0 && from < RF_ARTISTS_MATCHED_MAX ? MIN(n, RF_ARTISTS_MATCHED_MAX - from) : 0;
        return (struct rf_artists_forecast){ .least = MIN(n, pass == 0 ? ARTISTS_FEW : 0), .most = n,
                                             .tracks = tracks_per_artist(run->brief, MAX(n, 1u)), .albums = albums(run, pass) };
}

int rf_artists_generator(void *arg)
{
        struct rf_generator *g = arg;
        struct rf_run *run = g->run;
        bool has_all = g->pass == 0 || !rf_run_is_on(run, RF_OPT_EARLY_EXIT); /* everything is generated in each pass */
        size_t from = run->n_looked_into, n = has_all ? ARTISTS_FIRST : ARTISTS_LATER;

        if (g->pass == 0 && from > 0) /* fetched ahead */
                return 0;
        if (run->fetches_anew)
                from = 0;
        if (from >= run->n_matched)
                return 0;
        n = MIN(n, run->n_matched - from);
        run->n_looked_into = from + n;
        return rf_discography_look_up(run, &(struct rf_discography){
                .artists = run->matched + from, .n_artists = n, .top = tracks_per_artist(run->brief, n),
                .albums = albums(run, g->pass), .source = RF_SOURCE_ARTIST_DISCOVERY,
                .via = RF_VIA_ARTIST, .confidence = CONFIDENCE }, &g->finds);
}
