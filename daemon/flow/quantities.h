/* Numbers in a prompt: durations, counts, tempos, years. Internal to flow/. */
#pragma once

#include "flow/reading.h"

/* Takes the number that stands here with what it counts; false if none does, or if it counts nothing known. */
bool rf_quantities_take(struct rf_reading *rd);
