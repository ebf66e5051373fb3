/* Small macros that are used everywhere: cleanup, ownership, arithmetic. */
#pragma once

#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))

/* Moves a pointer out of a variable: the variable is NULL afterwards. */
#define TAKE_PTR(p)                        \
        ({                                 \
                __typeof__(p) *_pp = &(p); \
                __typeof__(p) _v = *_pp;   \
                *_pp = NULL;               \
                _v;                        \
        })

/* The same for a file descriptor; -1 is left behind. */
#define TAKE_FD(fd)                \
        ({                         \
                int *_fp = &(fd);  \
                int _fd = *_fp;    \
                *_fp = -1;         \
                _fd;               \
        })

/* Defines the cleanup function `NAMEp` for a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, destroy)                            \
        static inline void destroy##p(type *p)                   \
        {                                                        \
                if (*p)                                          \
                        destroy(*p);                             \
        }                                                        \
        _Static_assert(sizeof(type) == sizeof(void *), "pointer")

static inline void rf_freep(void *p)
{
        free(*(void **)p);
}

#define _cleanup_free_ _cleanup_(rf_freep)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once; names are unique, so that they nest. */
#define RF_PICK_(a, op, b, x, y)     \
        ({                           \
                __typeof__(a) x = (a); \
                __typeof__(b) y = (b); \
                x op y ? x : y;      \
        })
#define RF_PICK__(a, op, b, n) RF_PICK_(a, op, b, _x##n, _y##n)
#define RF_PICK(a, op, b, n) RF_PICK__(a, op, b, n)
#define MIN(a, b) RF_PICK(a, <, b, __COUNTER__)
#define MAX(a, b) RF_PICK(a, >, b, __COUNTER__)

#define CLAMP(x, lo, hi) MIN(MAX((x), (lo)), (hi))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC 1000000ULL
#define RF_FOREVER UINT64_MAX /* a deadline that never comes */
