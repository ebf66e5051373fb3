/* The numbers that have a word of their own. Internal to flow/. */
#pragma once

#include <stddef.h>

/* The number that a lower-case word of `size` bytes stands for; -1: none. */
int rf_number_word(const char *word, size_t size);
