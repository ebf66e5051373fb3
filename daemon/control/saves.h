/*
 * Playlists of runs being saved at services. One saving per run and service at a time; its state is on disk, and one that is under way
 * when the daemon ends goes on at the next start.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/runs.h"
#include "provider/provider.h"
#include "store/state.h"
#include "upstream/upstream.h"

struct rf_saves;
struct rf_save; /* counted references */

struct rf_saves_options {
        struct rf_upstream *upstream;
        struct rf_providers *providers;
        struct rf_runs *runs;
        struct rf_state *state;
        uint32_t batch_max; /* tracks in one call, 1..RF_SAVE_BATCH_MAX */
};

/* What the options hold outlives it. */
int rf_saves_new(const struct rf_saves_options *o, struct rf_saves **ret);
struct rf_saves *rf_saves_free(struct rf_saves *s); /* after rf_saves_stop() */
DEFINE_CLEANUP(struct rf_saves *, rf_saves_free);

/* From a coroutine, after the runs: takes up what was under way. How many that were. */
int rf_saves_start(struct rf_saves *s, size_t *ret_resumed);
/* As rf_runs_drain() and rf_runs_hurry(); what waits for a service's time isn't waited for. */
void rf_saves_drain(struct rf_saves *s, uint64_t deadline_us);
void rf_saves_hurry(struct rf_saves *s);
/* Interrupts what is under way (yields); the next start takes it up again. */
void rf_saves_stop(struct rf_saves *s);
size_t rf_saves_active(const struct rf_saves *s); /* under way */

struct rf_save_wish {
        const char *run, *provider;
        const char *name; /* NULL: the playlist's title */
        bool is_public;
        bool again; /* another playlist, also if there is one */
};

/*
 * Begins to save, joins a saving that is under way, goes on with one that failed, or finds what was saved before. -RF_ENORUN;
 * -RF_ENOTRACKS: the run has no playlist (yet); -RF_ELIMIT; -RF_EBUSY: stopping; -RF_ELOGIN and others of rf_save_check(), with `message`. The caller owns
 * a reference.
 */
int rf_saves_begin(struct rf_saves *s, const struct rf_save_wish *w, struct rf_save **ret, char *message, size_t size);

/* `key` is RUN/PROVIDER, as in the store. */
bool rf_saves_is_under_way(const struct rf_saves *s, const char *key);

struct rf_save_view {
        const char *run, *provider, *link, *playlist, *message;
        const char *step; /* "finding", "creating", "adding", "done" */
        uint64_t seq;     /* grows with each change */
        uint32_t n_added, n_total;
        int error;        /* failed: why */
        bool already;     /* it had been saved before it was asked for */
        const json_t *not_saved; /* NULL: not known yet */
        uint64_t postponed_until_us; /* wall clock: the service allows no calls before that, and then it goes on by itself; 0 = now */
        int postponed_for;           /* -RF_ERATE, -RF_EQUOTA */
};
void rf_save_view(const struct rf_save *s, struct rf_save_view *ret); /* valid until the next yield */
bool rf_save_has_ended(const struct rf_save *s);
int rf_save_wait(struct rf_save *s); /* for a change (yields) */
struct rf_save *rf_save_unref(struct rf_save *s);
DEFINE_CLEANUP(struct rf_save *, rf_save_unref);
