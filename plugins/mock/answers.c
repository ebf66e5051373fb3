#include "answers.h"

#include "analyse.h"
#include "genres.h"
#include "recommend.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_MAX = 50, LIMIT_MAX = 100, LIMIT_DEFAULT = 20, FOUND_MAX = 512 };

static const char *param(const struct rf_request *q, const char *name)
{
        for (size_t i = 0; i < q->n_params; i++)
                if (strcmp(q->params[i].name, name) == 0)
                        return q->params[i].value;
        return NULL;
}

static size_t number(const struct rf_request *q, const char *name, size_t fallback, size_t max)
{
        const char *text = param(q, name);
        unsigned long v = text ? strtoul(text, NULL, 10) : fallback;

        return v > max ? max : (size_t)v;
}

/* ---- Records as JSON ---- */

static const char *const feature_names[MOCK_FEATURES] = { "acousticness", "danceability", "energy", "instrumentalness", "liveness",
                                                          "speechiness",  "valence",      "key",    "mode",             "loudness",
                                                          "tempo" };

static json_t *track_json(const struct mock_world *w, const struct mock_track *t)
{
        const struct mock_artist *a = &w->artists[t->artist];
        const struct mock_album *album = &w->albums[t->album];
        char uri[40];
        json_t *j;

        snprintf(uri, sizeof(uri), "mock:track:%s", t->id);
        j = json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s, s:s, s:s, s:i, s:b}", "id", t->id, "title", t->title, "artists", "id", a->id,
                      "name", a->name, "album", album->name, "album_id", album->id, "uri", uri, "duration_ms", (int)t->duration_ms,
                      "explicit", t->is_explicit);
        if (j && t->has_isrc)
                json_object_set_new(j, "isrc", json_string(t->isrc));
        if (j && t->has_year)
                json_object_set_new(j, "year", json_integer(t->year));
        if (j && t->has_popularity)
                json_object_set_new(j, "popularity", json_integer(t->popularity));
        return j;
}

static json_t *artist_json(const struct mock_artist *a)
{
        json_t *genres = json_array(), *j;

        for (size_t i = 0; genres && !a->hides_genres && i < a->n_genres; i++)
                json_array_append_new(genres, json_string(mock_genres[a->genres[i]].name));
        j = json_pack("{s:s, s:s, s:o, s:i}", "id", a->id, "name", a->name, "genres", genres, "popularity", a->popularity);
        return j;
}

static json_t *features_json(const struct mock_track *t, const char *id)
{
        json_t *j = json_pack("{s:s}", "id", id);

        if (j && t->has_isrc)
                json_object_set_new(j, "isrc", json_string(t->isrc));
        for (int f = 0; j && f < MOCK_FEATURES; f++)
                json_object_set_new(j, feature_names[f], json_real((double)t->feature[f]));
        return j;
}

/* ---- Endpoints; each returns the list of its records, or NULL and a status ---- */

static bool track_matches(const struct mock_track *t, const struct rf_request *q)
{
        size_t from = number(q, "year_from", 0, 9999), to = number(q, "year_to", 9999, 9999);

        return t->year >= from && t->year <= to;
}

static json_t *page_of_tracks(struct mock_service *s, const struct rf_request *q, const uint32_t *list, size_t n)
{
        size_t limit = number(q, "limit", LIMIT_DEFAULT, LIMIT_MAX), offset = number(q, "offset", 0, MOCK_TRACKS);
        json_t *tracks = json_array();

        for (size_t i = 0; tracks && i < n && json_array_size(tracks) < limit; i++) {
                const struct mock_track *t = &s->world->tracks[list[i]];

                if (track_matches(t, q) && offset-- == 0) {
                        offset = 0;
                        json_array_append_new(tracks, track_json(s->world, t));
                }
        }
        return tracks;
}

static json_t *search_by_isrc(struct mock_service *s, const char *isrc)
{
        json_t *tracks = json_array();

        for (size_t i = 0; tracks && i < MOCK_TRACKS; i++)
                if (s->world->tracks[i].has_isrc && strcmp(s->world->tracks[i].isrc, isrc) == 0)
                        json_array_append_new(tracks, track_json(s->world, &s->world->tracks[i]));
        return tracks;
}

