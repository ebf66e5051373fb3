/* Invented but plausible names of artists, albums and tracks. New strings, NULL when out of memory. */
#pragma once

#include "random.h"

/* `language` and `family` colour the name; `ordinal` makes it unique. */
char *mock_artist_name(struct mock_random *r, const char *language, const char *family, unsigned ordinal);
char *mock_title(struct mock_random *r, const char *language, const char *family);
