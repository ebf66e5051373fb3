#include "analyse.h"

#include "genres.h"
#include "moods.h"
#include "world.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANY = 255, GENRES = 8, HALF_WIDTH = 15 /* hundredths around a mood's centre */ };

/* Whether the folded text holds `phrase` as whole words. Where it does, the words are crossed out, so that what is left is unknown. */
static bool take_phrase(char *text, const char *phrase)
{
        size_t length = strlen(phrase);
        bool found = false;

        for (char *at = text; length > 0 && (at = strstr(at, phrase)); at += length) {
                bool begins = at == text || at[-1] == ' ', ends = at[length] == ' ' || !at[length];

                if (!begins || !ends)
                        continue;
                memset(at, ' ', length);
                found = true;
        }
        return found;
}

static void add_range(json_t *features, const char *name, unsigned char centre, double scale, double low, double high)
{
        double from = (centre - HALF_WIDTH) * scale, to = (centre + HALF_WIDTH) * scale;

        if (centre == ANY)
                return;
        from = from < low ? low : from;
        to = to > high ? high : to;
        json_object_set_new(features, name, json_pack("{s:f, s:f, s:f}", "low", from, "high", to, "weight", .8));
}

static void add_mood(json_t *features, const struct mock_mood *m)
{
        add_range(features, "acousticness", m->acoustic, .01, 0, 1);
        add_range(features, "danceability", m->dance, .01, 0, 1);
        add_range(features, "energy", m->energy, .01, 0, 1);
        add_range(features, "instrumentalness", m->instrumental, .01, 0, 1);
        add_range(features, "valence", m->valence, .01, 0, 1);
        add_range(features, "tempo", m->tempo, 1, 0, 250);
}

static void add_genre(json_t *genres, char *text, size_t i)
{
        char *folded = mock_fold(mock_genres[i].name);

        if (folded && take_phrase(text, folded))
                json_array_append_new(genres, json_pack("{s:s, s:f}", "name", mock_genres[i].name, "weight", 1.0));
        free(folded);
}

static void add_unknown(json_t *unknown, char *text)
{
        char *at = NULL;

        for (char *word = strtok_r(text, " ", &at); word; word = strtok_r(NULL, " ", &at))
                json_array_append_new(unknown, json_string(word));
}

/* Longer names first: "old school hip hop" is one genre, not "hip hop" and two unknown words. */
static void find_genres(json_t *genres, char *text)
{
        for (size_t length = 40; length > 0; length--)
                for (size_t i = 0; i < mock_n_genres; i++)
                        if (strlen(mock_genres[i].name) == length)
                                add_genre(genres, text, i);
}

/* What else belongs to the mood of a genre: others of its family, as many as the workflow searches. */
static void add_related(json_t *genres)
{
        size_t n = json_array_size(genres);

        for (size_t k = 0; k < n; k++) {
                int named = mock_genre_find(json_string_value(json_object_get(json_array_get(genres, k), "name")));

                for (size_t i = 0; i < mock_n_genres && json_array_size(genres) < GENRES; i++)
                        if (named >= 0 && (size_t)named != i && strcmp(mock_genres[named].family, mock_genres[i].family) == 0)
                                json_array_append_new(genres, json_pack("{s:s, s:f}", "name", mock_genres[i].name, "weight", .5));
        }
}

char *mock_analyse(const char *prompt, bool with_related)
{
        json_t *features = json_object(), *genres = json_array(), *unknown = json_array(), *analysis;
        char *text = mock_fold(prompt), *body;

        if (text && features && genres && unknown) {
                find_genres(genres, text);
                if (with_related)
                        add_related(genres);
                for (size_t i = 0; i < mock_n_moods; i++)
                        if (take_phrase(text, mock_moods[i].name))
                                add_mood(features, &mock_moods[i]);
                add_unknown(unknown, text);
        }
        analysis = json_pack("{s:s, s:o, s:o, s:[], s:o}", "kind", json_array_size(genres) > 0 ? "genre_exploration" : "mood_variety",
                             "genres", genres, "features", features, "mentions", "not_understood", unknown);
        body = text && analysis ? json_dumps(analysis, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
        json_decref(analysis);
        free(text);
        return body;
}
