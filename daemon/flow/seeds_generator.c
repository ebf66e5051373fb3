#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/bridge.h"
#include "flow/calls.h"
#include "flow/cohesion.h"
#include "flow/gather.h"
#include "flow/generators.h"
#include "provider/provider.h"

#define SEEDS_PER_CALL 4u
#define CHUNKS_MAX 4u
#define CHUNKS_SMALL 3u
#define CHUNKS_OLD 2u
#define RECOMMENDED_PER_TRACK 1.5f /* of the playlist, over all calls: more than usual where many are wished */

#define CONFIDENCE .80f
#define ANCHORS_ENOUGH 5u          /* known to who recommends: no need to look for more of them by name */
#define SEED_GENRE .7f              /* so sure it is that a recommendation is of its seeds' genre */

/* How recommendations are asked for. */
struct policy {
        size_t chunks;    /* calls, each with seeds of its own */
        uint32_t limit;   /* recommendations of each */
        struct rf_manner manner;
};

static struct policy policy_of(const struct rf_run *run)
{
        bool is_small = rf_run_is_on(run, RF_OPT_SMALL_CHUNKS);
        /* a model names more genres than the words do, and each wants seeds of its own */
        size_t chunks = !is_small ? CHUNKS_OLD : run->flow->asks_model ? CHUNKS_MAX : CHUNKS_SMALL;

        return (struct policy){
                .chunks = chunks,
                .limit = MAX(is_small ? 15u : 20u, (uint32_t)(RECOMMENDED_PER_TRACK * (float)run->brief->n_tracks / (float)chunks)),
                .manner = { .together = rf_run_is_on(run, RF_OPT_CHUNK_CONCURRENCY) ? 6 : 3,
                            .stagger_us = rf_run_is_on(run, RF_OPT_NO_STAGGER) ? 0 : 200 * USEC_PER_MSEC,
                            .anew = !rf_run_is_on(run, RF_OPT_CHUNK_CACHE) },
        };
}

size_t rf_seeds_calls(const struct rf_run *run, uint32_t *ret_limit)
{
        struct policy policy = policy_of(run);

        *ret_limit = policy.limit;
        return policy.chunks;
}

/* One call's seeds: anchors that were found the same way, so that the answer keeps to their genre. */
struct chunk {
        const char *ids[SEEDS_PER_CALL];
        size_t anchors[SEEDS_PER_CALL];
        size_t n;
        const char *via_name;
        enum rf_via via;
        float genre_weight;
};

static size_t chunk_anchors(struct rf_run *run, const struct rf_provider *provider, size_t most, struct chunk *chunks)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_anchors; i++) {
                const struct rf_candidate *c = rf_pool_at(run->pool, run->anchors[i]);
                const char *id = rf_candidate_id_at(c, provider, NULL);
                size_t k;

                if (!id)
                        continue;
                for (k = 0; k < n; k++)
                        if (chunks[k].n < SEEDS_PER_CALL && chunks[k].via == c->via && chunks[k].via_name == c->via_name)
                                break;
                if (k == most)
                        continue;
                if (k == n)
                        chunks[n++] = (struct chunk){ .via_name = c->via_name, .via = c->via };
                chunks[k].anchors[chunks[k].n] = run->anchors[i];
                chunks[k].ids[chunks[k].n++] = id;
                chunks[k].genre_weight = MAX(chunks[k].genre_weight, c->genre_weight);
        }
        return n;
}

/* Steps in which wishes are told to who recommends, so that related wishes ask the same; the exact wish ranks what comes. */
static const float STEP[RF_FEATURE_COUNT] = {
        [RF_FEATURE_ACOUSTICNESS] = .1f, [RF_FEATURE_DANCEABILITY] = .1f, [RF_FEATURE_ENERGY] = .1f, [RF_FEATURE_INSTRUMENTALNESS] = .1f,
        [RF_FEATURE_LIVENESS] = .1f,     [RF_FEATURE_SPEECHINESS] = .1f,  [RF_FEATURE_VALENCE] = .1f, [RF_FEATURE_KEY] = 1.f,
        [RF_FEATURE_MODE] = 1.f,         [RF_FEATURE_LOUDNESS] = 3.f,     [RF_FEATURE_TEMPO] = 10.f, [RF_FEATURE_POPULARITY] = 10.f,
};
#define STEP_WEIGHT .25f

static float in_steps(float value, float step)
{
        return roundf(value / step) * step;
}

/* The middle of each wished range, and its weight. */
static void take_targets(const struct rf_brief *b, struct rf_query *q)
{
        for (unsigned i = 0; i < RF_FEATURE_COUNT; i++) {
                const struct rf_target *t = &b->targets[i];

                if (!t->is_set || t->weight <= 0.f || rf_target_is_wide(t, i))
                        continue;
                q->target.has |= RF_FEATURE_BIT(i);
                q->target.value[i] = in_steps((t->low + t->high) / 2.f, STEP[i]);
                q->weight.has |= RF_FEATURE_BIT(i);
                q->weight.value[i] = in_steps(t->weight, STEP_WEIGHT);
        }
}

static size_t negative_ids(struct rf_run *run, const struct rf_provider *provider, const char **ids)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_negatives && n < SEEDS_PER_CALL; i++) {
                const char *id = rf_candidate_id_at(rf_pool_at(run->pool, run->negatives[i]), provider, NULL);

                if (id)
                        ids[n++] = id;
        }
        return n;
}

