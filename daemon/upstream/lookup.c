/* Look-ups by id: each id cached by itself, absences too; what is missing is collected into batches with everybody else's. */
#include "upstream/internal.h"

#include "base/limits.h"
#include "upstream/collector.h"

#include <errno.h>

struct lookup {
        struct rf_lane *lane;
        const struct rf_caller *caller;
        const struct rf_query *query;
        struct rf_collector *own; /* where nothing is shared with other callers; NULL otherwise */
        struct rf_answer *parts[RF_QUERY_IDS_MAX]; /* by place in the query */
        struct rf_interest *interests[RF_QUERY_IDS_MAX]; /* in what isn't cached */
        const char *old[RF_QUERY_IDS_MAX];         /* served, but to be fetched anew */
        struct rf_answer *fallback[RF_QUERY_IDS_MAX]; /* too old, unless nothing better comes */
        size_t n_old, n_stale, n_cached, n_answered;
        struct rf_cached first; /* of the cached ones that which ends first; without its answer */
        size_t along[RF_QUERY_IDS_MAX], n_along; /* cached, and no call is made for them; but in one that is they're renewed at no cost */
        int error; /* the last */
};

/* More than half of its life is over, and it's worth keeping. */
static bool may_go_along(const struct rf_caller *caller, const struct rf_cached *c)
{
        return caller->ahead_us > 0 && c->life_us >= caller->life_min_us && c->fresh_until_us <= rf_wall_us() + c->life_us / 2;
}

static int ask_cache(struct lookup *l)
{
        for (size_t i = 0; i < l->query->n_ids; i++) {
                struct rf_query one = { .op = l->query->op, .ids = &l->query->ids[i], .n_ids = 1 };
                struct rf_cached cached;
                int r = rf_cached_get(l->lane->upstream, l->lane, l->caller, &one, &cached);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        continue;
                if (cached.state == RF_CACHE_STALE_ERROR) {
                        l->fallback[i] = cached.answer;
                        continue;
                }
                l->parts[i] = cached.answer;
                l->n_cached++;
                l->n_stale += cached.state == RF_CACHE_STALE;
                if (cached.is_old)
                        l->old[l->n_old++] = l->query->ids[i];
                if (may_go_along(l->caller, &cached))
                        l->along[l->n_along++] = i;
                if (l->first.life_us == 0 || cached.fresh_until_us < l->first.fresh_until_us) {
                        l->first = cached;
                        l->first.answer = NULL;
                }
        }
        return 0;
}

/* A batch is one call, full or not: it takes along what would end before long. */
static void fill_up(struct lookup *l)
{
        const struct rf_operation *o = rf_provider_operation(l->lane->provider, l->query->op);
        size_t limit = o ? CLAMP(o->batch_limit, 1u, RF_QUERY_IDS_MAX) : 1, n_missing = l->query->n_ids - l->n_cached;

        for (size_t i = 0; i < l->n_along && n_missing % limit != 0; i++, n_missing++) {
                l->fallback[l->along[i]] = TAKE_PTR(l->parts[l->along[i]]);
                l->n_cached--;
        }
}

static void tell_cached(struct lookup *l)
{
        struct rf_call_record record = { .provider = rf_provider_name(l->lane->provider), .op = l->query->op,
                                         .endpoint = rf_provider_operation(l->lane->provider, l->query->op)->endpoint,
                                         .started_us = rf_now_us(), .cache = l->n_stale > 0 ? RF_CACHE_STALE : RF_CACHE_HIT,
                                         .n_records = (uint32_t)l->n_cached, .life_us = l->first.life_us,
                                         .fresh_until_us = l->first.fresh_until_us, .is_served_stale = l->first.is_served_stale };

        rf_observe(l->lane->upstream, l->caller, &record);
}

