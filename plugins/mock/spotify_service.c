/* Spotify's Web API over the synthetic world, for apps that kept everything and for those in development mode. */
#include "genres.h"
#include "recommend.h"
#include "spotify_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 50, FEATURES_BATCH = 100, PAGE = 50, TOP = 10, SINGLES = 8, SEEDS = 5, URIS = 100, RECOMMENDED = 100 };

int mock_spotify_error(struct mock_call *call, uint16_t status, const char *message)
{
        call->status = status;
        call->json = json_pack("{s:{s:i, s:s}}", "error", "status", (int)status, "message", message);
        return call->json ? 0 : -ENOMEM;
}

static int done(struct mock_call *call, json_t *json)
{
        call->json = json;
        return json ? 0 : -ENOMEM;
}

/* ---- Catalogue ---- */

static int answer_track(struct mock_call *call)
{
        const struct mock_track *t = mock_world_find_track(call->world, call->id);

        call->n_ids = 1;
        if (strlen(call->id) != 22)
                return mock_spotify_error(call, 400, "Invalid base62 id");
        return t ? done(call, mock_spotify_track(call, t)) : mock_spotify_error(call, 404, "Resource not found");
}

static int answer_artist(struct mock_call *call)
{
        const struct mock_artist *a = mock_world_find_artist(call->world, call->id);

        call->n_ids = 1;
        return a ? done(call, mock_spotify_artist(call, a)) : mock_spotify_error(call, 404, "Resource not found");
}

static void reverse(char *id)
{
        for (size_t i = 0, n = strlen(id); i < n / 2; i++) {
                char c = id[i];

                id[i] = id[n - 1 - i];
                id[n - 1 - i] = c;
        }
}

/* What an artist is best known for came out as a single as well: the same recording on a release of its own. */
static struct mock_album single_of(const struct mock_world *w, const struct mock_track *t)
{
        struct mock_album single = { .name = t->title, .artist = t->artist, .first_track = (uint32_t)(t - w->tracks), .n_tracks = 1,
                                     .year = w->albums[t->album].year };

        memcpy(single.id, t->id, sizeof(single.id));
        reverse(single.id);
        return single;
}

/* Albums first, then singles, as Spotify lists both. */
static struct mock_album release_of(const struct mock_world *w, const struct mock_artist *a, uint32_t i)
{
        return i < a->n_albums ? w->albums[a->first_album + i] : single_of(w, &w->tracks[a->by_popularity[i - a->n_albums]]);
}

static bool find_release(const struct mock_world *w, const char *id, struct mock_album *ret)
{
        const struct mock_album *album = mock_world_find_album(w, id);
        const struct mock_track *t = NULL;
        char reversed[23];

        if (!album && strlen(id) == sizeof(reversed) - 1) {
                memcpy(reversed, id, sizeof(reversed));
                reverse(reversed);
                t = mock_world_find_track(w, reversed);
        }
        if (album || t)
                *ret = album ? *album : single_of(w, t);
        return album || t;
}

