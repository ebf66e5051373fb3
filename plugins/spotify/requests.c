/* Queries as requests to the Web API (developer.spotify.com/documentation/web-api, as of 2026). */
#include "spotify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 50, PAGE_SHORT = 10, IDS_MAX = 50, SEEDS_MAX = 5, URIS_MAX = 100 };

static void number(const struct spotify *s, struct rf_request_builder *b, const char *name, unsigned value)
{
        char text[16];

        snprintf(text, sizeof(text), "%u", value);
        s->host->request_param(b, name, text);
}

static void page(const struct spotify *s, struct rf_request_builder *b, const struct rf_query *q, unsigned most)
{
        number(s, b, "limit", q->limit > 0 && q->limit < most ? q->limit : most);
        if (q->offset > 0)
                number(s, b, "offset", q->offset);
}

static void market(const struct spotify *s, struct rf_request_builder *b, const struct rf_query *q)
{
        if (q->market || s->market)
                s->host->request_param(b, "market", q->market ? q->market : s->market);
}

/* A value of a search filter. Quotes can't be escaped there: they become spaces. */
static void put_quoted(FILE *f, const char *filter, const char *value)
{
        fprintf(f, "%s%s:\"", ftell(f) > 0 ? " " : "", filter);
        for (; *value; value++)
                fputc(*value == '"' ? ' ' : *value, f);
        fputc('"', f);
}

static void put_terms(FILE *f, const struct rf_query *q)
{
        if (q->isrc)
                fprintf(f, "isrc:%s", q->isrc);
        if (q->text)
                fprintf(f, "%s%s", ftell(f) > 0 ? " " : "", q->text);
        if (q->track)
                put_quoted(f, "track", q->track);
        if (q->artist)
                put_quoted(f, "artist", q->artist);
        if (q->genre)
                put_quoted(f, "genre", q->genre);
        if (q->year_from || q->year_to)
                fprintf(f, "%syear:%u-%u", ftell(f) > 0 ? " " : "", q->year_from ? q->year_from : 1900u, q->year_to ? q->year_to : 2100u);
}

static int search(const struct spotify *s, const struct rf_query *q, struct rf_request_builder *b, const char *type, unsigned most)
{
        char *terms = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&terms, &size);

        if (!f)
                return -ENOMEM;
        put_terms(f, q);
        if (fclose(f) != 0) {
                free(terms);
                return -ENOMEM;
        }
        if (size == 0) {
                free(terms);
                return -ENOTSUP; /* a search for anything */
        }
        s->host->request_path(b, "/search");
        s->host->request_param(b, "q", terms);
        s->host->request_param(b, "type", type);
        page(s, b, q, most);
        market(s, b, q);
        free(terms);
        return 0;
}

int spotify_build_search_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return search(instance, q, b, "track", PAGE);
}

int spotify_build_search_tracks_short(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return search(instance, q, b, "track", PAGE_SHORT);
}

int spotify_build_search_artists(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return search(instance, q, b, "artist", PAGE);
}

int spotify_build_search_artists_short(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return search(instance, q, b, "artist", PAGE_SHORT);
}

/* Ids are base62; anything else would change the address. */
static bool is_id(const char *id)
{
        size_t n = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

        return n > 0 && n <= 64 && !id[n];
}

static int path_of(const struct spotify *s, struct rf_request_builder *b, const char *before, const char *id, const char *after)
{
        char path[128];

        if (!id || !is_id(id))
                return -ENOTSUP; /* another service's id */
        snprintf(path, sizeof(path), "%s%s%s", before, id, after);
        s->host->request_path(b, path);
        return 0;
}

int spotify_build_top_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;
        int r = q->n_ids == 1 ? path_of(s, b, "/artists/", q->ids[0], "/top-tracks") : -EINVAL;

        if (r < 0)
                return r;
        market(s, b, q);
        return 0;
}

int spotify_build_albums(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;
        int r = q->n_ids == 1 ? path_of(s, b, "/artists/", q->ids[0], "/albums") : -EINVAL;

        if (r < 0)
                return r;
        s->host->request_param(b, "include_groups", "album,single");
        page(s, b, q, PAGE_SHORT);
        market(s, b, q);
        return 0;
}

