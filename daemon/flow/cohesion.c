#include "flow/cohesion.h"

#include <math.h>

#include "base/macros.h"

/* As the workflow has always used them (docs/workflow.md, "Cohesion"). A mode fits or doesn't, a key may be two semitones away. */
static const float TOLERANCES[RF_FEATURE_COUNT] = {
        [RF_FEATURE_ACOUSTICNESS] = .30f,
        [RF_FEATURE_DANCEABILITY] = .25f,
        [RF_FEATURE_ENERGY] = .25f,
        [RF_FEATURE_INSTRUMENTALNESS] = .20f,
        [RF_FEATURE_LIVENESS] = .30f,
        [RF_FEATURE_SPEECHINESS] = .20f,
        [RF_FEATURE_VALENCE] = .25f,
        [RF_FEATURE_KEY] = 2.f,
        [RF_FEATURE_MODE] = 1.f,
        [RF_FEATURE_LOUDNESS] = 5.f,
        [RF_FEATURE_TEMPO] = 35.f,
        [RF_FEATURE_POPULARITY] = 25.f,
};

#define CRITICAL_WEIGHT .7f /* a wish above it is critical */
#define CLASHES_MAX 1       /* so many critical features may be far outside */
/* A deviation of once the tolerance from the heart of the wish leaves exp(-FALLOFF) of the fit. */
#define FALLOFF 3.f
#define DEVIATION_MAX 4.f     /* one feature alone can't spoil more than two tolerances do */
#define UNKNOWN_DEVIATION .4f /* of a feature that isn't known: what is known to fit comes first */

float rf_feature_tolerance(enum rf_feature feature)
{
        return TOLERANCES[feature];
}

static float circular(float a, float b)
{
        float d = fabsf(a - b);

        return MIN(d, 12.f - d);
}

float rf_target_distance(const struct rf_target *t, enum rf_feature feature, float value)
{
        if (!t->is_set || (value >= t->low && value <= t->high))
                return 0.f;
        if (feature == RF_FEATURE_KEY)
                return MIN(circular(value, t->low), circular(value, t->high));
        return value < t->low ? t->low - value : value - t->high;
}

bool rf_target_is_wide(const struct rf_target *t, enum rf_feature feature)
{
        return t->is_hard && t->high - t->low >= 2.f * TOLERANCES[feature];
}

static bool is_wished(const struct rf_target *t)
{
        return t->is_set && t->weight > 0.f;
}

bool rf_brief_has_targets(const struct rf_brief *b)
{
        for (size_t i = 0; i < RF_FEATURE_COUNT; i++)
                if (is_wished(&b->targets[i]))
                        return true;
        return false;
}

float rf_cohesion(const struct rf_brief *b, const struct rf_features *f)
{
        float sum = 0.f, weights = 0.f;

        for (unsigned i = 0; i < RF_FEATURE_COUNT; i++) {
                const struct rf_target *t = &b->targets[i];
                float closeness = RF_COHESION_UNKNOWN;

                if (!is_wished(t))
                        continue;
                if (f->has & RF_FEATURE_BIT(i))
                        closeness = MAX(0.f, 1.f - rf_target_distance(t, i, f->value[i]) / TOLERANCES[i]);
                sum += t->weight * closeness;
                weights += t->weight;
        }
        return weights > 0.f ? sum / weights : RF_COHESION_UNKNOWN;
}

float rf_fit(const struct rf_brief *b, const struct rf_features *f)
{
        float deviation = 0.f, weights = 0.f;

        for (unsigned i = 0; i < RF_FEATURE_COUNT; i++) {
                const struct rf_target *t = &b->targets[i];
                float half, z;

                if (!is_wished(t))
                        continue;
                weights += t->weight;
                half = (t->high - t->low) / 2.f;
                if ((f->has & RF_FEATURE_BIT(i)) && rf_target_is_wide(t, i))
                        z = rf_target_distance(t, i, f->value[i]) / TOLERANCES[i];
                else if (f->has & RF_FEATURE_BIT(i))
                        z = fabsf(f->value[i] - (t->low + half)) / TOLERANCES[i];
                else
                        z = UNKNOWN_DEVIATION;
                deviation += t->weight * MIN(z * z, DEVIATION_MAX);
        }
        return weights > 0.f ? expf(-FALLOFF * deviation / weights) : RF_COHESION_UNKNOWN;
}

bool rf_clashes(const struct rf_brief *b, const struct rf_features *f, enum rf_feature *ret_feature)
{
        unsigned far = 0;
        float worst = 0.f;
        bool hard = false;

        for (unsigned i = 0; i < RF_FEATURE_COUNT; i++) {
                const struct rf_target *t = &b->targets[i];
                float z;

                if (!is_wished(t) || !(f->has & RF_FEATURE_BIT(i)) || (!t->is_hard && t->weight <= CRITICAL_WEIGHT))
                        continue;
                z = rf_target_distance(t, i, f->value[i]) / TOLERANCES[i];
                if (z <= 1.f)
                        continue;
                far++;
                if (t->is_hard)
                        hard = true;
                if (z > worst) {
                        worst = z;
                        if (ret_feature)
                                *ret_feature = i;
                }
        }
        return hard || far > CLASHES_MAX;
}
