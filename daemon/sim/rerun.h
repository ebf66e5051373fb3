/* A daemon's past run again, from the answers in its cache; and what it would have been. */
#pragma once

#include "sim/arguments.h"

/* Prints the one and, where the arguments change anything, the other. -RF_ENORUN, -RF_ECONFIG and others with a sentence in `message`. */
int sim_rerun(const struct sim_arguments *a, char *message, size_t size);