int spotify_build_album_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;
        int r = q->n_ids == 1 ? path_of(s, b, "/albums/", q->ids[0], "/tracks") : -EINVAL;

        if (r < 0)
                return r;
        page(s, b, q, PAGE);
        market(s, b, q);
        return 0;
}

/* "a,b,c" as one parameter. -ENOTSUP: one of them is another service's id, or there are too many. */
static int ids_param(const struct spotify *s, struct rf_request_builder *b, const char *name, const char *const *ids, size_t n, size_t most)
{
        char list[IDS_MAX * 66] = "";
        size_t at = 0;

        if (n > most)
                return -ENOTSUP;
        for (size_t i = 0; i < n; i++) {
                if (!is_id(ids[i]))
                        return -ENOTSUP;
                at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i > 0 ? "," : "", ids[i]);
        }
        s->host->request_param(b, name, list);
        return 0;
}

int spotify_build_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        s->host->request_path(b, "/tracks");
        market(s, b, q);
        return ids_param(s, b, "ids", q->ids, q->n_ids, IDS_MAX);
}

int spotify_build_track(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        if (q->n_ids != 1)
                return -ENOTSUP;
        market(s, b, q);
        return path_of(s, b, "/tracks/", q->ids[0], "");
}

int spotify_build_features(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        s->host->request_path(b, "/audio-features");
        return ids_param(s, b, "ids", q->ids, q->n_ids, IDS_MAX);
}

int spotify_build_recommendations(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        static const char *const targets[RF_FEATURE_COUNT] = {
                "target_acousticness", "target_danceability", "target_energy", "target_instrumentalness", "target_liveness",
                "target_speechiness", "target_valence", NULL, NULL, "target_loudness", "target_tempo", "target_popularity",
        };
        const struct spotify *s = instance;

        s->host->request_path(b, "/recommendations");
        number(s, b, "limit", q->limit > 0 && q->limit < 100 ? q->limit : 100);
        market(s, b, q);
        for (int f = 0; f < RF_FEATURE_COUNT; f++) {
                char text[32];

                if (!targets[f] || !(q->target.has & RF_FEATURE_BIT(f)))
                        continue;
                snprintf(text, sizeof(text), f == RF_FEATURE_POPULARITY ? "%.0f" : "%.3f", (double)q->target.value[f]);
                s->host->request_param(b, targets[f], text);
        }
        return q->n_seeds == 0 ? -ENOTSUP : ids_param(s, b, "seed_tracks", q->seeds, q->n_seeds, SEEDS_MAX);
}

int spotify_build_user_top(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        s->host->request_path(b, "/me/top/tracks");
        s->host->request_param(b, "time_range", "medium_term");
        page(s, b, q, PAGE);
        return 0;
}

static int json_body(const struct spotify *s, struct rf_request_builder *b, json_t *j)
{
        char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

        json_decref(j);
        if (!text)
                return -ENOMEM;
        s->host->request_method(b, RF_METHOD_POST);
        s->host->request_body(b, "application/json", text, strlen(text));
        free(text);
        return 0;
}

int spotify_build_create(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        s->host->request_path(b, "/me/playlists");
        return json_body(s, b, json_pack("{s:s, s:b, s:s}", "name", q->name ? q->name : "recflow", "public", q->is_public, "description",
                                         q->description ? q->description : ""));
}

/* The newest come first. */
int spotify_build_find(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;

        s->host->request_path(b, "/me/playlists");
        number(s, b, "limit", PAGE);
        return q->text && q->text[0] ? 0 : -EINVAL;
}

/* Without a market: with one the service may answer with another release's id than the one that was added. */
int spotify_build_items(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;
        int r = path_of(s, b, "/playlists/", q->playlist, "/items");

        if (r < 0)
                return r;
        page(s, b, q, PAGE);
        return 0;
}

int spotify_build_add(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct spotify *s = instance;
        json_t *uris = json_array();
        int r = q->n_ids > URIS_MAX ? -ENOTSUP : path_of(s, b, "/playlists/", q->playlist, "/items");

        for (size_t i = 0; i < q->n_ids && r == 0; i++)
                if (is_id(q->ids[i]))
                        json_array_append_new(uris, json_sprintf("spotify:track:%s", q->ids[i]));
                else
                        r = -ENOTSUP;
        if (r < 0) {
                json_decref(uris);
                return r;
        }
        return json_body(s, b, json_pack("{s:o}", "uris", uris));
}
