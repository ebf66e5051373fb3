/* What the lexicon's phrases do to a brief. Internal to flow/. */
#pragma once

#include "flow/reading.h"

struct rf_entry;

/* The longest phrase of the lexicon that begins so many words ahead, and of how many it is; NULL if none does. */
const struct rf_entry *rf_phrases_at(struct rf_reading *rd, size_t ahead, size_t *ret_words);
/* Takes the longest phrase of the lexicon that begins here; false if none does. */
bool rf_phrases_take(struct rf_reading *rd);
/* Takes the next `words` words as this entry; `corrected`: they were misspelt. */
void rf_phrases_take_entry(struct rf_reading *rd, const struct rf_entry *e, size_t words, bool corrected);
