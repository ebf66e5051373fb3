/* The words for what a playlist is counted in. Internal to flow/. */
#pragma once

#include "flow/reading.h"

/* 1 where "songs", "tracks" or such stands so many words ahead, else 0. */
size_t rf_counted_at(struct rf_reading *rd, size_t ahead);
/* "per artist", "by the same artist": of how many words it is, 0 if it isn't there. */
size_t rf_counted_per_artist_at(struct rf_reading *rd, size_t ahead);
