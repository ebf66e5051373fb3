#include "upstream/pace.h"

#include "base/macros.h"

#include <math.h>

#define LOWER .7          /* after a refusal, at least so much */
#define BELOW_SEEN .85    /* of what went in the window and was too much */
#define RAISE 1.05

void rf_pace_init(struct rf_pace *p, double rate_per_s, double burst)
{
        *p = (struct rf_pace){ .rate_per_s = rate_per_s, .burst = MAX(burst, 1.0), .scale = 1.0 };
}

static void relearn(struct rf_pace *p, uint64_t now_us)
{
        while (p->scale < 1.0 && now_us - p->changed_us >= RF_PACE_QUIET_US) {
                p->scale = MIN(p->scale * RAISE, 1.0);
                p->changed_us += RF_PACE_QUIET_US;
        }
}

static double interval_us(const struct rf_pace *p)
{
        return 1e6 / (p->rate_per_s * p->scale);
}

/* How far ahead of their time calls may go. */
static double tolerance_us(const struct rf_pace *p)
{
        return (MAX(floor(p->burst * p->scale), 1.0) - 1.0) * interval_us(p);
}

uint64_t rf_pace_nth(struct rf_pace *p, uint64_t now_us, uint64_t n)
{
        double due, first;

        if (p->rate_per_s <= 0)
                return now_us;
        relearn(p, now_us);
        due = (double)MAX(p->due_us, now_us) + (double)n * interval_us(p);
        first = due - tolerance_us(p);
        return first <= (double)now_us ? now_us : (uint64_t)ceil(first);
}

uint64_t rf_pace_next(struct rf_pace *p, uint64_t now_us)
{
        return rf_pace_nth(p, now_us, 0);
}

void rf_pace_take(struct rf_pace *p, uint64_t now_us)
{
        p->history[p->n_calls++ % RF_PACE_HISTORY] = now_us;
        if (p->rate_per_s > 0)
                p->due_us = MAX(p->due_us, now_us) + (uint64_t)ceil(interval_us(p));
}

static uint64_t went_in_window(const struct rf_pace *p, uint64_t now_us)
{
        uint64_t n = 0, known = MIN(p->n_calls, (uint64_t)RF_PACE_HISTORY);

        for (uint64_t i = 0; i < known; i++)
                n += now_us - p->history[i] < RF_PACE_WINDOW_US;
        return n;
}

bool rf_pace_refused(struct rf_pace *p, uint64_t sent_us, uint64_t now_us)
{
        double most = p->rate_per_s * (RF_PACE_WINDOW_US / 1e6) + p->burst, seen = (double)went_in_window(p, now_us);

        /* it went before the last change: that has been answered already */
        if (p->rate_per_s <= 0 || (p->lowered_us > 0 && sent_us <= p->lowered_us))
                return false;
        p->scale = MAX(MIN(p->scale * LOWER, BELOW_SEEN * seen / most), RF_PACE_SCALE_MIN);
        p->changed_us = p->lowered_us = now_us;
        return true;
}
