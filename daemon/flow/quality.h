/*
 * How good a finished playlist is, in thousandths. Pure functions; never yield.
 */
#pragma once

#include "flow/playlist.h"
#include "flow/sequence.h"
#include "flow/sound.h"

/* A finished sequence: sounds in the order of the playlist. */
struct rf_quality_input {
        const struct rf_sound *sounds;
        const struct rf_features *features;
        size_t n;
        enum rf_arc arc;
        uint64_t seed;
        float cohesion, overall; /* of the evaluation */
        struct rf_sequence_result ordering;
};

/* -ENOMEM. */
int rf_quality_measure(const struct rf_quality_input *in, struct rf_quality *ret);
