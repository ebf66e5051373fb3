/* One call to one provider: the cache, then the shared work of attempts and retries. */
#include "upstream/internal.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "upstream/attempt.h"
#include "upstream/classify.h"
#include "upstream/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MEAN_SHARE = 8, SHARE_OF_MEAN = 3, HURRY_OF_MEAN = 2, REFUSALS_WAITED_MAX = 3 /* 429s in one call */ };

#define TIMEOUT_MIN_US (100 * USEC_PER_MSEC)
#define TIMEOUT_OLD_US (30 * USEC_PER_SEC) /* of every call, before some were given longer */

/* ---- Attempts ---- */

/* One call's attempts, on the stack of the coroutine that makes them. */
struct effort {
        struct rf_lane *lane;
        const struct rf_caller *caller;
        const struct rf_query *query;
        const struct rf_operation *operation;
        const uint64_t *deadline_us;
        struct rf_call_record *record;
        struct rf_request_builder *builder;
        const struct rf_request *request;
        struct rf_attempt last;
        bool has_alternative, has_renewed;
        uint64_t token; /* that the last attempt carried, as rf_authority_token() */
        uint32_t refusals;
};

static void weigh(uint64_t *mean, uint64_t value)
{
        *mean = *mean ? *mean - *mean / MEAN_SHARE + value / MEAN_SHARE : value;
}

/*
 * The service won't do this operation for this credential: it isn't asked again for a while. Of equal calls under way at once each is
 * refused, and the first has changed the way already.
 */
static void refuse(struct effort *e)
{
        struct rf_lane *lane = e->lane;
        uint64_t until_us = rf_wall_us() + lane->upstream->options.refusal_us;

        if (rf_provider_operation(lane->provider, e->query->op) == e->operation)
                rf_provider_refuse(lane->provider, e->query->op, until_us, e->last.verdict.message);
        rf_learned_changed(lane);
}

/* The account itself was refused, and so would be every other call. */
static void refuse_all(struct effort *e)
{
        struct rf_lane *lane = e->lane;
        uint64_t until_us = rf_wall_us() + lane->upstream->options.refusal_us;

        for (unsigned op = 0; op < RF_OP_COUNT; op++)
                for (unsigned way = 0; way < RF_OPERATION_WAYS_MAX; way++)
                        rf_provider_refuse_way(lane->provider, op, way, until_us, e->last.verdict.message);
        rf_learned_changed(lane);
}

static void learn(struct effort *e)
{
        struct rf_lane *lane = e->lane;
        struct rf_upstream *u = lane->upstream;
        enum rf_outcome outcome = e->last.verdict.outcome;

        lane->stats.calls++;
        u->stats.by_outcome[outcome]++;
        if (outcome > RF_OUTCOME_EMPTY)
                lane->stats.failures++;
        weigh(&lane->mean_us[e->query->op], e->last.duration_us);
        weigh(&lane->stats.mean_us, e->last.duration_us);
        rf_retry_budget_earn(&lane->budget);
        if (outcome == RF_OUTCOME_REFUSED)
                refuse(e);
}

static void note(struct effort *e, const struct rf_ticket *t)
{
        struct rf_call_record *r = e->record;

        r->attempts++;
        r->status = e->last.status;
        r->bytes = e->last.bytes;
        r->outcome = e->last.verdict.outcome;
        r->failure = e->last.failure;
        r->upstream_us += e->last.duration_us;
        r->pace_us += t->paced_us;
        r->queue_us += t->sent_us - t->asked_us - t->paced_us;
        r->connect_us = e->last.connect_us;
        r->first_byte_us = e->last.first_byte_us;
        snprintf(r->message, sizeof(r->message), "%s", e->last.verdict.message);
}

static uint64_t own_timeout_us(const struct effort *e)
{
        uint64_t us = e->lane->timeout_us ? e->lane->timeout_us : (uint64_t)e->operation->timeout_ms * USEC_PER_MSEC;

        return rf_upstream_is_on(e->lane->upstream, RF_OPT_LONG_RECCOBEAT_TIMEOUT) ? us : MIN(us, (uint64_t)TIMEOUT_OLD_US);
}

/*
 * The operation's own time, and no more than is left to the deadline. While another attempt could follow it is the call's share of
 * that: a half, unless such calls are known to take longer. The old policy knew no shares.
 */
