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
#include "store/state.h"
#include "upstream/breaker.h"
#include "upstream/optimizations.h"
#include "upstream/turns.h"

struct rf_upstream;
struct rf_authority;
struct rf_http;

enum rf_priority { RF_PRIORITY_PERSON, RF_PRIORITY_BACKGROUND };

/* Where an answer came from. */
enum rf_cache_state { RF_CACHE_MISS, RF_CACHE_HIT, RF_CACHE_STALE, RF_CACHE_NEGATIVE, RF_CACHE_STALE_ERROR, RF_CACHE_BYPASS };

/* What one call did: for the receipt, the log and the figures. Times in microseconds of scheduler time. */
struct rf_call_record {
        const char *provider; /* static; NULL if none could do it */
        enum rf_op op;
        const char *endpoint; /* static */
        char target[160];     /* method, path and parameters, without anything secret; empty if nothing was sent */
        uint64_t started_us, total_us;
        uint64_t queue_us, pace_us; /* waiting for a place, and for the service's limits */
        uint64_t upstream_us;       /* waiting for the service, over all attempts */
        uint64_t connect_us, first_byte_us; /* of the last attempt; connect 0: a kept connection */
        uint64_t needed_us;         /* failed at once: the wait that it would have taken */
        uint32_t attempts;
        uint32_t bytes;
        uint16_t status;
        enum rf_outcome outcome;
        const char *failure;  /* static short name of what went wrong below the service's own words; NULL */
        char message[160];    /* what the service, or the network, said; for people */
        enum rf_cache_state cache;
        bool coalesced; /* shared another caller's call */
        int error;      /* 0 or the negative code the caller got */
        uint32_t n_records;
        uint64_t life_us;        /* how long such an answer is fresh; 0 = it isn't kept, or there is none */
        uint64_t fresh_until_us; /* wall clock: the end of that, of a stale answer once it's renewed */
        bool is_served_stale;    /* after that, while it's renewed; otherwise people have to wait */
};

/* How many calls background work may still make. Lent to the upstream: it outlives that. */
struct rf_allowance {
        uint32_t left, spent; /* retries of what was begun are counted, never refused */
};

/* One request to a service: for the figures, and the log of slow ones. */
struct rf_attempt_record {
        const char *provider, *endpoint; /* static */
        const char *target;       /* method, path and parameters, without anything secret; valid during the call */
        enum rf_outcome outcome;  /* CANCELLED: by us, while it was under way */
        const char *failure;      /* as in a call's record */
        uint64_t duration_us;
        uint32_t number;          /* 1 = the call's first; others are retries */
        size_t in_flight;         /* of the provider, this one included */
};

/* Who calls, and who wants to know. */
struct rf_caller {
        uint64_t client;     /* fairness is per client */
        const char *run;     /* its id, for the log; NULL: none */
        uint64_t rank;       /* of the run that it calls for, or 0; of the run under way that began first, if it's for none */
        enum rf_priority priority;
        uint64_t deadline_us; /* scheduler time; RF_FOREVER */
        const char *provider; /* only this one is asked, because the ids are its own; NULL: whoever can */
        unsigned step;        /* what for: the caller's own number, for the figures; 0 = none */
        bool anew;            /* what the cache holds isn't looked at; the answer goes into it all the same */
        uint64_t ahead_us;    /* what won't be fresh for so long yet is fetched anew; what is there serves if that fails. 0: as it is */
        uint64_t life_min_us; /* with `ahead_us`: only what lives so long; what lives less long serves as it is */
        struct rf_allowance *allowance; /* calls to services count, and fail with -RF_ELIMIT beyond it; NULL: no bound */
        void (*observe)(void *arg, const struct rf_call_record *record); /* may be NULL; doesn't yield */
        void *observe_arg;
};

/* Answers that were kept, in place of the services: nobody is asked. For looking at what was, and at what would have been. */
struct rf_archive {
        /* What a service answered, after as long as it took (yields). -ENOENT: that isn't known. `login` as for rf_query_key(). */
        int (*ask)(void *arg, const char *provider, uint64_t login, const struct rf_query *q, struct rf_answer **ret);
        /* What a cache held that went before this one. -ENOENT. Doesn't yield. */
        int (*had)(void *arg, const char *provider, uint64_t login, const struct rf_query *q, struct rf_cache_entry *ret);
        void *arg;
};

struct rf_upstream_options {
        uint32_t concurrency;     /* attempts under way per provider; 1..1000 */
        uint32_t retries;         /* further attempts after transient failures of idempotent calls; 0..5 */
        uint64_t refusal_us;      /* how long a refused capability is left alone */
        uint64_t seed;            /* of life-time and retry jitter */
        bool cache_enabled;
        uint64_t optimizations_off; /* bit N: optimisation N is off; 0 = all are on */
        struct rf_http *http;     /* NULL: only providers with a transport in process can be asked */
        struct rf_state *state;   /* what is learned survives in it; NULL: it doesn't */
        struct rf_breaker_options breaker; /* zeros: it never opens */
        uint32_t slow_percent;    /* of the longest time that any call of a provider has: breaker.slow_us of that one; 0 = as it is */
        /* Sees every call of every caller; may be NULL. Doesn't yield. */
        void (*observe)(void *arg, const struct rf_caller *caller, const struct rf_call_record *record);
        /* Sees every request when it has ended; may be NULL. Doesn't yield. Both get `observe_arg`. */
        void (*attempted)(void *arg, const struct rf_attempt_record *record);
        void *observe_arg;
        const struct rf_archive *archive; /* NULL: the services answer */
};