static int answer_artist_albums(struct mock_call *call)
{
        const struct mock_artist *a = mock_world_find_artist(call->world, call->id);
        unsigned long limit, offset;
        uint32_t n;
        json_t *items;

        call->n_ids = 1;
        if (!mock_spotify_page_of(call, call->services->is_development ? 10 : PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        if (!a)
                return mock_spotify_error(call, 404, "Resource not found");
        items = json_array();
        n = a->n_albums + (a->n_tracks < SINGLES ? a->n_tracks : SINGLES);
        for (uint32_t i = (uint32_t)offset; i < n && i < offset + limit; i++) {
                const struct mock_album release = release_of(call->world, a, i);

                json_array_append_new(items, mock_spotify_album(call, &release));
        }
        return done(call, mock_spotify_page(call, items, limit, offset, n));
}

static int answer_album_tracks(struct mock_call *call)
{
        struct mock_album release;
        unsigned long limit, offset;
        json_t *items;

        call->n_ids = 1;
        if (!mock_spotify_page_of(call, PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        if (!find_release(call->world, call->id, &release))
                return mock_spotify_error(call, 404, "Resource not found");
        items = json_array();
        for (uint32_t i = (uint32_t)offset; i < release.n_tracks && i < offset + limit; i++)
                json_array_append_new(items, mock_spotify_short_track(call, &call->world->tracks[release.first_track + i]));
        return done(call, mock_spotify_page(call, items, limit, offset, release.n_tracks));
}

static int answer_top_tracks(struct mock_call *call)
{
        const struct mock_artist *a = mock_world_find_artist(call->world, call->id);
        json_t *tracks;

        call->n_ids = 1;
        if (!a)
                return mock_spotify_error(call, 404, "Resource not found");
        tracks = json_array();
        for (uint32_t i = 0; i < a->n_tracks && i < TOP; i++)
                json_array_append_new(tracks, mock_spotify_track(call, &call->world->tracks[a->by_popularity[i]]));
        return done(call, json_pack("{s:o}", "tracks", tracks));
}

/* Many ids at once: an entry for each, null where there is none. */
static int answer_many(struct mock_call *call, const char *name, size_t most,
                       json_t *(*record)(const struct mock_call *call, const char *id))
{
        char ids[MOCK_IDS_MAX][64];
        size_t n = mock_ids(call, mock_param(call, "ids"), ids, MOCK_IDS_MAX);
        json_t *list;

        if (n == 0 || n > most)
                return mock_spotify_error(call, 400, n == 0 ? "Missing required field: ids" : "Too many ids requested");
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                json_t *j = record(call, ids[i]);

                json_array_append_new(list, j ? j : json_null());
        }
        return done(call, json_pack("{s:o}", name, list));
}

static json_t *track_by_id(const struct mock_call *call, const char *id)
{
        const struct mock_track *t = strlen(id) == 22 ? mock_world_find_track(call->world, id) : NULL;

        return t ? mock_spotify_track(call, t) : NULL;
}

static json_t *artist_by_id(const struct mock_call *call, const char *id)
{
        const struct mock_artist *a = mock_world_find_artist(call->world, id);

        return a ? mock_spotify_artist(call, a) : NULL;
}

static json_t *features_by_id(const struct mock_call *call, const char *id)
{
        const struct mock_track *t = strlen(id) == 22 ? mock_world_find_track(call->world, id) : NULL;
        json_t *j;

        if (!t || !t->has_features)
                return NULL;
        j = json_pack("{s:s, s:s, s:i}", "id", t->id, "type", "audio_features", "duration_ms", (int)t->duration_ms);
        for (int f = 0; f < MOCK_FEATURES; f++)
                json_object_set_new(j, mock_feature_names[f],
                                    f == RF_FEATURE_KEY || f == RF_FEATURE_MODE ? json_integer((json_int_t)t->feature[f]) :
                                                                                  json_real((double)t->feature[f]));
        return j;
}

static int answer_tracks(struct mock_call *call)
{
        return answer_many(call, "tracks", BATCH, track_by_id);
}

static int answer_artists(struct mock_call *call)
{
        return answer_many(call, "artists", BATCH, artist_by_id);
}

static int answer_features(struct mock_call *call)
{
        return answer_many(call, "audio_features", FEATURES_BATCH, features_by_id);
}

static int answer_recommendations(struct mock_call *call)
{
        const struct mock_track *seeds[SEEDS], *found[RECOMMENDED];
        char ids[SEEDS + 1][64];
        size_t n = mock_ids(call, mock_param(call, "seed_tracks"), ids, SEEDS + 1);
        struct mock_wish wish = { .seeds = seeds };
        unsigned long limit;
        json_t *tracks;
        int n_found;

        if (!mock_number(call, "limit", 20, 1, RECOMMENDED, &limit))
                return mock_spotify_error(call, 400, "Invalid limit");
        if (n == 0 || n > SEEDS)
                return mock_spotify_error(call, 400, "Invalid seed parameter");
        for (size_t i = 0; i < n; i++) {
                const struct mock_track *t = mock_world_find_track(call->world, ids[i]);

                if (t)
                        seeds[wish.n_seeds++] = t;
        }
        for (int f = 0; f < MOCK_FEATURES; f++) {
                char name[32];
                const char *target;

                snprintf(name, sizeof(name), "target_%s", mock_feature_names[f]);
                target = mock_param(call, name);
                wish.has_target[f] = target != NULL;
                wish.target[f] = target ? strtof(target, NULL) : 0;
                wish.weight[f] = 1;
        }
        wish.size = limit;
        n_found = wish.n_seeds > 0 ? mock_recommend(call->world, &wish, found) : 0;
        if (n_found < 0)
                return n_found;
        tracks = json_array();
        for (int i = 0; i < n_found; i++)
                json_array_append_new(tracks, mock_spotify_track(call, found[i]));
        return done(call, json_pack("{s:o, s:[]}", "tracks", tracks, "seeds"));
}

/* ---- A person's ---- */

/* The world's imaginary listener likes the best known of every seventh genre. */
static int answer_user_tracks(struct mock_call *call)
{
        const struct mock_world *w = call->world;
        unsigned long limit, offset;
        json_t *items;

        if (!mock_spotify_page_of(call, PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        items = json_array();
        for (size_t i = offset; i < PAGE && i < offset + limit; i++) {
                size_t g = i * 7 % mock_n_genres, k = i / mock_n_genres;

                if (k < w->n_by_genre[g])
                        json_array_append_new(items, mock_spotify_track(call, &w->tracks[w->by_genre[g][k]]));
        }
        return done(call, mock_spotify_page(call, items, limit, offset, PAGE));
}

static int answer_user_artists(struct mock_call *call)
{
        const struct mock_world *w = call->world;
        unsigned long limit, offset;
        json_t *items;

        if (!mock_spotify_page_of(call, PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        items = json_array();
        for (size_t i = offset; i < PAGE && i < offset + limit; i++) {
                size_t g = i * 7 % mock_n_genres, k = i / mock_n_genres;

                if (k < w->n_by_genre[g])
                        json_array_append_new(items, mock_spotify_artist(call, &w->artists[w->tracks[w->by_genre[g][k]].artist]));
        }
        return done(call, mock_spotify_page(call, items, limit, offset, PAGE));
}

static json_t *body_json(const struct mock_call *call)
{
        return call->request->body ? json_loadb(call->request->body, call->request->body_size, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* What people wrote is given back with entities of HTML in place of these characters. */
static json_t *escaped(const json_t *text)
{
        static const struct { char c; const char *entity; } marks[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
                                                                        { '\'', "&#x27;" }, { '/', "&#x2F;" } };
        const char *at = json_string_value(text);
        char *out = malloc(6 * strlen(at) + 1), *to = out;
        json_t *j;

        if (!out)
                return NULL;
        for (; *at; at++) {
                size_t i = 0;

                while (i < sizeof(marks) / sizeof(marks[0]) && marks[i].c != *at)
                        i++;
                if (i < sizeof(marks) / sizeof(marks[0]))
                        to = stpcpy(to, marks[i].entity);
                else
                        *to++ = *at;
        }
        *to = '\0';
        j = json_string(out);
        free(out);
        return j;
}

static int answer_create_playlist(struct mock_call *call)
{
        struct mock_services *s = call->services;
        struct mock_playlist *p = &s->playlists[s->n_playlists];
        json_t *body = body_json(call), *is_public = json_object_get(body, "public");
        const char *name = json_string_value(json_object_get(body, "name"));
        const char *description = json_string_value(json_object_get(body, "description"));

        if (!name || !name[0] || s->n_playlists == MOCK_PLAYLISTS_MAX) {
                json_decref(body);
                return mock_spotify_error(call, name ? 403 : 400, name ? "Too many playlists" : "Missing required field: name");
        }
        mock_base62(mock_hash(s->n_playlists, "playlist"), p->id);
        p->record = json_pack("{s:s, s:s, s:s, s:b, s:[]}", "id", p->id, "name", name, "description", description ? description : "",
                              "public", !json_is_false(is_public), "uris");
        json_decref(body);
        if (!p->record)
                return -ENOMEM;
        s->n_playlists++;
        call->status = 201;
        call->json = json_pack("{s:s, s:O, s:o, s:O, s:{s:o}, s:o, s:s}", "id", p->id, "name", json_object_get(p->record, "name"),
                               "description", escaped(json_object_get(p->record, "description")), "public", json_object_get(p->record, "public"),
                               "external_urls", "spotify", json_sprintf("https://open.spotify.com/playlist/%s", p->id), "uri",
                               json_sprintf("spotify:playlist:%s", p->id), "snapshot_id", "0");
        return call->json ? 0 : -ENOMEM;
}

static struct mock_playlist *find_playlist(struct mock_services *s, const char *id)
{
        for (uint32_t i = 0; i < s->n_playlists; i++)
                if (strcmp(s->playlists[i].id, id) == 0)
                        return &s->playlists[i];
        return NULL;
}

/* The listener's own, newest first. */
static int answer_user_playlists(struct mock_call *call)
{
        struct mock_services *s = call->services;
        unsigned long limit, offset;
        json_t *items;

        if (!mock_spotify_page_of(call, PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        items = json_array();
        for (size_t i = offset; i < s->n_playlists && i < offset + limit; i++) {
                const struct mock_playlist *p = &s->playlists[s->n_playlists - 1 - i];

                json_array_append_new(items, json_pack("{s:s, s:O, s:o, s:{s:o}}", "id", p->id, "name", json_object_get(p->record, "name"),
                                                       "description", escaped(json_object_get(p->record, "description")), "external_urls", "spotify",
                                                       json_sprintf("https://open.spotify.com/playlist/%s", p->id)));
        }
        return done(call, mock_spotify_page(call, items, limit, offset, s->n_playlists));
}

static int answer_playlist_items(struct mock_call *call)
{
        const struct mock_playlist *p = find_playlist(call->services, call->id);
        const json_t *uris = p ? json_object_get(p->record, "uris") : NULL;
        unsigned long limit, offset;
        json_t *items;

        call->n_ids = 1;
        if (!mock_spotify_page_of(call, PAGE, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        if (!p)
                return mock_spotify_error(call, 404, "Resource not found");
        items = json_array();
        for (size_t i = offset; i < json_array_size(uris) && i < offset + limit; i++) {
                const struct mock_track *t = mock_world_find_track(call->world, json_string_value(json_array_get(uris, i)) + 14);

                json_array_append_new(items, json_pack("{s:o}", "item", mock_spotify_track(call, t)));
        }
        return done(call, mock_spotify_page(call, items, limit, offset, json_array_size(uris)));
}

/* NULL if every uri is a track's; else what is wrong. */
static const char *uris_problem(const struct mock_call *call, const json_t *uris)
{
        const json_t *uri;
        size_t i;

        if (!json_is_array(uris) || json_array_size(uris) == 0)
                return "Missing required field: uris";
        if (json_array_size(uris) > URIS)
                return "You can add a maximum of 100 tracks per request.";
        json_array_foreach(uris, i, uri) {
                const char *text = json_string_value(uri);

                if (!text || strncmp(text, "spotify:track:", 14) != 0 || strlen(text + 14) != 22)
                        return "Invalid track uri";
                if (!mock_world_find_track(call->world, text + 14))
                        return "Payload contains a non-existing ID";
        }
        return NULL;
}

static int answer_add_items(struct mock_call *call)
{
        struct mock_playlist *p = find_playlist(call->services, call->id);
        json_t *body = body_json(call), *uris = json_object_get(body, "uris");
        const char *problem = body ? uris_problem(call, uris) : "Error parsing JSON.";
        json_t *had = p ? json_object_get(p->record, "uris") : NULL;

        call->n_ids = json_array_size(uris);
        if (p && !problem && json_array_extend(had, uris) < 0) {
                json_decref(body);
                return -ENOMEM;
        }
        json_decref(body);
        if (!p)
                return mock_spotify_error(call, 404, "Resource not found");
        if (problem)
                return mock_spotify_error(call, 400, problem);
        call->status = 201;
        return done(call, json_pack("{s:o}", "snapshot_id", json_sprintf("%zu", json_array_size(had))));
}

/* ---- Who may ---- */

static bool has_token(struct mock_call *call)
{
        const char *header = mock_header(call, "Authorization");

        if (!header || strncmp(header, "Bearer ", 7) != 0)
                return mock_spotify_error(call, 401, "No token provided"), false;
        call->token = mock_token_find(&call->services->access, header + 7);
        if (!call->token)
                return mock_spotify_error(call, 401, "Invalid access token"), false;
        if (call->token->until_us <= call->now_us)
                return mock_spotify_error(call, 401, "The access token expired"), false;
        return true;
}

static bool admit(struct mock_call *call, const struct mock_endpoint *endpoint)
{
        if (!has_token(call))
                return false;
        if (!endpoint)
                return mock_spotify_error(call, 404, "Service not found"), false;
        if ((endpoint->flags & MOCK_ENDPOINT_USER) && !call->token->is_user)
                return mock_spotify_error(call, 401, "Valid user authentication required"), false;
        if (!call->services->is_development &&
            !(call->services->options.profile == MOCK_PROFILE_PARTIAL && endpoint->flags & MOCK_ENDPOINT_RARE))
                return true;
        if (endpoint->flags & MOCK_ENDPOINT_EXTENDED_403) {
                call->status = 403;
                call->json = json_pack("{s:{s:i}}", "error", "status", 403);
                return false;
        }
        if (endpoint->flags & MOCK_ENDPOINT_EXTENDED_404) {
                call->status = 404;
                call->text = "";
                return false;
        }
        return true;
}

static const struct mock_endpoint endpoints[] = {
        { RF_METHOD_GET, "/search", 0, mock_spotify_search },
        { RF_METHOD_GET, "/tracks/{id}", 0, answer_track },
        { RF_METHOD_GET, "/artists/{id}", 0, answer_artist },
        { RF_METHOD_GET, "/artists/{id}/albums", 0, answer_artist_albums },
        { RF_METHOD_GET, "/albums/{id}/tracks", 0, answer_album_tracks },
        { RF_METHOD_GET, "/artists/{id}/top-tracks", MOCK_ENDPOINT_EXTENDED_404, answer_top_tracks },
        { RF_METHOD_GET, "/tracks", MOCK_ENDPOINT_EXTENDED_403, answer_tracks },
        { RF_METHOD_GET, "/artists", MOCK_ENDPOINT_EXTENDED_403, answer_artists },
        { RF_METHOD_GET, "/audio-features", MOCK_ENDPOINT_EXTENDED_403 | MOCK_ENDPOINT_RARE, answer_features },
        { RF_METHOD_GET, "/recommendations", MOCK_ENDPOINT_EXTENDED_404 | MOCK_ENDPOINT_RARE, answer_recommendations },
        { RF_METHOD_GET, "/me/top/tracks", MOCK_ENDPOINT_USER, answer_user_tracks },
        { RF_METHOD_GET, "/me/top/artists", MOCK_ENDPOINT_USER, answer_user_artists },
        { RF_METHOD_GET, "/me/playlists", MOCK_ENDPOINT_USER, answer_user_playlists },
        { RF_METHOD_GET, "/playlists/{id}/items", MOCK_ENDPOINT_USER, answer_playlist_items },
        { RF_METHOD_POST, "/me/playlists", MOCK_ENDPOINT_USER, answer_create_playlist },
        { RF_METHOD_POST, "/playlists/{id}/items", MOCK_ENDPOINT_USER, answer_add_items },
};

const struct mock_endpoints mock_spotify_endpoints = { endpoints, sizeof(endpoints) / sizeof(endpoints[0]), admit };
