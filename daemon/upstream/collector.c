#include "upstream/collector.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "upstream/query.h"

#include <errno.h>
#include <string.h>

/* The old policy: features of one track a call, so many at once, and a pause after them. */
enum { OLD_FEATURES_AT_ONCE = 5 };
#define OLD_FEATURES_PAUSE_US (1200 * USEC_PER_MSEC)

struct rf_collector {
        size_t references; /* the owner's, and of each coroutine that works for it */
        struct rf_lane *lane;
        enum rf_op op;
        struct rf_map *wanted;   /* struct wanted by id: queued or under way */
        struct rf_list queue;    /* not yet sent */
        struct rf_caller caller; /* of who comes first of the queue: for fairness */
        bool is_flushing;
};

/* One call. Kept while a wanted id points to it. */
struct batch {
        struct rf_collector *collector;
        struct rf_group *group;
        struct rf_arena arena; /* of what is asked: who wanted an id may leave while the call goes on */
        struct wanted *ids[RF_QUERY_IDS_MAX];
        size_t n, n_live, references;
        uint64_t deadline_us;
        struct rf_caller caller;
        struct rf_call_record record;
        bool is_told; /* its first caller has the record */
};

/* One id that somebody wants. */
struct wanted {
        struct rf_list link;
        struct rf_collector *collector;
        struct batch *batch; /* NULL: still queued */
        struct rf_waiters waiters;
        size_t n_interests;
        uint64_t deadline_us; /* the latest */
        bool is_done;
        int result;
        struct rf_answer *part;
        char id[];
};

struct rf_interest {
        struct wanted *wanted;
        bool is_first; /* made the call, if nobody did before */
};

int rf_collector_new(struct rf_lane *lane, enum rf_op op, struct rf_collector **ret)
{
        struct rf_collector *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->references = 1;
        c->lane = lane;
        c->op = op;
        rf_list_init(&c->queue);
        c->wanted = rf_map_new();
        if (!c->wanted) {
                free(c);
                return -ENOMEM;
        }
        *ret = c;
        return 0;
}

struct rf_collector *rf_collector_free(struct rf_collector *c)
{
        if (!c || --c->references > 0)
                return NULL;
        rf_map_free(c->wanted);
        free(c);
        return NULL;
}

static void batch_unref(struct batch *b)
{
        if (--b->references > 0)
                return;
        rf_arena_done(&b->arena);
        rf_collector_free(b->collector);
        free(b);
}

static void wanted_free(struct wanted *w)
{
        rf_list_remove(&w->link);
        if (rf_map_get_string(w->collector->wanted, w->id) == w)
                rf_map_remove_string(w->collector->wanted, w->id);
        if (w->batch) {
                for (size_t i = 0; i < w->batch->n; i++)
                        if (w->batch->ids[i] == w)
                                w->batch->ids[i] = NULL;
                batch_unref(w->batch);
        }
        rf_answer_unref(w->part);
        free(w);
}

/* ---- Fetching ---- */

/* The part of an answer that is about one id, as an answer of its own. */
static int part_of(const struct rf_answer *a, const char *id, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *s = NULL;
        int r = rf_sink_new(a->provider, a->op, 1, &s);

        if (r < 0)
                return r;
        for (size_t i = 0; i < a->n_tracks && r >= 0; i++) {
                const struct rf_track *t = &a->tracks[i];

                if (strcmp(t->id, id) == 0 || (t->spotify_id && strcmp(t->spotify_id, id) == 0)) {
                        r = rf_sink_track(s, t);
                        break;
                }
        }
        for (size_t i = 0; i < a->n_features && r >= 0; i++) {
                const struct rf_track_features *f = &a->features[i];

                if ((f->id && strcmp(f->id, id) == 0) || (f->spotify_id && strcmp(f->spotify_id, id) == 0)) {
                        r = rf_sink_features(s, f);
                        break;
                }
        }
        if (r >= 0)
                r = rf_sink_finish(s, ret);
        if (r >= 0)
                (*ret)->took_ms = a->took_ms;
        return r;
}

