/*
 * Names of artists and titles, compared as people do: case, marks and punctuation don't matter. Pure functions; never yield.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Equal for names that fold to the same text; never 0, except for NULL and names without letters and digits. */
uint64_t rf_name_key(const char *name);

/*
 * The same for a title, with what names only the release left out: "(2011 Remaster)", "[Explicit]", "(feat. X)". `is_song` leaves out
 * the version, too ("Live at …", "… Remix"): equal for all versions of a song.
 */
uint64_t rf_title_key(const char *title, bool is_song);

/* Whether a title says of itself that it's another version: remix, live, karaoke, instrumental, sped up, … */
bool rf_title_is_version(const char *title);

/* Whether two names are the same when folded. */
bool rf_name_equal(const char *a, const char *b);
/* Equal, or different by one letter, for names of five letters and more. */
bool rf_name_similar(const char *a, const char *b);
