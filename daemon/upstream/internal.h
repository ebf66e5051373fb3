/* What the stages of a call share. Only upstream/ includes this. */
#pragma once

#include "sched/sched.h"
#include "upstream/authority.h"
#include "upstream/coalesce.h"
#include "upstream/gate.h"
#include "upstream/old_limiter.h"
#include "upstream/retry.h"
#include "upstream/upstream.h"

struct rf_collector;

/* What is kept of each provider. */
struct rf_lane {
        struct rf_upstream *upstream;
        struct rf_provider *provider;
        struct rf_gate *gate;
        struct rf_authority *authority;
        struct rf_collector *collectors[RF_OP_COUNT]; /* of look-ups by id; made when first used */
        struct rf_retry_budget budget;
        struct rf_old_limiter old_limiter; /* in place of the gate's pace, when that is off */
        uint64_t timeout_us; /* in place of the operations' own; 0 = those */
        struct rf_provider_stats stats;
        uint64_t mean_us[RF_OP_COUNT]; /* exponentially weighted; 0 = never called */
        bool is_saving, is_unsaved;    /* of what is learned */
};

struct rf_upstream {
        struct rf_upstream_options options;
        struct rf_optimizations optimizations; /* in effect */
        struct rf_cache *cache; /* NULL: none */
        struct rf_coalesce *coalesce;
        struct rf_turns turns; /* of the runs under way */
        struct rf_lane *lanes; /* in the order of routing */
        size_t n_lanes, n_refreshes;
        struct rf_group *background; /* refreshes, batches, writes of what was learned; made when first needed */
        struct rf_upstream_stats stats;
        size_t n_limited;          /* calls that wait for the old limiter, */
        uint64_t limited_since_us; /* and since when any does */
        void (*person_waits)(void *arg); /* NULL: nobody wants to know */
        void *person_waits_arg;
};

static inline bool rf_upstream_is_on(const struct rf_upstream *u, enum rf_optimization o)
{
        return rf_is_on(&u->optimizations, o);
}

/* Whether who wants the same at the same time shares one call. */
static inline bool rf_shares_calls(const struct rf_upstream *u)
{
        return rf_upstream_is_on(u, RF_OPT_COALESCE);
}

/* ---- cached.c: the cache stage ---- */

/* What the cache holds. */
struct rf_cached {
        struct rf_answer *answer;
        enum rf_cache_state state; /* HIT, NEGATIVE; STALE: to be served while it's fetched anew; STALE_ERROR: only if nothing better can be had */
        bool is_old;               /* to be fetched anew behind the reader's back: stale, or fresh still but near its end */
        uint64_t life_us, fresh_until_us; /* as in a call's record */
        bool is_served_stale;
};

/* Whose the answers to such queries are now: a login's number; 0: everybody's. */
uint64_t rf_lane_login(const struct rf_lane *lane, enum rf_op op);
/* Appends the key of a query, for the cache and for who asks the same at the same time. -ENOMEM. */
int rf_lane_key(const struct rf_lane *lane, const struct rf_query *q, struct rf_buf *b);
/* -ENOENT: nothing usable for this caller. */
int rf_cached_get(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                  struct rf_cached *ret);
/* How long the answer to a query is fresh, and whether it's served stale afterwards. Of a look-up without ids: the least of any. */
void rf_cached_life(const struct rf_lane *lane, const struct rf_query *q, bool is_negative, struct rf_call_record *record);
/* Stores a fresh answer with the life times of its operation. Errors are the cache's to count. */
void rf_cached_put(struct rf_upstream *u, const struct rf_lane *lane, const struct rf_query *q, const struct rf_answer *a);

/* ---- single.c: one call to one provider ---- */

/* Cache, coalescing, attempts. `record` gets what happened. `has_alternative`: another provider could answer instead. Yields. */
int rf_single(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
              struct rf_call_record *record, struct rf_answer **ret);
/* Without the cache's read side: for refreshes. */
int rf_single_uncached(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
                       struct rf_call_record *record, struct rf_answer **ret);
/* The attempts and retries alone, for who has done the rest itself; nothing is stored. `deadline_us` may move. Yields. */
int rf_attempts(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, bool has_alternative,
                const uint64_t *deadline_us, struct rf_call_record *record, struct rf_answer **ret);

/* ---- lookup.c and collector.c: look-ups by id ---- */

static inline bool rf_is_lookup(enum rf_op op)
{
        return op == RF_OP_TRACKS || op == RF_OP_AUDIO_FEATURES;
}

/* Each id is cached by itself; what is missing is collected, over all callers, into full batches. Yields. */
int rf_lookup(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q, struct rf_answer **ret);
/* Fetches the ids whatever the cache says. */
int rf_lookup_refresh(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q);

/* ---- refresh.c ---- */

/* Fetches in the background what was answered from an old entry, unless that is under way. Doesn't yield; never fails the caller. */
void rf_refresh(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q);

/* ---- route.c ---- */

/*
 * The next lane that can do the operation now and isn't in `*tried` (a bit for each; 0 at first), those that need no waiting first;
 * NULL if none is left.
 */
struct rf_lane *rf_route_next(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t *tried);
bool rf_route_has_more(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t tried);

/* ---- learned.c: what survives a restart ---- */

void rf_learned_load(struct rf_lane *lane);
/* Writes it down in the background. Doesn't yield. */
void rf_learned_changed(void *lane);

/* ---- upstream.c ---- */

/* A call isn't answered by the cache. -RF_ELIMIT: the caller has no call left to make. */
int rf_take_allowance(struct rf_upstream *u, const struct rf_caller *caller);
/* The call that was taken ended after so many attempts; one that was never made is given back. */
void rf_settle_allowance(const struct rf_caller *caller, uint32_t attempts);

/* Counts a record and hands it to whoever observes. */
void rf_observe(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_call_record *record);
/* The group of what outlives its caller. -ENOMEM. */
int rf_background(struct rf_upstream *u, struct rf_group **ret);