static uint64_t timeout_us(const struct effort *e, bool is_last)
{
        uint64_t mean_us = e->lane->mean_us[e->query->op], share_us;
        uint64_t own_us = own_timeout_us(e);
        uint64_t now_us = rf_now_us(), left_us = *e->deadline_us > now_us ? *e->deadline_us - now_us : 0;

        if (*e->deadline_us == RF_FOREVER)
                return own_us;
        is_last |= !rf_upstream_is_on(e->lane->upstream, RF_OPT_CANCEL_SLOW);
        share_us = is_last || mean_us == 0 ? left_us : MIN(left_us, MAX(left_us / 2, SHARE_OF_MEAN * mean_us));
        return MIN(own_us, MAX(share_us, (uint64_t)TIMEOUT_MIN_US));
}

static int authorise(struct effort *e)
{
        const char *bearer;
        int r = rf_authority_bearer(e->lane->authority, e->operation->flags & RF_OPERATION_USER, timeout_us(e, false), &bearer,
                                    e->record->message, sizeof(e->record->message));

        if (r == -RF_ELOGIN)
                e->record->outcome = RF_OUTCOME_LOGIN;
        if (r < 0 || !bearer)
                return r;
        e->token = rf_authority_token(e->lane->authority, e->operation->flags & RF_OPERATION_USER);
        return rf_request_authorise(e->builder, bearer);
}

/* The old policy's waiting, in place of the gate's pace. */
static int limit_as_before(struct effort *e)
{
        struct rf_old_limiter *l = &e->lane->old_limiter;
        struct rf_upstream *u = e->lane->upstream;
        uint64_t began_us = rf_now_us(), until_us = began_us + rf_old_limiter_wait_us(l, e->query->op, rf_wall_us());
        int r = 0;

        if (u->n_limited++ == 0)
                u->limited_since_us = began_us;
        while (rf_now_us() < until_us && r >= 0)
                r = *e->deadline_us <= rf_now_us() ? -ETIMEDOUT : rf_sleep_until(MIN(until_us, *e->deadline_us)); /* it may move */
        if (--u->n_limited == 0)
                u->stats.limited_us += rf_now_us() - u->limited_since_us;
        e->record->pace_us += rf_now_us() - began_us;
        if (r >= 0)
                rf_old_limiter_take(l, e->query->op, rf_wall_us());
        return r;
}

/*
 * Waits for leave to send, and for a token. What was let through when a refusal came that it doesn't know of yet, or while it waited
 * for its token, goes back into the line.
 */
static int enter(struct effort *e, struct rf_ticket *ret)
{
        struct rf_gate *g = e->lane->gate;
        uint64_t needed_us = 0;
        int r;

        for (;;) {
                r = rf_gate_enter(g, e->operation->pacing_class, e->caller, e->deadline_us, ret, &needed_us);
                if (r < 0) {
                        e->record->needed_us = needed_us;
                        return r;
                }
                /* only now: a token may have ended while the call waited its turn */
                r = e->lane->upstream->options.archive ? 0 : authorise(e);
                if (r >= 0 && rf_gate_may_send(g))
                        return 0;
                rf_gate_leave(g, ret, RF_OUTCOME_CANCELLED, 0);
                if (r < 0)
                        return r;
        }
}

/* A timeout that is short of what such calls take says nothing of the service: its caller was in a hurry. */
static enum rf_outcome outcome_for_gate(const struct effort *e, uint64_t given_us)
{
        uint64_t usual_us = MAX(HURRY_OF_MEAN * e->lane->mean_us[e->query->op], (uint64_t)USEC_PER_SEC);
        bool is_timeout = e->last.failure && strcmp(e->last.failure, "timeout") == 0;

        return is_timeout && given_us < MIN(usual_us, (uint64_t)e->operation->timeout_ms * USEC_PER_MSEC) ? RF_OUTCOME_CANCELLED
                                                                                                         : e->last.verdict.outcome;
}