static void settle(struct wanted *w, int result, struct rf_answer *part)
{
        w->is_done = true;
        w->result = result;
        w->part = part;
        if (w->batch)
                w->batch->n_live--; /* whoever is left of the batch decides whether it goes on */
        rf_map_remove_string(w->collector->wanted, w->id); /* who comes now finds it in the cache, or asks anew */
        rf_wake_all(&w->waiters);
}

/* Gives each id its part and keeps that in the cache. */
static void deal_out(struct batch *b, size_t from, size_t n, const struct rf_answer *a)
{
        struct rf_lane *lane = b->collector->lane;

        for (size_t i = from; i < from + n; i++) {
                struct wanted *w = b->ids[i];
                struct rf_answer *part = NULL;
                const char *id;
                int r;

                if (!w) /* nobody wants it any more */
                        continue;
                r = part_of(a, w->id, &part);
                id = w->id;
                /* records that failed validation may have been this one: its absence isn't known */
                if (r >= 0 && (!a->n_refused || !rf_answer_is_empty(part)))
                        rf_cached_put(lane->upstream, lane, &(struct rf_query){ .op = b->collector->op, .ids = &id, .n_ids = 1 }, part);
                settle(w, r, part);
        }
}

/* Fetches the ids from..from+n. When the service calls that request wrong, one bad id must not cost its neighbours: halves, again. */
static int fetch(struct batch *b, size_t from, size_t n)
{
        struct rf_collector *c = b->collector;
        struct rf_query q = { .op = c->op };
        const char *ids[RF_QUERY_IDS_MAX];
        struct rf_answer *a = NULL;
        int r;

        for (size_t i = from; i < from + n; i++)
                if (b->ids[i])
                        ids[q.n_ids++] = b->ids[i]->id;
        if (q.n_ids == 0)
                return 0;
        q.ids = ids;
        r = rf_query_copy(&b->arena, &q, &q);
        if (r >= 0)
                r = rf_attempts(c->lane, &b->caller, &q, false, &b->deadline_us, &b->record, &a);
        if ((r == -RF_EINVALIDCALL || r == -ENOTSUP) && n > 1) { /* ENOTSUP: this way takes fewer at a time */
                r = fetch(b, from, n / 2);
                return r < 0 && r != -RF_EINVALIDCALL && r != -ENOTSUP ? r : fetch(b, from + n / 2, n - n / 2);
        }
        if (r >= 0) {
                b->record.n_records += (uint32_t)(a->n_tracks + a->n_features);
                deal_out(b, from, n, a);
                rf_answer_unref(a);
                return 0;
        }
        b->record.error = r; /* before anybody who waits reads it */
        b->record.total_us = rf_now_us() - b->record.started_us;
        for (size_t i = from; i < from + n; i++)
                if (b->ids[i] && !b->ids[i]->is_done)
                        settle(b->ids[i], r, NULL);
        return r;
}

static int fetch_all(void *arg)
{
        struct batch *b = arg;

        return fetch(b, 0, b->n);
}

/* The batch's own group can be cancelled without reaching the others'. */
static int run_batch(void *arg)
{
        struct batch *b = arg;
        int r = rf_group_new(RF_FOREVER, &b->group);

        b->record.started_us = rf_now_us();
        if (r >= 0)
                r = rf_group_spawn(b->group, "batch-call", fetch_all, b);
        if (r >= 0)
                r = rf_group_join(b->group);
        b->group = rf_group_free(b->group);
        b->record.total_us = rf_now_us() - b->record.started_us;
        b->record.error = r;
        if (r >= 0) /* absences are remembered for less long than records */
                rf_cached_life(b->collector->lane, &(struct rf_query){ .op = b->collector->op }, b->record.n_records < b->n, &b->record);
        rf_settle_allowance(&b->caller, b->record.attempts);
        for (size_t i = 0; i < b->n; i++) /* cancelled before they were dealt with */
                if (b->ids[i] && !b->ids[i]->is_done)
                        settle(b->ids[i], r < 0 ? r : -ECANCELED, NULL);
        batch_unref(b);
        return 0;
}

