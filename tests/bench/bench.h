/* What the benchmarks share: a clock, medians, lines of results. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static inline double bench_median(double *values, size_t n)
{
        qsort(values, n, sizeof(*values), bench_compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}

/* Ours beside the bare reference; the ratio is ours to bare, or bare to ours where more is better. */
static inline void bench_print(const char *name, double ours, double bare, const char *unit, const char *bare_name, const char *target)
{
        printf("%-34s %10.2f %-6s %-28s %10.2f  ratio %6.2f  (%s)\n", name, ours, unit, bare_name, bare, bare > 0 ? ours / bare : 0.0, target);
        fflush(stdout);
}

enum { BENCH_ROUNDS = 7 };
