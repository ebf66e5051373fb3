/*
 * The answers that a past run got, as the cache of its daemon has them. What isn't there isn't made up: it is listed. What was in the cache
 * before the run counts as found there; the rest takes as long as such calls took the run.
 */
#pragma once

#include "sim/past_run.h"
#include "store/cache.h"
#include "upstream/upstream.h"

enum { SIM_MISSING_MAX = 50 };

struct sim_archive {
        struct rf_archive stand_in; /* for the upstream */
        const struct sim_past_run *run;
        struct rf_cache *cache;
        uint32_t n_there;   /* answers that were given out; an id of a look-up is one */
        uint32_t n_before;  /* those that the cache held before the run */
        uint32_t n_renewed; /* of those given out: stored after the run had ended, so perhaps not what it saw */
        uint32_t n_missing;
        char missing[SIM_MISSING_MAX][96]; /* the first of them, for people */
};

/* `run` and `cache` outlive it; the archive stays where it is. */
void sim_archive_init(struct sim_archive *a, const struct sim_past_run *run, struct rf_cache *cache);
