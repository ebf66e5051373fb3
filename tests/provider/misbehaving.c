/* Plugins that do something wrong, one thing each: built once for each of the MISTAKE_… macros. */
#include <recflow/plugin.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct rf_host *host;

static int open_plugin(const struct rf_host *h, const struct rf_value *values, void **ret)
{
        (void)values;
        host = h;
#ifdef MISTAKE_OPEN
        return -EIO;
#endif
        *ret = malloc(1);
        return *ret ? 0 : -ENOMEM;
}

static void close_plugin(void *instance)
{
        free(instance);
}

static int build(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        static char huge[100000];

        (void)instance;
        memset(huge, 'x', sizeof(huge) - 1);
        host->request_path(b, "/tracks");
        host->request_param(b, "q", q->text && strcmp(q->text, "huge") == 0 ? huge : q->text);
        return 0;
}

/* Records that no service should send, with a good one before and after. */
static int parse(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        static char over_long[70000];
        const struct rf_track good = { .id = "good", .title = "Good", .popularity = -1, .is_explicit = -1 };
        struct rf_artist_ref artists[40];
        struct rf_track bad[] = { good, good, good, good, good, good, good, good, good, good };

        (void)instance;
        (void)response;
        if (q->text && strcmp(q->text, "flood") == 0) {
                for (int i = 0; i < 100000; i++)
                        (void)host->emit_track(s, &good); /* refused past the limit, as the contract says */
                return 0;
        }
        memset(over_long, 'x', sizeof(over_long) - 1);
        for (int i = 0; i < 40; i++)
                artists[i] = (struct rf_artist_ref){ .name = "Somebody" };
        bad[0].title = over_long;
        bad[1].title = "not \xff\xfe UTF-8";
        bad[2].id = NULL;
        bad[3].title = NULL;
        bad[4].popularity = 120;
        bad[5].features = (struct rf_features){ .has = RF_FEATURE_BIT(RF_FEATURE_ENERGY), .value = { [RF_FEATURE_ENERGY] = 7.f } };
        bad[6].features = (struct rf_features){ .has = RF_FEATURE_BIT(RF_FEATURE_TEMPO), .value = { [RF_FEATURE_TEMPO] = NAN } };
        bad[7].features = (struct rf_features){ .has = RF_FEATURE_BIT(RF_FEATURE_TEMPO), .value = { [RF_FEATURE_TEMPO] = INFINITY } };
        bad[8].artists = artists;
        bad[8].n_artists = 40;
        bad[9].id = over_long;
        (void)host->emit_track(s, &good);
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                (void)host->emit_track(s, &bad[i]);
        (void)host->emit_track(s, &(struct rf_track){ .id = "last", .title = "Last", .popularity = 50, .is_explicit = 0 });
        return 0;
}

static int answer(void *instance, const char *dialect, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)instance;
        (void)dialect;
        (void)request;
        (void)now_us;
        *ret = (struct rf_reply){ .size = sizeof(*ret), .status = 200, .body = strdup("{}"), .body_size = 2 };
        return ret->body ? 0 : -ENOMEM;
}

extern const struct rf_transport misbehaving_transport;
const struct rf_transport misbehaving_transport = { .size = sizeof(struct rf_transport), .answer = answer };

#ifdef MISTAKE_NO_PARSE
#define PARSE NULL
#else
#define PARSE parse
#endif
#ifdef MISTAKE_TIMEOUT
#define TIMEOUT_MS 0
#else
#define TIMEOUT_MS 1000
#endif
#ifdef MISTAKE_OPERATION_SIZE
#define OPERATION_SIZE 8
#else
#define OPERATION_SIZE sizeof(struct rf_operation)
#endif
#ifdef MISTAKE_OPERATION_NUMBER
#define NUMBER 99
#else
#define NUMBER RF_OP_SEARCH_TRACKS
#endif

