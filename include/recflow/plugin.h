/*
 * The interface between recflowd and its provider plugins: the only header that a plugin needs.
 *
 * A plugin is a *translator* for one music service. For each operation it can do it builds a request from a query, and
 * parses the answer into records. It does no input or output of its own: the host (recflowd) connects, authenticates, paces,
 * retries, caches and validates. A plugin may instead bring an in-process transport, which answers requests itself.
 *
 * A plugin is a shared object that exports one symbol, `recflow_plugin`, a constant `struct rf_plugin`:
 *
 *     RF_EXPORT const struct rf_plugin recflow_plugin = {
 *             .magic = RF_PLUGIN_MAGIC,
 *             .abi_major = RF_PLUGIN_ABI_MAJOR,
 *             .abi_minor = RF_PLUGIN_ABI_MINOR,
 *             .size = sizeof(struct rf_plugin),
 *             …
 *     };
 *
 * Rules that hold for every function here, unless it says otherwise:
 * - It is called on the daemon's only scheduler thread, from a coroutine with a small stack (use at most 64 KiB), and never
 *   blocks, sleeps, yields, reads a clock, or starts a thread.
 * - Strings are UTF-8 and end in NUL. Strings passed in are valid during the call only. Strings handed to the host are copied.
 * - It returns 0, or a negative errno code.
 * - Structures that carry a `size` grow at their end: a new minor version adds members, a new major version may change anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RF_PLUGIN_MAGIC 0x52464c57u /* "RFLW" */
#define RF_PLUGIN_ABI_MAJOR 1
#define RF_PLUGIN_ABI_MINOR 1 /* 1: PLAYLIST_TRACKS, FIND_PLAYLIST */
#define RF_PLUGIN_SYMBOL "recflow_plugin"

#define RF_EXPORT __attribute__((visibility("default")))

/* ---- Operations ---- */

/* What a provider can be asked for. The values are part of the ABI and of stored records: never renumber them. */
enum rf_op {
        RF_OP_SEARCH_TRACKS = 0,     /* text, track, artist, genre, isrc, years → tracks */
        RF_OP_SEARCH_ARTISTS = 1,    /* text or genre → artists */
        RF_OP_ARTIST_TOP_TRACKS = 2, /* ids[0] → tracks, best known first */
        RF_OP_ARTIST_ALBUMS = 3,     /* ids[0] → albums */
        RF_OP_ALBUM_TRACKS = 4,      /* ids[0] → tracks in album order */
        RF_OP_TRACKS = 5,            /* ids → tracks (details) */
        RF_OP_AUDIO_FEATURES = 6,    /* ids → features */
        RF_OP_RECOMMENDATIONS = 7,   /* seeds, negative seeds, target, weight → tracks */
        RF_OP_USER_TOP = 8,          /* the logged-in user's top tracks */
        RF_OP_CREATE_PLAYLIST = 9,   /* name, description, public → created */
        RF_OP_ADD_TO_PLAYLIST = 10,  /* playlist, ids → created */
        RF_OP_ANALYSE_PROMPT = 11,   /* text, name (what is asked about it) → analysis */
        RF_OP_PLAYLIST_TRACKS = 12,  /* playlist, offset → tracks in the playlist's order */
        RF_OP_FIND_PLAYLIST = 13,    /* text → created: the person's own playlist whose description holds it, among the newest */
        RF_OP_COUNT = 14,
};

/* ---- Records ---- */

/* Audio features. 0..1 unless a comment says otherwise. The values are part of the ABI and of stored records. */
enum rf_feature {
        RF_FEATURE_ACOUSTICNESS = 0,
        RF_FEATURE_DANCEABILITY = 1,
        RF_FEATURE_ENERGY = 2,
        RF_FEATURE_INSTRUMENTALNESS = 3,
        RF_FEATURE_LIVENESS = 4,
        RF_FEATURE_SPEECHINESS = 5,
        RF_FEATURE_VALENCE = 6,
        RF_FEATURE_KEY = 7,        /* pitch class, 0 = C … 11 = B, -1 = none detected */
        RF_FEATURE_MODE = 8,       /* 0 minor, 1 major */
        RF_FEATURE_LOUDNESS = 9,   /* dB, -60..2 */
        RF_FEATURE_TEMPO = 10,     /* beats per minute, 0..250 */
        RF_FEATURE_POPULARITY = 11, /* 0..100 */
        RF_FEATURE_COUNT = 12,
};

