/*
 * Years in a prompt: "1985", "70s", "1990-95", "from the 70s to the 90s", "before 1980". Several eras are all wished; those that are
 * denied are excluded. Internal to flow/.
 */
#pragma once

#include "flow/bounds.h"
#include "flow/reading.h"

/* Takes the years that stand `at` words ahead, behind a comparator or none; false if no year is there. */
bool rf_eras_take(struct rf_reading *rd, const struct rf_bound *bound, size_t at);
/* Years that a phrase of the lexicon means, both counted: a decade as strictly as its number, others ("vintage") softly. */
void rf_eras_take_phrase(struct rf_reading *rd, uint16_t from, uint16_t to);
/* At the end of the prompt: what was wished goes into the brief, and the years between as excluded ones. */
void rf_eras_finish(struct rf_reading *rd);
