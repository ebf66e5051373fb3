/* The time below which no policy could come, given the calls that a run made and the limits in force. */
#pragma once

#include <recflow/plugin.h>
#include <stddef.h>
#include <stdint.h>

/* A call that gave the run an answer. */
struct sim_call {
        const char *provider;             /* static */
        enum rf_op op;
        uint64_t started_us, ended_us;    /* when it was asked for, waits included, and when it was answered */
        uint64_t latency_us;              /* what the service took, and a token that there wasn't yet */
};

/* What a provider allows: so many calls in any window, or so many at once and then so many a second. */
struct sim_allowance {
        const char *provider;
        uint32_t calls;           /* 0: no such limit */
        uint64_t window_us;
        double rate_per_s, burst; /* rate 0: no such limit */
};

/* The least time between the first and the last of n calls. */
uint64_t sim_allowance_us(const struct sim_allowance *a, uint64_t n);

/*
 * The longest chain of calls that need each other's answers: an artist must be found before its tracks, tracks before their features;
 * seeds are chosen by the features of all that was found, what is recommended is judged by its own, and only that tells whether more is
 * looked for. Or, if it is longer, for the calls to one provider: the shortest chain before any of them, the least time that all of them
 * take, the shortest chain from any of them to the end; of all of them, or of those only that come later than some. -ENOMEM.
 */
int sim_bound_us(const struct sim_call *calls, size_t n, const struct sim_allowance *allowances, size_t n_allowances, uint64_t *ret);
