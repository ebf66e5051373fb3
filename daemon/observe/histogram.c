#include "observe/histogram.h"

#include "base/error.h"
#include "base/macros.h"
#include "observe/varint.h"

/* Of a decade, in tenths of its beginning: 10..19 one by one, 20..49 by two, 50..99 by five. */
static size_t place_in_decade(uint64_t tenths)
{
        return tenths < 20 ? tenths - 10 : tenths < 50 ? 10 + (tenths - 20) / 2 : 25 + (tenths - 50) / 5;
}

static uint64_t end_in_decade(size_t place)
{
        return place < 10 ? 11 + place : place < 25 ? 22 + (place - 10) * 2 : 55 + (place - 25) * 5;
}

size_t rf_histogram_bucket(uint64_t us)
{
        uint64_t start_us = RF_HISTOGRAM_MIN_US;
        size_t decade = 0;

        if (us <= RF_HISTOGRAM_MIN_US)
                return 0;
        if (us > RF_HISTOGRAM_MAX_US)
                return RF_HISTOGRAM_BUCKETS - 1;
        while (us > start_us * 10) {
                start_us *= 10;
                decade++;
        }
        /* bounds belong to the bucket that ends there */
        return 1 + decade * RF_HISTOGRAM_PER_DECADE + place_in_decade((us - 1) / (start_us / 10));
}

uint64_t rf_histogram_bound_us(size_t bucket)
{
        uint64_t tenth_us = RF_HISTOGRAM_MIN_US / 10;

        if (bucket == 0)
                return RF_HISTOGRAM_MIN_US;
        if (bucket >= RF_HISTOGRAM_BUCKETS - 1)
                return UINT64_MAX;
        for (size_t d = 0; d < (bucket - 1) / RF_HISTOGRAM_PER_DECADE; d++)
                tenth_us *= 10;
        return tenth_us * end_in_decade((bucket - 1) % RF_HISTOGRAM_PER_DECADE);
}

void rf_histogram_add(struct rf_histogram *h, uint64_t us)
{
        h->count++;
        h->sum_us += us;
        h->max_us = MAX(h->max_us, us);
        h->buckets[rf_histogram_bucket(us)]++;
}

void rf_histogram_merge(struct rf_histogram *to, const struct rf_histogram *from)
{
        to->count += from->count;
        to->sum_us += from->sum_us;
        to->max_us = MAX(to->max_us, from->max_us);
        for (size_t i = 0; i < RF_HISTOGRAM_BUCKETS; i++)
                to->buckets[i] += from->buckets[i];
}

uint64_t rf_histogram_quantile_us(const struct rf_histogram *h, double share)
{
        uint64_t rank = (uint64_t)(share * (double)h->count + .999999), seen = 0; /* the rank-th of the sorted values */
        size_t i;

        if (h->count == 0)
                return 0;
        rank = CLAMP(rank, 1u, h->count);
        for (i = 0; i < RF_HISTOGRAM_BUCKETS - 1; i++) {
                seen += h->buckets[i];
                if (seen >= rank)
                        break;
        }
        if (i == RF_HISTOGRAM_BUCKETS - 1)
                return h->max_us;
        return MIN(i == 0 ? rf_histogram_bound_us(0) : (rf_histogram_bound_us(i - 1) + rf_histogram_bound_us(i)) / 2, h->max_us);
}

uint64_t rf_histogram_count_until(const struct rf_histogram *h, uint64_t us)
{
        uint64_t n = 0;

        for (size_t i = 0; i < RF_HISTOGRAM_BUCKETS && rf_histogram_bound_us(i) <= us; i++)
                n += h->buckets[i];
        return n;
}

int rf_histogram_encode(const struct rf_histogram *h, struct rf_buf *b)
{
        uint64_t n = 0;
        int r;

        for (size_t i = 0; i < RF_HISTOGRAM_BUCKETS; i++)
                n += h->buckets[i] > 0;
        r = rf_varint_put(b, n);
        if (r < 0 || n == 0)
                return r;
        r = rf_varint_put(b, h->sum_us);
        if (r >= 0)
                r = rf_varint_put(b, h->max_us);
        for (size_t i = 0; i < RF_HISTOGRAM_BUCKETS && r >= 0; i++) {
                if (h->buckets[i] == 0)
                        continue;
                r = rf_varint_put(b, i);
                if (r >= 0)
                        r = rf_varint_put(b, h->buckets[i]);
        }
        return r;
}

int rf_histogram_decode(struct rf_reader *rd, struct rf_histogram *h)
{
        uint64_t n, sum_us, max_us, at, count;
        int r = rf_varint_get(rd, &n);

        if (r < 0 || n == 0)
                return r;
        if (n > RF_HISTOGRAM_BUCKETS)
                return -RF_ECORRUPT;
        r = rf_varint_get(rd, &sum_us);
        if (r >= 0)
                r = rf_varint_get(rd, &max_us);
        if (r < 0)
                return r;
        h->sum_us += sum_us;
        h->max_us = MAX(h->max_us, max_us);
        for (uint64_t i = 0; i < n; i++) {
                r = rf_varint_get(rd, &at);
                if (r >= 0)
                        r = rf_varint_get(rd, &count);
                if (r < 0)
                        return r;
                if (at >= RF_HISTOGRAM_BUCKETS)
                        return -RF_ECORRUPT;
                h->buckets[at] += count;
                h->count += count;
        }
        return 0;
}
