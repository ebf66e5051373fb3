/*
 * The six phases of a playlist: opening, build, mid, high, descent, closure. Pure functions; never yield.
 */
#pragma once

#include <stddef.h>

#include "flow/playlist.h"
#include "flow/sound.h"

/* The phase of a place among `n`. Short playlists leave phases out; the first track always opens and, from three on, the last closes. */
enum rf_phase rf_phase_at(size_t place, size_t n);

/*
 * A first order: tracks are dealt to the phases by how much of the arc's level each phase asks for, and sorted inside a phase by its
 * purpose. `ret_order` gets the numbers of the tracks. -ENOMEM.
 */
int rf_phases_deal(const struct rf_sound *sounds, size_t n, enum rf_arc arc, size_t *ret_order);
