/*
 * The synthetic world: a catalogue of invented artists and recordings, the same for the same seed on every machine. Used by the
 * plugin, and directly by tests and the simulator, who alone may look at the planted moods.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOCK_ARTISTS = 1500, MOCK_TRACKS = 20000 };

/* Features of a recording; index as enum rf_feature without popularity. */
enum { MOCK_FEATURES = 11 };

enum mock_version { MOCK_ORIGINAL, MOCK_LIVE, MOCK_REMIX, MOCK_RERELEASE };

struct mock_artist {
        char id[23];
        char *name, *folded;
        unsigned char genres[3];
        unsigned char n_genres;      /* of which the services know */
        bool hides_genres;           /* the services know none */
        unsigned char popularity;
        unsigned short year_from, year_to;
        uint32_t first_album, n_albums;
        uint32_t *by_popularity; /* its tracks, best known first */
        uint32_t n_tracks;
};

struct mock_album {
        char id[23];
        char *name;
        uint32_t artist, first_track, n_tracks;
        unsigned short year;
};

struct mock_track {
        char id[23];   /* id system A: 22 characters of base62 */
        char uuid[37]; /* id system B */
        char *title, *folded;
        uint32_t artist, album;
        uint32_t original; /* the track it is a version of; itself if it is one */
        enum mock_version version;
        unsigned char genre, mood;
        bool has_features, has_isrc, has_year, has_popularity, is_explicit;
        char isrc[13];
        unsigned short year;
        unsigned char popularity;
        uint32_t duration_ms;
        float feature[MOCK_FEATURES];
};

struct mock_world {
        uint64_t seed;
        struct mock_artist *artists;
        struct mock_album *albums;
        size_t n_albums;
        struct mock_track *tracks;
        uint32_t **by_genre; /* tracks of each genre, best known first */
        uint32_t *n_by_genre;
        struct mock_index *index;
};

/* -ENOMEM. Takes well under 150 ms. */
int mock_world_new(uint64_t seed, struct mock_world **ret);
struct mock_world *mock_world_free(struct mock_world *w);

/* By id of either system; NULL. */
const struct mock_track *mock_world_find_track(const struct mock_world *w, const char *id);
const struct mock_artist *mock_world_find_artist(const struct mock_world *w, const char *id);
const struct mock_album *mock_world_find_album(const struct mock_world *w, const char *id);

/*
 * Ground truth: how well a track fits a mood (NULL: any) and a genre (NULL: any), 0..1. Mood and genre are names of the tables; an
 * unknown name gives 0.
 */
double mock_world_relevance(const struct mock_track *t, const char *mood, const char *genre);

/* A number over everything generated: the same on every machine. */
uint64_t mock_world_fingerprint(const struct mock_world *w);

/* ASCII letters in lower case and digits, words separated by one space. A new string. */
char *mock_fold(const char *s);

/*
 * Search. `ret` gets at most `max` numbers of artists whose name is, begins with, or is one edit away from the text, best first.
 * Returns how many.
 */
size_t mock_search_artists(const struct mock_world *w, const char *text, uint32_t *ret, size_t max);
/* Tracks whose title is, begins with or holds all words of the text; `artist` (may be NULL) narrows. */
size_t mock_search_tracks(const struct mock_world *w, const char *title, const char *artist, uint32_t *ret, size_t max);
