/* Bump allocator: many small allocations, freed together. Zero-initialised is empty and valid. */
#pragma once

#include <stddef.h>

#include "base/macros.h"

struct rf_arena_block;

struct rf_arena {
        struct rf_arena_block *blocks;
        char *at, *end;
        size_t used;  /* bytes handed out */
        size_t limit; /* most bytes to hand out; 0 = any */
};

/* Zeroed memory, aligned for any type; NULL when out of memory or past the limit. Freed with the arena. */
void *rf_arena_alloc(struct rf_arena *a, size_t size);
/* `count` elements of `size` bytes, checked for overflow. */
void *rf_arena_array(struct rf_arena *a, size_t count, size_t size);
/* Copies; NULL for NULL, too. */
char *rf_arena_strdup(struct rf_arena *a, const char *s);
char *rf_arena_strndup(struct rf_arena *a, const char *s, size_t size);
char *rf_arena_printf(struct rf_arena *a, const char *format, ...) _printf_(2, 3);
void rf_arena_done(struct rf_arena *a);

#define _cleanup_arena_ _cleanup_(rf_arena_done)
