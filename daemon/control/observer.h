/*
 * What becomes of runs, calls and requests, told to the figures (observe/) in their words, and the figures kept in the state store: once
 * a minute, where something changed, and at the stop.
 */
#pragma once

#include "flow/playlist.h"
#include "flow/wish.h"
#include "observe/criteria.h"
#include "observe/stats.h"
#include "store/state.h"
#include "upstream/upstream.h"

struct rf_observer;

struct rf_observer_options {
        struct rf_state *state;      /* NULL: nothing is kept */
        struct rf_criteria criteria; /* `timeouts_of` outlives it */
        uint64_t window_us;          /* over which the criteria are judged where nothing else is said */
        uint64_t slow_us;            /* requests that take longer are handed to `slow`; 0 = none */
        void (*slow)(void *arg, const struct rf_attempt_record *record); /* doesn't yield */
        void *slow_arg;
};

int rf_observer_new(const struct rf_observer_options *o, struct rf_observer **ret);
struct rf_observer *rf_observer_free(struct rf_observer *o); /* after rf_observer_stop(), if it was started */
DEFINE_CLEANUP(struct rf_observer *, rf_observer_free);
/* New options; the store stays. */
void rf_observer_configure(struct rf_observer *o, const struct rf_observer_options *options);
const struct rf_observer_options *rf_observer_options(const struct rf_observer *o);

/* From a coroutine, before the first run: takes up what was kept. `ret_damaged`: records that can't be read, whose figures start anew. */
int rf_observer_start(struct rf_observer *o, size_t *ret_damaged);
/* Keeps the rest (yields). */
void rf_observer_stop(struct rf_observer *o);
/* Writes what was counted up to now (yields). */
int rf_observer_keep(struct rf_observer *o);
/* The record of that name was written by somebody else: counting goes on from there. -RF_ECORRUPT, -RF_EFOREIGN, -ENOMEM. Doesn't yield. */
int rf_observer_take_up(struct rf_observer *o, const char *name);
uint64_t rf_observer_unsaved(const struct rf_observer *o); /* times that figures couldn't be written; they are tried again */

/* As rf_upstream_options want them; `arg` is the observer. */
void rf_observer_call(void *arg, const struct rf_caller *caller, const struct rf_call_record *record);
void rf_observer_attempt(void *arg, const struct rf_attempt_record *record);
/* The end of a run: `playlist` is NULL where there is none, `step` the last that it came to. `o` may be NULL. */
void rf_observer_run(struct rf_observer *o, const struct rf_wish *wish, enum rf_step step, uint64_t total_us,
                     const struct rf_playlist *playlist, int error);

struct rf_stats *rf_observer_stats(struct rf_observer *o);
