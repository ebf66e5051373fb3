/* Artists and tracks that a prompt names. Internal to flow/. */
#pragma once

#include "flow/reading.h"

/* Each takes a name that stands here; false if none does. */

/* In quotation marks: a name for certain. */
bool rf_named_take_quoted(struct rf_reading *rd);
/* Behind "by", "like" or "exclude", without capitals. */
bool rf_named_take_lower(struct rf_reading *rd);
/* Of several words with capitals, though one of them may mean something else: "Beach Boys". */
bool rf_named_take_title(struct rf_reading *rd);
/* With capitals, of words that mean nothing else. */
bool rf_named_take_capitals(struct rf_reading *rd);

/* Tells that a name is one too many. */
void rf_named_leave_out(struct rf_brief *b, const char *name);
/* Whether each word that could have a capital has one. */
bool rf_named_all_capital(struct rf_reading *rd);
