/*
 * The one place where the workflow touches the outside: a call of an operation. Route, cache, coalescing, attempt and
 * classification happen behind it, one file each; the workflow sees records or an error.
 */
#pragma once

#include <recflow/plugin.h>

#include "base/buf.h"
#include "base/macros.h"
#include "provider/answer.h"
#include "provider/provider.h"
#include "store/cache.h"

struct rf_upstream;

enum rf_priority { RF_PRIORITY_PERSON, RF_PRIORITY_BACKGROUND };

/* Where an answer came from. */
enum rf_cache_state { RF_CACHE_MISS, RF_CACHE_HIT, RF_CACHE_STALE, RF_CACHE_NEGATIVE, RF_CACHE_STALE_ERROR, RF_CACHE_BYPASS };

/* What one call did: for the receipt, the log and the figures. Times in microseconds of scheduler time. */
struct rf_call_record {
        const char *provider; /* static; NULL if none could do it */
        enum rf_op op;
        const char *endpoint; /* static */
        uint64_t started_us, total_us, upstream_us; /* upstream_us: waiting for the service */
        uint32_t attempts;
        uint32_t bytes;
        uint16_t status;
        enum rf_outcome outcome;
        enum rf_cache_state cache;
        bool coalesced; /* shared another caller's call */
        int error;      /* 0 or the negative code the caller got */
        uint32_t n_records;
};

/* Who calls, and who wants to know. */
struct rf_caller {
        uint64_t client;     /* fairness is per client */
        enum rf_priority priority;
        uint64_t deadline_us; /* scheduler time; RF_FOREVER */
        void (*observe)(void *arg, const struct rf_call_record *record); /* may be NULL; doesn't yield */
        void *observe_arg;
};

struct rf_upstream_options {
        uint32_t concurrency;     /* attempts under way per provider; 1..1000 */
        uint32_t retries;         /* further attempts after transient failures of idempotent calls; 0..5 */
        uint64_t refusal_us;      /* how long a refused capability is left alone */
        uint64_t seed;            /* of life-time and retry jitter */
        bool cache_enabled;
};

/* `providers` and `cache` (may be NULL) outlive it. */
int rf_upstream_new(const struct rf_upstream_options *o, struct rf_providers *providers, struct rf_cache *cache,
                    struct rf_upstream **ret);
struct rf_upstream *rf_upstream_free(struct rf_upstream *u);
DEFINE_CLEANUP(struct rf_upstream *, rf_upstream_free);

/*
 * Makes one call and waits for its answer (yields). An answer without records is a success. -RF_EUNSUPPORTED: no provider can do
 * it now; other RF_E… codes as classified, after the last provider that could have answered; -ETIMEDOUT, -ECANCELED.
 */
int rf_upstream_call(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_query *query, struct rf_answer **ret);

/* Whether any provider could be asked now. Doesn't yield. */
bool rf_upstream_can(const struct rf_upstream *u, enum rf_op op);
/* The operation as the first provider that can do it declares it (limits, life times); NULL. */
const struct rf_operation *rf_upstream_operation(const struct rf_upstream *u, enum rf_op op, const struct rf_provider **ret_provider);

/* A dry run: would this be answered from the cache, and if not, how long have such calls taken lately (0 = never seen)? */
struct rf_forecast {
        bool is_cached;
        uint64_t expected_us; /* exponentially weighted mean */
        const char *provider;
        const char *endpoint;
};
int rf_upstream_forecast(struct rf_upstream *u, const struct rf_query *query, struct rf_forecast *ret);

struct rf_upstream_stats {
        uint64_t calls, attempts, coalesced, failures, by_outcome[RF_OUTCOME_COUNT];
        uint64_t cache_by_state[6];
        size_t in_flight;
};
struct rf_upstream_stats rf_upstream_stats(const struct rf_upstream *u);

struct rf_provider_stats {
        uint64_t calls, failures, refused_records;
        uint64_t mean_us; /* exponentially weighted */
        size_t in_flight;
};
struct rf_provider_stats rf_upstream_provider_stats(const struct rf_upstream *u, const struct rf_provider *p);