#define RF_FEATURE_BIT(f) (1u << (f))

/* Values are meaningful only where their bit in `has` is set. */
struct rf_features {
        uint32_t has; /* RF_FEATURE_BIT()s */
        float value[RF_FEATURE_COUNT];
};

struct rf_artist_ref {
        const char *id; /* NULL where the service gives only a name */
        const char *name;
};

/* Pointers may be NULL where the service doesn't tell, except `id` and `title`. */
struct rf_track {
        const char *id; /* the provider's own id */
        const char *title;
        const struct rf_artist_ref *artists;
        size_t n_artists;
        const char *album;
        const char *album_id;
        const char *isrc;       /* twelve characters, no hyphens */
        const char *uri;        /* what a player opens */
        const char *spotify_id; /* the id of the same recording at Spotify, where the provider knows it */
        uint32_t duration_ms;   /* 0 = unknown */
        uint16_t release_year;  /* 0 = unknown */
        int8_t popularity;      /* 0..100, -1 = unknown */
        int8_t is_explicit;     /* 0, 1, -1 = unknown */
        struct rf_features features; /* where an answer carries them along */
};

struct rf_artist {
        const char *id;
        const char *name;
        const char *uri;
        const char *const *genres;
        size_t n_genres;
        int8_t popularity; /* 0..100, -1 = unknown */
};

struct rf_album {
        const char *id;
        const char *name;
        uint16_t release_year; /* 0 = unknown */
        uint16_t n_tracks;     /* 0 = unknown */
};

/* The features of one track of the query. At least one of the ids is set; answers are joined by id, never by position. */
struct rf_track_features {
        const char *id;         /* the provider's own id */
        const char *spotify_id;
        const char *isrc;
        struct rf_features features;
};

/* What creating or extending a playlist gave. */
struct rf_created {
        const char *id;
        const char *uri; /* link for a person */
};

/* ---- Queries ---- */

/* What the workflow asks; only the members that the operation names (above) are set. Unset pointers are NULL. */
struct rf_query {
        enum rf_op op;
        const char *text;
        const char *track;
        const char *artist;
        const char *genre;
        const char *isrc;
        uint16_t year_from, year_to; /* 0 = open */
        const char *const *ids;      /* look-ups: at most the operation's batch_limit of them */
        size_t n_ids;
        const char *const *seeds; /* track ids */
        size_t n_seeds;
        const char *const *negative_seeds;
        size_t n_negative_seeds;
        struct rf_features target;
        struct rf_features weight; /* 0..1 per feature */
        uint32_t limit;            /* at most so many records; 0 = the service's default */
        uint32_t offset;
        const char *market;    /* ISO 3166-1 alpha-2 */
        const char *playlist;  /* playlist id */
        const char *name;      /* new playlist; of an analysis: "intent", "mood", or a later judgement; NULL: everything */
        const char *description;
        bool is_public;
};

/* ---- Requests and responses ---- */

struct rf_header {
        const char *name;
        const char *value;
};

enum rf_method { RF_METHOD_GET, RF_METHOD_POST, RF_METHOD_PUT, RF_METHOD_DELETE };

/* A request under construction, owned by the host. Filled through the host's request_* functions. */
struct rf_request_builder;

/* A finished request as a transport sees it. All of it belongs to the host. */
struct rf_request {
        uint32_t size; /* of this structure */
        enum rf_method method;
        const char *url;  /* absolute, with the encoded query */
        const char *path; /* as the plugin set it, below the base address */
        const struct rf_header *params; /* query parameters, not encoded, sorted by name */
        size_t n_params;
        const struct rf_header *headers;
        size_t n_headers;
        const char *body; /* may be NULL */
        size_t body_size;
};

struct rf_response {
        uint32_t size;  /* of this structure */
        uint16_t status; /* HTTP status */
        const struct rf_header *headers;
        size_t n_headers;
        const char *body; /* never NULL; ends in a NUL that isn't counted */
        size_t body_size;
};

/* What became of a call. The values are part of the ABI. */
enum rf_outcome {
        RF_OUTCOME_OK = 0,
        RF_OUTCOME_EMPTY = 1,     /* a valid answer: there is nothing */
        RF_OUTCOME_REFUSED = 2,   /* this credential may not use this operation */
        RF_OUTCOME_LOGIN = 3,     /* a person must log in (again) */
        RF_OUTCOME_RATE = 4,      /* too many requests, short window */
        RF_OUTCOME_QUOTA = 5,     /* long quota used up */
        RF_OUTCOME_TRANSIENT = 6, /* may work later: connection, timeout, 5xx */
        RF_OUTCOME_MALFORMED = 7, /* the answer can't be understood */
        RF_OUTCOME_INVALID = 8,   /* the service calls our request wrong */
        RF_OUTCOME_CANCELLED = 9, /* by us; never returned by a plugin */
        RF_OUTCOME_COUNT = 10,
};

