/* Lengths of time in a prompt: "45min", "an hour and a half", "1 hour 30 minutes", "two-hour". Pure. Internal to flow/. */
#pragma once

#include "flow/reading.h"

/* The length of time that begins so many words ahead, in seconds; returns of how many words it is, 0 if none is there. */
size_t rf_duration_at(struct rf_reading *rd, size_t ahead, double *ret_s);
