/* Answers of the Web API as records. Every field may be missing: older apps and newer ones are sent different sets. */
#include "spotify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARTISTS_MAX = 16, GENRES_MAX = 16, QUOTA_S = 3600 /* no short window is that long */ };

static const char *text(const json_t *j, const char *name)
{
        return json_string_value(json_object_get(j, name));
}

static json_int_t whole(const json_t *j, const char *name, json_int_t fallback)
{
        const json_t *v = json_object_get(j, name);

        return json_is_integer(v) ? json_integer_value(v) : fallback;
}

/* "1999", "1999-03", "1999-03-01" */
static uint16_t year_of(const char *date)
{
        unsigned long year = date ? strtoul(date, NULL, 10) : 0;

        return year >= 1000 && year <= 9999 ? (uint16_t)year : 0;
}

static void put_artists(const json_t *list, struct rf_artist_ref *refs, struct rf_track *t)
{
        const json_t *a;
        size_t i;

        json_array_foreach(list, i, a) {
                if (i == ARTISTS_MAX)
                        break;
                if (text(a, "name"))
                        refs[t->n_artists++] = (struct rf_artist_ref){ .id = text(a, "id"), .name = text(a, "name") };
        }
        t->artists = refs;
}

static int emit_track(const struct spotify *sp, const json_t *j, struct rf_sink *s)
{
        const json_t *album = json_object_get(j, "album"), *is_explicit = json_object_get(j, "explicit");
        json_int_t popularity = whole(j, "popularity", -1), duration_ms = whole(j, "duration_ms", 0);
        struct rf_artist_ref refs[ARTISTS_MAX];
        struct rf_track t = {
                .id = text(j, "id"), .title = text(j, "name"), .album = text(album, "name"), .album_id = text(album, "id"),
                .isrc = text(json_object_get(j, "external_ids"), "isrc"), .uri = text(j, "uri"), .spotify_id = text(j, "id"),
                .duration_ms = duration_ms > 0 && duration_ms < 86400000 ? (uint32_t)duration_ms : 0,
                .release_year = year_of(text(album, "release_date")),
                .popularity = popularity >= 0 && popularity <= 100 ? (int8_t)popularity : -1,
                .is_explicit = (int8_t)(json_is_boolean(is_explicit) ? json_is_true(is_explicit) : -1),
        };

        if (!t.id || !t.title) /* an entry may be null, or a local file without an id */
                return 0;
        put_artists(json_object_get(j, "artists"), refs, &t);
        return sp->host->emit_track(s, &t);
}

static int emit_artist(const struct spotify *sp, const json_t *j, struct rf_sink *s)
{
        const json_t *list = json_object_get(j, "genres"), *genre;
        json_int_t popularity = whole(j, "popularity", -1);
        const char *genres[GENRES_MAX];
        struct rf_artist a = { .id = text(j, "id"), .name = text(j, "name"), .uri = text(j, "uri"), .genres = genres,
                               .popularity = popularity >= 0 && popularity <= 100 ? (int8_t)popularity : -1 };
        size_t i;

        json_array_foreach(list, i, genre)
                if (a.n_genres < GENRES_MAX && json_is_string(genre))
                        genres[a.n_genres++] = json_string_value(genre);
        return a.id && a.name ? sp->host->emit_artist(s, &a) : 0;
}

static int emit_album(const struct spotify *sp, const json_t *j, struct rf_sink *s)
{
        json_int_t tracks = whole(j, "total_tracks", 0);
        struct rf_album a = { .id = text(j, "id"), .name = text(j, "name"), .release_year = year_of(text(j, "release_date")),
                              .n_tracks = tracks > 0 && tracks < 10000 ? (uint16_t)tracks : 0 };

        return a.id && a.name ? sp->host->emit_album(s, &a) : 0;
}

static int emit_features(const struct spotify *sp, const json_t *j, struct rf_sink *s)
{
        static const char *const names[RF_FEATURE_COUNT] = { "acousticness", "danceability", "energy", "instrumentalness", "liveness",
                                                             "speechiness", "valence", "key", "mode", "loudness", "tempo", NULL };
        struct rf_track_features f = { .id = text(j, "id"), .spotify_id = text(j, "id") };

        for (int i = 0; i < RF_FEATURE_COUNT; i++) {
                const json_t *v = names[i] ? json_object_get(j, names[i]) : NULL;

                if (!json_is_number(v))
                        continue;
                f.features.value[i] = (float)json_number_value(v);
                f.features.has |= RF_FEATURE_BIT(i);
        }
        return f.id ? sp->host->emit_features(s, &f) : 0;
}

typedef int (*emitter)(const struct spotify *sp, const json_t *j, struct rf_sink *s);

/* A list of records; a refused one is counted by the host, the others count. */
static int emit_list(const struct spotify *sp, const json_t *list, emitter emit, struct rf_sink *s)
{
        const json_t *record;
        size_t i;

        if (!json_is_array(list))
                return -EBADMSG;
        json_array_foreach(list, i, record)
                if (emit(sp, record, s) == -ENOMEM)
                        return -ENOMEM;
        return 0;
}

/* The list at `outer`, or at `outer`.`inner`, of the answer; "" is the answer itself. */
static int parse(const struct spotify *sp, const struct rf_response *response, const char *outer, const char *inner, emitter emit,
                 struct rf_sink *s)
{
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *list = outer ? json_object_get(j, outer) : j;
        int r;