static int start_batch(struct rf_collector *c, struct rf_group *g, size_t limit)
{
        struct batch *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->collector = c;
        c->references++;
        b->caller = c->caller;
        b->references = 1;
        b->record = (struct rf_call_record){ .provider = rf_provider_name(c->lane->provider), .op = c->op,
                                             .endpoint = rf_provider_operation(c->lane->provider, c->op)->endpoint,
                                             .cache = RF_CACHE_MISS };
        while (b->n < limit && !rf_list_is_empty(&c->queue)) {
                struct wanted *w = rf_list_first(&c->queue, struct wanted, link);

                rf_list_remove(&w->link);
                w->batch = b;
                b->references++;
                b->n_live++;
                b->deadline_us = MAX(b->deadline_us, w->deadline_us);
                b->ids[b->n++] = w;
        }
        r = rf_take_allowance(c->lane->upstream, &b->caller);
        if (r >= 0)
                r = rf_group_spawn(g, "batch", run_batch, b);
        if (r < 0) {
                b->record.error = r;
                for (size_t i = 0; i < b->n; i++)
                        settle(b->ids[i], r, NULL);
                batch_unref(b);
        }
        return r;
}

/* How many ids a call has, how many calls go at once, and the pause between. */
struct rounds {
        size_t limit, at_once; /* at_once 0: all */
        uint64_t pause_us;
};

static struct rounds rounds_of(const struct rf_collector *c)
{
        const struct rf_upstream *u = c->lane->upstream;
        size_t limit = CLAMP(rf_provider_operation(c->lane->provider, c->op)->batch_limit, 1u, RF_QUERY_IDS_MAX);

        if (c->op == RF_OP_AUDIO_FEATURES && !rf_upstream_is_on(u, RF_OPT_BATCH_FEATURES))
                return (struct rounds){ .limit = 1, .at_once = OLD_FEATURES_AT_ONCE, .pause_us = OLD_FEATURES_PAUSE_US };
        return (struct rounds){ .limit = limit, .at_once = c->op == RF_OP_TRACKS && !rf_upstream_is_on(u, RF_OPT_BATCH_DETAILS) };
}

/* Sends what is queued in rounds, each after the end of the one before. */
static int send_rounds(struct rf_collector *c, const struct rounds *rounds)
{
        int r = 0;

        while (!rf_list_is_empty(&c->queue) && r >= 0) {
                struct rf_group *g;

                r = rf_group_new(RF_FOREVER, &g);
                if (r < 0)
                        return r;
                for (size_t n = 0; n < rounds->at_once && !rf_list_is_empty(&c->queue) && r >= 0; n++)
                        r = start_batch(c, g, rounds->limit);
                if (r >= 0)
                        r = rf_group_join(g);
                rf_group_free(g);
                if (r >= 0 && !rf_list_is_empty(&c->queue))
                        r = rf_upstream_pause(c->lane->upstream, RF_PAUSE_BATCHES, rounds->pause_us);
        }
        return r;
}

static int flush(void *arg)
{
        struct rf_collector *c = arg;
        struct rounds rounds = rounds_of(c);
        struct rf_group *g;
        int r = rf_yield_until_idle();

        c->is_flushing = false;
        if (r >= 0)
                r = rf_background(c->lane->upstream, &g);
        if (r >= 0 && rounds.at_once > 0)
                r = send_rounds(c, &rounds);
        while (!rf_list_is_empty(&c->queue) && r >= 0)
                r = start_batch(c, g, rounds.limit);
        while (!rf_list_is_empty(&c->queue)) { /* stopped, or out of memory: nobody may wait for ever */
                struct wanted *w = rf_list_first(&c->queue, struct wanted, link);

                rf_list_remove(&w->link);
                settle(w, r, NULL);
        }
        rf_collector_free(c);
        return 0;
}

