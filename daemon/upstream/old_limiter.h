/*
 * The limiter of the service that recflow replaces, for measuring against: 60 calls per calendar minute and tool; who comes when they
 * are used up sleeps until 60 s after the minute's oldest call, mostly well into the next minute, and goes then without looking
 * again. Top tracks, albums, album tracks and look-ups of tracks share one bucket, the searches another. Times are of the wall clock,
 * in microseconds. Never yields.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdint.h>

struct rf_old_limiter {
        struct rf_old_bucket {
                uint64_t minute;    /* since 1970 */
                uint64_t oldest_us; /* when the first call of that minute went */
                uint32_t n;         /* calls in it */
        } buckets[RF_OP_COUNT];     /* of the first operation among those that share one */
};

/* How long a call that comes now has to sleep; 0 = it may go. */
uint64_t rf_old_limiter_wait_us(const struct rf_old_limiter *l, enum rf_op op, uint64_t now_us);
/* A call goes now, having slept or not. */
void rf_old_limiter_take(struct rf_old_limiter *l, enum rf_op op, uint64_t now_us);
