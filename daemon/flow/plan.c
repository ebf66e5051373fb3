#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/bridge.h"
#include "flow/enrich.h"
#include "flow/flow.h"
#include "flow/gather.h"
#include "flow/generators.h"
#include "flow/genres.h"
#include "flow/improve.h"
#include "flow/run.h"
#include "provider/provider.h"

#define FIRST_QUERIES_MAX 64u
/* As calls are made (flow/calls.c, flow/discography.c). */
#define TOGETHER 8u
#define ALBUMS_TOGETHER 4u

struct planning {
        struct rf_plan *plan;
        struct rf_run *run;
        struct rf_passes passes;
};

struct count {
        uint32_t least, usual, most;
};

static struct rf_plan_item *item_of(struct rf_plan *p, enum rf_op op, const char *provider)
{
        for (size_t i = 0; i < p->n_items; i++)
                if (p->items[i].op == op && strcmp(p->items[i].provider, provider) == 0)
                        return &p->items[i];
        p->items[p->n_items] = (struct rf_plan_item){ .op = op, .provider = provider };
        return &p->items[p->n_items++];
}

static void add_known(struct rf_plan *p, const struct rf_flow *f, const struct rf_query *q)
{
        struct rf_forecast forecast;
        struct rf_plan_item *item;

        if (rf_upstream_forecast(f->upstream, q, &forecast) < 0)
                return; /* nobody can do it: the run leaves it out, too */
        item = item_of(p, q->op, forecast.provider);
        item->endpoint = forecast.endpoint;
        item->expected_us = forecast.expected_us;
        item->calls++;
        item->calls_min++;
        item->calls_max++;
        item->cached += forecast.is_cached;
}

static void add_at(struct planning *w, const struct rf_provider *provider, enum rf_op op, struct count n)
{
        const struct rf_operation *o = rf_provider_operation(provider, op);
        struct rf_plan_item *item;

        if (!o || n.most == 0)
                return;
        item = item_of(w->plan, op, rf_provider_name(provider));
        item->endpoint = o->endpoint;
        if (item->expected_us == 0)
                item->expected_us = rf_upstream_provider_stats(w->run->flow->upstream, provider).mean_us;
        item->calls += n.usual;
        item->calls_min += n.least;
        item->calls_max += n.most;
        item->is_estimate = true;
}

/* Calls whose number depends on answers. */
static void add(struct planning *w, enum rf_op op, struct count n)
{
        const struct rf_provider *provider = NULL;

        if (rf_upstream_can(w->run->flow->upstream, op) && rf_upstream_operation(w->run->flow->upstream, op, &provider))
                add_at(w, provider, op, n);
}

/* Those of one pass, which is made or not: as a rule so many as at most. */
static void add_of_pass(struct planning *w, unsigned pass, enum rf_op op, struct count n)
{
        add(w, op, (struct count){ pass < w->passes.least ? n.least : 0, pass < w->passes.usual ? n.usual : 0, n.most });
}

/* Calls for look-ups of so many ids at the operation's batch limit. */
static uint32_t batches(const struct rf_flow *f, enum rf_op op, size_t ids)
{
        const struct rf_operation *o = rf_upstream_operation(f->upstream, op, NULL);
        size_t limit = o && o->batch_limit > 0 ? o->batch_limit : 1;

        return (uint32_t)((ids + limit - 1) / limit);
}

/* ---- How long ---- */

static uint64_t each_us(const struct rf_plan *p, enum rf_op op)
{
        uint64_t us = 0;

        for (size_t i = 0; i < p->n_items; i++)
                if (p->items[i].op == op)
                        us = MAX(us, p->items[i].expected_us);
        return us;
}

/* The first searches, while the plan has nothing else: side by side, or one after the other. */
static uint64_t searches_us(const struct planning *w)
{
        uint64_t longest = 0, sum = 0;

        for (size_t i = 0; i < w->plan->n_items; i++) {
                const struct rf_plan_item *item = &w->plan->items[i];

                sum += (item->calls - item->cached) * item->expected_us;
                if (item->calls > item->cached)
                        longest = MAX(longest, item->expected_us);
        }
        return rf_run_is_on(w->run, RF_OPT_OVERLAP_DISCOVERY) ? longest : sum;
}

