/*
 * The three generators of candidates. Each finds on its own; what they found is merged in a fixed order. Internal to flow/.
 */
#pragma once

#include "flow/enrich.h"
#include "flow/finds.h"
#include "flow/run.h"

/* A generator at work: the argument of its coroutine. */
struct rf_generator {
        struct rf_run *run;
        unsigned pass; /* 0 is the first */
        struct rf_finds finds;
        struct rf_ahead *ahead; /* for features of some of them (flow/enrich.h), borrowed; NULL */
};

/* More by the artists mentioned. */
int rf_anchors_generator(void *generator);
/* Artists of the wished genres: their best-known tracks and, where those won't do, deep cuts. */
int rf_artists_generator(void *generator);
/* Recommendations from seeds, negative seeds and the wished features; more pages of genres where nobody recommends. */
int rf_seeds_generator(void *generator);

/* What a pass would look into, before anything is found: artists of the genres, and of each so many tracks and albums. */
struct rf_artists_forecast {
        uint32_t least, most;
        uint32_t tracks, albums;
};
struct rf_artists_forecast rf_artists_forecast(const struct rf_run *run, unsigned pass);
/* How many recommendations a pass asks for: calls, and the records of each. */
size_t rf_seeds_calls(const struct rf_run *run, uint32_t *ret_limit);
/* Albums of each artist mentioned for itself. */
uint32_t rf_anchors_albums(const struct rf_brief *b);

/* Runs all three at once and merges what they found into the pool (yields). -ECANCELED, -ENOMEM. */
int rf_generate(struct rf_run *run, unsigned pass);
