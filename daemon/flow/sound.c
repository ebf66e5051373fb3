#include "flow/sound.h"

#include <math.h>
#include <stdlib.h>

#include "base/macros.h"

/*
 * What a listener notices at a joint, in shares of 1. Tempo and key come first as in harmonic mixing practice; energy and mood keep the
 * ear from jumping.
 */
enum { ASPECT_TEMPO, ASPECT_KEY, ASPECT_ENERGY, ASPECT_VALENCE, ASPECTS };
static const float SHARE[ASPECTS] = {
        [ASPECT_TEMPO] = .35f,
        [ASPECT_KEY] = .20f,
        [ASPECT_ENERGY] = .30f,
        [ASPECT_VALENCE] = .15f,
};

#define TEMPO_STEP_FULL .5f    /* octaves: 41 % faster is as far as tempo can be felt */
#define TEMPO_HALF_TIME .1f    /* octaves charged for taking half or double time as the same tempo */
#define KEY_STEPS_MAX 7
#define ENERGY_STEP_FULL .6f
#define VALENCE_STEP_FULL .7f
#define UNKNOWN .5f
#define SAME_ARTIST 4.f        /* more than any joint could cost */
#define LOUDNESS_SILENT -30.f  /* dB that counts as no intensity at all */
#define TEMPO_MOMENTUM 200.f   /* beats per minute of full momentum */

static float get(const struct rf_features *f, enum rf_feature feature, float otherwise)
{
        return f->has & RF_FEATURE_BIT(feature) ? f->value[feature] : otherwise;
}

static bool has(const struct rf_features *f, enum rf_feature feature)
{
        return f->has & RF_FEATURE_BIT(feature);
}

struct rf_sound rf_sound_of(const struct rf_features *f, uint64_t artist)
{
        struct rf_sound s = { .wheel = -1, .artist = artist };
        float tempo = get(f, RF_FEATURE_TEMPO, 0.f);
        int key = has(f, RF_FEATURE_KEY) ? (int)lrintf(f->value[RF_FEATURE_KEY]) : -1;
        float loudness;

        s.has_energy = has(f, RF_FEATURE_ENERGY);
        s.has_valence = has(f, RF_FEATURE_VALENCE);
        s.energy = get(f, RF_FEATURE_ENERGY, .5f);
        s.valence = get(f, RF_FEATURE_VALENCE, .5f);
        s.tempo_octaves = tempo > 1.f ? log2f(tempo) : 0.f;
        s.momentum = (tempo / TEMPO_MOMENTUM * 100.f + get(f, RF_FEATURE_DANCEABILITY, .5f) * 100.f) / 2.f;
        loudness = 1.f - CLAMP(get(f, RF_FEATURE_LOUDNESS, LOUDNESS_SILENT / 2.f) / LOUDNESS_SILENT, 0.f, 1.f);
        s.intensity = 100.f * (.6f * s.energy + .2f * loudness + .2f * (1.f - get(f, RF_FEATURE_ACOUSTICNESS, .5f)));
        if (key >= 0 && key < 12) {
                s.is_minor = has(f, RF_FEATURE_MODE) && f->value[RF_FEATURE_MODE] < .5f;
                /* a minor key stands at its relative major, three semitones up; fifths are seven semitones apart */
                s.wheel = (int8_t)((7 * (s.is_minor ? key + 3 : key)) % 12);
        }
        return s;
}

int rf_key_steps(const struct rf_sound *a, const struct rf_sound *b)
{
        int d;

        if (a->wheel < 0 || b->wheel < 0)
                return -1;
        d = abs(a->wheel - b->wheel);
        return MIN(d, 12 - d) + (a->is_minor != b->is_minor);
}

static float tempo_distance(const struct rf_sound *a, const struct rf_sound *b)
{
        float d;

        if (a->tempo_octaves <= 0.f || b->tempo_octaves <= 0.f)
                return UNKNOWN;
        d = fabsf(a->tempo_octaves - b->tempo_octaves);
        d = MIN(d, fabsf(1.f - d) + TEMPO_HALF_TIME);
        return MIN(d / TEMPO_STEP_FULL, 1.f);
}

float rf_sound_distance(const struct rf_sound *a, const struct rf_sound *b)
{
        int steps = rf_key_steps(a, b);
        float key = steps < 0 ? UNKNOWN : (float)steps / KEY_STEPS_MAX;
        float energy = a->has_energy && b->has_energy ? fabsf(a->energy - b->energy) / ENERGY_STEP_FULL : UNKNOWN;
        float valence = a->has_valence && b->has_valence ? fabsf(a->valence - b->valence) / VALENCE_STEP_FULL : UNKNOWN;

        return SHARE[ASPECT_TEMPO] * tempo_distance(a, b) + SHARE[ASPECT_KEY] * key +
               SHARE[ASPECT_ENERGY] * MIN(energy, 1.f) + SHARE[ASPECT_VALENCE] * MIN(valence, 1.f);
}

float rf_sound_step_cost(const struct rf_sound *a, const struct rf_sound *b)
{
        return rf_sound_distance(a, b) + (a->artist != 0 && a->artist == b->artist ? SAME_ARTIST : 0.f);
}
