/* ReccoBeats: recommendations, audio features and details; artists by name. Free and without a key, so it's asked gently. */
#include <recflow/plugin.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR = 3600, DAY = 86400, IDS_MAX = 40, SEEDS_MAX = 5, PAGE = 50, RECOMMENDED_MAX = 100, ARTISTS_MAX = 16, ID_MAX = 64 };

static const struct rf_host *host;
static bool shares_spotify_ids; /* the daemon opens one instance */

enum option { OPTION_RATE, OPTION_BURST, OPTION_LIMIT, OPTION_WINDOW, OPTION_CONCURRENCY, OPTION_TIMEOUT, OPTION_SHARE };

static const struct rf_option options[] = {
        /* the service tells no limit; others stay at one or two a second */
        [OPTION_RATE] = { "rate", RF_OPTION_REAL, "2", 0.01, 1000, NULL, 0, "Calls per second, in the long run." },
        [OPTION_BURST] = { "burst", RF_OPTION_REAL, "6", 1, 10000, NULL, 0, "Calls that may go at once after a rest." },
        [OPTION_LIMIT] = { "limit", RF_OPTION_INTEGER, "0", 0, 256, NULL, 0,
                           "Calls that are known to be allowed in any window; then instead of rate and burst. 0: not known." },
        [OPTION_WINDOW] = { "window", RF_OPTION_DURATION, "1s", 1e5, 3600e6, NULL, 0, "The window of limit." },
        [OPTION_CONCURRENCY] = { "concurrency", RF_OPTION_INTEGER, "6", 1, 100, NULL, 0, "Calls under way at once." },
        [OPTION_TIMEOUT] = { "timeout", RF_OPTION_DURATION, NULL, 1e5, 600e6, NULL, 0,
                             "Time for one attempt, instead of 60 s for recommendations, details and features and 30 s for the others." },
        [OPTION_SHARE] = { "share_spotify_ids", RF_OPTION_BOOL, "no", 0, 0, NULL, 0,
                           "Whether Spotify's track ids are passed to ReccoBeats; otherwise tracks are joined by ISRC, or by artist and title. "
                           "Read Spotify's terms before you turn it on." },
};

/* ---- Building ---- */

static void number(struct rf_request_builder *b, const char *name, unsigned value)
{
        char text[16];

        snprintf(text, sizeof(text), "%u", value);
        host->request_param(b, name, text);
}

/* UUIDs; Spotify's base62 only where that may be told. */
static bool is_id(const char *id)
{
        size_t n = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");

        return n > 0 && n < ID_MAX && !id[n] && (shares_spotify_ids || strchr(id, '-'));
}

static int ids_param(struct rf_request_builder *b, const char *name, const char *const *ids, size_t n, size_t most)
{
        char list[IDS_MAX * (ID_MAX + 1)] = "";
        size_t at = 0;

        if (n > most)
                return -ENOTSUP;
        for (size_t i = 0; i < n; i++) {
                if (!is_id(ids[i]))
                        return -ENOTSUP;
                at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i > 0 ? "," : "", ids[i]);
        }
        host->request_param(b, name, list);
        return 0;
}

static void page(struct rf_request_builder *b, const struct rf_query *q)
{
        unsigned size = q->limit > 0 && q->limit < PAGE ? q->limit : PAGE;

        number(b, "size", size);
        if (q->offset > 0)
                number(b, "page", q->offset / size);
}

static int build_search_artists(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        if (!q->text) /* it knows no genres */
                return -ENOTSUP;
        host->request_path(b, "/artist/search");
        host->request_param(b, "searchText", q->text);
        page(b, q);
        return 0;
}

static int build_artist_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        char path[ID_MAX + 24];

        (void)instance;
        if (q->n_ids != 1 || !is_id(q->ids[0]) || !strchr(q->ids[0], '-')) /* UUIDs only */
                return -ENOTSUP;
        snprintf(path, sizeof(path), "/artist/%s/track", q->ids[0]);
        host->request_path(b, path);
        page(b, q);
        return 0;
}

static int build_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/track");
        return ids_param(b, "ids", q->ids, q->n_ids, IDS_MAX);
}

static int build_features(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/audio-features");
        return ids_param(b, "ids", q->ids, q->n_ids, IDS_MAX);
}

static const char *const feature_names[RF_FEATURE_COUNT] = { "acousticness", "danceability", "energy", "instrumentalness", "liveness",
                                                             "speechiness", "valence", "key", "mode", "loudness", "tempo", "popularity" };

/* One weight for all features, 1..5: as strong as the strongest wish. */
static unsigned feature_weight(const struct rf_query *q)
{
        float most = 0;

        for (int f = 0; f < RF_FEATURE_COUNT; f++)
                if ((q->weight.has & RF_FEATURE_BIT(f)) && q->weight.value[f] > most)
                        most = q->weight.value[f];
        return 1 + (unsigned)(4 * (most > 1 ? 1 : most) + .5f);
}