        if (inner)
                list = json_object_get(list, inner);
        r = emit_list(sp, list, emit, s);
        json_decref(j);
        return r;
}

#define DEFINE_PARSE(name, outer, inner, emit)                                                                                       \
        int spotify_parse_##name(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s) \
        {                                                                                                                            \
                (void)q;                                                                                                             \
                return parse(instance, response, outer, inner, emit, s);                                                             \
        }

DEFINE_PARSE(found_tracks, "tracks", "items", emit_track)
DEFINE_PARSE(found_artists, "artists", "items", emit_artist)
DEFINE_PARSE(tracks, "tracks", NULL, emit_track)
DEFINE_PARSE(page_of_tracks, "items", NULL, emit_track)
DEFINE_PARSE(page_of_albums, "items", NULL, emit_album)
DEFINE_PARSE(features, "audio_features", NULL, emit_features)

int spotify_parse_track(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        int r = json_is_object(j) ? emit_track(instance, j, s) : -EBADMSG;

        (void)q;
        json_decref(j);
        return r == -ENOMEM || !json_is_object(j) ? r : 0;
}

int spotify_parse_created(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        const struct spotify *sp = instance;
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        struct rf_created c = { .id = text(j, "id"), .uri = text(json_object_get(j, "external_urls"), "spotify") };
        char link[128];
        int r;

        (void)q;
        if (c.id && !c.uri) {
                snprintf(link, sizeof(link), "https://open.spotify.com/playlist/%.80s", c.id);
                c.uri = link;
        }
        r = c.id ? sp->host->emit_created(s, &c) : -EBADMSG;
        json_decref(j);
        return r;
}

/* The service gives what people wrote with its marks as entities of HTML, among them "/" as "&#x2F;". */
static bool holds(const char *description, const char *wanted)
{
        char *plain = description ? strdup(description) : NULL;
        bool is_held;

        if (!plain)
                return false;
        spotify_decode_entities(plain);
        is_held = strstr(plain, wanted) || strstr(description, wanted);
        free(plain);
        return is_held;
}

/* Among the person's own playlists the one whose description holds the text that is looked for. */
int spotify_parse_own_playlists(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        const struct spotify *sp = instance;
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL), *p;
        const json_t *list = json_object_get(j, "items");
        int r = json_is_array(list) ? 0 : -EBADMSG;
        size_t i;

        json_array_foreach(list, i, p) {
                struct rf_created c = { .id = text(p, "id"), .uri = text(json_object_get(p, "external_urls"), "spotify") };

                if (!c.id || !holds(text(p, "description"), q->text))
                        continue;
                r = sp->host->emit_created(s, &c);
                break;
        }
        json_decref(j);
        return r;
}

/* An entry holds its track as "item"; older answers call it "track". */
static int emit_item(const struct spotify *sp, const json_t *j, struct rf_sink *s)
{
        const json_t *item = json_object_get(j, "item");

        return emit_track(sp, item ? item : json_object_get(j, "track"), s);
}

DEFINE_PARSE(items, "items", NULL, emit_item)

/* The answer names a snapshot of the playlist; the playlist is the one that we asked for. */
int spotify_parse_added(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        const struct spotify *sp = instance;
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        bool is_good = text(j, "snapshot_id") != NULL;

        json_decref(j);
        return is_good ? sp->host->emit_created(s, &(struct rf_created){ .id = q->playlist }) : -EBADMSG;
}

/* ---- What isn't 2xx ---- */

static const char *header(const struct rf_response *r, const char *name)
{
        for (size_t i = 0; i < r->n_headers; i++)
                if (strcasecmp(r->headers[i].name, name) == 0)
                        return r->headers[i].value;
        return NULL;
}

/* The words of an error: {"error":{"status","message","reason"?}} at best, else the text as it is. */
static void take_message(const json_t *error, const struct rf_response *response, struct rf_verdict *ret)
{
        const char *message = text(error, "message");

        if (message)
                snprintf(ret->message, sizeof(ret->message), "%u %.150s", response->status, message);
        else
                snprintf(ret->message, sizeof(ret->message), "%u %.120s", response->status, response->body);
}

int spotify_classify(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret)
{
        json_t *j = json_loadb(response->body, response->body_size, 0, NULL);
        const json_t *error = json_object_get(j, "error");
        const char *reason = text(error, "reason"), *after = header(response, "Retry-After");

        (void)instance;
        *ret = (struct rf_verdict){ .outcome = RF_OUTCOME_COUNT };
        take_message(error, response, ret);
        if (response->status == 429 && ((reason && strcmp(reason, "QUOTA_EXCEEDED") == 0) || (after && strtoul(after, NULL, 10) >= QUOTA_S)))
                ret->outcome = RF_OUTCOME_QUOTA; /* how long: the host reads Retry-After */
        else if (response->status == 403 && strstr(response->body, "premium subscription"))
                ret->outcome = RF_OUTCOME_LOGIN; /* the account of the app's owner has lapsed: nothing will work */
        else if (response->status == 404 && text(error, "message") && op != RF_OP_RECOMMENDATIONS)
                ret->outcome = RF_OUTCOME_EMPTY; /* no such id; an endpoint that is gone answers without a word */
        else if (response->status == 400 && strstr(ret->message, "Invalid limit"))
                ret->outcome = RF_OUTCOME_REFUSED; /* development mode's shorter pages */
        json_decref(j);
        return ret->outcome == RF_OUTCOME_COUNT ? -ENOTSUP : 0;
}
