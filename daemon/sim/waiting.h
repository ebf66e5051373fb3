/* What a run costs that waits for its place in the daemon's own queue. */
#pragma once

#include "sim/trial.h"

/* Puts runs of the trial's prompts into the queue of a daemon that starts none of them (1,000 at most). KiB of heap each. */
int sim_waiting_measure(const struct sim_trial *t, double *ret_kib, char *message, size_t size);
