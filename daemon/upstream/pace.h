/*
 * Smooth pacing of one class of calls (GCRA, ITU-T I.371: a leaky bucket as a single time), that learns. Plain arithmetic on
 * scheduler time in microseconds; never yields.
 *
 * Up to `burst` calls may go at once, then `rate_per_s`. That the service allows the burst is taken on trust; a number of calls in
 * the window beyond it, and beyond what was ever accepted, is explored one call at a time, so that finding the limit costs one
 * refusal and not as many as happen to be under way.
 *
 * Where it is known how many calls the service allows in which window, that is kept to the call, in place of rate and burst.
 *
 * A refusal scales rate and burst down, once for all calls that were under way when it came, below what was refused; from then on the
 * calls in any window are counted too, so that what went before the refusal counts with what follows. Each quiet minute scales them up
 * again by a quarter: for a day no higher than just below what was refused, then to what was configured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RF_PACE_QUIET_US 60000000u          /* a minute without a refusal */
#define RF_PACE_WINDOW_US 30000000u         /* rolling window in which services count */
#define RF_PACE_CEILING_US 86400000000u     /* so long is a refused rate not tried again */
#define RF_PACE_EXPLORE_US 2000000u         /* an exploring call that isn't answered by then no longer holds up the next */
#define RF_PACE_SCALE_MIN .05
#define RF_PACE_HISTORY 256u                /* calls remembered, to know how many went in the window */

struct rf_pace {
        double rate_per_s, burst;   /* as configured; rate 0 = unpaced */
        uint32_t limit;             /* calls that the service allows in `window_us`; 0 = not known */
        uint64_t window_us;
        double scale;               /* RF_PACE_SCALE_MIN..1, learned */
        double ceiling;             /* of scale, until `ceiling_until_us` */
        uint64_t ceiling_until_us;  /* 0: nothing was refused */
        uint64_t due_us;            /* theoretical arrival time of the next call */
        uint64_t changed_us;        /* when `scale` was last changed */
        uint64_t lowered_us;        /* by a refusal; 0: never */
        uint64_t history[RF_PACE_HISTORY]; /* ring of the times calls went */
        uint64_t n_calls;
        uint64_t proven;            /* most calls in a window of which the last was accepted */
        uint64_t n_exploring, explored_us; /* exploring calls without an answer; when the latest went */
};

void rf_pace_init(struct rf_pace *p, double rate_per_s, double burst);
/* The service's own limit, as far as it is known: at most RF_PACE_HISTORY calls in any window. 0 calls: it isn't. */
void rf_pace_know(struct rf_pace *p, uint32_t limit, uint64_t window_us);
/* When a call may go: `now_us`, or later. */
uint64_t rf_pace_next(struct rf_pace *p, uint64_t now_us);
/* When the n-th further call could go (n = 0: the next). An estimate: others may come between. */
uint64_t rf_pace_nth(struct rf_pace *p, uint64_t now_us, uint64_t n);
/* How many calls the limit, known or configured, leaves in the window that ends now; -1 if there is none. */
int64_t rf_pace_left(const struct rf_pace *p, uint64_t now_us);
/* A call goes now. Returns the number of calls in the window that it explores, 0 if none: rf_pace_answered() wants it. */
uint64_t rf_pace_take(struct rf_pace *p, uint64_t now_us);
/* A call that explored ended. */
void rf_pace_answered(struct rf_pace *p, uint64_t explored, bool is_accepted);
/* The call that went at `sent_us` was refused. True if the scale was lowered by it: not if it went before the last refusal came. */
bool rf_pace_refused(struct rf_pace *p, uint64_t sent_us, uint64_t now_us);
/* When calls of which the last went at `went_us`, however many they were, no longer hold up a burst. 0: they never do. */
uint64_t rf_pace_settled(const struct rf_pace *p, uint64_t went_us);
/* Goes on after a restart as if all that may go had gone, until that time. */
void rf_pace_resume(struct rf_pace *p, uint64_t now_us, uint64_t settled_us);
/* Nothing goes before `until_us`, and then not in a burst: the service counts what went before the rest too. */
void rf_pace_rest(struct rf_pace *p, uint64_t until_us);
