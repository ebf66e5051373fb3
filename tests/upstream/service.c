/*
 * Plugins whose service is written by the test that loads them. An answer's body is one record a line: an id; "malformed" isn't
 * understood. Built with the macros NAME, and MEMBERS for one that wants a login.
 */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rf_host *host;

enum { OPTION_RATE, OPTION_BURST, OPTION_CONCURRENCY, OPTION_TIMEOUT, OPTION_ID, OPTION_SECRET, OPTION_ACCOUNTS };

static const struct rf_option options[] = {
        [OPTION_RATE] = { "rate", RF_OPTION_REAL, NULL, 0.01, 1000, NULL, 0, "Calls per second." },
        [OPTION_BURST] = { "burst", RF_OPTION_REAL, "1", 1, 10000, NULL, 0, "Calls at once." },
        [OPTION_CONCURRENCY] = { "concurrency", RF_OPTION_INTEGER, "16", 1, 100, NULL, 0, "Calls under way." },
        [OPTION_TIMEOUT] = { "timeout", RF_OPTION_DURATION, NULL, 1e5, 600e6, NULL, 0, "Time for one attempt." },
        [OPTION_ID] = { "client_id", RF_OPTION_STRING, NULL, 0, 128, NULL, 0, "Id." },
        [OPTION_SECRET] = { "client_secret", RF_OPTION_STRING, NULL, 0, 128, NULL, RF_OPTION_SECRET, "Secret." },
        [OPTION_ACCOUNTS] = { "accounts_url", RF_OPTION_STRING, NULL, 0, 128, NULL, 0, "Accounts." },
};

static int open_service(const struct rf_host *h, const struct rf_value *values, void **ret)
{
        struct service *s = calloc(1, sizeof(*s));

        host = h;
        if (!s)
                return -ENOMEM;
        s->values = values;
        *ret = s;
        return 0;
}

static int answer(void *instance, const char *dialect, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        struct service *s = instance;

        (void)dialect;
        *ret = (struct rf_reply){ .size = sizeof(*ret), .status = 200 };
        s->n_calls++;
        s->answer(s, request, now_us, ret);
        return 0;
}

static int build(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        char ids[4096] = "";

        (void)instance;
        if (q->text && strcmp(q->text, "elsewhere") == 0)
                return -ENOTSUP;
        for (size_t i = 0; i < q->n_ids; i++)
                snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%s", i ? "," : "", q->ids[i]);
        host->request_path(b, "/first");
        if (q->op == RF_OP_CREATE_PLAYLIST)
                host->request_method(b, RF_METHOD_POST);
        host->request_param(b, "q", q->text ? q->text : ids);
        return 0;
}

static int build_otherwise(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/second");
        host->request_param(b, "q", q->text);
        return 0;
}

static int emit(const struct rf_query *q, const char *id, const char *title, struct rf_sink *s)
{
        if (q->op == RF_OP_CREATE_PLAYLIST)
                return host->emit_created(s, &(struct rf_created){ .id = id });
        return host->emit_track(s, &(struct rf_track){ .id = id, .title = title, .popularity = -1, .is_explicit = -1 });
}

static int parse_as(const char *title, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        const char *at = response->body;
        char id[128];

        if (strcmp(response->body, "malformed") == 0)
                return -EBADMSG;
        for (; *at; at += strcspn(at, "\n"), at += *at == '\n') {
                snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "\n"), at);
                if (emit(q, id, title, s) == -ENOMEM)
                        return -ENOMEM;
        }
        return 0;
}

static int parse(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        (void)instance;
        return parse_as("first", q, response, s);
}

static int parse_otherwise(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        (void)instance;
        return parse_as("second", q, response, s);
}

#define LIFE .fresh_s = 3600, .stale_s = 3600, .stale_error_s = 7200, .negative_s = 600
#define COMMON .size = sizeof(struct rf_operation), .pacing_class = "api", .timeout_ms = 10000, .parse = parse, .build = build

static const struct rf_operation operations[] = {
        { COMMON, LIFE, .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /first", .flags = RF_OPERATION_IDEMPOTENT },
        { .size = sizeof(struct rf_operation), LIFE, .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /second", .pacing_class = "api",
          .timeout_ms = 10000, .flags = RF_OPERATION_IDEMPOTENT, .build = build_otherwise, .parse = parse_otherwise },
        { COMMON, LIFE, .op = RF_OP_TRACKS, .endpoint = "GET /tracks", .batch_limit = 10, .flags = RF_OPERATION_IDEMPOTENT },
        { COMMON, .op = RF_OP_CREATE_PLAYLIST, .endpoint = "POST /playlists" },
#ifdef MEMBERS
        { COMMON, LIFE, .op = RF_OP_USER_TOP, .endpoint = "GET /me", .flags = RF_OPERATION_IDEMPOTENT | RF_OPERATION_USER },
#endif
};

#ifdef MEMBERS
static const struct rf_auth auth = {
        .size = sizeof(struct rf_auth), .flows = RF_AUTH_CLIENT_CREDENTIALS | RF_AUTH_PKCE,
        .authorize_url = "https://accounts.example/authorize", .token_url = "https://accounts.example/api/token",
        .accounts_url_option = "accounts_url", .client_id_option = "client_id", .client_secret_option = "client_secret",
        .scopes = "read write",
};
#endif

static const struct rf_transport transport = { .size = sizeof(struct rf_transport), .answer = answer };

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC, .abi_major = RF_PLUGIN_ABI_MAJOR, .abi_minor = RF_PLUGIN_ABI_MINOR, .size = sizeof(struct rf_plugin),
        .name = NAME, .version = "1", .description = "a service written by a test", .options = options,
        .n_options = sizeof(options) / sizeof(*options), .operations = operations,
        .n_operations = sizeof(operations) / sizeof(*operations), .transport = &transport,
#ifdef MEMBERS
        .auth = &auth,
#endif
        .open = open_service, .close = free,
};