/* Tells whoever observes of a request that has ended. */
static void report(const struct effort *e, int result, uint64_t began_us, size_t in_flight)
{
        const struct rf_upstream_options *o = &e->lane->upstream->options;
        struct rf_attempt_record record = { .provider = rf_provider_name(e->lane->provider), .endpoint = e->operation->endpoint,
                                            .target = e->record->target, .outcome = RF_OUTCOME_CANCELLED,
                                            .duration_us = rf_now_us() - began_us, .number = e->record->attempts + 1,
                                            .in_flight = in_flight };

        if (result >= 0) {
                record.outcome = e->last.verdict.outcome;
                record.failure = e->last.failure;
                record.duration_us = e->last.duration_us;
        } else if (result == -ETIMEDOUT) { /* of a group that the caller belongs to */
                record.outcome = RF_OUTCOME_TRANSIENT;
                record.failure = "timeout";
        }
        if (o->attempted)
                o->attempted(o->observe_arg, &record);
}

/* The attempt, where the services' answers were kept. */
static int ask_archive(struct effort *e, struct rf_answer **ret)
{
        const struct rf_archive *archive = e->lane->upstream->options.archive;
        uint64_t start_us = rf_now_us();
        int r = archive->ask(archive->arg, rf_provider_name(e->lane->provider), rf_lane_login(e->lane, e->query->op), e->query, ret);

        e->last = (struct rf_attempt){ .duration_us = rf_now_us() - start_us };
        if (r == -ENOENT) {
                e->last.verdict.outcome = RF_OUTCOME_INVALID; /* nothing that another try, or the breaker, could help */
                snprintf(e->last.verdict.message, sizeof(e->last.verdict.message), "the answer isn't among those that were kept");
                return 0;
        }
        if (r >= 0 && rf_answer_is_empty(*ret))
                e->last.verdict.outcome = RF_OUTCOME_EMPTY;
        return r;
}

static int attempt_once(struct effort *e, bool is_last, struct rf_answer **ret)
{
        struct rf_lane *lane = e->lane;
        struct rf_ticket ticket;
        uint64_t given_us, retry_us, began_us;
        size_t in_flight;
        int r = rf_gate_is_paced(lane->gate) ? 0 : limit_as_before(e);

        if (r >= 0)
                r = enter(e, &ticket);
        if (r < 0)
                return r;
        given_us = timeout_us(e, is_last); /* nothing yields between here and the sending */
        began_us = rf_now_us();
        in_flight = ++lane->stats.in_flight;
        lane->upstream->stats.attempts++; /* also of those that are given up on the way */
        if (lane->upstream->options.archive)
                r = ask_archive(e, ret);
        else
                r = rf_attempt(lane->upstream->options.http, lane->provider, e->operation, e->query, e->request, given_us, &e->last, ret);
        if (r >= 0 && *ret && !lane->upstream->options.archive) /* the archive's says how long it took then */
                (*ret)->took_ms = (uint32_t)(e->last.duration_us / USEC_PER_MSEC);
        lane->stats.in_flight--;
        report(e, r, began_us, in_flight);
        retry_us = (uint64_t)e->last.verdict.retry_after_s * USEC_PER_SEC;
        rf_gate_leave(lane->gate, &ticket, r < 0 ? RF_OUTCOME_CANCELLED : outcome_for_gate(e, given_us), retry_us);
        if (r < 0)
                return r;
        if (*ret)
                lane->stats.refused_records += (*ret)->n_refused;
        learn(e);
        note(e, &ticket);
        return 0;
}

/* A number in 0..1 from the seed and the query, so that it doesn't depend on who else retries. */
static double unit_of(const struct effort *e)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;

        if (rf_lane_key(e->lane, e->query, &key) < 0)
                return .5;
        return (double)(rf_hash(key.data, key.size, e->lane->upstream->options.seed + e->record->attempts) >> 11) * 0x1p-53;
}

