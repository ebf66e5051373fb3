/*
 * Moods as places in feature space: Russell's circumplex (1980: pleasure and arousal) with energy for arousal and valence for
 * pleasure, refined by how such music usually sounds (Eerola and Vuoskoski 2011: acoustic and slow for tenderness, loud and fast for
 * anger, …).
 */
#include "moods.h"

#include <math.h>
#include <string.h>

enum { ANY = 255 };

const struct mock_mood mock_moods[] = {
        { "happy", ANY, 68, 66, ANY, 86, 118 },      { "calm", 74, 38, 20, ANY, 46, 84 },
        { "melancholic", 66, 36, 30, ANY, 16, 88 },  { "energetic", ANY, 62, 90, ANY, 62, 138 },
        { "romantic", 60, 54, 36, 5, 52, 92 },       { "dark", ANY, 46, 60, ANY, 10, 110 },
        { "dreamy", 44, 34, 36, 55, 30, 96 },        { "angry", 3, 40, 95, ANY, 24, 148 },
        { "party", 8, 84, 84, 4, 76, 124 },          { "focus", 48, 46, 32, 85, 36, 100 },
        { "sleepy", 90, 20, 8, 80, 20, 68 },         { "nostalgic", 54, 52, 44, ANY, 60, 106 },
        { "epic", 30, 24, 76, 82, 24, 120 },         { "cozy", 80, 54, 26, ANY, 64, 96 },
        { "rainy", 76, 46, 24, ANY, 32, 78 },        { "sunny", 30, 74, 58, ANY, 90, 106 },
        { "sensual", 30, 74, 44, 8, 40, 86 },        { "uplifting", 24, 58, 74, 6, 72, 126 },
};

const size_t mock_n_moods = sizeof(mock_moods) / sizeof(mock_moods[0]);

int mock_mood_find(const char *name)
{
        for (size_t i = 0; i < mock_n_moods; i++)
                if (strcmp(mock_moods[i].name, name) == 0)
                        return (int)i;
        return -1;
}

double mock_mood_nearness(size_t a, size_t b)
{
        const struct mock_mood *x = &mock_moods[a], *y = &mock_moods[b];
        double valence = (x->valence - y->valence) / 100.0, energy = (x->energy - y->energy) / 100.0, nearness;

        if (a == b)
                return 1.0;
        nearness = 0.9 - 2.0 * sqrt(valence * valence + energy * energy);
        return nearness > 0 ? nearness : 0;
}
