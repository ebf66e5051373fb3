#include "translate.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_PER_CALL = 40, PAGE = 100, MINUTE = 60, HOUR = 3600, DAY = 86400, TIMEOUT_MS = 30000 };

static const struct rf_host *host;

void mock_translate_init(const struct rf_host *h)
{
        host = h;
}

static const char *const feature_names[RF_FEATURE_COUNT] = {
        [RF_FEATURE_ACOUSTICNESS] = "acousticness", [RF_FEATURE_DANCEABILITY] = "danceability",
        [RF_FEATURE_ENERGY] = "energy",             [RF_FEATURE_INSTRUMENTALNESS] = "instrumentalness",
        [RF_FEATURE_LIVENESS] = "liveness",         [RF_FEATURE_SPEECHINESS] = "speechiness",
        [RF_FEATURE_VALENCE] = "valence",           [RF_FEATURE_KEY] = "key",
        [RF_FEATURE_MODE] = "mode",                 [RF_FEATURE_LOUDNESS] = "loudness",
        [RF_FEATURE_TEMPO] = "tempo",               [RF_FEATURE_POPULARITY] = "popularity",
};

/* ---- Building ---- */

static void param_text(struct rf_request_builder *b, const char *name, const char *value)
{
        if (value)
                host->request_param(b, name, value);
}

static void param_number(struct rf_request_builder *b, const char *name, unsigned value)
{
        char text[16];

        snprintf(text, sizeof(text), "%u", value);
        if (value > 0)
                host->request_param(b, name, text);
}

static int param_list(struct rf_request_builder *b, const char *name, const char *const *ids, size_t n)
{
        char *list = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&list, &size);

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                fprintf(f, "%s%s", i > 0 ? "," : "", ids[i]);
        if (fclose(f) != 0) {
                free(list);
                return -ENOMEM;
        }
        if (n > 0)
                host->request_param(b, name, list);
        free(list);
        return 0;
}

static void search(const struct rf_query *q, struct rf_request_builder *b)
{
        param_text(b, "q", q->text);
        param_text(b, "track", q->track);
        param_text(b, "artist", q->artist);
        param_text(b, "genre", q->genre);
        param_text(b, "isrc", q->isrc);
        param_number(b, "year_from", q->year_from);
        param_number(b, "year_to", q->year_to);
        param_number(b, "limit", q->limit);
        param_number(b, "offset", q->offset);
}

static int build_search_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/search/tracks");
        search(q, b);
        return 0;
}

static int build_search_artists(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/search/artists");
        search(q, b);
        return 0;
}

static int build_by_id(const char *path, const struct rf_query *q, struct rf_request_builder *b)
{
        if (q->n_ids != 1)
                return -EINVAL;
        host->request_path(b, path);
        param_text(b, "id", q->ids[0]);
        param_number(b, "limit", q->limit);
        param_number(b, "offset", q->offset);
        return 0;
}

static int build_top_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        return build_by_id("/artist/top", q, b);
}

static int build_albums(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        return build_by_id("/artist/albums", q, b);
}

static int build_album_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        return build_by_id("/album/tracks", q, b);
}

static int build_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/tracks");
        return param_list(b, "ids", q->ids, q->n_ids);
}

static int build_features(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/features");
        return param_list(b, "ids", q->ids, q->n_ids);
}

static int build_recommendations(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        int r;

        (void)instance;
        host->request_path(b, "/recommendations");
        param_number(b, "limit", q->limit);
        r = param_list(b, "seeds", q->seeds, q->n_seeds);
        if (r >= 0)
                r = param_list(b, "negative", q->negative_seeds, q->n_negative_seeds);
        for (int f = 0; f < RF_FEATURE_COUNT && r >= 0; f++) {
                char text[48];

                if (!(q->target.has & RF_FEATURE_BIT(f)))
                        continue;
                snprintf(text, sizeof(text), "%.4f*%.3f", (double)q->target.value[f],
                         q->weight.has & RF_FEATURE_BIT(f) ? (double)q->weight.value[f] : 1.0);
                host->request_param(b, feature_names[f], text);
        }
        return r;
}

static int build_user_top(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/me/top");
        param_number(b, "limit", q->limit);
        return 0;
}

static int build_create(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_method(b, RF_METHOD_POST);
        host->request_path(b, "/playlists");
        param_text(b, "name", q->name);
        return 0;
}

