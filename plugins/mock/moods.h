/* The moods planted in the synthetic world. Seen only by tests and the simulator, never in an answer. */
#pragma once

#include <stddef.h>

struct mock_mood {
        const char *name;
        /* Centre in feature space, in hundredths; 255 = doesn't matter */
        unsigned char acoustic, dance, energy, instrumental, valence;
        unsigned char tempo; /* beats per minute; 255 = doesn't matter */
};

extern const struct mock_mood mock_moods[];
extern const size_t mock_n_moods;

int mock_mood_find(const char *name); /* -1 if there is none */
/* 1 the same mood, falling with their distance on the plane of valence and arousal; 0 for far ones. */
double mock_mood_nearness(size_t a, size_t b);
