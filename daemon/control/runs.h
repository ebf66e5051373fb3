/*
 * Runs: accepted onto disk, waiting in a queue that is fair by client, running, ended. A bounded number runs at once; the others are
 * small records. What is in the state store and hasn't ended is taken up again at the next start.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/observer.h"
#include "control/run_record.h"
#include "flow/flow.h"
#include "store/state.h"
#include "warm/warmer.h"

struct rf_runs;
struct rf_job; /* one run; counted references */
struct rf_job_view;

struct rf_runs_options {
        uint32_t active_max, waiting_max, waiting_per_client_max;
        uint32_t kept_max;       /* ended runs in the store; the oldest make room */
        uint64_t kept_age_us;    /* how long after their end they're kept; 0 = for as long as there is room */
        uint32_t deadline_ms;    /* of runs that wish none; 0 = none */
        void (*ended)(const struct rf_job_view *run); /* is told of each run's end; NULL: nobody is. Doesn't yield */
        struct rf_observer *observer; /* is told of each run's end; NULL: nobody is */
        struct rf_warmer *warmer; /* learns from the runs; NULL: nobody does */
};

struct rf_runs_stats {
        size_t active, waiting;
        uint64_t done, failed, cancelled; /* since the start */
};

enum { RF_RUN_ID_SIZE = 13, RF_PROGRESS_MESSAGE_SIZE = 120 };

/* `flow` and `state` outlive it. */
int rf_runs_new(const struct rf_runs_options *o, const struct rf_flow *flow, struct rf_state *state, struct rf_runs **ret);
struct rf_runs *rf_runs_free(struct rf_runs *r); /* after rf_runs_stop() */
DEFINE_CLEANUP(struct rf_runs *, rf_runs_free);

/* From a coroutine: takes up what hadn't ended. How many that were. */
int rf_runs_start(struct rf_runs *r, size_t *ret_resumed);
/*
 * The first half of a stop: nothing is accepted and nothing begins any more; what is running is waited for until `deadline_us`, or until
 * rf_runs_hurry() (yields).
 */
void rf_runs_drain(struct rf_runs *r, uint64_t deadline_us);
void rf_runs_hurry(struct rf_runs *r);
/* Interrupts what is running (yields). It counts as accepted, not as cancelled: the next start takes it up again. */
void rf_runs_stop(struct rf_runs *r);
/* New options; what is running isn't touched. */
void rf_runs_configure(struct rf_runs *r, const struct rf_runs_options *o);

/*
 * Accepts a run (yields until it is on disk). -RF_ELIMIT: `ret_limit` names the limit, `ret_value` is its value; "stopping" (0) once
 * rf_runs_drain() was called. The caller owns a reference.
 */
int rf_runs_accept(struct rf_runs *r, const struct rf_wish *wish, uint64_t client, struct rf_job **ret, const char **ret_limit,
                   uint32_t *ret_value);
/* One that lives, or one of the store. -RF_ENORUN. The caller owns a reference. */
int rf_runs_find(struct rf_runs *r, const char *id, struct rf_job **ret);
/* Yields until it is on disk. 1: cancelled; 0: it had ended before. Errors of the store: it has ended, but the next start takes it up. */
int rf_runs_cancel(struct rf_runs *r, struct rf_job *j);
bool rf_runs_is_under_way(const struct rf_runs *r, const char *id);
/* A run that is in the store: later ones get ids that sort behind its own, whatever was done to the clock. */
void rf_runs_note_id(struct rf_runs *r, const char *id);
struct rf_runs_stats rf_runs_stats(const struct rf_runs *r);

struct rf_job_view {
        const char *id, *prompt;
        enum rf_run_state state;
        uint32_t place; /* in the queue, 1 is next; 0 unless waiting */
        uint64_t seq;   /* grows with each change */
        uint64_t accepted_us, ended_us;
        uint32_t n_tracks;
        const char *title, *message;
        int error;
        bool has_progress;
        struct rf_progress progress;
};

/*
 * Runs of the store and living ones, newest first: `each` is called with a view, doesn't yield, and stops the listing with a negative
 * result, which is returned.
 */
struct rf_runs_filter {
        const char *before;          /* only runs older than this one; NULL = all */
        int state;                   /* -1 = any */
        uint64_t since_us, until_us; /* accepted then or later, and before; wall clock; 0 = whenever */
        uint32_t limit;
};
int rf_runs_list(struct rf_runs *r, const struct rf_runs_filter *filter, int (*each)(void *arg, const struct rf_job_view *v),
                 void *arg);

void rf_job_view(const struct rf_job *j, struct rf_job_view *ret); /* valid until the next yield */
bool rf_job_has_ended(const struct rf_job *j);
/* Waits for a change (yields). */
int rf_job_wait(struct rf_job *j);
/* A new reference to the playlist of one that is done; NULL if there is none or memory is out. */
json_t *rf_job_playlist(const struct rf_job *j);
struct rf_job *rf_job_unref(struct rf_job *j);
DEFINE_CLEANUP(struct rf_job *, rf_job_unref);
