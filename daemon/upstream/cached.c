/* The cache stage: parsed answers by query, with the life times that the operation declares. */
#include "upstream/internal.h"

#include "base/map.h"
#include "upstream/key.h"

#include <errno.h>

enum { JITTER_PERCENT = 10 };

#define SHORT_LIFE_US (1800 * USEC_PER_SEC) /* of what the old policy kept for less long */

uint64_t rf_lane_login(const struct rf_lane *lane, enum rf_op op)
{
        const struct rf_operation *o = rf_provider_operation(lane->provider, op);

        return o && (o->flags & RF_OPERATION_USER) ? rf_authority_login(lane->authority) : 0;
}

int rf_lane_key(const struct rf_lane *lane, const struct rf_query *q, struct rf_buf *b)
{
        return rf_query_key(rf_provider_name(lane->provider), rf_lane_login(lane, q->op), q, b);
}

static uint64_t life_us(uint32_t seconds, double jitter)
{
        return (uint64_t)((double)seconds * 1e6 * jitter);
}

/* Equal queries live equally long, whoever asks when; different ones don't all end at once. */
static double jitter_of(const struct rf_upstream *u, const struct rf_buf *key)
{
        double unit = (double)(rf_hash(key->data, key->size, u->options.seed) >> 11) * 0x1p-53;

        return 1.0 + (unit * 2 - 1) * JITTER_PERCENT / 100.0;
}

/* How long answers are fresh at most, whatever their operation declares. */
static uint64_t fresh_max_us(const struct rf_upstream *u, enum rf_op op)
{
        bool is_short = (op == RF_OP_ARTIST_TOP_TRACKS && !rf_upstream_is_on(u, RF_OPT_LONG_ARTIST_TTL)) ||
                        (op == RF_OP_TRACKS && !rf_upstream_is_on(u, RF_OPT_LONG_DETAILS_TTL));

        return is_short ? SHORT_LIFE_US : RF_FOREVER;
}

/* Entries of before a switch was turned live by it as well. */
static uint64_t fresh_until_us(const struct rf_upstream *u, enum rf_op op, const struct rf_cache_entry *e)
{
        return MIN(e->fresh_until_us, e->stored_us + MIN(fresh_max_us(u, op), RF_FOREVER - e->stored_us));
}

void rf_cached_life(const struct rf_lane *lane, const struct rf_query *q, bool is_negative, struct rf_call_record *record)
{
        const struct rf_operation *o = rf_provider_operation(lane->provider, q->op);
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        const struct rf_upstream *u = lane->upstream;
        double jitter;

        record->life_us = 0;
        if (!u->cache || !u->options.cache_enabled || !o || !(o->flags & RF_OPERATION_IDEMPOTENT) ||
            rf_lane_key(lane, q, &key) < 0)
                return;
        jitter = rf_is_lookup(q->op) && q->n_ids == 0 ? 1.0 - JITTER_PERCENT / 100.0 : jitter_of(u, &key);
        record->life_us = MIN(life_us(is_negative ? o->negative_s : o->fresh_s, jitter), fresh_max_us(u, q->op));
        record->fresh_until_us = rf_wall_us() + record->life_us;
        record->is_served_stale = !is_negative && o->stale_s > 0 && rf_upstream_is_on(u, RF_OPT_STALE_SERVING);
}

/* How good an entry is to this caller. */
static void judge(const struct rf_caller *caller, const struct rf_cache_entry *e, uint64_t until_us, bool serves_old, struct rf_cached *ret)
{
        uint64_t now_us = rf_wall_us();
        bool is_fresh = until_us > now_us;

        ret->life_us = until_us - MIN(until_us, e->stored_us);
        ret->fresh_until_us = is_fresh || caller->ahead_us > 0 ? until_us : now_us + ret->life_us;
        ret->is_served_stale = serves_old && e->stale_until_us > MAX(until_us, now_us);
        if (is_fresh)
                ret->state = e->is_negative ? RF_CACHE_NEGATIVE : RF_CACHE_HIT;
        else
                ret->state = e->stale_until_us > now_us ? RF_CACHE_STALE : RF_CACHE_STALE_ERROR;
        if (caller->ahead_us > 0) {
                if (ret->life_us >= caller->life_min_us && until_us <= now_us + caller->ahead_us)
                        ret->state = RF_CACHE_STALE_ERROR;
                return; /* what isn't worth a call now isn't worth one behind its back either */
        }
        /* in the last tenth of its life it's renewed by whoever asks first, so that nobody ever has to wait for what is asked often */
        ret->is_old = ret->state == RF_CACHE_STALE ||
                      (serves_old && is_fresh && !e->is_negative && (until_us - now_us) * 10 < until_us - e->stored_us);
}

int rf_cached_get(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                  struct rf_cached *ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        struct rf_cache_entry e;
        struct rf_cached cached = { 0 };
        uint64_t now_us = rf_wall_us(), until_us;
        bool serves_old = rf_upstream_is_on(u, RF_OPT_STALE_SERVING);
        int r;

        if (!u->cache || !u->options.cache_enabled)
                return -ENOENT;
        r = rf_lane_key(lane, q, &key);
        if (r >= 0)
                r = rf_cache_get(u->cache, key.data, key.size, now_us, &e);
        if (r == -ENOENT && u->options.archive)
                r = u->options.archive->had(u->options.archive->arg, rf_provider_name(lane->provider), rf_lane_login(lane, q->op), q, &e);
        if (r < 0)
                return r == -ENOMEM ? r : -ENOENT;
        until_us = fresh_until_us(u, q->op, &e);
        if (until_us <= now_us && !serves_old) {
                rf_buf_done(&e.value);
                return -ENOENT;
        }
        r = rf_answer_decode(rf_provider_name(lane->provider), e.value.data, e.value.size, &cached.answer);
        rf_buf_done(&e.value);
        if (r < 0)
                return r == -ENOMEM ? r : -ENOENT; /* of an older version, or damaged: as if it weren't there */
        judge(caller, &e, until_us, serves_old, &cached);
        *ret = cached;
        return 0;
}

void rf_cached_put(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_query *q, const struct rf_answer *a)
{
        const struct rf_operation *o = rf_provider_operation(lane->provider, q->op);
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        struct rf_cache_entry e = { .stored_us = rf_wall_us(), .is_negative = rf_answer_is_empty(a) };
        uint32_t fresh_s = e.is_negative ? o->negative_s : o->fresh_s;
        double jitter;

        if (!u->cache || !u->options.cache_enabled || fresh_s == 0 || !(o->flags & RF_OPERATION_IDEMPOTENT))
                return;
        if (rf_lane_key(lane, q, &key) < 0 || rf_answer_encode(a, &e.value) < 0) {
                rf_buf_done(&e.value);
                return; /* out of memory: the answer is used all the same */
        }
        jitter = jitter_of(u, &key);
        e.fresh_until_us = e.stored_us + MIN(life_us(fresh_s, jitter), fresh_max_us(u, q->op));
        e.stale_until_us = e.fresh_until_us + (e.is_negative ? 0 : life_us(o->stale_s, jitter));
        e.error_until_us = e.fresh_until_us + (e.is_negative ? 0 : life_us(o->stale_error_s, jitter));
        (void)rf_cache_put(u->cache, key.data, key.size, &e); /* counted there */
        rf_buf_done(&e.value);
}