struct rf_verdict {
        enum rf_outcome outcome;
        uint32_t retry_after_s; /* RATE and QUOTA: how long to stay away; 0 = not said */
        char message[160];      /* for people: what the service said; may be empty */
};

/* ---- What the host offers ---- */

/* Collects the records of one answer, owned by the host. */
struct rf_sink;

enum rf_log_level { RF_LOG_ERROR = 3, RF_LOG_WARNING = 4, RF_LOG_INFO = 6, RF_LOG_DEBUG = 7 };

struct rf_host {
        uint32_t size;
        uint16_t abi_major, abi_minor;
        void (*log)(enum rf_log_level level, const char *plugin, const char *message);

        /* Request building. The host keeps copies and does the URL encoding. Errors are kept and reported after build(). */
        void (*request_method)(struct rf_request_builder *b, enum rf_method method);
        void (*request_path)(struct rf_request_builder *b, const char *path); /* encoded; appended to the base address */
        void (*request_param)(struct rf_request_builder *b, const char *name, const char *value); /* unencoded */
        void (*request_header)(struct rf_request_builder *b, const char *name, const char *value);
        void (*request_body)(struct rf_request_builder *b, const char *content_type, const void *data, size_t size);

        /*
         * Records. The host checks and copies: a string that is over-long or not UTF-8, a number out of its range, or one record
         * too many is refused with -EBADMSG or -E2BIG and counted; the plugin should go on with the next record.
         */
        int (*emit_track)(struct rf_sink *s, const struct rf_track *t);
        int (*emit_artist)(struct rf_sink *s, const struct rf_artist *a);
        int (*emit_album)(struct rf_sink *s, const struct rf_album *a);
        int (*emit_features)(struct rf_sink *s, const struct rf_track_features *f);
        int (*emit_created)(struct rf_sink *s, const struct rf_created *c);
        int (*emit_analysis)(struct rf_sink *s, const char *json); /* ANALYSE_PROMPT: docs/writing-a-plugin.md has its schema */
};

/* ---- Options ---- */

enum rf_option_type {
        RF_OPTION_BOOL,
        RF_OPTION_INTEGER,  /* min..max */
        RF_OPTION_REAL,     /* min..max */
        RF_OPTION_STRING,   /* at most max bytes, 0 = 4096 */
        RF_OPTION_ENUM,     /* one of choices, separated by '|' */
        RF_OPTION_DURATION, /* "250ms", "20s", "45m", "2h", "90d"; value, min and max in microseconds */
        RF_OPTION_SIZE,     /* "64K", "512M", "1G"; value, min and max in bytes */
        RF_OPTION_PATH,     /* absolute path */
};

enum { RF_OPTION_SECRET = 1u << 0, /* never shown */
       RF_OPTION_RELOAD = 1u << 1, /* a new value takes effect on reload */
};

/*
 * One configuration option: the single source of its checks, its help, and its line in the manual. Some names mean something to the
 * host, too, if a plugin declares them: `rate` (REAL, calls per second of each pacing class), `burst` (REAL, calls that may go at
 * once), `limit` and `window` (INTEGER up to 256 and DURATION: calls that the service is known to allow in any such window, instead of
 * both), `concurrency` (INTEGER, calls under way), `timeout` (DURATION, of each attempt, instead of the operations' own), and
 * `share_spotify_ids` (BOOL: this provider may be asked by Spotify's track ids).
 */
struct rf_option {
        const char *name;
        enum rf_option_type type;
        const char *default_value; /* as written in a file; NULL = unset */
        double min, max;           /* both 0 = any */
        const char *choices;
        uint32_t flags;
        const char *help; /* one sentence with units */
};

/* The value in effect of the option of the same index in the plugin's table. */
struct rf_value {
        bool is_set;
        int64_t integer; /* BOOL (0, 1), INTEGER, DURATION (µs), SIZE (bytes), ENUM (index of the choice) */
        double real;
        const char *string; /* STRING, ENUM, PATH; valid as long as the instance */
};