static int build_add(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_method(b, RF_METHOD_POST);
        host->request_path(b, "/playlists");
        param_text(b, "id", q->playlist);
        return param_list(b, "ids", q->ids, q->n_ids);
}

static int build_analyse(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        if (!q->text)
                return -EINVAL;
        host->request_path(b, "/analyse");
        host->request_param(b, "q", q->text);
        param_text(b, "about", q->name);
        return 0;
}

/* ---- Parsing ---- */

static const char *text(const json_t *j, const char *name)
{
        return json_string_value(json_object_get(j, name));
}

static int whole(const json_t *j, const char *name, int fallback)
{
        const json_t *v = json_object_get(j, name);

        return json_is_integer(v) ? (int)json_integer_value(v) : fallback;
}

/* The answer is a list of records. A refused record is counted by the host; the others count. */
static int parse_list(const struct rf_response *response, struct rf_sink *s, int (*emit)(const json_t *record, struct rf_sink *s))
{
        json_t *list = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *record;
        size_t i;
        int r = json_is_array(list) ? 0 : -EBADMSG;

        if (r == 0)
                json_array_foreach(list, i, record) {
                        r = emit(record, s);
                        if (r == -ENOMEM)
                                break;
                        r = 0;
                }
        json_decref(list);
        return r;
}

static int emit_track(const json_t *j, struct rf_sink *s)
{
        const json_t *artists = json_object_get(j, "artists"), *is_explicit = json_object_get(j, "explicit");
        struct rf_artist_ref refs[8];
        struct rf_track t = {
                .id = text(j, "id"), .title = text(j, "title"), .album = text(j, "album"), .album_id = text(j, "album_id"),
                .isrc = text(j, "isrc"), .uri = text(j, "uri"), .artists = refs,
                .duration_ms = (uint32_t)whole(j, "duration_ms", 0), .release_year = (uint16_t)whole(j, "year", 0),
                .popularity = (int8_t)whole(j, "popularity", -1),
                .is_explicit = (int8_t)(json_is_boolean(is_explicit) ? json_is_true(is_explicit) : -1),
        };

        for (size_t i = 0; i < json_array_size(artists) && i < 8; i++)
                refs[t.n_artists++] = (struct rf_artist_ref){ .id = text(json_array_get(artists, i), "id"),
                                                              .name = text(json_array_get(artists, i), "name") };
        return host->emit_track(s, &t);
}

static int emit_artist(const json_t *j, struct rf_sink *s)
{
        const json_t *list = json_object_get(j, "genres");
        const char *genres[8];
        struct rf_artist a = { .id = text(j, "id"), .name = text(j, "name"), .genres = genres,
                               .popularity = (int8_t)whole(j, "popularity", -1) };

        for (size_t i = 0; i < json_array_size(list) && i < 8; i++)
                genres[a.n_genres++] = json_string_value(json_array_get(list, i));
        return host->emit_artist(s, &a);
}

static int emit_album(const json_t *j, struct rf_sink *s)
{
        struct rf_album a = { .id = text(j, "id"), .name = text(j, "name"), .release_year = (uint16_t)whole(j, "year", 0),
                              .n_tracks = (uint16_t)whole(j, "tracks", 0) };

        return host->emit_album(s, &a);
}

static int emit_features(const json_t *j, struct rf_sink *s)
{
        struct rf_track_features f = { .id = text(j, "id"), .isrc = text(j, "isrc") };

        for (int i = 0; i < RF_FEATURE_COUNT; i++) {
                const json_t *v = json_object_get(j, feature_names[i]);

                if (!json_is_number(v))
                        continue;
                f.features.value[i] = (float)json_number_value(v);
                f.features.has |= RF_FEATURE_BIT(i);
        }
        return host->emit_features(s, &f);
}

static int emit_created(const json_t *j, struct rf_sink *s)
{
        struct rf_created c = { .id = text(j, "id"), .uri = text(j, "uri") };

        return host->emit_created(s, &c);
}

