/* Why a track is in the playlist, as a sentence for people. Pure functions; never yield. */
#pragma once

#include "base/arena.h"
#include "flow/brief.h"
#include "flow/candidate.h"

/* A string in `arena`; NULL when out of memory. */
const char *rf_reason_of(const struct rf_pool *pool, const struct rf_candidate *c, const struct rf_brief *b, struct rf_arena *arena);
