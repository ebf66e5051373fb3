/* The artists who fit the wish: those of its genres. Internal to flow/. */
#pragma once

#include "flow/calls.h"
#include "flow/run.h"

/*
 * Finds them (yields): by genre where a service can list them so, otherwise the well-known ones of each genre by name. Fills the run's
 * matched artists, best first, and what is known of artists' genres. -ECANCELED, -ENOMEM.
 */
#define RF_ARTISTS_MATCHED_MAX 20u
int rf_artists_gather(struct rf_run *run);

/* Lends candidates what is known of their artists' genres. Doesn't yield. */
void rf_artists_lend_genres(struct rf_run *run);

/* The query for the artists of a genre. */
struct rf_query rf_artists_query(const struct rf_run_genre *g);