#define DEFINE_PARSE(what)                                                                                                      \
        static int parse_##what(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s) \
        {                                                                                                                       \
                (void)instance;                                                                                                 \
                (void)q;                                                                                                        \
                return parse_list(response, s, emit_##what);                                                                    \
        }

DEFINE_PARSE(track)
DEFINE_PARSE(artist)
DEFINE_PARSE(album)
DEFINE_PARSE(features)
DEFINE_PARSE(created)

/* One object for the whole prompt, handed on as it is once it is known to be JSON. */
static int parse_analysis(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        bool is_object = json_is_object(j);

        (void)instance;
        (void)q;
        json_decref(j);
        return is_object ? host->emit_analysis(s, response->body) : -EBADMSG;
}

#define COMMON .size = sizeof(struct rf_operation), .pacing_class = "mock", .timeout_ms = TIMEOUT_MS

const struct rf_operation mock_operations[MOCK_OPERATIONS] = {
        { COMMON, .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /search/tracks", .page_limit = PAGE, .flags = RF_OPERATION_IDEMPOTENT,
          .fresh_s = DAY, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY, .build = build_search_tracks,
          .parse = parse_track },
        { COMMON, .op = RF_OP_SEARCH_ARTISTS, .endpoint = "GET /search/artists", .page_limit = PAGE, .flags = RF_OPERATION_IDEMPOTENT,
          .fresh_s = DAY, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY, .build = build_search_artists,
          .parse = parse_artist },
        { COMMON, .op = RF_OP_ARTIST_TOP_TRACKS, .endpoint = "GET /artist/top", .batch_limit = 1, .page_limit = PAGE,
          .flags = RF_OPERATION_IDEMPOTENT, .fresh_s = 2 * HOUR, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY,
          .build = build_top_tracks, .parse = parse_track },
        { COMMON, .op = RF_OP_ARTIST_ALBUMS, .endpoint = "GET /artist/albums", .batch_limit = 1, .page_limit = PAGE,
          .flags = RF_OPERATION_IDEMPOTENT, .fresh_s = DAY, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY,
          .build = build_albums, .parse = parse_album },
        { COMMON, .op = RF_OP_ALBUM_TRACKS, .endpoint = "GET /album/tracks", .batch_limit = 1, .page_limit = PAGE,
          .flags = RF_OPERATION_IDEMPOTENT, .fresh_s = 30 * DAY, .stale_s = 30 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY,
          .build = build_album_tracks, .parse = parse_track },
        { COMMON, .op = RF_OP_TRACKS, .endpoint = "GET /tracks", .batch_limit = IDS_PER_CALL, .flags = RF_OPERATION_IDEMPOTENT,
          .fresh_s = 30 * DAY, .stale_s = 30 * DAY, .stale_error_s = 60 * DAY, .negative_s = DAY, .build = build_tracks,
          .parse = parse_track },
        { COMMON, .op = RF_OP_AUDIO_FEATURES, .endpoint = "GET /features", .batch_limit = IDS_PER_CALL,
          .flags = RF_OPERATION_IDEMPOTENT, .fresh_s = 90 * DAY, .stale_s = 90 * DAY, .stale_error_s = 180 * DAY, .negative_s = DAY,
          .build = build_features, .parse = parse_features },
        { COMMON, .op = RF_OP_RECOMMENDATIONS, .endpoint = "GET /recommendations", .page_limit = PAGE, .flags = RF_OPERATION_IDEMPOTENT,
          .fresh_s = 6 * HOUR, .stale_s = 2 * DAY, .stale_error_s = 7 * DAY, .negative_s = HOUR, .build = build_recommendations,
          .parse = parse_track },
        { COMMON, .op = RF_OP_USER_TOP, .endpoint = "GET /me/top", .page_limit = PAGE,
          .flags = RF_OPERATION_IDEMPOTENT | RF_OPERATION_USER, .fresh_s = HOUR, .stale_s = DAY, .stale_error_s = 7 * DAY,
          .negative_s = 10 * MINUTE, .build = build_user_top, .parse = parse_track },
        { COMMON, .op = RF_OP_CREATE_PLAYLIST, .endpoint = "POST /playlists", .flags = RF_OPERATION_USER, .build = build_create,
          .parse = parse_created },
        { COMMON, .op = RF_OP_ADD_TO_PLAYLIST, .endpoint = "POST /playlists", .batch_limit = 100, .flags = RF_OPERATION_USER,
          .build = build_add, .parse = parse_created },
        { COMMON, .op = RF_OP_ANALYSE_PROMPT, .endpoint = "GET /analyse", .flags = RF_OPERATION_IDEMPOTENT, .fresh_s = DAY,
          .stale_s = DAY, .stale_error_s = 7 * DAY, .negative_s = DAY, .build = build_analyse, .parse = parse_analysis },
};

