/*
 * Calls that a step makes together. Internal to flow/.
 */
#pragma once

#include "flow/run.h"

/* One call and, once made, its answer. */
struct rf_call {
        struct rf_query query; /* what it points to outlives the call */
        const char *at;        /* the provider whose ids the query holds; NULL: whoever can answer */
        struct rf_answer *answer; /* NULL if it failed */
        int error;
        bool is_cut; /* by the deadline: it has no answer, or not all of it */
        enum rf_freshness freshness;
        size_t tag; /* the caller's own: which genre, which artist */
};

/* How calls are made together. */
struct rf_manner {
        uint32_t together;   /* under way at once; the upstream bounds each provider besides. 0: the usual few */
        uint64_t stagger_us; /* call i begins i times so late */
        bool anew;           /* whatever the cache holds */
        enum rf_step until;  /* a later step, whose time these calls may use as well */
};

/*
 * Makes calls, a few at a time, and waits for all of them or the step's share of the deadline (yields). Each answer stands in its own
 * call, so that the order of arrival shows nowhere. A failed call is no failure of this: its `error` says why. -ECANCELED, -ENOMEM.
 */
int rf_calls_make(struct rf_run *run, enum rf_step step, struct rf_call *calls, size_t n);
int rf_calls_make_as(struct rf_run *run, enum rf_step step, const struct rf_manner *manner, struct rf_call *calls, size_t n);

/* Gives the answers back. */
void rf_calls_done(struct rf_call *calls, size_t n);
