#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The first block is small enough for malloc to have one at hand: its cache ends at 1032 bytes. */
enum { BLOCK_FIRST = 240, BLOCK_MAX = 16 * 1024, ALIGN = _Alignof(max_align_t) };

struct rf_arena_block {
        struct rf_arena_block *next;
        size_t size;
        max_align_t data[];
};

static int grow(struct rf_arena *a, size_t needed)
{
        struct rf_arena_block *b;
        size_t size = a->blocks ? MIN(a->blocks->size * 2, (size_t)BLOCK_MAX) : BLOCK_FIRST;

        size = MAX(size, needed);
        b = malloc(sizeof(*b) + size);
        if (!b)
                return -1;
        b->next = a->blocks;
        b->size = size;
        a->blocks = b;
        a->at = (char *)b->data;
        a->end = a->at + size;
        return 0;
}

/* `align` is a power of two. */
static void *take(struct rf_arena *a, size_t size, size_t align)
{
        size_t gap = -(uintptr_t)a->at & (align - 1);
        char *p;

        if (size > SIZE_MAX / 4)
                return NULL;
        if (a->limit > 0 && (a->used > a->limit || size > a->limit - a->used))
                return NULL;
        if (!a->blocks || (size_t)(a->end - a->at) < size + gap) {
                if (grow(a, size) < 0)
                        return NULL;
                gap = 0;
        }
        p = a->at + gap;
        a->at = p + size;
        a->used += size + gap;
        return memset(p, 0, size);
}

void *rf_arena_alloc(struct rf_arena *a, size_t size)
{
        return take(a, MAX(size, (size_t)1), ALIGN);
}

void *rf_arena_array(struct rf_arena *a, size_t count, size_t size)
{
        size_t total;

        if (__builtin_mul_overflow(count, size, &total))
                return NULL;
        return rf_arena_alloc(a, total);
}

char *rf_arena_strndup(struct rf_arena *a, const char *s, size_t size)
{
        char *copy;

        if (!s)
                return NULL;
        copy = take(a, size + 1, 1); /* close together: they are most of what an answer holds */
        if (copy)
                memcpy(copy, s, size);
        return copy;
}

char *rf_arena_strdup(struct rf_arena *a, const char *s)
{
        return s ? rf_arena_strndup(a, s, strlen(s)) : NULL;
}

char *rf_arena_printf(struct rf_arena *a, const char *format, ...)
{
        va_list ap;
        char *s;
        int n;

        va_start(ap, format);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0)
                return NULL;
        s = take(a, (size_t)n + 1, 1);
        if (!s)
                return NULL;
        va_start(ap, format);
        vsnprintf(s, (size_t)n + 1, format, ap);
        va_end(ap);
        return s;
}

void rf_arena_done(struct rf_arena *a)
{
        struct rf_arena_block *next;

        for (struct rf_arena_block *b = a->blocks; b; b = next) {
                next = b->next;
                free(b);
        }
        *a = (struct rf_arena){ .limit = a->limit };
}
