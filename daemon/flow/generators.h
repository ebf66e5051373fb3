/*
 * The three generators of candidates. Each finds on its own; what they found is merged in a fixed order. Internal to flow/.
 */
#pragma once

#include "flow/finds.h"
#include "flow/run.h"

/* A generator at work: the argument of its coroutine. */
struct rf_generator {
        struct rf_run *run;
        unsigned pass; /* 0 is the first */
        struct rf_finds finds;
};

/* More by the artists mentioned. */
int rf_anchors_generator(void *generator);
/* Artists of the wished genres: their best-known tracks and, where those won't do, deep cuts. */
int rf_artists_generator(void *generator);
/* Recommendations from seeds, negative seeds and the wished features; more pages of genres where nobody recommends. */
int rf_seeds_generator(void *generator);

/* Runs all three at once and merges what they found into the pool (yields). -ECANCELED, -ENOMEM. */
int rf_generate(struct rf_run *run, unsigned pass);
