#include "flow/quality.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "flow/arc.h"

#define SHUFFLES 100u
#define PAIRS_MAX 4000u /* of longer playlists a seeded sample is measured */

/* The features that make two tracks sound different, and what counts as all the difference there is. */
static const struct {
        enum rf_feature feature;
        float full;
} DIFFERENCES[] = {
        { RF_FEATURE_ACOUSTICNESS, 1.f }, { RF_FEATURE_DANCEABILITY, 1.f }, { RF_FEATURE_ENERGY, 1.f },
        { RF_FEATURE_INSTRUMENTALNESS, 1.f }, { RF_FEATURE_SPEECHINESS, 1.f }, { RF_FEATURE_VALENCE, 1.f },
        { RF_FEATURE_TEMPO, 100.f },
};
#define DIVERSITY_ARTISTS .5f /* the rest: features */

static uint16_t milli(double x)
{
        return (uint16_t)lrint(CLAMP(x, 0.0, 1.0) * 1000.0);
}

static double similarity(const struct rf_sound *a, const struct rf_sound *b)
{
        return 1.0 - (double)rf_sound_distance(a, b);
}

static double coherence(const struct rf_quality_input *in, const size_t *order)
{
        double sum = 0.0;

        if (in->n < 2)
                return 1.0;
        for (size_t i = 1; i < in->n; i++)
                sum += similarity(&in->sounds[order ? order[i - 1] : i - 1], &in->sounds[order ? order[i] : i]);
        return sum / (double)(in->n - 1);
}

static int shuffled_coherence(const struct rf_quality_input *in, double *ret)
{
        _cleanup_free_ size_t *order = calloc(in->n + 1, sizeof(*order));
        struct rf_random random;
        double sum = 0.0;

        if (!order)
                return -ENOMEM;
        rf_random_seed_named(&random, in->seed, "coherence");
        for (size_t i = 0; i < in->n; i++)
                order[i] = i;
        for (unsigned k = 0; k < SHUFFLES; k++) {
                for (size_t i = in->n; i > 1; i--) {
                        size_t j = rf_random_below(&random, (uint32_t)i), t = order[i - 1];

                        order[i - 1] = order[j];
                        order[j] = t;
                }
                sum += coherence(in, order);
        }
        *ret = sum / SHUFFLES;
        return 0;
}

/* 0..1; below 0: nobody knows how both sound. */
static double difference(const struct rf_features *a, const struct rf_features *b)
{
        double sum = 0.0, n = 0.0;

        for (size_t i = 0; i < ARRAY_SIZE(DIFFERENCES); i++) {
                enum rf_feature f = DIFFERENCES[i].feature;

                if (!(a->has & b->has & RF_FEATURE_BIT(f)))
                        continue;
                sum += (double)MIN(fabsf(a->value[f] - b->value[f]) / DIFFERENCES[i].full, 1.f);
                n += 1.0;
        }
        return n > 0.0 ? sum / n : -1.0;
}

/* How the tracks of pairs differ. Those of which nobody knows how they sound are no more diverse for that. */
struct differences {
        double artists, pairs;
        double sounds, known;
};

static void differ(const struct rf_quality_input *in, size_t i, size_t j, struct differences *d)
{
        const struct rf_sound *a = &in->sounds[i], *b = &in->sounds[j];
        double by_sound = difference(&in->features[i], &in->features[j]);

        d->pairs += 1.0;
        d->artists += a->artist == 0 || a->artist != b->artist ? 1.0 : 0.0;
        if (by_sound >= 0.0) {
                d->known += 1.0;
                d->sounds += by_sound;
        }
}

static double diversity(const struct rf_quality_input *in)
{
        size_t pairs = in->n * (in->n - 1) / 2;
        struct differences d = { 0 };
        struct rf_random random;

        if (in->n < 2)
                return 0.0;
        if (pairs > PAIRS_MAX) {
                rf_random_seed_named(&random, in->seed, "diversity");
                for (unsigned k = 0; k < PAIRS_MAX; k++) {
                        size_t i = rf_random_below(&random, (uint32_t)in->n), j = rf_random_below(&random, (uint32_t)in->n - 1);

                        differ(in, i, j + (j >= i), &d);
                }
        }
        for (size_t i = 0; pairs <= PAIRS_MAX && i < in->n; i++)
                for (size_t j = i + 1; j < in->n; j++)
                        differ(in, i, j, &d);
        return (double)DIVERSITY_ARTISTS * d.artists / d.pairs +
               (1.0 - (double)DIVERSITY_ARTISTS) * (d.known > 0.0 ? d.sounds / d.known : 0.5);
}

int rf_quality_measure(const struct rf_quality_input *in, struct rf_quality *ret)
{
        struct rf_quality q = { 0 };
        _cleanup_free_ float *energies = calloc(in->n + 1, sizeof(*energies));
        double shuffled;
        int r;

        if (!energies)
                return -ENOMEM;
        for (size_t i = 0; i < in->n; i++)
                energies[i] = in->sounds[i].energy;
        r = shuffled_coherence(in, &shuffled);
        if (r < 0)
                return r;
        q.overall_milli = milli((double)in->overall);
        q.cohesion_milli = milli((double)in->cohesion);
        q.coherence_milli = milli(coherence(in, NULL));
        q.coherence_shuffled_milli = milli(shuffled);
        q.diversity_milli = milli(diversity(in));
        q.arc_fit_milli = milli((double)rf_arc_fit(in->arc, energies, in->n));
        q.ordering_gap_milli = rf_sequence_gap_milli(&in->ordering);
        q.ordering_is_exact = in->ordering.is_exact;
        *ret = q;
        return 0;
}
