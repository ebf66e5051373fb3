#include "flow/bridge.h"

#include <errno.h>

#include "flow/calls.h"
#include "flow/names.h"
#include "provider/provider.h"

#define RESULTS 10u      /* artists among which the one meant is looked for: the order is noisy */
#define TRACKS 50u       /* of each artist */

struct crossing {
        struct rf_run *run;
        enum rf_step step;
        const char *provider;
        struct rf_call searches[RF_BRIDGE_ARTISTS_MAX], tracks[RF_BRIDGE_ARTISTS_MAX];
        const char *ids[RF_BRIDGE_ARTISTS_MAX]; /* of the artists, in the searches' answers */
        size_t n_searches, n_tracks;
};

/* The artists of the candidates that aren't known there, each once. */
static void pick_artists(struct crossing *x, const struct rf_provider *provider, const size_t *candidates, size_t n)
{
        for (size_t i = 0; i < n && x->n_searches < RF_BRIDGE_ARTISTS_MAX; i++) {
                struct rf_candidate *c = rf_pool_at(x->run->pool, candidates[i]);
                const char *name = c->track.n_artists > 0 ? c->track.artists[0].name : NULL;
                bool is_listed = false;

                if (c->is_bridged || !name || rf_candidate_id_at(c, provider, NULL))
                        continue;
                c->is_bridged = true;
                for (size_t k = 0; k < x->n_searches; k++)
                        is_listed |= rf_name_equal(x->searches[k].query.text, name);
                if (!is_listed)
                        x->searches[x->n_searches++] = (struct rf_call){ .query = { .op = RF_OP_SEARCH_ARTISTS, .text = name,
                                                                                    .limit = RESULTS }, .at = x->provider };
        }
}

static int find_artists(struct crossing *x)
{
        int r = rf_calls_make(x->run, x->step, x->searches, x->n_searches);

        for (size_t i = 0; i < x->n_searches && r >= 0; i++) {
                const struct rf_answer *a = x->searches[i].answer;

                for (size_t k = 0; a && k < a->n_artists; k++)
                        if (a->artists[k].id && rf_name_equal(a->artists[k].name, x->searches[i].query.text)) {
                                x->ids[x->n_tracks] = a->artists[k].id;
                                x->tracks[x->n_tracks] = (struct rf_call){ .query = { .op = RF_OP_ARTIST_TOP_TRACKS,
                                                                                      .ids = &x->ids[x->n_tracks], .n_ids = 1,
                                                                                      .limit = TRACKS }, .at = x->provider };
                                x->n_tracks++;
                                break;
                        }
        }
        return r;
}

static int join_tracks(struct crossing *x)
{
        int r = x->n_tracks > 0 ? rf_calls_make(x->run, x->step, x->tracks, x->n_tracks) : 0;

        for (size_t i = 0; i < x->n_tracks && r >= 0; i++)
                if (x->tracks[i].answer)
                        r = rf_pool_join(x->run->pool, x->tracks[i].answer, x->tracks[i].freshness);
        return r;
}

int rf_bridge(struct rf_run *run, enum rf_step step, const struct rf_provider *provider, const size_t *candidates, size_t n)
{
        struct crossing x = { .run = run, .step = step, .provider = rf_provider_name(provider) };
        int r;

        if (!rf_run_can_at(run, RF_OP_SEARCH_ARTISTS, x.provider) || !rf_run_can_at(run, RF_OP_ARTIST_TOP_TRACKS, x.provider))
                return 0;
        pick_artists(&x, provider, candidates, n);
        if (x.n_searches == 0)
                return 0;
        r = find_artists(&x);
        if (r >= 0)
                r = join_tracks(&x);
        rf_calls_done(x.tracks, x.n_tracks);
        rf_calls_done(x.searches, x.n_searches);
        return r;
}