static int take_recommended(struct rf_generator *g, const struct chunk *c, const struct rf_call *call)
{
        const struct rf_candidate *seed = rf_pool_at(g->run->pool, c->anchors[0]);

        for (size_t i = 0; call->answer && i < call->answer->n_tracks; i++) {
                int r = rf_finds_add(&g->finds, &(struct rf_find){ .track = &call->answer->tracks[i], .answer = call->answer,
                                     .source = RF_SOURCE_SEED_BASED, .freshness = call->freshness, .via = RF_VIA_SEED,
                                     .via_name = seed->track.title, .via_seed = c->anchors[0], .confidence = CONFIDENCE,
                                     /* near its seeds, but nobody says that it's of their genre */
                                     .genre_weight = c->genre_weight * SEED_GENRE });

                if (r < 0)
                        return r;
        }
        return 0;
}

static int recommend(struct rf_generator *g, const struct rf_provider *provider)
{
        struct rf_run *run = g->run;
        struct policy policy = policy_of(run);
        struct chunk chunks[CHUNKS_MAX];
        struct rf_call calls[CHUNKS_MAX] = { 0 };
        const char *negative[SEEDS_PER_CALL];
        size_t n = chunk_anchors(run, provider, policy.chunks, chunks), n_negative = negative_ids(run, provider, negative);
        int r;

        if (n == 0)
                return 0;
        for (size_t i = 0; i < n; i++) {
                calls[i].query = (struct rf_query){ .op = RF_OP_RECOMMENDATIONS, .seeds = chunks[i].ids, .n_seeds = chunks[i].n,
                                                    .negative_seeds = negative,
                                                    .n_negative_seeds = MIN(n_negative, chunks[i].n - 1), .limit = policy.limit };
                calls[i].at = rf_provider_name(provider);
                take_targets(&run->tuned, &calls[i].query);
        }
        r = rf_calls_make_as(run, RF_STEP_GENERATE, &policy.manner, calls, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_recommended(g, &chunks[i], &calls[i]);
        rf_calls_done(calls, n);
        return r;
}

/* The next page of every genre that has one. */
static int more_of_genres(struct rf_generator *g)
{
        struct rf_run *run = g->run;
        struct rf_call calls[RF_RUN_GENRES_MAX] = { 0 };
        size_t n = 0;
        int r;

        for (size_t i = 0; i < run->n_genres; i++)
                if (!run->genres[i].is_exhausted)
                        calls[n++] = (struct rf_call){ .query = rf_gather_genre_query(run, &run->genres[i]), .tag = i };
        r = n > 0 ? rf_calls_make(run, RF_STEP_GENERATE, calls, n) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                struct rf_run_genre *genre = &run->genres[calls[i].tag];
                struct rf_answer *a = calls[i].answer;

                if (!a)
                        continue;
                genre->offset += calls[i].query.limit;
                genre->is_exhausted = a->n_tracks < calls[i].query.limit;
                for (size_t k = 0; k < a->n_tracks && r >= 0; k++)
                        r = rf_finds_add(&g->finds, &(struct rf_find){ .track = &a->tracks[k], .answer = a,
                                         .source = RF_SOURCE_SEED_BASED, .freshness = calls[i].freshness, .via = RF_VIA_GENRE,
                                         .via_name = genre->name, .confidence = .7f, .genre_weight = genre->weight,
                                         .is_of_era = true });
        }
        rf_calls_done(calls, n);
        return r;
}

/* How many of the first anchors a provider can be asked by. */
static size_t n_known(const struct rf_run *run, const struct rf_provider *p)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_anchors; i++)
                n += rf_candidate_id_at(rf_pool_at(run->pool, run->anchors[i]), p, NULL) != NULL;
        return n;
}

/*
 * Whoever recommends, in the order of routing. Who doesn't know the anchors under any id that we may tell is asked for them by name
 * first; who can't make anything of them leaves it to the next.
 */
static int recommend_somewhere(struct rf_generator *g)
{
        struct rf_run *run = g->run;
        const struct rf_provider *list[RF_PLUGINS_MAX];
        size_t n = rf_upstream_providers(run->flow->upstream, RF_OP_RECOMMENDATIONS, list, ARRAY_SIZE(list));
        int r = 0;

        if (n == 0)
                rf_receipt_skip(run->book, "recommendations", "no provider offers them now; more of the genres were searched", 1);
        for (size_t i = 0; i < n && g->finds.n == 0 && r >= 0; i++) {
                if (n_known(run, list[i]) < MIN(run->n_anchors, (size_t)ANCHORS_ENOUGH))
                        r = rf_bridge(run, RF_STEP_GENERATE, list[i], run->anchors, run->n_anchors);
                if (r >= 0)
                        r = recommend(g, list[i]);
        }
        return r;
}

int rf_seeds_generator(void *arg)
{
        struct rf_generator *g = arg;
        int r = recommend_somewhere(g);

        /* where recommendations gave nothing, or not enough in the passes before */
        if (r >= 0 && (g->finds.n == 0 || g->pass > 0) && rf_run_has_time(g->run, RF_STEP_GENERATE))
                r = more_of_genres(g);
        return r;
}
