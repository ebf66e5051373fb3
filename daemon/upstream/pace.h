/*
 * Smooth pacing of one class of calls (GCRA, ITU-T I.371: a leaky bucket as a single time), that learns. Plain arithmetic on
 * scheduler time in microseconds; never yields.
 *
 * Up to `burst` calls may go at once, then `rate_per_s`. A refusal scales both down, once for all calls that were under way when it
 * came; each quiet stretch of RF_PACE_QUIET_US scales them up again by a twentieth, at most to what was configured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RF_PACE_QUIET_US 300000000u   /* 5 min without a refusal */
#define RF_PACE_WINDOW_US 30000000u   /* rolling window in which services count */
#define RF_PACE_SCALE_MIN .05
#define RF_PACE_HISTORY 256u          /* calls remembered, to know how many went in the window */

struct rf_pace {
        double rate_per_s, burst; /* as configured; rate 0 = unpaced */
        double scale;             /* RF_PACE_SCALE_MIN..1, learned */
        uint64_t due_us;          /* theoretical arrival time of the next call */
        uint64_t changed_us;      /* when `scale` was last changed */
        uint64_t lowered_us;
        uint64_t history[RF_PACE_HISTORY]; /* ring of the times calls went */
        uint64_t n_calls;
};

void rf_pace_init(struct rf_pace *p, double rate_per_s, double burst);
/* When a call may go: `now_us`, or later. */
uint64_t rf_pace_next(struct rf_pace *p, uint64_t now_us);
/* When the n-th further call could go (n = 0: the next). An estimate: others may come between. */
uint64_t rf_pace_nth(struct rf_pace *p, uint64_t now_us, uint64_t n);
/* A call goes now. */
void rf_pace_take(struct rf_pace *p, uint64_t now_us);
/* The call that went at `sent_us` was refused. True if the scale was lowered by it. */
bool rf_pace_refused(struct rf_pace *p, uint64_t sent_us, uint64_t now_us);
