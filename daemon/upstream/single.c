/* One call to one provider: the cache, then the shared work of attempts and retries. */
#include "upstream/internal.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "upstream/attempt.h"
#include "upstream/classify.h"
#include "upstream/key.h"
#include "upstream/query.h"

#include <errno.h>

enum { BACKOFF_FIRST_MS = 200, BACKOFF_MAX_MS = 10000, MEAN_SHARE = 8 };

/* What the shared work needs and leaves behind. The work holds one reference, the caller that started it another. */
struct work {
        unsigned references;
        struct rf_upstream *u;
        struct rf_lane *lane;
        struct rf_arena arena;
        struct rf_query query;
        struct rf_attempt last;
        uint32_t attempts;
        uint64_t upstream_us;
};

static void release_work(void *arg)
{
        struct work *w = arg;

        if (--w->references > 0)
                return;
        rf_arena_done(&w->arena);
        free(w);
}

static void learn(struct work *w)
{
        struct rf_lane *lane = w->lane;
        uint64_t *mean = &lane->mean_us[w->query.op];

        lane->stats.calls++;
        w->u->stats.attempts++;
        w->u->stats.by_outcome[w->last.verdict.outcome]++;
        if (w->last.verdict.outcome > RF_OUTCOME_EMPTY)
                lane->stats.failures++;
        *mean = *mean ? *mean - *mean / MEAN_SHARE + w->last.duration_us / MEAN_SHARE : w->last.duration_us;
        lane->stats.mean_us =
                lane->stats.mean_us ? lane->stats.mean_us - lane->stats.mean_us / MEAN_SHARE + w->last.duration_us / MEAN_SHARE :
                                      w->last.duration_us;
        if (w->last.verdict.outcome == RF_OUTCOME_REFUSED || w->last.verdict.outcome == RF_OUTCOME_LOGIN)
                rf_provider_refuse(lane->provider, w->query.op, rf_wall_us() + w->u->options.refusal_us, w->last.verdict.message);
}

static int attempt_once(struct work *w, struct rf_answer **ret)
{
        struct rf_lane *lane = w->lane;
        uint64_t asked_us;
        int r = rf_semaphore_acquire(&lane->slots, RF_FOREVER);

        if (r < 0)
                return r;
        lane->stats.in_flight++;
        asked_us = rf_now_us();
        r = rf_attempt(lane->provider, &w->query, &w->last, ret);
        w->upstream_us += rf_now_us() - asked_us;
        w->attempts++;
        lane->stats.in_flight--;
        rf_semaphore_release(&lane->slots);
        if (r < 0)
                return r;
        if (*ret)
                lane->stats.refused_records += (*ret)->n_refused;
        learn(w);
        return 0;
}

/* Full jitter (Brooker 2015), from the seed and the query, so that it doesn't depend on who else retries. */
static uint64_t backoff_us(const struct work *w, const struct rf_buf *key)
{
        uint64_t ceiling = MIN((uint64_t)BACKOFF_FIRST_MS << w->attempts, (uint64_t)BACKOFF_MAX_MS) * USEC_PER_MSEC;
        double unit = (double)(rf_hash(key->data, key->size, w->u->options.seed + w->attempts) >> 11) * 0x1p-53;

        return (uint64_t)((double)ceiling * unit);
}

static int run_work(void *arg, struct rf_answer **ret)
{
        struct work *w = arg;
        const struct rf_operation *o = rf_provider_operation(w->lane->provider, w->query.op);
        uint32_t most = o->flags & RF_OPERATION_IDEMPOTENT ? w->u->options.retries + 1 : 1;
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        struct rf_answer *answer = NULL;
        int r = rf_query_key(rf_provider_name(w->lane->provider), &w->query, &key);

        while (r >= 0) {
                enum rf_outcome outcome;

                r = attempt_once(w, &answer);
                outcome = w->last.verdict.outcome;
                if (r < 0 || answer || (outcome != RF_OUTCOME_TRANSIENT && outcome != RF_OUTCOME_MALFORMED) || w->attempts >= most)
                        break;
                r = rf_sleep_us(backoff_us(w, &key));
        }
        if (r >= 0 && !answer)
                r = rf_outcome_error(w->last.verdict.outcome);
        if (r < 0)
                return r;
        rf_cached_put(w->u, w->lane, &w->query, answer);
        *ret = answer;
        return 0;
}

static int work_new(struct rf_upstream *u, struct rf_lane *lane, const struct rf_query *q, struct work **ret)
{
        struct work *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->references = 1;
        w->u = u;
        w->lane = lane;
        r = rf_query_copy(&w->arena, q, &w->query);
        if (r < 0) {
                release_work(w);
                return r;
        }
        *ret = w;
        return 0;
}

int rf_single_uncached(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                       struct rf_call_record *record, struct rf_answer **ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        struct work *w;
        int r = rf_query_key(rf_provider_name(lane->provider), q, &key);

        if (r >= 0)
                r = work_new(u, lane, q, &w);
        if (r < 0)
                return r;
        if (rf_provider_operation(lane->provider, q->op)->flags & RF_OPERATION_IDEMPOTENT) {
                w->references++;
                r = rf_coalesce_run(u->coalesce, key.data, key.size,
                                    &(struct rf_shared_work){ .run = run_work, .free_arg = release_work, .arg = w }, caller->deadline_us,
                                    &record->coalesced, ret);
        } else
                r = run_work(w, ret); /* a write isn't shared: two equal ones are two wishes */
        record->attempts = w->attempts;
        record->status = w->last.status;
        record->bytes = w->last.bytes;
        record->upstream_us = w->upstream_us;
        record->outcome = w->last.verdict.outcome;
        release_work(w);
        return r;
}

int rf_single(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
              struct rf_call_record *record, struct rf_answer **ret)
{
        _cleanup_(rf_answer_unrefp) struct rf_answer *stale = NULL;
        int r = rf_cached_get(u, lane, q, &record->cache, &stale);

        if (r == -ENOMEM)
                return r;
        if (r == 0 && record->cache != RF_CACHE_STALE) {
                *ret = TAKE_PTR(stale);
                return 0;
        }
        record->cache = u->cache && u->options.cache_enabled ? RF_CACHE_MISS : RF_CACHE_BYPASS;
        r = rf_single_uncached(u, lane, caller, q, record, ret);
        if (r < 0 && stale && r != -ECANCELED) {
                record->cache = RF_CACHE_STALE_ERROR;
                *ret = TAKE_PTR(stale);
                return 0;
        }
        return r;
}