static int build_recommendations(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        int r;

        (void)instance;
        if (q->n_seeds == 0)
                return -ENOTSUP;
        host->request_path(b, "/track/recommendation");
        number(b, "size", q->limit > 0 && q->limit < RECOMMENDED_MAX ? q->limit : RECOMMENDED_MAX);
        r = ids_param(b, "seeds", q->seeds, q->n_seeds, SEEDS_MAX);
        if (r >= 0 && q->n_negative_seeds > 0 && q->n_seeds > 1) /* fewer than the seeds */
                r = ids_param(b, "negativeSeeds", q->negative_seeds, q->n_negative_seeds < q->n_seeds ? q->n_negative_seeds : q->n_seeds - 1,
                              SEEDS_MAX);
        for (int f = 0; f < RF_FEATURE_COUNT && r >= 0; f++) {
                char text[32];
                bool is_whole = f == RF_FEATURE_KEY || f == RF_FEATURE_MODE || f == RF_FEATURE_POPULARITY;

                if (!(q->target.has & RF_FEATURE_BIT(f)))
                        continue;
                snprintf(text, sizeof(text), is_whole ? "%.0f" : "%.4f", (double)q->target.value[f]);
                host->request_param(b, feature_names[f], text);
        }
        if (r >= 0 && q->target.has)
                number(b, "featureWeight", feature_weight(q));
        return r;
}

/* ---- Parsing ---- */

static const char *text(const json_t *j, const char *name)
{
        return json_string_value(json_object_get(j, name));
}

