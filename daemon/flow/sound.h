/*
 * What of a track its neighbours in a sequence hear: tempo, key, energy, mood, artist. Pure functions; never yield.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>
#include <stdint.h>

struct rf_sound {
        float energy, valence;  /* 0..1; .5 where unknown */
        float momentum;         /* 0..100: how it moves (tempo and danceability) */
        float intensity;        /* 0..100: how dense it is (energy, loudness, electric sound) */
        float tempo_octaves;    /* log2 of the tempo; 0 = unknown */
        int8_t wheel;           /* place on the Camelot wheel, 0..11; -1 = unknown */
        bool is_minor;          /* which ring of the wheel */
        bool has_energy, has_valence;
        uint64_t artist;        /* equal for tracks of the same artist; 0 = unknown */
};

struct rf_sound rf_sound_of(const struct rf_features *f, uint64_t artist);

/* Steps between two keys on the Camelot wheel (circle of fifths, relative keys side by side): 0..7; negative if one is unknown. */
int rf_key_steps(const struct rf_sound *a, const struct rf_sound *b);

/* How far apart two neighbours sound, 0..1; half where nothing is known. Symmetric. */
float rf_sound_distance(const struct rf_sound *a, const struct rf_sound *b);

/* What it costs to play one after the other: the distance, and a heavy penalty for the same artist twice in a row. Symmetric. */
float rf_sound_step_cost(const struct rf_sound *a, const struct rf_sound *b);
