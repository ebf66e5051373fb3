#include "upstream/pace.h"

#include "base/macros.h"

#include <math.h>

#define LOWER .7         /* after a refusal, at least so much */
#define BELOW_SEEN .85   /* of what went in the window and was too much */
#define CEILING .95      /* of the same: so much may be tried again */
#define CEILING_FIRST .25 /* a single refusal may have had another cause: it holds nobody below this for a day */
#define RAISE 1.25
#define WINDOW_MARGIN 50 /* a fiftieth longer: calls don't arrive just as they were sent */

void rf_pace_init(struct rf_pace *p, double rate_per_s, double burst)
{
        *p = (struct rf_pace){ .rate_per_s = rate_per_s, .burst = MAX(burst, 1.0), .scale = 1.0, .ceiling = 1.0,
                               .window_us = RF_PACE_WINDOW_US };
}

void rf_pace_know(struct rf_pace *p, uint32_t limit, uint64_t window_us)
{
        p->limit = MIN(limit, RF_PACE_HISTORY);
        p->window_us = limit > 0 && window_us > 0 ? window_us + window_us / WINDOW_MARGIN : RF_PACE_WINDOW_US;
}

static bool is_unpaced(const struct rf_pace *p)
{
        return p->rate_per_s <= 0 && p->limit == 0;
}

static void relearn(struct rf_pace *p, uint64_t now_us)
{
        while (p->scale < 1.0 && now_us - p->changed_us >= RF_PACE_QUIET_US) {
                p->changed_us += RF_PACE_QUIET_US;
                p->scale = MAX(p->scale, MIN(p->scale * RAISE, p->changed_us < p->ceiling_until_us ? p->ceiling : 1.0));
        }
}

static double interval_us(const struct rf_pace *p)
{
        return 1e6 / (p->rate_per_s * p->scale);
}

static double burst_now(const struct rf_pace *p)
{
        return MAX(floor(p->burst * p->scale), 1.0);
}

/* How far ahead of their time calls may go. */
static double tolerance_us(const struct rf_pace *p)
{
        return (burst_now(p) - 1.0) * interval_us(p);
}

/* Calls that can go in one window, as configured. */
static double most(const struct rf_pace *p)
{
        return p->limit > 0 ? p->limit : p->rate_per_s * (RF_PACE_WINDOW_US / 1e6) + p->burst;
}

/* When the window will hold fewer than `count` calls; 0 if it does already, or if that isn't known. */
static uint64_t fewer_than(const struct rf_pace *p, uint64_t count, uint64_t now_us)
{
        uint64_t until_us;

        if (count == 0 || count > RF_PACE_HISTORY || count > p->n_calls)
                return 0;
        until_us = p->history[(p->n_calls - count) % RF_PACE_HISTORY] + p->window_us;
        return until_us > now_us ? until_us : 0;
}

/* Calls in the window that need no exploring. */
static uint64_t trusted(const struct rf_pace *p)
{
        return MAX((uint64_t)burst_now(p), p->proven);
}

/* The same for a limit that is known. */
static uint64_t nth_by_limit(const struct rf_pace *p, uint64_t now_us, uint64_t n)
{
        uint64_t allowed = (uint64_t)MAX(floor(p->limit * p->scale), 1.0);
        uint64_t at_us = MAX(MAX(fewer_than(p, allowed - n % allowed, now_us), p->due_us), now_us);

        return at_us + n / allowed * p->window_us;
}

uint64_t rf_pace_nth(struct rf_pace *p, uint64_t now_us, uint64_t n)
{
        double due, first;
        uint64_t at_us;

        if (is_unpaced(p))
                return now_us;
        relearn(p, now_us);
        if (p->limit > 0)
                return nth_by_limit(p, now_us, n);
        due = (double)MAX(p->due_us, now_us) + (double)n * interval_us(p);
        first = due - tolerance_us(p);
        at_us = first <= (double)now_us ? now_us : (uint64_t)ceil(first);
        if (p->scale < 1.0)
                at_us = MAX(at_us, fewer_than(p, (uint64_t)MAX(floor(p->scale * most(p)), 1.0), now_us));
        return at_us;
}

