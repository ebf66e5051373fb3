/* Look-ups by id: each id cached by itself, absences too; what is missing is fetched in batches at once. */
#include "upstream/internal.h"

#include "base/limits.h"
#include "base/map.h"

#include <errno.h>
#include <string.h>

struct batch {
        struct rf_upstream *u;
        struct rf_lane *lane;
        const struct rf_caller *caller;
        struct rf_query query;
        struct rf_answer *answer;
        int result;
};

struct lookup {
        struct rf_upstream *u;
        struct rf_lane *lane;
        const struct rf_caller *caller;
        const struct rf_query *query;
        struct rf_answer *cached[RF_QUERY_IDS_MAX]; /* by place in the query; NULL = to be fetched */
        const char *missing[RF_QUERY_IDS_MAX];
        size_t n_missing, n_cached;
        struct batch batches[RF_QUERY_IDS_MAX];
        size_t n_batches;
};

static bool is_stored(enum rf_cache_state state)
{
        return state == RF_CACHE_HIT || state == RF_CACHE_NEGATIVE;
}

static int ask_cache(struct lookup *l)
{
        for (size_t i = 0; i < l->query->n_ids; i++) {
                struct rf_query one = *l->query;
                enum rf_cache_state state;
                int r;

                one.ids = &l->query->ids[i];
                one.n_ids = 1;
                r = rf_cached_get(l->u, l->lane, &one, &state, &l->cached[i]);
                if (r == -ENOMEM)
                        return r;
                if (r == 0 && is_stored(state)) {
                        l->n_cached++;
                        continue;
                }
                l->cached[i] = rf_answer_unref(l->cached[i]);
                l->missing[l->n_missing++] = l->query->ids[i];
        }
        return 0;
}

static int fetch(void *arg)
{
        struct batch *b = arg;
        struct rf_call_record record = { .provider = rf_provider_name(b->lane->provider), .op = b->query.op,
                                         .endpoint = rf_provider_operation(b->lane->provider, b->query.op)->endpoint,
                                         .started_us = rf_now_us(), .cache = RF_CACHE_MISS };

        b->result = rf_single_uncached(b->u, b->lane, b->caller, &b->query, &record, &b->answer);
        record.total_us = rf_now_us() - record.started_us;
        record.error = b->result;
        record.n_records = b->answer ? (uint32_t)(b->answer->n_tracks + b->answer->n_features) : 0;
        rf_observe(b->u, b->caller, &record);
        return b->result;
}

static int fetch_missing(struct lookup *l)
{
        const struct rf_operation *o = rf_provider_operation(l->lane->provider, l->query->op);
        size_t size = o->batch_limit > 0 ? o->batch_limit : 1;
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int r = rf_group_new(l->caller->deadline_us, &g);

        for (size_t at = 0; at < l->n_missing && r >= 0; at += size) {
                struct batch *b = &l->batches[l->n_batches++];

                *b = (struct batch){ .u = l->u, .lane = l->lane, .caller = l->caller, .query = *l->query };
                b->query.ids = &l->missing[at];
                b->query.n_ids = MIN(size, l->n_missing - at);
                r = rf_group_spawn(g, "batch", fetch, b);
        }
        if (r < 0)
                return r;
        r = rf_group_join(g);
        return r == -ECANCELED || r == -ENOMEM ? r : 0; /* what came is used; see finish() */
}

/* The part of a batch's answer that is about one id, as an answer of its own. */
static int part(const struct rf_answer *a, const char *id, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *s = NULL;
        int r = rf_sink_new(a->provider, a->op, 1, &s);

        if (r < 0)
                return r;
        for (size_t i = 0; i < a->n_tracks && r >= 0; i++)
                if (strcmp(a->tracks[i].id, id) == 0) {
                        r = rf_sink_track(s, &a->tracks[i]);
                        break;
                }
        for (size_t i = 0; i < a->n_features && r >= 0; i++) {
                const struct rf_track_features *f = &a->features[i];

                if ((f->id && strcmp(f->id, id) == 0) || (f->spotify_id && strcmp(f->spotify_id, id) == 0)) {
                        r = rf_sink_features(s, f);
                        break;
                }
        }
        return r < 0 ? r : rf_sink_finish(s, ret);
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

/* Stores each id's part and joins everything in the order of the query. An error counts only if nothing at all was learned. */
static int finish(struct lookup *l, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *s = NULL;
        size_t n_answered = l->n_cached, missing = 0;
        int error = 0, r = rf_sink_new(rf_provider_name(l->lane->provider), l->query->op, RF_ANSWER_RECORDS_MAX, &s);
        const struct rf_operation *o = rf_provider_operation(l->lane->provider, l->query->op);
        size_t size = o->batch_limit > 0 ? o->batch_limit : 1;

        for (size_t i = 0; i < l->query->n_ids && r >= 0; i++) {
                struct batch *b;
                struct rf_query one = *l->query;

                if (l->cached[i]) {
                        r = add(s, l->cached[i]);
                        continue;
                }
                b = &l->batches[missing++ / size];
                if (!b->answer) {
                        error = b->result;
                        continue;
                }
                r = part(b->answer, l->query->ids[i], &l->cached[i]);
                if (r < 0)
                        break;
                one.ids = &l->query->ids[i];
                one.n_ids = 1;
                if (!b->answer->n_refused || !rf_answer_is_empty(l->cached[i]))
                        rf_cached_put(l->u, l->lane, &one, l->cached[i]);
                n_answered++;
                r = add(s, l->cached[i]);
        }
        if (r < 0)
                return r;
        return n_answered == 0 && error < 0 ? error : rf_sink_finish(s, ret);
}

int rf_lookup(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
              struct rf_answer **ret)
{
        struct lookup *l;
        int r;

        if (q->n_ids == 0 || q->n_ids > RF_QUERY_IDS_MAX)
                return -EINVAL;
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->u = u;
        l->lane = lane;
        l->caller = caller;
        l->query = q;
        r = ask_cache(l);
        if (r >= 0 && l->n_cached > 0) {
                struct rf_call_record record = { .provider = rf_provider_name(lane->provider), .op = q->op,
                                                 .endpoint = rf_provider_operation(lane->provider, q->op)->endpoint,
                                                 .started_us = rf_now_us(), .cache = RF_CACHE_HIT,
                                                 .n_records = (uint32_t)l->n_cached };

                rf_observe(u, caller, &record);
        }
        if (r >= 0 && l->n_missing > 0)
                r = fetch_missing(l);
        if (r >= 0)
                r = finish(l, ret);
        for (size_t i = 0; i < q->n_ids; i++)
                rf_answer_unref(l->cached[i]);
        for (size_t i = 0; i < l->n_batches; i++)
                rf_answer_unref(l->batches[i].answer);
        free(l);
        return r;
}
