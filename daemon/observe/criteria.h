/*
 * What the daemon is meant to achieve, and whether it does. Each criterion is a limit on one value of the figures. Pure functions.
 */
#pragma once

#include "observe/figures.h"

enum rf_criterion {
        RF_CRITERION_P50,         /* median time of a run */
        RF_CRITERION_P95,         /* that only one run in twenty exceeds */
        RF_CRITERION_TIMEOUTS,    /* of the attempts at one provider */
        RF_CRITERION_REPEAT_HITS, /* answers from the cache in runs whose prompt came before */
        RF_CRITERION_ERRORS,      /* calls without an answer */
        RF_CRITERION_COUNT
};

enum rf_criterion_state { RF_CRITERION_MET, RF_CRITERION_MISSED, RF_CRITERION_UNKNOWN /* nothing to judge by */ };

struct rf_criteria {
        double limits[RF_CRITERION_COUNT]; /* times in seconds, shares 0..1 */
        const char *timeouts_of;           /* the provider; "": all */
};

struct rf_judgement {
        enum rf_criterion_state state;
        double value, limit; /* in the criterion's unit; value 0 while unknown */
        uint64_t n;          /* values that it is judged by */
};

const char *rf_criterion_name(enum rf_criterion c); /* "p50", "p95", "timeouts", "repeat_hits", "errors" */
bool rf_criterion_is_time(enum rf_criterion c);     /* seconds; otherwise a share */
bool rf_criterion_is_floor(enum rf_criterion c);    /* the value must lie above its limit; otherwise below */
const char *rf_criterion_state_name(enum rf_criterion_state s); /* "met", "missed", "unknown" */

struct rf_judgement rf_criterion_judge(const struct rf_criteria *c, enum rf_criterion which, const struct rf_figures *f);