/* `providers` and `cache` (may be NULL) outlive it. */
int rf_upstream_new(const struct rf_upstream_options *o, struct rf_providers *providers, struct rf_cache *cache,
                    struct rf_upstream **ret);
/* Takes up what was learned before a restart. Within the scheduler, before the first call; doesn't yield. */
void rf_upstream_start(struct rf_upstream *u);
/* What the state holds of a provider's limits counts from now on, instead of what was learned meanwhile. Doesn't yield. */
void rf_upstream_take_up(struct rf_upstream *u, const char *provider);
/* Ends what goes on in the background (yields). After it no call may be made. */
void rf_upstream_stop(struct rf_upstream *u);
struct rf_upstream *rf_upstream_free(struct rf_upstream *u);
DEFINE_CLEANUP(struct rf_upstream *, rf_upstream_free);

/*
 * Makes one call and waits for its answer (yields). An answer without records is a success. -RF_EUNSUPPORTED: no provider can do
 * it now; other RF_E… codes as classified, after the last provider that could have answered; -ETIMEDOUT, -ECANCELED.
 */
int rf_upstream_call(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_query *query, struct rf_answer **ret);

/* `waits` is called whenever a person's call has to wait for a service: background work may want to give way. Doesn't yield. */
void rf_upstream_watch_persons(struct rf_upstream *u, void (*waits)(void *arg), void *arg);

/*
 * A run begins, and ends: its calls carry `turn->rank`. Neither yields. `turn` is the run's own, and stays where it is between the two.
 */
void rf_upstream_begin(struct rf_upstream *u, struct rf_turn *turn, uint64_t client);
void rf_upstream_end(struct rf_upstream *u, struct rf_turn *turn);

/* The switches in effect, and new ones: for what begins from now on. Neither yields. */
const struct rf_optimizations *rf_upstream_optimizations(const struct rf_upstream *u);
void rf_upstream_set_optimizations(struct rf_upstream *u, const struct rf_optimizations *set);

/* Whether any provider could be asked now. Doesn't yield. */
bool rf_upstream_can(const struct rf_upstream *u, enum rf_op op);
/* Those who could be asked now, in the order of routing; at most `max`. Doesn't yield. */
size_t rf_upstream_providers(const struct rf_upstream *u, enum rf_op op, const struct rf_provider **ret, size_t max);
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

/* Pauses that the old policy makes (switches that are off). */
enum rf_pause { RF_PAUSE_BATCHES, RF_PAUSE_ARTISTS, RF_PAUSE_COUNT };

/* Makes one and counts it (yields). */
int rf_upstream_pause(struct rf_upstream *u, enum rf_pause pause, uint64_t us);

struct rf_upstream_stats {
        uint64_t calls, attempts, coalesced, failures, by_outcome[RF_OUTCOME_COUNT];
        uint64_t cache_by_state[6];
        uint64_t refreshes; /* old answers fetched anew behind their readers' backs */
        uint64_t unsaved;   /* times that something learned couldn't be written down */
        uint64_t paused_us[RF_PAUSE_COUNT];
        uint64_t limited_us; /* in which any call waited for the old limiter */
        size_t in_flight;
};
struct rf_upstream_stats rf_upstream_stats(const struct rf_upstream *u);

struct rf_provider_stats {
        uint64_t calls, failures, refused_records;
        uint64_t mean_us; /* exponentially weighted */
        size_t in_flight, waiting;
        uint64_t refusals;    /* 429s seen */
        uint64_t turned_away; /* calls that failed at once, for want of time */
        uint64_t blocked_us;  /* still to go until the service lets the credential in again */
        bool is_quota;
        double pace_scale;    /* 0..1, of the configured rate */
        double concurrency;   /* how many calls may be under way at once, as learned */
        int64_t quota_left;   /* calls that the known or configured limit leaves in its window now; -1: there is none */
        const char *breaker;  /* "closed", "open", "half-open" */
        const char *problem;  /* of the credential; NULL: none */
        bool is_logged_in;
};
struct rf_provider_stats rf_upstream_provider_stats(const struct rf_upstream *u, const struct rf_provider *p);

/* A person has logged in: what the provider refused to who was logged in before may be tried again. */
void rf_upstream_allow_user(struct rf_upstream *u, const char *provider);

/* The credential of a provider, for logging in and out; NULL if there is no such provider. */
struct rf_authority *rf_upstream_authority(struct rf_upstream *u, const char *provider);