uint64_t rf_pace_next(struct rf_pace *p, uint64_t now_us)
{
        uint64_t at_us = rf_pace_nth(p, now_us, 0);

        if (!is_unpaced(p) && p->n_exploring > 0)
                at_us = MAX(at_us, MIN(fewer_than(p, trusted(p), now_us), p->explored_us + RF_PACE_EXPLORE_US));
        return at_us;
}

uint64_t rf_pace_take(struct rf_pace *p, uint64_t now_us)
{
        bool explores = p->rate_per_s > 0 && p->limit == 0 && fewer_than(p, trusted(p), now_us) > 0;
        uint64_t explored = explores ? trusted(p) + 1 : 0;

        p->history[p->n_calls++ % RF_PACE_HISTORY] = now_us;
        if (p->rate_per_s > 0 && p->limit == 0)
                p->due_us = MAX(p->due_us, now_us) + (uint64_t)ceil(interval_us(p));
        if (explored > 0) {
                p->n_exploring++;
                p->explored_us = now_us;
        }
        return explored;
}

void rf_pace_answered(struct rf_pace *p, uint64_t explored, bool is_accepted)
{
        if (explored == 0)
                return;
        p->n_exploring--;
        if (is_accepted)
                p->proven = MAX(p->proven, explored);
}

static uint64_t went_in_window(const struct rf_pace *p, uint64_t now_us)
{
        uint64_t n = 0, known = MIN(p->n_calls, (uint64_t)RF_PACE_HISTORY);

        for (uint64_t i = 0; i < known; i++)
                n += now_us - p->history[i] < p->window_us;
        return n;
}

int64_t rf_pace_left(const struct rf_pace *p, uint64_t now_us)
{
        if (is_unpaced(p))
                return -1;
        return MAX((int64_t)(most(p) * p->scale) - (int64_t)went_in_window(p, now_us), (int64_t)0);
}

bool rf_pace_refused(struct rf_pace *p, uint64_t sent_us, uint64_t now_us)
{
        uint64_t n = went_in_window(p, now_us);
        double share, least;

        /* it went before the last change: that has been answered already */
        if (is_unpaced(p) || (p->lowered_us > 0 && sent_us <= p->lowered_us))
                return false;
        share = n < RF_PACE_HISTORY ? MIN((double)n / most(p), p->scale) : p->scale; /* more than are remembered: it was too much */
        least = now_us < p->ceiling_until_us ? p->ceiling / 2 : CEILING_FIRST;
        p->ceiling = CLAMP(MAX(CEILING * share, least), RF_PACE_SCALE_MIN, 1.0);
        p->ceiling_until_us = now_us + RF_PACE_CEILING_US;
        p->scale = MAX(MIN(p->scale * LOWER, BELOW_SEEN * share), RF_PACE_SCALE_MIN);
        p->changed_us = p->lowered_us = now_us;
        p->proven = 0;
        return true;
}

uint64_t rf_pace_settled(const struct rf_pace *p, uint64_t went_us)
{
        if (is_unpaced(p))
                return 0;
        return went_us + (p->limit > 0 ? p->window_us : (uint64_t)tolerance_us(p));
}

void rf_pace_resume(struct rf_pace *p, uint64_t now_us, uint64_t settled_us)
{
        if (is_unpaced(p) || settled_us <= now_us)
                return;
        if (p->limit == 0) /* no burst, but the rate is there at once */
                settled_us = MIN(settled_us, now_us + (uint64_t)(tolerance_us(p) + interval_us(p)));
        p->due_us = MAX(p->due_us, settled_us);
}

void rf_pace_rest(struct rf_pace *p, uint64_t until_us)
{
        if (!is_unpaced(p))
                p->due_us = MAX(p->due_us, until_us + (p->limit > 0 ? 0 : (uint64_t)tolerance_us(p)));
}
