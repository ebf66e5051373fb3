/*
 * Gathering: the artists and tracks mentioned, tracks and artists of the wished genres, the listener's own; from them the anchors that
 * stand for the wish. Internal to flow/.
 */
#pragma once

#include "flow/calls.h"
#include "flow/run.h"

/* Gathers into the run (yields). -ECANCELED, -ENOMEM. */
int rf_gather(struct rf_run *run);

/* The query for the next page of a genre's tracks. */
struct rf_query rf_gather_genre_query(const struct rf_run *run, const struct rf_run_genre *g);
/* The queries that gathering begins with, for the dry run; at most `max`. */
size_t rf_gather_first_queries(struct rf_run *run, struct rf_query *ret, size_t max);
