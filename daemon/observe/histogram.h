/*
 * Times, counted in buckets whose width grows with the time: fixed memory, any number of values, mergeable. From 1 ms to 10,000 s
 * each decade has 35 buckets, which end at 1.0, 1.1 … 2.0, 2.2 … 5.0, 5.5 … 10: a quantile is off by at most RF_HISTOGRAM_ERROR of itself,
 * and the bounds that people think in (100 ms, 5 s, 60 s, 90 s) are exact. Pure arithmetic; never yields.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { RF_HISTOGRAM_DECADES = 7, RF_HISTOGRAM_PER_DECADE = 35,
       /* one for what is below the first decade, one for what is above the last */
       RF_HISTOGRAM_BUCKETS = RF_HISTOGRAM_DECADES * RF_HISTOGRAM_PER_DECADE + 2 };

#define RF_HISTOGRAM_MIN_US 1000u        /* at and below: the first bucket */
#define RF_HISTOGRAM_MAX_US 10000000000u /* above: the last bucket */
#define RF_HISTOGRAM_ERROR .05           /* of a quantile between the two, relative */

struct rf_histogram {
        uint64_t count, sum_us, max_us;
        uint64_t buckets[RF_HISTOGRAM_BUCKETS];
};

/* Which bucket a time falls into, and the longest time that does; UINT64_MAX for the last bucket. */
size_t rf_histogram_bucket(uint64_t us);
uint64_t rf_histogram_bound_us(size_t bucket);

void rf_histogram_add(struct rf_histogram *h, uint64_t us);
void rf_histogram_merge(struct rf_histogram *to, const struct rf_histogram *from);
/* The time that a share (0..1) of the values doesn't exceed: the middle of its bucket, never more than the longest seen; 0 if there are none. */
uint64_t rf_histogram_quantile_us(const struct rf_histogram *h, double share);
/* How many didn't take longer; exact if `us` is a bucket's bound, else as of the next bound below. */
uint64_t rf_histogram_count_until(const struct rf_histogram *h, uint64_t us);

/* Stored form: only what isn't zero. -ENOMEM; -RF_ECORRUPT. Decoding adds to what is there. */
int rf_histogram_encode(const struct rf_histogram *h, struct rf_buf *b);
int rf_histogram_decode(struct rf_reader *r, struct rf_histogram *h);