/* After an attempt without an answer. 1: try again, perhaps after a wait; 0: that was it. */
static int prepare_retry(struct effort *e)
{
        uint64_t backoff_us;
        int r;

        switch (e->last.verdict.outcome) {
        case RF_OUTCOME_LOGIN: /* expired before its time: one new token, one more try */
                if (!e->has_renewed && e->last.status == 401 &&
                    rf_authority_expire(e->lane->authority, e->operation->flags & RF_OPERATION_USER, e->token)) {
                        e->has_renewed = true;
                        return 1;
                }
                if (e->last.status == 401 && e->token > 0) /* the credential, which says nothing of what can be asked with a better one */
                        rf_authority_refused(e->lane->authority, e->operation->flags & RF_OPERATION_USER, e->token);
                else if (e->last.status == 401)
                        refuse(e);
                else
                        refuse_all(e);
                return 0;
        case RF_OUTCOME_RATE: /* the gate knows how long to wait, and whether there is time */
                return !e->has_alternative && ++e->refusals < REFUSALS_WAITED_MAX;
        case RF_OUTCOME_TRANSIENT:
        case RF_OUTCOME_MALFORMED:
                break;
        case RF_OUTCOME_REFUSED: /* perhaps there is another way to do the same */
                return rf_provider_operation(e->lane->provider, e->query->op) != e->operation &&
                       !rf_provider_refusal(e->lane->provider, e->query->op, rf_wall_us());
        default:
                return 0;
        }
        if (!(e->operation->flags & RF_OPERATION_IDEMPOTENT) || e->record->attempts > e->lane->upstream->options.retries ||
            !rf_retry_budget_spend(&e->lane->budget))
                return 0;
        backoff_us = rf_retry_backoff_us(e->record->attempts, unit_of(e));
        if (*e->deadline_us != RF_FOREVER && rf_now_us() + backoff_us >= *e->deadline_us)
                return 0;
        r = rf_sleep_us(backoff_us);
        return r < 0 ? r : 1;
}

/* Builds the request in the way that is used now. */
static int build(struct effort *e)
{
        struct rf_provider *p = e->lane->provider;
        int r;

        if (e->operation && e->operation == rf_provider_operation(p, e->query->op))
                return 0;
        e->operation = rf_provider_operation(p, e->query->op);
        rf_request_free(e->builder);
        e->builder = rf_request_new(rf_provider_base_url(p));
        r = e->builder ? e->operation->build(rf_provider_instance(p), e->query, e->builder) : -ENOMEM;
        if (r >= 0)
                r = rf_request_finish(e->builder, &e->request);
        if (r < 0)
                return r;
        e->record->endpoint = e->operation->endpoint;
        rf_request_describe(e->request, e->record->target, sizeof(e->record->target));
        return 0;
}

static int make_effort(struct effort *e, struct rf_answer **ret)
{
        struct rf_answer *answer = NULL;
        int r;

        do {
                bool is_last;

                r = build(e);
                if (r < 0)
                        return r;
                is_last = !(e->operation->flags & RF_OPERATION_IDEMPOTENT) || e->record->attempts >= e->lane->upstream->options.retries;

                r = attempt_once(e, is_last, &answer);
                if (r >= 0 && answer) {
                        *ret = answer;
                        return 0;
                }
                if (r >= 0)
                        r = prepare_retry(e);
        } while (r > 0);
        return r < 0 ? r : rf_outcome_error(e->last.verdict.outcome);
}

int rf_attempts(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
                const uint64_t *deadline_us, struct rf_call_record *record, struct rf_answer **ret)
{
        struct effort e = { .lane = lane, .caller = caller, .query = q, .deadline_us = deadline_us, .record = record,
                            .has_alternative = has_alternative };
        int r = make_effort(&e, ret);

        rf_request_free(e.builder);
        return r;
}

/* ---- Shared ---- */

/* What the shared work needs and leaves behind. The work holds one reference, the caller that started it another. */
struct work {
        unsigned references;
        struct rf_lane *lane;
        struct rf_arena arena;
        struct rf_query query;
        struct rf_caller caller; /* for fairness; nobody observes through it */
        bool has_alternative;
        struct rf_call_record record;
};

static void release_work(void *arg)
{
        struct work *w = arg;

        if (--w->references > 0)
                return;
        rf_arena_done(&w->arena);
        free(w);
}

static int run_work(void *arg, const uint64_t *deadline_us, struct rf_answer **ret)
{
        struct work *w = arg;
        uint64_t login = rf_lane_login(w->lane, w->query.op);
        int r = rf_attempts(w->lane, &w->caller, &w->query, w->has_alternative, deadline_us, &w->record, ret);

        if (r >= 0 && rf_lane_login(w->lane, w->query.op) == login) /* otherwise somebody else has logged in since */
                rf_cached_put(w->lane->upstream, w->lane, &w->query, *ret);
        return r;
}

/* A person may join what background work began, and the first run in line what the last began. */
static void join_work(void *arg, const void *newcomer)
{
        struct work *w = arg;

        rf_gate_hasten(w->lane->gate, &w->caller, &((const struct work *)newcomer)->caller);
}

