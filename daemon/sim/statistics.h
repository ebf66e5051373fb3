/* Numbers over runs. Pure functions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The value below which `percent` of the values lie (linear between ranks, as R's type 7). Sorts `values`; 0 if there are none. */
double sim_percentile(double *values, size_t n, double percent);
double sim_mean(const double *values, size_t n); /* 0 if there are none */

struct sim_interval {
        double mean, low, high; /* the mean, and its 95 % confidence interval */
};

/*
 * The mean of paired differences, where several of them belong to one subject (`subjects[i]` below `n_subjects`) and so say less than as
 * many subjects would: the bootstrap draws subjects, not differences. Seeded: the same numbers give the same interval. -ENOMEM.
 */
int sim_paired_interval(const double *differences, const size_t *subjects, size_t n, size_t n_subjects, uint64_t seed,
                        struct sim_interval *ret);
