/* The words of grammar in a prompt, in the languages of the lexicon. Internal to flow/. */
#pragma once

#include "flow/reading.h"

bool rf_is_negation(const char *word);
bool rf_is_joiner(const char *word);
bool rf_is_preposition(const char *word);
bool rf_is_filler(const char *word);     /* means nothing, and isn't told as not understood */
bool rf_is_music_noun(const char *word); /* "songs", "playlist": may stand beside a name */

/* Whether it's written in German, where every noun has a capital. */
bool rf_is_german(struct rf_reading *rd);

/* Takes what turns round the phrases behind it: "no", "less", "exclude". */
bool rf_denial_take(struct rf_reading *rd);
/* The same of several words, one of which may mean something else: "I hate", "anything but". */
bool rf_denial_take_several(struct rf_reading *rd);