static json_t *search_tracks(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        const char *genre = param(q, "genre"), *isrc = param(q, "isrc"), *text = param(q, "q"), *track = param(q, "track");
        uint32_t found[FOUND_MAX];
        size_t n;

        (void)status;
        if (isrc)
                return search_by_isrc(s, isrc);
        if (genre) {
                int g = mock_genre_find(genre);

                return g < 0 ? json_array() : page_of_tracks(s, q, s->world->by_genre[g], s->world->n_by_genre[g]);
        }
        n = mock_search_tracks(s->world, track ? track : text, param(q, "artist"), found, FOUND_MAX);
        if (n == 0 && text)
                n = mock_search_tracks(s->world, "", text, found, FOUND_MAX);
        return page_of_tracks(s, q, found, n);
}

static json_t *search_artists(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        size_t limit = number(q, "limit", LIMIT_DEFAULT, LIMIT_MAX), offset = number(q, "offset", 0, MOCK_ARTISTS), n = 0;
        const char *genre = param(q, "genre");
        int g = genre ? mock_genre_find(genre) : -1;
        json_t *artists = json_array();
        uint32_t found[LIMIT_MAX];

        (void)status;
        if (!genre)
                n = mock_search_artists(s->world, param(q, "q") ? param(q, "q") : "", found, limit);
        for (size_t i = 0; i < n; i++)
                json_array_append_new(artists, artist_json(&s->world->artists[found[i]]));
        for (size_t i = 0; g >= 0 && i < MOCK_ARTISTS && json_array_size(artists) < limit; i++) {
                const struct mock_artist *a = &s->world->artists[i];
                bool plays = false;

                for (size_t k = 0; k < a->n_genres; k++)
                        plays |= a->genres[k] == g;
                if (plays && offset-- == 0) {
                        offset = 0;
                        json_array_append_new(artists, artist_json(a));
                }
        }
        return artists;
}

static json_t *top_tracks(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        const struct mock_artist *a = mock_world_find_artist(s->world, param(q, "id") ? param(q, "id") : "");

        if (!a) {
                *status = 404;
                return NULL;
        }
        return page_of_tracks(s, q, a->by_popularity, a->n_tracks);
}

static json_t *artist_albums(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        const struct mock_artist *a = mock_world_find_artist(s->world, param(q, "id") ? param(q, "id") : "");
        json_t *albums = json_array();

        if (!a) {
                json_decref(albums);
                *status = 404;
                return NULL;
        }
        for (uint32_t i = a->first_album; i < a->first_album + a->n_albums; i++) {
                const struct mock_album *album = &s->world->albums[i];

                json_array_append_new(albums, json_pack("{s:s, s:s, s:i, s:i}", "id", album->id, "name", album->name, "year",
                                                        album->year, "tracks", (int)album->n_tracks));
        }
        return albums;
}

static json_t *album_tracks(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        const struct mock_album *album = mock_world_find_album(s->world, param(q, "id") ? param(q, "id") : "");
        json_t *tracks = json_array();

        if (!album) {
                json_decref(tracks);
                *status = 404;
                return NULL;
        }
        for (uint32_t i = album->first_track; i < album->first_track + album->n_tracks; i++)
                json_array_append_new(tracks, track_json(s->world, &s->world->tracks[i]));
        return tracks;
}

/* Calls `each` for the known ones of a comma-separated list. */
static size_t for_ids(struct mock_service *s, const char *list, void (*each)(void *arg, const struct mock_track *t, const char *id),
                      void *arg)
{
        char id[64];
        size_t n = 0;

        while (list && *list && n < IDS_MAX) {
                size_t length = strcspn(list, ",");

                if (length < sizeof(id)) {
                        const struct mock_track *t;

                        memcpy(id, list, length);
                        id[length] = '\0';
                        t = mock_world_find_track(s->world, id);
                        if (t)
                                each(arg, t, id);
                }
                n++;
                list += length + (list[length] == ',');
        }
        return n;
}

struct listing {
        struct mock_service *s;
        json_t *records;
};

static void list_track(void *arg, const struct mock_track *t, const char *id)
{
        struct listing *l = arg;

        (void)id;
        json_array_append_new(l->records, track_json(l->s->world, t));
}

static void list_features(void *arg, const struct mock_track *t, const char *id)
{
        struct listing *l = arg;

        if (t->has_features) /* in no particular order: a client must join by id */
                json_array_insert_new(l->records, json_array_size(l->records) / 2, features_json(t, id));
}

static json_t *tracks(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        struct listing l = { .s = s, .records = json_array() };

        (void)status;
        for_ids(s, param(q, "ids"), list_track, &l);
        return l.records;
}

static json_t *audio_features(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        struct listing l = { .s = s, .records = json_array() };

        (void)status;
        for_ids(s, param(q, "ids"), list_features, &l);
        return l.records;
}

struct seeds {
        const struct mock_track *list[IDS_MAX];
        size_t n;
};

