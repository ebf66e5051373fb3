/* Spotify: search, artists, albums, the listener's own, playlists; recommendations and features for apps that kept them. */
#include "spotify.h"

#include <errno.h>
#include <stdlib.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, TIMEOUT_MS = 30000 };

enum option { OPTION_PROFILE, OPTION_MARKET, OPTION_CLIENT_ID, OPTION_CLIENT_SECRET, OPTION_ACCOUNTS_URL, OPTION_RATE, OPTION_BURST,
              OPTION_LIMIT, OPTION_WINDOW, OPTION_CONCURRENCY, OPTION_TIMEOUT };

static const struct rf_option options[] = {
        [OPTION_PROFILE] = { "profile", RF_OPTION_ENUM, "auto", 0, 0, "auto|extended|development", 0,
                             "What the app may do; auto finds out from what it is refused." },
        [OPTION_MARKET] = { "market", RF_OPTION_STRING, NULL, 0, 2, NULL, 0, "Country whose catalogue counts: two letters, ISO 3166-1." },
        [OPTION_CLIENT_ID] = { "client_id", RF_OPTION_STRING, NULL, 0, 128, NULL, 0, "The app's client id." },
        [OPTION_CLIENT_SECRET] = { "client_secret", RF_OPTION_STRING, NULL, 0, 128, NULL, RF_OPTION_SECRET,
                                   "The app's client secret; better given as the credential spotify.client_secret." },
        [OPTION_ACCOUNTS_URL] = { "accounts_url", RF_OPTION_STRING, NULL, 0, 256, NULL, 0, "Address of the accounts service, in place of Spotify's." },
        /* the service counts in a rolling window of 30 s and doesn't say to what; people see trouble from about 180 on */
        [OPTION_RATE] = { "rate", RF_OPTION_REAL, "3.5", 0.01, 1000, NULL, 0, "Calls per second, in the long run." },
        [OPTION_BURST] = { "burst", RF_OPTION_REAL, "60", 1, 10000, NULL, 0, "Calls that may go at once after a rest." },
        [OPTION_LIMIT] = { "limit", RF_OPTION_INTEGER, "0", 0, 256, NULL, 0,
                           "Calls that your app is known to be allowed in any window; then instead of rate and burst. 0: not known." },
        [OPTION_WINDOW] = { "window", RF_OPTION_DURATION, "30s", 1e5, 3600e6, NULL, 0, "The window of limit." },
        [OPTION_CONCURRENCY] = { "concurrency", RF_OPTION_INTEGER, "16", 1, 100, NULL, 0, "Calls under way at once." },
        [OPTION_TIMEOUT] = { "timeout", RF_OPTION_DURATION, NULL, 1e5, 600e6, NULL, 0, "Time for one attempt, instead of 30 s." },
};

static int open_spotify(const struct rf_host *host, const struct rf_value *v, void **ret)
{
        struct spotify *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->host = host;
        s->profile = (enum spotify_profile)v[OPTION_PROFILE].integer;
        s->market = v[OPTION_MARKET].is_set && v[OPTION_MARKET].string[0] ? v[OPTION_MARKET].string : NULL;
        *ret = s;
        return 0;
}

static void close_spotify(void *instance)
{
        free(instance);
}

#define GET .size = sizeof(struct rf_operation), .pacing_class = "api", .timeout_ms = TIMEOUT_MS, .flags = RF_OPERATION_IDEMPOTENT
#define POST .size = sizeof(struct rf_operation), .pacing_class = "api", .timeout_ms = TIMEOUT_MS, .flags = RF_OPERATION_USER
/* of a person's own, never from the cache: it tells what a write of ours has come to */
#define READ .size = sizeof(struct rf_operation), .pacing_class = "api", .timeout_ms = TIMEOUT_MS, \
             .flags = RF_OPERATION_IDEMPOTENT | RF_OPERATION_USER
#define SEARCH_LIFE .fresh_s = DAY, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY
#define DETAILS_LIFE .fresh_s = 30 * DAY, .stale_s = 30 * DAY, .stale_error_s = 60 * DAY, .negative_s = DAY

