#include "sim/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/random.h"

enum { RESAMPLES = 2000 };

static int upwards(const void *pa, const void *pb)
{
        double a = *(const double *)pa, b = *(const double *)pb;

        return a < b ? -1 : a > b;
}

double sim_percentile(double *values, size_t n, double percent)
{
        double rank, below;
        size_t i;

        if (n == 0)
                return 0.0;
        qsort(values, n, sizeof(*values), upwards);
        rank = percent / 100.0 * (double)(n - 1);
        below = floor(rank);
        i = (size_t)below;
        return i + 1 < n ? values[i] + (rank - below) * (values[i + 1] - values[i]) : values[n - 1];
}

double sim_mean(const double *values, size_t n)
{
        double sum = 0.0;

        for (size_t i = 0; i < n; i++)
                sum += values[i];
        return n > 0 ? sum / (double)n : 0.0;
}

/* Means of each subject's differences, closed up; how many subjects there are. */
static size_t subject_means(const double *differences, const size_t *subjects, size_t n, size_t n_subjects, double *ret)
{
        size_t found = 0;

        for (size_t s = 0; s < n_subjects; s++) {
                double sum = 0.0, count = 0.0;

                for (size_t i = 0; i < n; i++)
                        if (subjects[i] == s) {
                                sum += differences[i];
                                count += 1.0;
                        }
                if (count > 0.0)
                        ret[found++] = sum / count;
        }
        return found;
}

int sim_paired_interval(const double *differences, const size_t *subjects, size_t n, size_t n_subjects, uint64_t seed,
                        struct sim_interval *ret)
{
        _cleanup_free_ double *means = calloc(n_subjects + 1, sizeof(*means));
        _cleanup_free_ double *drawn = calloc(RESAMPLES, sizeof(*drawn));
        struct rf_random random;
        size_t found;

        if (!means || !drawn)
                return -ENOMEM;
        *ret = (struct sim_interval){ 0 };
        found = subject_means(differences, subjects, n, n_subjects, means);
        if (found == 0)
                return 0;
        rf_random_seed_named(&random, seed, "bootstrap");
        for (size_t i = 0; i < RESAMPLES; i++) {
                for (size_t k = 0; k < found; k++)
                        drawn[i] += means[rf_random_below(&random, (uint32_t)found)];
                drawn[i] /= (double)found;
        }
        ret->mean = sim_mean(means, found);
        ret->low = sim_percentile(drawn, RESAMPLES, 2.5);
        ret->high = sim_percentile(drawn, RESAMPLES, 97.5);
        return 0;
}
