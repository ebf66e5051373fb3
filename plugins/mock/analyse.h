/* What the imaginary service makes of a prompt: the words it knows, which are the world's own moods and genres. */
#pragma once

#include <stdbool.h>

/*
 * The analysis as a JSON text (docs/writing-a-plugin.md has its schema), a new string; NULL when out of memory. `with_related`: other
 * genres of the family, too.
 */
char *mock_analyse(const char *prompt, bool with_related);