/* In order of preference where there are two ways; the second of each is all that development mode has. */
static const struct rf_operation operations[] = {
        { GET, SEARCH_LIFE, .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /search?type=track", .page_limit = 50,
          .build = spotify_build_search_tracks, .parse = spotify_parse_found_tracks },
        { GET, SEARCH_LIFE, .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /search?type=track", .page_limit = 10,
          .build = spotify_build_search_tracks_short, .parse = spotify_parse_found_tracks },
        { GET, SEARCH_LIFE, .op = RF_OP_SEARCH_ARTISTS, .endpoint = "GET /search?type=artist", .page_limit = 50,
          .build = spotify_build_search_artists, .parse = spotify_parse_found_artists },
        { GET, SEARCH_LIFE, .op = RF_OP_SEARCH_ARTISTS, .endpoint = "GET /search?type=artist", .page_limit = 10,
          .build = spotify_build_search_artists_short, .parse = spotify_parse_found_artists },
        { GET, .op = RF_OP_ARTIST_TOP_TRACKS, .endpoint = "GET /artists/{id}/top-tracks", .batch_limit = 1, .page_limit = 10,
          .fresh_s = 2 * HOUR, .stale_s = 7 * DAY, .stale_error_s = 30 * DAY, .negative_s = DAY, .build = spotify_build_top_tracks,
          .parse = spotify_parse_tracks },
        { GET, SEARCH_LIFE, .op = RF_OP_ARTIST_ALBUMS, .endpoint = "GET /artists/{id}/albums", .batch_limit = 1, .page_limit = 10,
          .build = spotify_build_albums, .parse = spotify_parse_page_of_albums },
        { GET, DETAILS_LIFE, .op = RF_OP_ALBUM_TRACKS, .endpoint = "GET /albums/{id}/tracks", .batch_limit = 1, .page_limit = 50,
          .build = spotify_build_album_tracks, .parse = spotify_parse_page_of_tracks },
        { GET, DETAILS_LIFE, .op = RF_OP_TRACKS, .endpoint = "GET /tracks", .batch_limit = 50, .build = spotify_build_tracks,
          .parse = spotify_parse_tracks },
        { GET, DETAILS_LIFE, .op = RF_OP_TRACKS, .endpoint = "GET /tracks/{id}", .batch_limit = 1, .build = spotify_build_track,
          .parse = spotify_parse_track },
        { GET, .op = RF_OP_AUDIO_FEATURES, .endpoint = "GET /audio-features", .batch_limit = 50, .fresh_s = 90 * DAY, .stale_s = 90 * DAY,
          .stale_error_s = 180 * DAY, .negative_s = DAY, .build = spotify_build_features, .parse = spotify_parse_features },
        { GET, .op = RF_OP_RECOMMENDATIONS, .endpoint = "GET /recommendations", .page_limit = 100, .fresh_s = 6 * HOUR, .stale_s = 2 * DAY,
          .stale_error_s = 7 * DAY, .negative_s = HOUR, .build = spotify_build_recommendations, .parse = spotify_parse_tracks },
        { .size = sizeof(struct rf_operation), .op = RF_OP_USER_TOP, .endpoint = "GET /me/top/tracks", .page_limit = 50,
          .pacing_class = "api", .timeout_ms = TIMEOUT_MS, .flags = RF_OPERATION_IDEMPOTENT | RF_OPERATION_USER, .fresh_s = HOUR,
          .stale_s = DAY, .stale_error_s = 7 * DAY, .negative_s = 10 * MINUTE, .build = spotify_build_user_top,
          .parse = spotify_parse_page_of_tracks },
        { POST, .op = RF_OP_CREATE_PLAYLIST, .endpoint = "POST /me/playlists", .build = spotify_build_create,
          .parse = spotify_parse_created },
        { READ, .op = RF_OP_FIND_PLAYLIST, .endpoint = "GET /me/playlists", .build = spotify_build_find,
          .parse = spotify_parse_own_playlists },
        { READ, .op = RF_OP_PLAYLIST_TRACKS, .endpoint = "GET /playlists/{id}/items", .page_limit = 50, .build = spotify_build_items,
          .parse = spotify_parse_items },
        { POST, .op = RF_OP_ADD_TO_PLAYLIST, .endpoint = "POST /playlists/{id}/items", .batch_limit = 100, .build = spotify_build_add,
          .parse = spotify_parse_added },
};

static bool supports(void *instance, const struct rf_operation *o)
{
        const struct spotify *s = instance;

        if (s->profile != SPOTIFY_DEVELOPMENT)
                return true;
        if (o->op == RF_OP_SEARCH_TRACKS || o->op == RF_OP_SEARCH_ARTISTS)
                return o->page_limit <= 10;
        if (o->op == RF_OP_TRACKS)
                return o->batch_limit == 1;
        return o->op != RF_OP_ARTIST_TOP_TRACKS && o->op != RF_OP_AUDIO_FEATURES && o->op != RF_OP_RECOMMENDATIONS;
}

static const struct rf_auth auth = {
        .size = sizeof(struct rf_auth),
        .flows = RF_AUTH_CLIENT_CREDENTIALS | RF_AUTH_PKCE,
        .authorize_url = "https://accounts.spotify.com/authorize",
        .token_url = "https://accounts.spotify.com/api/token",
        .accounts_url_option = "accounts_url",
        .client_id_option = "client_id",
        .client_secret_option = "client_secret",
        /* reading private playlists: to find out whether something was added before it's added again */
        .scopes = "user-top-read playlist-read-private playlist-modify-private playlist-modify-public",
};

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC,
        .abi_major = RF_PLUGIN_ABI_MAJOR,
        .abi_minor = RF_PLUGIN_ABI_MINOR,
        .size = sizeof(struct rf_plugin),
        .name = "spotify",
        .version = PACKAGE_VERSION,
        .description = "Spotify's Web API",
        .base_url = "https://api.spotify.com/v1",
        .options = options,
        .n_options = sizeof(options) / sizeof(options[0]),
        .operations = operations,
        .n_operations = sizeof(operations) / sizeof(operations[0]),
        .auth = &auth,
        .open = open_spotify,
        .close = close_spotify,
        .classify = spotify_classify,
        .supports = supports,
};