/* ---- The descriptor ---- */

enum { RF_OPERATION_IDEMPOTENT = 1u << 0, /* may be repeated after an unclear failure */
       RF_OPERATION_USER = 1u << 1,       /* needs a logged-in person */
};

/*
 * How one operation is done. The same operation may be listed more than once, in order of preference, where a service offers it in
 * several ways (many ids in one call, or one at a time): the first that the instance supports is used, and once the service refuses
 * that one, the next.
 */
struct rf_operation {
        uint32_t size; /* of this structure */
        enum rf_op op;
        const char *endpoint; /* for people and metrics, such as "GET /search" */
        uint32_t batch_limit; /* most ids per call; 0 = takes no ids */
        uint32_t page_limit;  /* most records per answer; 0 = unpaged */
        uint32_t flags;
        const char *pacing_class; /* operations of one class share a rate */
        uint32_t timeout_ms;
        uint32_t fresh_s, stale_s, stale_error_s, negative_s; /* life times in the cache; stale times count from the end of fresh */

        /* Builds the request for `q`. -ENOTSUP: this instance can't do that query. */
        int (*build)(void *instance, const struct rf_query *q, struct rf_request_builder *b);

        /* Parses a 2xx response into `s`. -EBADMSG: not understood. No records is a valid answer. */
        int (*parse)(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
};

/* OAuth 2 as the service wants it. The host does the protocol. Addresses may be overridden by options of the names given. */
enum { RF_AUTH_CLIENT_CREDENTIALS = 1u << 0, RF_AUTH_PKCE = 1u << 1 };

struct rf_auth {
        uint32_t size;
        uint32_t flows; /* RF_AUTH_… */
        const char *authorize_url;
        const char *token_url;
        const char *accounts_url_option; /* option that replaces the scheme and host of both, or NULL */
        const char *client_id_option;
        const char *client_secret_option;
        const char *scopes; /* separated by spaces, for PKCE */
};

enum rf_fault {
        RF_FAULT_NONE = 0,
        RF_FAULT_REFUSED = 1, /* connection refused */
        RF_FAULT_RESET = 2,   /* connection lost before the answer was complete */
        RF_FAULT_HANG = 3,    /* nothing ever comes: ends with the caller's timeout */
};

/* A transport's answer. `body` is allocated with malloc(); the host frees it. */
struct rf_reply {
        uint32_t size;
        enum rf_fault fault;
        uint16_t status;
        struct rf_header headers[8]; /* static strings, or owned by the instance until the next call */
        size_t n_headers;
        char *body;
        size_t body_size;
        uint64_t delay_us; /* until the answer is complete, on the scheduler's clock */
};

struct rf_transport {
        uint32_t size;
        /*
         * Answers `request` as the service that speaks `dialect` (a plugin's name) would. `now_us` is scheduler time. The host
         * delivers the reply after its delay. The same instance, history and request give the same reply.
         */
        int (*answer)(void *instance, const char *dialect, const struct rf_request *request, uint64_t now_us,
                      struct rf_reply *ret_reply);
};

struct rf_plugin {
        uint32_t magic;
        uint16_t abi_major, abi_minor;
        uint32_t size;           /* of this structure */
        const char *name;        /* [a-z][a-z0-9-]*, at most 32 characters; also the section's name in the configuration */
        const char *version;
        const char *description; /* one line */
        const char *base_url;    /* default base address, without a final slash; NULL with a transport of its own */
        const struct rf_option *options;
        size_t n_options;
        const struct rf_operation *operations;
        size_t n_operations;
        const struct rf_auth *auth;           /* NULL = none */
        const struct rf_transport *transport; /* NULL = the host's HTTP */

        /* `values` has one entry per option, in the options' order, and lives as long as the instance. May take up to 150 ms. */
        int (*open)(const struct rf_host *host, const struct rf_value *values, void **ret_instance);
        void (*close)(void *instance); /* accepts NULL */

        /*
         * Judges a response that isn't 2xx, or that parse() refused. NULL, or -ENOTSUP for one response: the host's rules (401
         * login, 403 and 404 refused, 429 rate with Retry-After, other 4xx invalid, 5xx transient).
         */
        int (*classify)(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret_verdict);

        /* Whether this instance, as configured, can use an entry of `operations`. NULL: every one. */
        bool (*supports)(void *instance, const struct rf_operation *operation);
};

#ifdef __cplusplus
}
#endif
