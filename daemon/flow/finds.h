/* What a generator found, in the order it would like to be heard. Merged into the pool once all generators are done. */
#pragma once

#include "flow/candidate.h"
#include "flow/run.h"

struct rf_finds {
        struct rf_find *list; /* each with a reference to its answer */
        size_t n, capacity;
};

/* Takes a reference to the find's answer. -ENOMEM. */
int rf_finds_add(struct rf_finds *f, const struct rf_find *find);
void rf_finds_done(struct rf_finds *f);

/* Adds everything to the run's pool. What exceeds the pool is said in the receipt. -ENOMEM. */
int rf_finds_merge(const struct rf_finds *f, struct rf_run *run);
