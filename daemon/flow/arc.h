/*
 * The arc of a playlist: which energy is wished at which place. Pure functions; never yield.
 */
#pragma once

#include <stddef.h>

#include "flow/brief.h"
#include "flow/playlist.h"

/* The level of the arc at a place, both 0..1: 0 is the calmest there is in the playlist, 1 the most energetic. */
float rf_arc_level(enum rf_arc arc, float place);

/*
 * The energy wished at each of `n` places, made of the tracks' own energies: the calmest track where the arc is lowest, and so on. So
 * the arc asks for nothing that the tracks can't give. A steady arc wishes the median everywhere.
 */
int rf_arc_targets(enum rf_arc arc, const float *energies, size_t n, float *ret_targets);

/* How well a sequence of energies follows the arc: 1 exactly, 0 as far off as the same energies can be. Smoothed over three tracks. */
float rf_arc_fit(enum rf_arc arc, const float *energies, size_t n);