static void add_seed(void *arg, const struct mock_track *t, const char *id)
{
        struct seeds *seeds = arg;

        (void)id;
        seeds->list[seeds->n++] = t;
}

static json_t *recommendations(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        const struct mock_track *found[LIMIT_MAX];
        struct seeds seeds = { .n = 0 }, negative = { .n = 0 };
        struct mock_wish wish = { .size = number(q, "limit", LIMIT_DEFAULT, LIMIT_MAX) };
        json_t *list;
        int n;

        for_ids(s, param(q, "seeds"), add_seed, &seeds);
        for_ids(s, param(q, "negative"), add_seed, &negative);
        if (seeds.n == 0) {
                *status = 400;
                return NULL;
        }
        wish.seeds = seeds.list;
        wish.n_seeds = seeds.n;
        wish.negative = negative.list;
        wish.n_negative = negative.n;
        for (int f = 0; f < MOCK_FEATURES; f++) {
                const char *target = param(q, feature_names[f]);
                char *end;

                if (!target)
                        continue;
                wish.has_target[f] = true;
                wish.target[f] = strtof(target, &end);
                wish.weight[f] = *end == '*' ? strtof(end + 1, NULL) : 1.0f;
        }
        n = mock_recommend(s->world, &wish, found);
        list = n < 0 ? NULL : json_array();
        for (int i = 0; list && i < n; i++)
                json_array_append_new(list, track_json(s->world, found[i]));
        return list;
}

/* The world's imaginary listener likes the best known of every seventh genre. */
static json_t *user_top(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        size_t limit = number(q, "limit", LIMIT_DEFAULT, LIMIT_MAX);
        json_t *list;

        if (!s->has_user) {
                *status = 401;
                return NULL;
        }
        list = json_array();
        for (size_t i = 0; i < limit; i++) {
                size_t g = i * 7 % mock_n_genres;

                if (i / mock_n_genres < s->world->n_by_genre[g])
                        json_array_append_new(list, track_json(s->world, &s->world->tracks[s->world->by_genre[g][i / mock_n_genres]]));
        }
        return list;
}

static json_t *playlists(struct mock_service *s, const struct rf_request *q, uint16_t *status)
{
        char id[32], uri[48];

        if (!s->has_user) {
                *status = 401;
                return NULL;
        }
        if (param(q, "id"))
                snprintf(id, sizeof(id), "%.31s", param(q, "id"));
        else
                snprintf(id, sizeof(id), "playlist%u", ++s->n_playlists);
        snprintf(uri, sizeof(uri), "mock:playlist:%.31s", id);
        *status = 201;
        return json_pack("[{s:s, s:s}]", "id", id, "uri", uri);
}

static const struct {
        const char *path;
        json_t *(*answer)(struct mock_service *s, const struct rf_request *q, uint16_t *status);
} endpoints[] = {
        { "/search/tracks", search_tracks },   { "/search/artists", search_artists }, { "/artist/top", top_tracks },
        { "/artist/albums", artist_albums },   { "/album/tracks", album_tracks },     { "/tracks", tracks },
        { "/features", audio_features },       { "/recommendations", recommendations }, { "/me/top", user_top },
        { "/playlists", playlists },
};

/* What a prompt means; it has no opinion on anything else. */
static char *analyse(const struct rf_request *request)
{
        const char *about = param(request, "about"), *prompt = param(request, "q");

        if (about && strcmp(about, "intent") != 0 && strcmp(about, "mood") != 0)
                return strdup("{}");
        return mock_analyse(prompt ? prompt : "", about && strcmp(about, "mood") == 0);
}

uint16_t mock_answer(struct mock_service *s, const struct rf_request *request, char **ret_body)
{
        uint16_t status = 200;
        json_t *records = NULL;
        char *body;

        if (strcmp(request->path, "/analyse") == 0) { /* the only answer that isn't a list of records */
                *ret_body = analyse(request);
                return *ret_body ? 200 : 0;
        }
        for (size_t i = 0;; i++) {
                if (i == sizeof(endpoints) / sizeof(endpoints[0])) {
                        status = 404;
                        break;
                }
                if (strcmp(request->path, endpoints[i].path) == 0) {
                        records = endpoints[i].answer(s, request, &status);
                        break;
                }
        }
        if (records)
                body = json_dumps(records, JSON_COMPACT | JSON_REAL_PRECISION(6));
        else
                body = strdup(status == 401 ? "{\"error\":\"a listener is needed\"}" : "{\"error\":\"not found\"}");
        json_decref(records);
        if (!body || (status == 200 && !records)) {
                free(body);
                return 0;
        }
        *ret_body = body;
        return status;
}