/* ---- Asking ---- */

static int start_flush(struct rf_collector *c)
{
        struct rf_group *g;
        int r;

        if (c->is_flushing)
                return 0;
        r = rf_background(c->lane->upstream, &g);
        if (r >= 0)
                r = rf_group_spawn(g, "collect", flush, c);
        c->is_flushing = r >= 0;
        c->references += r >= 0; /* the coroutine's, which hasn't run yet */
        return r;
}

static int wanted_new(struct rf_collector *c, const struct rf_caller *caller, const char *id, struct wanted **ret)
{
        size_t size = strlen(id) + 1;
        struct wanted *w = calloc(1, sizeof(*w) + size);
        int r;

        if (!w)
                return -ENOMEM;
        memcpy(w->id, id, size);
        w->collector = c;
        rf_list_init(&w->link);
        rf_waiters_init(&w->waiters);
        r = rf_map_put_string(c->wanted, w->id, w);
        if (r >= 0) {
                if (rf_list_is_empty(&c->queue))
                        c->caller = (struct rf_caller){ .client = caller->client, .rank = caller->rank, .priority = caller->priority,
                                                        .allowance = caller->allowance };
                rf_list_append(&c->queue, &w->link);
                r = start_flush(c);
        }
        if (r < 0) {
                wanted_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

int rf_collector_ask(struct rf_collector *c, const struct rf_caller *caller, const char *id, struct rf_interest **ret)
{
        struct rf_interest *i = calloc(1, sizeof(*i));
        struct wanted *w = rf_map_get_string(c->wanted, id);
        int r = 0;

        if (!i)
                return -ENOMEM;
        i->is_first = !w;
        if (!w)
                r = wanted_new(c, caller, id, &w);
        if (r < 0) {
                free(i);
                return r;
        }
        if (!w->batch && caller->priority < c->caller.priority) /* a person waits for a batch that background work began */
                c->caller.allowance = NULL;
        rf_gate_hasten(c->lane->gate, w->batch ? &w->batch->caller : &c->caller, caller);
        w->n_interests++;
        w->deadline_us = MAX(w->deadline_us, caller->deadline_us);
        if (w->batch)
                w->batch->deadline_us = MAX(w->batch->deadline_us, caller->deadline_us);
        i->wanted = w;
        *ret = i;
        return 0;
}

/* The batch goes on without its first caller, or ends with it: what that caller's receipt has of it is that it was given up. */
static const struct rf_call_record *tell_given_up(const struct rf_interest *i, int error)
{
        struct batch *b = i->wanted->batch;

        if (!b || b->is_told || !i->is_first)
                return NULL;
        b->is_told = true;
        b->record.total_us = rf_now_us() - b->record.started_us;
        b->record.error = error;
        return &b->record;
}

int rf_collector_wait(struct rf_interest *i, uint64_t deadline_us, struct rf_answer **ret, const struct rf_call_record **ret_record)
{
        struct wanted *w = i->wanted;
        int r = 0;

        *ret_record = NULL;
        while (!w->is_done && r >= 0)
                r = rf_wait(&w->waiters, deadline_us);
        if (!w->is_done) {
                if (r == -ETIMEDOUT)
                        *ret_record = tell_given_up(i, r);
                return r;
        }
        if (w->batch && !w->batch->is_told && i->is_first) {
                w->batch->is_told = true;
                *ret_record = &w->batch->record;
        }
        if (w->result < 0)
                return w->result;
        *ret = rf_answer_ref(w->part);
        return 0;
}

void rf_collector_leave(struct rf_interest *i)
{
        struct wanted *w;
        struct batch *b;

        if (!i)
                return;
        w = i->wanted;
        b = w->batch;
        free(i);
        if (--w->n_interests > 0)
                return;
        if (b && !w->is_done && --b->n_live == 0 && b->group)
                rf_group_cancel(b->group);
        wanted_free(w);
}
