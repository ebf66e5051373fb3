/*
 * The daemon's figures: what happens is told to it, sums over the latest stretch of time are asked of it. The last two hours are kept by
 * the minute, the last week by the hour, and one sum over everything since counting began. Wall-clock time in microseconds; never
 * yields. An event that can't be counted for want of memory is counted as lost.
 */
#pragma once

#include "observe/figures.h"

struct rf_stats;

int rf_stats_new(struct rf_stats **ret);
struct rf_stats *rf_stats_free(struct rf_stats *s);
DEFINE_CLEANUP(struct rf_stats *, rf_stats_free);

/* The end of a run. */
struct rf_run_fact {
        enum rf_run_end end;
        uint64_t total_us;
        uint64_t step_us[RF_FIGURE_STEPS_MAX]; /* of a run that was done */
        unsigned step;                         /* where it failed */
        uint64_t prompt_hash;                  /* equal prompts have equal ones */
        uint32_t hits, calls;                  /* answers from the cache, calls of services */
};
void rf_stats_run(struct rf_stats *s, uint64_t wall_us, const struct rf_run_fact *fact);

/* A call as the workflow makes it: most are answered by the cache. */
struct rf_call_fact {
        const char *provider, *endpoint;
        unsigned cache; /* its state, below RF_FIGURE_CACHE_STATES_MAX */
        unsigned step;  /* of the run, plus one; 0: of none */
        bool is_coalesced, is_error;
};
void rf_stats_call(struct rf_stats *s, uint64_t wall_us, const struct rf_call_fact *fact);

/* A request to a service. */
struct rf_attempt_fact {
        const char *provider, *endpoint;
        enum rf_outcome outcome;
        bool is_timeout, is_retry;
        uint64_t duration_us;
        size_t in_flight; /* of the provider, this one included */
};
void rf_stats_attempt(struct rf_stats *s, uint64_t wall_us, const struct rf_attempt_fact *fact);

/*
 * The figures of the latest `since_us` microseconds, 0 for all, up to a minute more, beyond two hours up to an hour more. `ret_from_us`:
 * from when on. -ENOMEM.
 */
int rf_stats_sum(struct rf_stats *s, uint64_t wall_us, uint64_t since_us, struct rf_figures **ret, uint64_t *ret_from_us);
uint64_t rf_stats_lost(const struct rf_stats *s);

/* ---- For keeping it: records by number, each with a version of its own ---- */

enum { RF_STATS_RECORDS = 1 + RF_STATS_MINUTES + RF_STATS_HOURS, RF_STATS_RECORD_NAME_SIZE = 8 };

void rf_stats_record_name(size_t i, char name[static RF_STATS_RECORD_NAME_SIZE]);
/* Closes what is being counted, so that the records have it. -ENOMEM. */
int rf_stats_close(struct rf_stats *s);
bool rf_stats_record_is_changed(const struct rf_stats *s, size_t i);
void rf_stats_record_mark(struct rf_stats *s, size_t i, bool is_changed);
int rf_stats_record_encode(const struct rf_stats *s, size_t i, struct rf_buf *b); /* -ENOMEM */
/* Takes the place of what the record held. -RF_ECORRUPT, -RF_EFOREIGN (another version): what the record is about starts anew. */
int rf_stats_record_decode(struct rf_stats *s, size_t i, const void *data, size_t size);