/* "https://open.spotify.com/track/<id>": the id in it, into `buf`; NULL if it's something else. */
static const char *spotify_id(const json_t *j, char *buf, size_t size)
{
        const char *href = text(j, "href"), *at = href ? strstr(href, "/track/") : NULL;
        size_t n = at ? strspn(at + 7, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") : 0;

        if (n == 0 || n >= size)
                return NULL;
        memcpy(buf, at + 7, n);
        buf[n] = '\0';
        return buf;
}

static int emit_track(const json_t *j, struct rf_sink *s)
{
        const json_t *artists = json_object_get(j, "artists"), *a, *duration = json_object_get(j, "durationMs");
        const json_t *popularity = json_object_get(j, "popularity");
        struct rf_artist_ref refs[ARTISTS_MAX];
        char id[ID_MAX];
        struct rf_track t = { .id = text(j, "id"), .title = text(j, "trackTitle"), .isrc = text(j, "isrc"), .uri = text(j, "href"),
                              .artists = refs, .spotify_id = spotify_id(j, id, sizeof(id)), .popularity = -1, .is_explicit = -1 };
        size_t i;

        if (json_is_integer(duration) && json_integer_value(duration) > 0 && json_integer_value(duration) < 86400000)
                t.duration_ms = (uint32_t)json_integer_value(duration);
        if (json_is_integer(popularity) && json_integer_value(popularity) >= 0 && json_integer_value(popularity) <= 100)
                t.popularity = (int8_t)json_integer_value(popularity);
        json_array_foreach(artists, i, a)
                if (t.n_artists < ARTISTS_MAX && text(a, "name"))
                        refs[t.n_artists++] = (struct rf_artist_ref){ .id = text(a, "id"), .name = text(a, "name") };
        return host->emit_track(s, &t); /* which refuses and counts what lacks id or title */
}

static int emit_artist(const json_t *j, struct rf_sink *s)
{
        struct rf_artist a = { .id = text(j, "id"), .name = text(j, "name"), .uri = text(j, "href"), .popularity = -1 };

        return host->emit_artist(s, &a);
}

static int emit_features(const json_t *j, struct rf_sink *s)
{
        char id[ID_MAX];
        struct rf_track_features f = { .id = text(j, "id"), .isrc = text(j, "isrc"), .spotify_id = spotify_id(j, id, sizeof(id)) };

        for (int i = 0; i < RF_FEATURE_COUNT; i++) {
                const json_t *v = json_object_get(j, feature_names[i]);

                if (!json_is_number(v) || i == RF_FEATURE_POPULARITY)
                        continue;
                f.features.value[i] = (float)json_number_value(v);
                f.features.has |= RF_FEATURE_BIT(i);
        }
        return f.id || f.spotify_id ? host->emit_features(s, &f) : 0;
}

/* Everything comes as {"content":[…]}; unknown ids are left out, in no particular order: the host joins by id. */
static int parse(const struct rf_response *response, struct rf_sink *s, int (*emit)(const json_t *record, struct rf_sink *s))
{
        json_t *j = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *list = json_object_get(j, "content"), *record;
        size_t i;
        int r = json_is_array(list) ? 0 : -EBADMSG;

        json_array_foreach(list, i, record)
                if (emit(record, s) == -ENOMEM) {
                        r = -ENOMEM;
                        break;
                }
        json_decref(j);
        return r;
}

#define DEFINE_PARSE(what)                                                                                                      \
        static int parse_##what(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s) \
        {                                                                                                                       \
                (void)instance;                                                                                                 \
                (void)q;                                                                                                        \
                return parse(response, s, emit_##what);                                                                         \
        }

DEFINE_PARSE(track)
DEFINE_PARSE(artist)
DEFINE_PARSE(features)

/*
 * Errors are {"status":4004,"errors":[{"path","message"}]}; a 429 sometimes says how long only in its words. Seeds that it knows none
 * of are a 400: no recommendations, but nobody's mistake.
 */
static int classify(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret)
{
        json_t *j = json_loadb(response->body, response->body_size, 0, NULL);
        const char *message = text(json_array_get(json_object_get(j, "errors"), 0), "message");
        const char *after = strstr(response->body, "etry after ");

        (void)instance;
        *ret = (struct rf_verdict){ .outcome = RF_OUTCOME_COUNT };
        snprintf(ret->message, sizeof(ret->message), "%u %.140s", response->status, message ? message : response->body);
        if (response->status == 429) {
                ret->outcome = RF_OUTCOME_RATE;
                ret->retry_after_s = after ? (uint32_t)strtoul(after + 11, NULL, 10) : 0; /* the header, where there is one, counts more */
        } else if ((response->status == 400 && op == RF_OP_RECOMMENDATIONS) || response->status == 404)
                ret->outcome = RF_OUTCOME_EMPTY;
        else if (response->status == 403)
                ret->outcome = RF_OUTCOME_TRANSIENT; /* its shield took offence ("error code: 1010"); there is no credential to refuse */
        json_decref(j);
        return ret->outcome == RF_OUTCOME_COUNT ? -ENOTSUP : 0;
}

#define GET .size = sizeof(struct rf_operation), .pacing_class = "api", .flags = RF_OPERATION_IDEMPOTENT

static const struct rf_operation operations[] = {
        { GET, .op = RF_OP_SEARCH_ARTISTS, .endpoint = "GET /artist/search", .page_limit = PAGE, .timeout_ms = 30000, .fresh_s = 7 * DAY,
          .stale_s = 30 * DAY, .stale_error_s = 90 * DAY, .negative_s = DAY, .build = build_search_artists, .parse = parse_artist },
        { GET, .op = RF_OP_ARTIST_TOP_TRACKS, .endpoint = "GET /artist/{id}/track", .batch_limit = 1, .page_limit = PAGE, .timeout_ms = 30000,
          .fresh_s = 7 * DAY, .stale_s = 30 * DAY, .stale_error_s = 90 * DAY, .negative_s = DAY, .build = build_artist_tracks,
          .parse = parse_track },
        { GET, .op = RF_OP_TRACKS, .endpoint = "GET /track", .batch_limit = IDS_MAX, .timeout_ms = 60000, .fresh_s = 30 * DAY,
          .stale_s = 30 * DAY, .stale_error_s = 90 * DAY, .negative_s = DAY, .build = build_tracks, .parse = parse_track },
        { GET, .op = RF_OP_AUDIO_FEATURES, .endpoint = "GET /audio-features", .batch_limit = IDS_MAX, .timeout_ms = 60000,
          .fresh_s = 90 * DAY, .stale_s = 90 * DAY, .stale_error_s = 180 * DAY, .negative_s = DAY, .build = build_features,
          .parse = parse_features },
        { GET, .op = RF_OP_RECOMMENDATIONS, .endpoint = "GET /track/recommendation", .page_limit = RECOMMENDED_MAX, .timeout_ms = 60000,
          .fresh_s = 6 * HOUR, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = HOUR, .build = build_recommendations,
          .parse = parse_track },
};

static int open_reccobeat(const struct rf_host *h, const struct rf_value *values, void **ret)
{
        static char instance; /* the host's functions are all that it needs */

        host = h;
        shares_spotify_ids = values[OPTION_SHARE].integer;
        *ret = &instance;
        return 0;
}

static void close_reccobeat(void *instance)
{
        (void)instance;
}

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC,
        .abi_major = RF_PLUGIN_ABI_MAJOR,
        .abi_minor = RF_PLUGIN_ABI_MINOR,
        .size = sizeof(struct rf_plugin),
        .name = "reccobeat",
        .version = PACKAGE_VERSION,
        .description = "ReccoBeats: recommendations and audio features",
        .base_url = "https://api.reccobeats.com/v1",
        .options = options,
        .n_options = sizeof(options) / sizeof(options[0]),
        .operations = operations,
        .n_operations = sizeof(operations) / sizeof(operations[0]),
        .open = open_reccobeat,
        .close = close_reccobeat,
        .classify = classify,
};
