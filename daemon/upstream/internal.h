/* What the stages of a call share. Only upstream/ includes this. */
#pragma once

#include "sched/sched.h"
#include "upstream/coalesce.h"
#include "upstream/upstream.h"

/* What is kept of each provider. */
struct rf_lane {
        struct rf_provider *provider;
        struct rf_semaphore slots;
        struct rf_provider_stats stats;
        uint64_t mean_us[RF_OP_COUNT]; /* exponentially weighted; 0 = never called */
};

struct rf_upstream {
        struct rf_upstream_options options;
        struct rf_cache *cache; /* NULL: none */
        struct rf_coalesce *coalesce;
        struct rf_lane *lanes; /* in the order of routing */
        size_t n_lanes;
        struct rf_upstream_stats stats;
};

/* ---- cached.c: the cache stage ---- */

/* 0: `ret` holds the answer and `ret_state` says how good it is (HIT, NEGATIVE or STALE); -ENOENT: nothing usable. */
int rf_cached_get(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_query *q, enum rf_cache_state *ret_state,
                  struct rf_answer **ret);
/* Stores a fresh answer with the life times of its operation. Errors are the cache's to count. */
void rf_cached_put(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_query *q, const struct rf_answer *a);

/* ---- single.c: one call to one provider ---- */

/* Cache, coalescing, attempts. `record` gets what happened. Yields. */
int rf_single(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
              struct rf_call_record *record, struct rf_answer **ret);
/* Without the cache's read side: for look-ups that have asked it already. */
int rf_single_uncached(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                       struct rf_call_record *record, struct rf_answer **ret);

/* ---- lookup.c: look-ups by id ---- */

/* Each id is cached by itself, what is missing is fetched in batches at once, and the answers are joined. Yields. */
int rf_lookup(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
              struct rf_answer **ret);

/* ---- route.c ---- */

/* The next lane from `*at` on that can do the operation now; NULL if none is left. */
struct rf_lane *rf_route_next(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t *at);

/* ---- upstream.c ---- */

/* Counts a record and hands it to whoever observes. */
void rf_observe(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_call_record *record);
