/*
 * Runs as the state store keeps them: written when they're accepted and when they end, and ended ones for as long as there is room for
 * them and they aren't too old.
 */
#pragma once

#include "base/map.h"
#include "control/job.h"
#include "store/state.h"

/* Yields until it's on disk. In a store that is at its limit the oldest that have ended make room for it. */
int rf_kept_put(struct rf_state *state, const struct rf_job *j);
int rf_kept_remove(struct rf_state *state, const char *id); /* yields */
/* A new object. -RF_ENORUN; -RF_ECORRUPT. Doesn't yield. */
int rf_kept_get(struct rf_state *state, const char *id, struct rf_job **ret);

/* The id of the one accepted last; false if there is none. Doesn't yield. */
bool rf_kept_newest(struct rf_state *state, char ret[static RF_RUN_ID_SIZE]);

/*
 * Of those that hadn't ended when they were written, in the order they were accepted: `each` takes the reference. Its negative result
 * ends it. Neither yields.
 */
int rf_kept_unended(struct rf_state *state, int (*each)(void *arg, struct rf_job *j), void *arg);

/* As rf_runs_list(); of `living` ones (by id) it's their present state that is told. Doesn't yield. */
int rf_kept_list(struct rf_state *state, const struct rf_map *living, const struct rf_runs_filter *filter,
                 int (*each)(void *arg, const struct rf_job_view *v), void *arg);

/*
 * Removes ended runs: the oldest beyond `most` (living ones aside), and those that ended before `ended_before_us` (0 = none is too
 * old). Yields.
 */
int rf_kept_prune(struct rf_state *state, const struct rf_map *living, uint64_t most, uint64_t ended_before_us);