static enum rf_op op_of_top_tracks(const struct planning *w)
{
        return rf_upstream_can(w->run->flow->upstream, RF_OP_ARTIST_TOP_TRACKS) ? RF_OP_ARTIST_TOP_TRACKS : RF_OP_SEARCH_TRACKS;
}

/* So many artists, several at a time: tracks, the list of albums, then those. */
static uint64_t artists_us(const struct planning *w, uint32_t artists, uint32_t albums)
{
        bool is_parallel = rf_run_is_on(w->run, RF_OPT_PARALLEL_ARTISTS);
        uint32_t together = is_parallel ? TOGETHER : 1, albums_together = is_parallel ? ALBUMS_TOGETHER : 1;
        uint64_t us = each_us(w->plan, op_of_top_tracks(w));

        if (albums > 0)
                us += each_us(w->plan, RF_OP_ARTIST_ALBUMS) +
                      (albums + albums_together - 1) / albums_together * each_us(w->plan, RF_OP_ALBUM_TRACKS);
        return (artists + together - 1) / together * us;
}

/* ---- How many ---- */

/* Who is mentioned for themselves, and who only points a direction; what is unknown to a service has none of this. */
static void add_mentions(struct planning *w)
{
        const struct rf_brief *b = w->run->brief;
        uint32_t n = (uint32_t)b->n_mentions, wanted = 0, albums = rf_anchors_albums(b);

        for (size_t i = 0; i < b->n_mentions; i++)
                wanted += !b->mentions[i].is_seed_only;
        add(w, op_of_top_tracks(w), (struct count){ 0, n, n });
        add(w, RF_OP_ARTIST_ALBUMS, (struct count){ 0, wanted, wanted });
        add(w, RF_OP_ALBUM_TRACKS, (struct count){ 0, wanted * albums, wanted * albums });
        add(w, RF_OP_SEARCH_TRACKS, (struct count){ 0, 0, n }); /* names are read the other way, too */
}

static void add_artists(struct planning *w, const struct rf_artists_forecast *a, struct count n)
{
        add(w, op_of_top_tracks(w), n);
        if (a->albums == 0)
                return;
        add(w, RF_OP_ARTIST_ALBUMS, (struct count){ 0, n.usual, n.most });
        add(w, RF_OP_ALBUM_TRACKS, (struct count){ 0, n.usual * a->albums, n.most * a->albums });
}

/* Who recommends may know the tracks under no id that may be told: then they're looked for there by name. */
static void add_bridge(struct planning *w)
{
        const struct rf_provider *from = NULL, *to = NULL;
        const struct rf_upstream *u = w->run->flow->upstream;
        struct count n = { 0, 0, RF_BRIDGE_ARTISTS_MAX };

        if (!rf_upstream_operation(u, RF_OP_SEARCH_TRACKS, &from) || !rf_upstream_operation(u, RF_OP_RECOMMENDATIONS, &to) || from == to)
                return;
        n.usual = rf_provider_takes_spotify_ids(to) ? 0 : RF_BRIDGE_ARTISTS_MAX;
        add_at(w, to, RF_OP_SEARCH_ARTISTS, n);
        add_at(w, to, RF_OP_ARTIST_TOP_TRACKS, n);
}

