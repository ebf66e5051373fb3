#include "warm/rhythm.h"

#include <math.h>
#include <time.h>

#include "base/error.h"
#include "sched/sched.h"

#define HOUR_US (3600 * USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)
#define WEEK_US (7 * DAY_US)
#define HALF_LIFE_US (2 * WEEK_US)

enum { HOURS_A_DAY = 24, WORKING_DAYS = 5, WEEKEND_DAYS = 2 };

/* What isn't known yet counts as so long without a use: one use doesn't make a habit. */
#define DOUBT_WEEKS 0.5
#define DOUBT_DAYS 1.0

/* 0 is Monday, midnight to one. */
static unsigned hour_of_week(uint64_t wall_us)
{
        time_t t = (time_t)(wall_us / USEC_PER_SEC);
        struct tm tm;

        localtime_r(&t, &tm);
        return (unsigned)((tm.tm_wday + 6) % 7 * HOURS_A_DAY + tm.tm_hour);
}

static double fading(const struct rf_rhythm *r, uint64_t now_us)
{
        uint64_t age_us = now_us - MIN(now_us, r->faded_us);

        return exp2(-(double)age_us / (double)HALF_LIFE_US);
}

void rf_rhythm_add(struct rf_rhythm *r, uint64_t now_us)
{
        double left = fading(r, now_us);

        if (r->since_us == 0)
                r->since_us = now_us;
        for (unsigned i = 0; i < RF_RHYTHM_HOURS; i++)
                r->counts[i] = (float)(r->counts[i] * left);
        r->faded_us = MAX(r->faded_us, now_us);
        r->counts[hour_of_week(now_us)] += 1.0f;
}

static double smooth(const struct rf_rhythm *r, unsigned hour)
{
        unsigned before = (hour + RF_RHYTHM_HOURS - 1) % RF_RHYTHM_HOURS, after = (hour + 1) % RF_RHYTHM_HOURS;

        return 0.25 * r->counts[before] + 0.5 * r->counts[hour] + 0.25 * r->counts[after];
}

/* Uses an hour, at an hour of the week; `weeks` have been seen, of which the old ones have faded. The more, the more they count by themselves. */
static double rate(const struct rf_rhythm *r, unsigned hour, double weeks)
{
        unsigned day = hour / HOURS_A_DAY, first = day < WORKING_DAYS ? 0 : WORKING_DAYS;
        unsigned n = day < WORKING_DAYS ? WORKING_DAYS : WEEKEND_DAYS;
        double of_week = smooth(r, hour) / (MAX(weeks, 1.0) + DOUBT_WEEKS), of_days = 0, share = weeks / (weeks + 1.0);

        for (unsigned d = first; d < first + n; d++)
                of_days += smooth(r, d * HOURS_A_DAY + hour % HOURS_A_DAY);
        return share * of_week + (1.0 - share) * of_days / (MAX(weeks * n, 1.0) + DOUBT_DAYS);
}

double rf_rhythm_expect(const struct rf_rhythm *r, uint64_t now_us, uint64_t from_us, uint64_t to_us)
{
        double age = (double)(now_us - MIN(now_us, r->since_us)) / (double)HALF_LIFE_US;
        double weeks = (double)HALF_LIFE_US / (double)WEEK_US / M_LN2 * (1.0 - exp2(-age)), sum = 0, whole = 0;

        if (r->since_us == 0 || to_us <= from_us)
                return 0.0;
        if (to_us - from_us >= WEEK_US) { /* whole weeks are all alike */
                for (unsigned h = 0; h < RF_RHYTHM_HOURS; h++)
                        whole += rate(r, h, weeks);
                whole *= (double)((to_us - from_us) / WEEK_US);
                to_us = from_us + (to_us - from_us) % WEEK_US;
        }
        while (from_us < to_us) {
                uint64_t end_us = MIN(to_us, from_us - from_us % HOUR_US + HOUR_US);

                sum += rate(r, hour_of_week(from_us), weeks) * (double)(end_us - from_us) / (double)HOUR_US;
                from_us = end_us;
        }
        return (whole + sum) * fading(r, now_us);
}

double rf_rhythm_total(const struct rf_rhythm *r, uint64_t now_us)
{
        double sum = 0;

        for (unsigned i = 0; i < RF_RHYTHM_HOURS; i++)
                sum += r->counts[i];
        return sum * fading(r, now_us);
}

int rf_rhythm_encode(const struct rf_rhythm *r, struct rf_buf *b)
{
        int x = rf_buf_put_u64(b, r->since_us);

        if (x >= 0)
                x = rf_buf_put_u64(b, r->faded_us);
        for (unsigned i = 0; i < RF_RHYTHM_HOURS && x >= 0; i++)
                x = rf_buf_put_float(b, r->counts[i]);
        return x;
}

int rf_rhythm_decode(struct rf_reader *reader, struct rf_rhythm *ret)
{
        int r = rf_reader_u64(reader, &ret->since_us);

        if (r >= 0)
                r = rf_reader_u64(reader, &ret->faded_us);
        for (unsigned i = 0; i < RF_RHYTHM_HOURS && r >= 0; i++) {
                r = rf_reader_float(reader, &ret->counts[i]);
                if (r >= 0 && !(ret->counts[i] >= 0 && ret->counts[i] < 1e9f))
                        r = -RF_ECORRUPT;
        }
        return r;
}
