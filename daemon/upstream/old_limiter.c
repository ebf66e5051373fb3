#include "upstream/old_limiter.h"

enum { CALLS_PER_MINUTE = 60 };

#define MINUTE_US 60000000u

static enum rf_op bucket_of(enum rf_op op)
{
        switch (op) {
        case RF_OP_SEARCH_ARTISTS:
                return RF_OP_SEARCH_TRACKS;
        case RF_OP_ARTIST_ALBUMS:
        case RF_OP_ALBUM_TRACKS:
        case RF_OP_TRACKS:
                return RF_OP_ARTIST_TOP_TRACKS;
        default:
                return op;
        }
}

uint64_t rf_old_limiter_wait_us(const struct rf_old_limiter *l, enum rf_op op, uint64_t now_us)
{
        const struct rf_old_bucket *b = &l->buckets[bucket_of(op)];

        if (b->minute != now_us / MINUTE_US || b->n < CALLS_PER_MINUTE)
                return 0;
        return b->oldest_us + MINUTE_US - now_us;
}

void rf_old_limiter_take(struct rf_old_limiter *l, enum rf_op op, uint64_t now_us)
{
        struct rf_old_bucket *b = &l->buckets[bucket_of(op)];

        if (b->minute != now_us / MINUTE_US)
                *b = (struct rf_old_bucket){ .minute = now_us / MINUTE_US, .oldest_us = now_us };
        b->n++;
}
