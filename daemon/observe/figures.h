/*
 * What is counted, over some stretch of time: runs, their steps, calls and attempts by provider and endpoint. Sets of figures can be
 * merged and stored. A bounded number of endpoints is told apart; what is beyond is counted as one, named "other". Never yields.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>

#include "base/limits.h"
#include "base/macros.h"
#include "observe/histogram.h"

enum { RF_FIGURE_STEPS_MAX = 8, RF_FIGURE_CACHE_STATES_MAX = 8, RF_FIGURE_NAME_SIZE = 64 };

enum rf_run_end { RF_RUN_END_DONE, RF_RUN_END_FAILED, RF_RUN_END_CANCELLED, RF_RUN_END_COUNT };

struct rf_step_figures {
        struct rf_histogram time;  /* of runs that were done */
        uint64_t calls, errors;    /* made in it, and those that gave no answer */
        uint64_t failed_runs;      /* that came no further */
};

struct rf_endpoint_figures {
        char provider[RF_FIGURE_NAME_SIZE], endpoint[RF_FIGURE_NAME_SIZE];
        uint64_t calls, errors, coalesced; /* calls as the workflow makes them; most reach no service */
        uint64_t cache[RF_FIGURE_CACHE_STATES_MAX]; /* calls by the state of the cache */
        uint64_t attempts[RF_OUTCOME_COUNT];        /* requests to the service, by outcome */
        uint64_t timeouts, retries;                 /* of the attempts */
        uint64_t in_flight_peak;                    /* attempts of the provider under way at once */
        struct rf_histogram time;                   /* of attempts that weren't cancelled by us */
};

struct rf_figures {
        uint64_t runs[RF_RUN_END_COUNT];
        struct rf_histogram run_time; /* of runs that were done */
        uint64_t repeats, repeat_hits, repeat_calls; /* runs whose prompt came before; what they asked: hits, and calls in all */
        struct rf_step_figures steps[RF_FIGURE_STEPS_MAX];
        struct rf_endpoint_figures *endpoints[RF_STATS_ENDPOINTS_MAX];
        size_t n_endpoints;
};

struct rf_figures *rf_figures_new(void); /* NULL when out of memory */
struct rf_figures *rf_figures_free(struct rf_figures *f);
DEFINE_CLEANUP(struct rf_figures *, rf_figures_free);
void rf_figures_clear(struct rf_figures *f); /* to nothing; keeps memory of endpoints for the next use */
bool rf_figures_is_empty(const struct rf_figures *f);

/* Those of an endpoint, made when first asked for; NULL when out of memory. */
struct rf_endpoint_figures *rf_figures_endpoint(struct rf_figures *f, const char *provider, const char *endpoint);
int rf_figures_merge(struct rf_figures *to, const struct rf_figures *from); /* -ENOMEM */

/* Sums that are asked for in several places. */
uint64_t rf_endpoint_attempts(const struct rf_endpoint_figures *e);
uint64_t rf_endpoint_wasted(const struct rf_endpoint_figures *e); /* attempts that gave no answer to anybody */
uint64_t rf_endpoint_refusals(const struct rf_endpoint_figures *e); /* 429s */

/* Stored form. Decoding adds to what is there; after -RF_ECORRUPT that is no longer of use. */
int rf_figures_encode(const struct rf_figures *f, struct rf_buf *b);
int rf_figures_decode(struct rf_reader *r, struct rf_figures *f);
