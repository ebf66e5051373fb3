/* Generation in passes, while it pays. Internal to flow/. */
#pragma once

#include "flow/evaluate.h"
#include "flow/run.h"

/*
 * Generates, evaluates and chooses, and again from the best found so far, until the choice is good, or twice gained less than two
 * hundredths, or time is up (yields). The best choice of all passes is returned, not the last. -ECANCELED, -ENOMEM.
 */
int rf_improve(struct rf_run *run, struct rf_choice *ret, struct rf_evaluation *ret_evaluation);

/* How many passes that takes, before anything is found. Doesn't yield. */
struct rf_passes {
        unsigned least, usual, most;
};
struct rf_passes rf_improve_passes(const struct rf_run *run);
