#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/enrich.h"
#include "flow/flow.h"
#include "flow/gather.h"
#include "flow/generators.h"
#include "flow/genres.h"
#include "flow/run.h"
#include "provider/provider.h"

#define FIRST_QUERIES_MAX 64u

static struct rf_plan_item *item_of(struct rf_plan *p, enum rf_op op)
{
        for (size_t i = 0; i < p->n_items; i++)
                if (p->items[i].op == op)
                        return &p->items[i];
        p->items[p->n_items] = (struct rf_plan_item){ .op = op };
        return &p->items[p->n_items++];
}

static void add_known(struct rf_plan *p, const struct rf_flow *f, const struct rf_query *q)
{
        struct rf_forecast forecast;
        struct rf_plan_item *item;

        if (rf_upstream_forecast(f->upstream, q, &forecast) < 0)
                return; /* nobody can do it: the run leaves it out, too */
        item = item_of(p, q->op);
        item->provider = forecast.provider;
        item->endpoint = forecast.endpoint;
        item->expected_us = forecast.expected_us;
        item->calls++;
        item->cached += forecast.is_cached;
}

static void add_estimate(struct rf_plan *p, const struct rf_flow *f, enum rf_op op, uint32_t calls)
{
        const struct rf_provider *provider = NULL;
        const struct rf_operation *o;
        struct rf_plan_item *item;

        if (calls == 0 || !rf_upstream_can(f->upstream, op))
                return;
        o = rf_upstream_operation(f->upstream, op, &provider);
        if (!o)
                return;
        item = item_of(p, op);
        item->provider = rf_provider_name(provider);
        item->endpoint = o->endpoint;
        if (item->expected_us == 0)
                item->expected_us = rf_upstream_provider_stats(f->upstream, provider).mean_us;
        item->calls += calls;
        item->is_estimate = true;
}

/* Calls for look-ups of so many ids at the operation's batch limit. */
static uint32_t batches(const struct rf_flow *f, enum rf_op op, size_t ids)
{
        const struct rf_operation *o = rf_upstream_operation(f->upstream, op, NULL);
        size_t limit = o && o->batch_limit > 0 ? o->batch_limit : 1;

        return (uint32_t)((ids + limit - 1) / limit);
}

/* What a first pass usually comes to, where it depends on answers: as many as the generators would ask for. */
static void add_first_pass(struct rf_plan *p, const struct rf_run *run)
{
        const struct rf_flow *f = run->flow;
        uint32_t per_artist, per_call, wanted = 0;
        size_t artists = rf_artists_calls(run, &per_artist), calls = rf_seeds_calls(run, &per_call), found, looked_at;

        for (size_t i = 0; i < run->brief->n_mentions; i++)
                wanted += !run->brief->mentions[i].is_seed_only;
        add_estimate(p, f, RF_OP_ARTIST_TOP_TRACKS, (uint32_t)(artists + run->brief->n_mentions));
        add_estimate(p, f, RF_OP_ARTIST_ALBUMS, wanted);
        add_estimate(p, f, RF_OP_ALBUM_TRACKS, wanted * rf_anchors_albums(run->brief));
        add_estimate(p, f, RF_OP_RECOMMENDATIONS, (uint32_t)calls);
        /* features of what gathering found, then of what was recommended and what was left */
        found = run->n_genres * rf_gather_genre_query(run, &run->genres[0]).limit + artists * per_artist;
        looked_at = rf_enrich_worth(run, found);
        add_estimate(p, f, RF_OP_AUDIO_FEATURES, batches(f, RF_OP_AUDIO_FEATURES, looked_at) +
                     batches(f, RF_OP_AUDIO_FEATURES, rf_enrich_worth_later(run, found - looked_at + calls * per_call)));
}

/* Longest chain: gather, its features, generate, its features; calls of one kind run side by side. */
static uint64_t chain_us(const struct rf_plan *p)
{
        uint64_t first = 0, generate = 0, features = 0;

        for (size_t i = 0; i < p->n_items; i++) {
                const struct rf_plan_item *item = &p->items[i];
                uint64_t us = item->cached >= item->calls ? 0 : item->expected_us;

                if (item->op == RF_OP_SEARCH_TRACKS || item->op == RF_OP_SEARCH_ARTISTS || item->op == RF_OP_USER_TOP)
                        first = MAX(first, us);
                else if (item->op == RF_OP_AUDIO_FEATURES)
                        features = us;
                else
                        generate = MAX(generate, us);
        }
        return first + generate + 2 * features;
}

int rf_flow_plan(const struct rf_flow *f, const struct rf_wish *wish, struct rf_plan **ret)
{
        _cleanup_(rf_plan_freep) struct rf_plan *p = calloc(1, sizeof(*p));
        static const struct rf_run_hooks no_hooks = { .deadline_us = RF_FOREVER };
        struct rf_run run = { .flow = f, .hooks = &no_hooks };
        _cleanup_free_ struct rf_query *queries = calloc(FIRST_QUERIES_MAX, sizeof(*queries));
        bool is_guess;
        size_t n;
        int r;

        if (!p || !queries)
                return -ENOMEM;
        r = rf_understand(f->lexicon, wish, &p->brief);
        if (r < 0)
                return r;
        run.brief = p->brief;
        run.n_genres = rf_genres_of(p->brief, run.genres, &is_guess);
        n = rf_gather_first_queries(&run, queries, FIRST_QUERIES_MAX);
        for (size_t i = 0; i < n; i++)
                add_known(p, f, &queries[i]);
        rf_arena_done(&run.arena);
        add_first_pass(p, &run);
        for (size_t i = 0; i < p->n_items; i++) {
                p->calls += p->items[i].calls;
                p->cached += p->items[i].cached;
        }
        p->expected_us = chain_us(p);
        *ret = TAKE_PTR(p);
        return 0;
}

struct rf_plan *rf_plan_free(struct rf_plan *p)
{
        if (p)
                rf_brief_free(p->brief);
        free(p);
        return NULL;
}