static int ask_service(struct lookup *l)
{
        struct rf_collector **c = rf_shares_calls(l->lane->upstream) ? &l->lane->collectors[l->query->op] : &l->own;
        int r = *c ? 0 : rf_collector_new(l->lane, l->query->op, c);

        for (size_t i = 0; i < l->query->n_ids && r >= 0; i++)
                if (!l->parts[i])
                        r = rf_collector_ask(*c, l->caller, l->query->ids[i], &l->interests[i]);
        return r;
}

/* -ECANCELED, -ENOMEM: at once; any other failure of some ids leaves the others their answers. */
static int collect(struct lookup *l)
{
        for (size_t i = 0; i < l->query->n_ids; i++) {
                const struct rf_call_record *record;
                int r;

                if (!l->interests[i])
                        continue;
                r = rf_collector_wait(l->interests[i], l->caller->deadline_us, &l->parts[i], &record);
                if (record)
                        rf_observe(l->lane->upstream, l->caller, record);
                if (r >= 0)
                        l->n_answered++;
                else
                        l->error = r;
                if ((r == -ECANCELED && rf_check_cancelled() < 0) || r == -ENOMEM)
                        return r;
                if (r < 0 && l->fallback[i]) {
                        l->parts[i] = TAKE_PTR(l->fallback[i]);
                        l->n_answered++;
                }
        }
        return 0;
}

static int add(struct rf_sink *s, const struct rf_answer *a)
{
        int r = 0;

        for (size_t i = 0; i < a->n_tracks && r >= 0; i++)
                r = rf_sink_track(s, &a->tracks[i]);
        for (size_t i = 0; i < a->n_features && r >= 0; i++)
                r = rf_sink_features(s, &a->features[i]);
        return r;
}

/* Everything in the order of the query. An error counts only if nothing at all was learned. */
static int join(struct lookup *l, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *s = NULL;
        uint32_t took_ms = 0;
        int r;

        if (l->n_cached + l->n_answered == 0 && l->error < 0)
                return l->error;
        r = rf_sink_new(rf_provider_name(l->lane->provider), l->query->op, RF_ANSWER_RECORDS_MAX, &s);
        for (size_t i = 0; i < l->query->n_ids && r >= 0; i++)
                if (l->parts[i]) {
                        took_ms = MAX(took_ms, l->parts[i]->took_ms);
                        r = add(s, l->parts[i]);
                }
        if (r >= 0)
                r = rf_sink_finish(s, ret);
        if (r < 0)
                return r;
        (*ret)->took_ms = took_ms;
        (*ret)->n_unheard = l->query->n_ids - l->n_cached - l->n_answered;
        return 0;
}

static int look_up(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool asks_cache, struct rf_answer **ret)
{
        struct lookup *l;
        int r = 0;

        if (q->n_ids == 0 || q->n_ids > RF_QUERY_IDS_MAX)
                return -EINVAL;
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->lane = lane;
        l->caller = caller;
        l->query = q;
        if (asks_cache)
                r = ask_cache(l);
        if (r >= 0)
                fill_up(l);
        if (r >= 0 && l->n_cached > 0)
                tell_cached(l);
        if (r >= 0 && l->n_cached < q->n_ids)
                r = ask_service(l);
        if (r >= 0)
                r = collect(l);
        if (r >= 0)
                r = join(l, ret);
        if (r >= 0 && l->n_old > 0)
                rf_refresh(lane, caller, &(struct rf_query){ .op = q->op, .ids = l->old, .n_ids = l->n_old });
        for (size_t i = 0; i < q->n_ids; i++) {
                rf_collector_leave(l->interests[i]);
                rf_answer_unref(l->parts[i]);
                rf_answer_unref(l->fallback[i]);
        }
        rf_collector_free(l->own);
        free(l);
        return r;
}

int rf_lookup(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, struct rf_answer **ret)
{
        return look_up(lane, caller, q, !caller->anew, ret);
}

int rf_lookup_refresh(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q)
{
        struct rf_answer *a = NULL;
        int r = look_up(lane, caller, q, false, &a);

        rf_answer_unref(a);
        return r;
}
