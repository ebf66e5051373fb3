/* The genres that a run looks into. Pure functions; never yield. */
#pragma once

#include "flow/run.h"

/*
 * The brief's genres, heaviest first, without the excluded ones; where the brief names none, the generic ones that fit its features
 * best. Returns how many. `ret_is_guess` says that they were guessed from nothing but features (or nothing at all).
 */
size_t rf_genres_of(const struct rf_brief *b, struct rf_run_genre ret[static RF_RUN_GENRES_MAX], bool *ret_is_guess);