static int work_new(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative, struct work **ret)
{
        struct work *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->references = 1;
        w->lane = lane;
        w->caller = (struct rf_caller){ .client = caller->client, .rank = caller->rank, .priority = caller->priority };
        w->has_alternative = has_alternative;
        r = rf_query_copy(&w->arena, q, &w->query);
        if (r < 0) {
                release_work(w);
                return r;
        }
        *ret = w;
        return 0;
}

/* What the work learned, into the record of who waited for it; times of the waiting itself are the waiter's own. */
static void take_record(struct rf_call_record *to, const struct rf_call_record *from)
{
        if (from->endpoint) /* of the way that was taken at last */
                to->endpoint = from->endpoint;
        to->attempts = from->attempts;
        to->status = from->status;
        to->bytes = from->bytes;
        to->outcome = from->outcome;
        to->failure = from->failure;
        to->upstream_us = from->upstream_us;
        to->queue_us = from->queue_us;
        to->pace_us = from->pace_us;
        to->connect_us = from->connect_us;
        to->first_byte_us = from->first_byte_us;
        to->needed_us = from->needed_us;
        memcpy(to->target, from->target, sizeof(to->target));
        memcpy(to->message, from->message, sizeof(to->message));
}

/* What an answer's life will be, and what it took of the caller's allowance in the end: one call was taken at first. */
static void settle(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, const struct rf_answer *a,
                   struct rf_call_record *record)
{
        if (a)
                rf_cached_life(lane, q, rf_answer_is_empty(a), record);
        rf_settle_allowance(caller, record->coalesced ? 0 : record->attempts); /* somebody else's costs nothing */
}

static int make_uncached(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
                         struct rf_call_record *record, struct rf_answer **ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        struct rf_coalesce *coalesce = lane->upstream->coalesce;
        uint64_t login = rf_lane_login(lane, q->op);
        struct work *w;
        int r;

        if (!(rf_provider_operation(lane->provider, q->op)->flags & RF_OPERATION_IDEMPOTENT)) /* two equal writes are two wishes */
                return rf_attempts(lane, caller, q, has_alternative, &caller->deadline_us, record, ret);
        if (!rf_shares_calls(lane->upstream)) {
                r = rf_attempts(lane, caller, q, has_alternative, &caller->deadline_us, record, ret);
                if (r >= 0 && rf_lane_login(lane, q->op) == login)
                        rf_cached_put(lane->upstream, lane, q, *ret);
                return r;
        }
        r = rf_lane_key(lane, q, &key);
        if (r >= 0)
                r = work_new(lane, caller, q, has_alternative, &w);
        if (r < 0)
                return r;
        w->references++;
        r = rf_coalesce_run(coalesce, key.data, key.size,
                            &(struct rf_shared_work){ .run = run_work, .join = join_work, .free_arg = release_work, .arg = w },
                            caller->deadline_us, &record->coalesced, ret);
        take_record(record, &w->record);
        release_work(w);
        return r;
}

int rf_single_uncached(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
                       struct rf_call_record *record, struct rf_answer **ret)
{
        int r = rf_take_allowance(lane->upstream, caller);

        if (r < 0)
                return r;
        r = make_uncached(lane, caller, q, has_alternative, record, ret);
        settle(lane, caller, q, r < 0 ? NULL : *ret, record);
        return r;
}

int rf_single(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
              struct rf_call_record *record, struct rf_answer **ret)
{
        struct rf_upstream *u = lane->upstream;
        struct rf_cached cached = { 0 };
        _cleanup_(rf_answer_unrefp) struct rf_answer *old = NULL;
        int r = rf_cached_get(u, lane, caller, q, &cached);

        if (r == -ENOMEM)
                return r;
        old = cached.answer;
        if (r == 0 && cached.state != RF_CACHE_STALE_ERROR) {
                record->cache = cached.state;
                record->life_us = cached.life_us;
                record->fresh_until_us = cached.fresh_until_us;
                record->is_served_stale = cached.is_served_stale;
                if (cached.is_old)
                        rf_refresh(lane, caller, q);
                *ret = TAKE_PTR(old);
                return 0;
        }
        record->cache = u->cache && u->options.cache_enabled ? RF_CACHE_MISS : RF_CACHE_BYPASS;
        r = rf_single_uncached(lane, caller, q, has_alternative, record, ret);
        if (r < 0 && old && r != -ECANCELED) {
                record->cache = RF_CACHE_STALE_ERROR;
                *ret = TAKE_PTR(old);
                return 0;
        }
        return r;
}