/* Everything up to the first judgement: what a run makes that needs no pass. */
static void add_gathering(struct planning *w, uint64_t first_us)
{
        struct rf_run *run = w->run;
        struct rf_artists_forecast a = rf_artists_forecast(run, 0);
        struct rf_plan *p = w->plan;
        bool has_era = run->brief->year_from || run->brief->year_to;
        size_t by_genre = run->n_genres * rf_gather_genre_query(run, &run->genres[0]).limit;
        size_t found = by_genre + a.most * (a.tracks + (a.albums > 0 ? a.tracks : 0));
        uint32_t calls = batches(run->flow, RF_OP_AUDIO_FEATURES, rf_enrich_worth(run, found));
        uint32_t fewest = has_era ? 1 : batches(run->flow, RF_OP_AUDIO_FEATURES, rf_enrich_worth(run, by_genre));
        uint64_t least_us, most_us;

        add_mentions(w);
        add_artists(w, &a, (struct count){ a.least, a.most, a.most });
        add(w, RF_OP_SEARCH_TRACKS, (struct count){ 0, 0, (uint32_t)run->n_genres }); /* related ones, for those that nobody knows */
        add(w, RF_OP_AUDIO_FEATURES, (struct count){ MIN(fewest, calls), calls, calls + 1 });
        least_us = first_us + artists_us(w, a.least, 0) + each_us(p, RF_OP_AUDIO_FEATURES);
        most_us = first_us + artists_us(w, a.most, a.albums) + each_us(p, RF_OP_AUDIO_FEATURES);
        if (run->brief->n_mentions > 0)
                most_us = MAX(most_us, first_us + artists_us(w, (uint32_t)run->brief->n_mentions, rf_anchors_albums(run->brief)));
        p->expected_min_us += least_us;
        p->expected_us += most_us;
        p->expected_max_us += most_us + each_us(p, RF_OP_SEARCH_TRACKS);
}

/* Recommendations, from the second pass on further artists with deeper cuts, and further pages of the genres. */
static void add_pass(struct planning *w, unsigned pass)
{
        struct rf_run *run = w->run;
        struct rf_plan *p = w->plan;
        struct rf_artists_forecast a = rf_artists_forecast(run, pass);
        uint32_t per_call, pages = (uint32_t)run->n_genres, features;
        size_t calls = rf_seeds_calls(run, &per_call);
        bool is_least = pass < w->passes.least, is_usual = pass < w->passes.usual, can = rf_upstream_can(run->flow->upstream, RF_OP_RECOMMENDATIONS);
        uint64_t seeds_us, us;

        if (pass == 0)
                a = (struct rf_artists_forecast){ 0 };
        features = batches(run->flow, RF_OP_AUDIO_FEATURES,
                           rf_enrich_worth_later(run, calls * per_call + a.most * a.tracks + (pass > 0 ? pages * per_call : 0)));
        add_of_pass(w, pass, RF_OP_RECOMMENDATIONS, (struct count){ 0, (uint32_t)calls, (uint32_t)calls });
        add_of_pass(w, pass, RF_OP_SEARCH_TRACKS, (struct count){ 0, pass > 0 || !can ? pages : 0, pages });
        add_artists(w, &a, (struct count){ is_least ? a.least : 0, is_usual ? a.most : 0, a.most });
        add_of_pass(w, pass, RF_OP_AUDIO_FEATURES, (struct count){ 0, features, features + 1 });
        seeds_us = each_us(p, RF_OP_RECOMMENDATIONS) + (pass > 0 || !can ? each_us(p, RF_OP_SEARCH_TRACKS) : 0);
        us = MAX(seeds_us, a.most > 0 ? artists_us(w, a.most, a.albums) : 0) + each_us(p, RF_OP_AUDIO_FEATURES);
        p->expected_min_us += is_least ? us : 0;
        p->expected_us += is_usual ? us : 0;
        p->expected_max_us += us;
}

static void sum_up(struct rf_plan *p)
{
        for (size_t i = 0; i < p->n_items; i++) {
                p->calls += p->items[i].calls;
                p->calls_min += p->items[i].calls_min;
                p->calls_max += p->items[i].calls_max;
                p->cached += p->items[i].cached;
        }
}

int rf_flow_plan(const struct rf_flow *f, const struct rf_wish *wish, struct rf_plan **ret)
{
        _cleanup_(rf_plan_freep) struct rf_plan *p = calloc(1, sizeof(*p));
        static const struct rf_run_hooks no_hooks = { .deadline_us = RF_FOREVER };
        struct rf_run run = { .flow = f, .hooks = &no_hooks };
        _cleanup_free_ struct rf_query *queries = calloc(FIRST_QUERIES_MAX, sizeof(*queries));
        struct planning w = { .plan = p, .run = &run };
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
        w.passes = rf_improve_passes(&run);
        add_gathering(&w, searches_us(&w));
        add_bridge(&w);
        for (unsigned pass = 0; pass < w.passes.most; pass++)
                add_pass(&w, pass);
        sum_up(p);
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