#define OPERATION_OF(number_, class_, build_)                                                                                \
        { .size = OPERATION_SIZE, .op = number_, .endpoint = "GET /tracks", .pacing_class = class_, .timeout_ms = TIMEOUT_MS, \
          .flags = RF_OPERATION_IDEMPOTENT, .build = build_, .parse = PARSE }
#define OPERATION(build_) OPERATION_OF(NUMBER, "all", build_)

/* used, also where nothing points to it */
extern int (*const misbehaving_parse)(void *, const struct rf_query *, const struct rf_response *, struct rf_sink *);
int (*const misbehaving_parse)(void *, const struct rf_query *, const struct rf_response *, struct rf_sink *) = parse;

#ifdef MISTAKE_WAYS
/* a way more than a plugin may have of doing one operation */
static int build_otherwise(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return build(instance, q, b);
}

static int build_in_a_third_way(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        return build(instance, q, b);
}
#endif

static const struct rf_operation operations[] = {
        OPERATION(build),
#if defined(MISTAKE_TWICE)
        OPERATION(build),
#elif defined(MISTAKE_WAYS)
        OPERATION(build_otherwise),
        OPERATION(build_in_a_third_way),
#elif defined(MISTAKE_CLASSES)
        /* nine */
        OPERATION_OF(RF_OP_SEARCH_ARTISTS, "b", build),  OPERATION_OF(RF_OP_ARTIST_TOP_TRACKS, "c", build),
        OPERATION_OF(RF_OP_ARTIST_ALBUMS, "d", build),   OPERATION_OF(RF_OP_ALBUM_TRACKS, "e", build),
        OPERATION_OF(RF_OP_TRACKS, "f", build),          OPERATION_OF(RF_OP_AUDIO_FEATURES, "g", build),
        OPERATION_OF(RF_OP_RECOMMENDATIONS, "h", build), OPERATION_OF(RF_OP_USER_TOP, "i", build),
#endif
};

#ifdef MISTAKE_AUTH
static const struct rf_auth auth = { .size = sizeof(auth), .flows = RF_AUTH_PKCE, .token_url = "https://accounts.example/api/token",
                                     .client_id_option = "speed", .scopes = "read" };
#endif

static const struct rf_option options[] = {
#ifdef MISTAKE_OPTION
        { "colour", RF_OPTION_ENUM, "red", 0, 0, NULL, 0, "Choices are missing." },
#else
        { "speed", RF_OPTION_INTEGER, "3", 1, 9, NULL, 0, "How fast." },
#endif
};

#ifdef MISTAKE_NO_SYMBOL
#define recflow_plugin another_symbol
#endif
RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
#ifdef MISTAKE_MAGIC
        .magic = 0xdeadbeef,
#else
        .magic = RF_PLUGIN_MAGIC,
#endif
#ifdef MISTAKE_MAJOR
        .abi_major = RF_PLUGIN_ABI_MAJOR + 1,
#else
        .abi_major = RF_PLUGIN_ABI_MAJOR,
#endif
#ifdef MISTAKE_MINOR
        .abi_minor = RF_PLUGIN_ABI_MINOR + 1,
#else
        .abi_minor = RF_PLUGIN_ABI_MINOR,
#endif
#ifdef MISTAKE_SHORT
        .size = 24,
#else
        .size = sizeof(struct rf_plugin),
#endif
#ifdef MISTAKE_NAME
        .name = "No Good Name",
#else
        .name = "misbehaving",
#endif
        .version = "1",
        .description = "does something wrong",
        .options = options,
        .n_options = sizeof(options) / sizeof(*options),
        .operations = operations,
#ifdef MISTAKE_NO_OPERATIONS
        .n_operations = 0,
#else
        .n_operations = sizeof(operations) / sizeof(*operations),
#endif
#ifdef MISTAKE_NO_WAY
        .transport = NULL,
#else
        .transport = &misbehaving_transport,
#endif
#ifdef MISTAKE_AUTH
        .auth = &auth,
#endif
        .open = open_plugin,
        .close = close_plugin,
};
