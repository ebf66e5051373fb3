/* The genres of the synthetic world: families, typical sound. Static tables. */
#pragma once

#include <stddef.h>

struct mock_genre {
        const char *name, *family;
        const char *region;   /* where most of its artists are from: ISRC country code */
        const char *language; /* ISO 639-1 of most lyrics */
        /* Typical sound, in hundredths: acousticness, danceability, energy, instrumentalness, speechiness, valence */
        unsigned char acoustic, dance, energy, instrumental, speech, valence;
        unsigned char tempo;  /* beats per minute */
        unsigned short from, to; /* years in which most of it was recorded */
};

extern const struct mock_genre mock_genres[];
extern const size_t mock_n_genres;

/* 1 the same genre, .6 the same family, 0 otherwise. */
double mock_genre_nearness(size_t a, size_t b);
/* -1 if there is none of that name. */
int mock_genre_find(const char *name);
