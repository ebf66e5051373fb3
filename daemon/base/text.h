/* Unicode text, through libunistring. Never yields. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without NUL, over `size` bytes. */
bool rf_utf8_is_valid(const char *s, size_t size);

/*
 * For comparing names: compatibility decomposition, marks dropped, case folded, everything but letters and digits turned into
 * single spaces, none at the ends ("Beyoncé – Halo!" → "beyonce halo"). A new string (free()), possibly empty; NULL when out of
 * memory or not UTF-8.
 */
char *rf_text_fold(const char *s);

/* Whether it begins with a capital letter. */
bool rf_text_is_capital(const char *s);

/* Whether two folded words differ by at most one insertion, deletion, substitution or swap of neighbours, counted in characters. */
bool rf_text_within_one_edit(const char *a, const char *b);

/* Bytes of the longest prefix that is valid, at most `max` bytes long, and doesn't cut a character. */
size_t rf_utf8_clip(const char *s, size_t max);
