#include "flow/arc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macros.h"

/*
 * Levels at the centres of six equal parts of the playlist, joined by straight lines. "Peak" is the classic set of a DJ: warm up, build,
 * peak at two thirds, come down, close.
 */
enum { KNOTS = 6 };
static const float LEVEL[][KNOTS] = {
        [RF_ARC_STEADY] = { .50f, .50f, .50f, .50f, .50f, .50f },
        [RF_ARC_BUILD] = { .00f, .20f, .40f, .60f, .80f, 1.0f },
        [RF_ARC_PEAK] = { .15f, .45f, .70f, 1.0f, .50f, .00f },
        [RF_ARC_WIND_DOWN] = { 1.0f, .80f, .60f, .40f, .20f, .00f },
};

float rf_arc_level(enum rf_arc arc, float place)
{
        const float *level = LEVEL[(size_t)arc < ARRAY_SIZE(LEVEL) ? arc : RF_ARC_STEADY];
        float at = CLAMP(place * KNOTS - .5f, 0.f, (float)(KNOTS - 1));
        int k = MIN((int)at, KNOTS - 2);

        return level[k] + (level[k + 1] - level[k]) * (at - (float)k);
}

struct rank {
        float value;
        size_t at;
};

static int by_value(const void *pa, const void *pb)
{
        const struct rank *a = pa, *b = pb;

        if (a->value != b->value)
                return a->value < b->value ? -1 : 1;
        return a->at < b->at ? -1 : a->at > b->at;
}

static float place_of(size_t i, size_t n)
{
        return ((float)i + .5f) / (float)n;
}

int rf_arc_targets(enum rf_arc arc, const float *energies, size_t n, float *ret_targets)
{
        _cleanup_free_ struct rank *levels = NULL, *sorted = NULL;

        if (n == 0)
                return 0;
        levels = calloc(n, sizeof(*levels));
        sorted = calloc(n, sizeof(*sorted));
        if (!levels || !sorted)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                levels[i] = (struct rank){ rf_arc_level(arc, place_of(i, n)), i };
                sorted[i] = (struct rank){ energies[i], i };
        }
        qsort(sorted, n, sizeof(*sorted), by_value);
        if (arc == RF_ARC_STEADY) {
                for (size_t i = 0; i < n; i++)
                        ret_targets[i] = sorted[n / 2].value;
                return 0;
        }
        qsort(levels, n, sizeof(*levels), by_value);
        for (size_t i = 0; i < n; i++)
                ret_targets[levels[i].at] = sorted[i].value;
        return 0;
}

/* Mean distance of the energies, smoothed, from the targets; `order` may be NULL. */
static float deviation(const float *energies, const float *targets, const struct rank *order, size_t n)
{
        float sum = 0.f;

        for (size_t i = 0; i < n; i++) {
                float e = 0.f, t = 0.f;
                size_t from = i > 0 ? i - 1 : 0, to = MIN(i + 1, n - 1);

                for (size_t k = from; k <= to; k++) {
                        e += order ? order[k].value : energies[k];
                        t += targets[k];
                }
                sum += fabsf(e - t) / (float)(to - from + 1);
        }
        return sum / (float)n;
}

/*
 * A steady arc is kept where energy has no trend: one less the size of the rank correlation (Spearman's) of place and energy. How much
 * the tracks differ is the choice's affair, not the order's.
 */
static float steadiness(const float *energies, size_t n)
{
        _cleanup_free_ struct rank *ranks = calloc(n, sizeof(*ranks));
        double sum = 0.0, all = (double)n;

        if (!ranks)
                return 0.f;
        for (size_t i = 0; i < n; i++)
                ranks[i] = (struct rank){ energies[i], i };
        qsort(ranks, n, sizeof(*ranks), by_value);
        if (ranks[n - 1].value - ranks[0].value < 1e-6f)
                return 1.f;
        for (size_t i = 0; i < n; i++)
                sum += ((double)i - (double)ranks[i].at) * ((double)i - (double)ranks[i].at);
        return (float)(1.0 - fabs(1.0 - 6.0 * sum / (all * (all * all - 1.0))));
}

float rf_arc_fit(enum rf_arc arc, const float *energies, size_t n)
{
        _cleanup_free_ float *targets = NULL;
        _cleanup_free_ struct rank *worst = NULL, *levels = NULL, *sorted = NULL;
        float off, most;

        if (n < 2)
                return 1.f;
        if (arc == RF_ARC_STEADY)
                return steadiness(energies, n);
        targets = calloc(n, sizeof(*targets));
        worst = calloc(n, sizeof(*worst));
        levels = calloc(n, sizeof(*levels));
        sorted = calloc(n, sizeof(*sorted));
        if (!targets || !worst || !levels || !sorted || rf_arc_targets(arc, energies, n, targets) < 0)
                return 0.f;
        off = deviation(energies, targets, NULL, n);
        /* as far off as can be: the most energetic where the arc is lowest */
        for (size_t i = 0; i < n; i++) {
                worst[i] = (struct rank){ energies[i], i };
                levels[i] = (struct rank){ rf_arc_level(arc, place_of(i, n)), i };
        }
        qsort(worst, n, sizeof(*worst), by_value);
        qsort(levels, n, sizeof(*levels), by_value);
        for (size_t i = 0; i < n; i++)
                sorted[levels[i].at] = worst[n - 1 - i];
        most = deviation(energies, targets, sorted, n);
        return most > 1e-6f ? CLAMP(1.f - off / most, 0.f, 1.f) : 1.f;
}
