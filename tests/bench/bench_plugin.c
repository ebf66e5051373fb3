/* The smallest provider that does its work: one search, whose answer is read as JSON, or only taken. For bench-http. */
#include <recflow/plugin.h>

#include <errno.h>
#include <jansson.h>

static const struct rf_host *host;
static const struct rf_value *option_values;

static const struct rf_option options[] = {
        { "json", RF_OPTION_BOOL, "yes", 0, 0, NULL, 0, "Whether answers are read as JSON." },
};

static int build(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        (void)instance;
        host->request_path(b, "/search");
        host->request_param(b, "q", q->text);
        return 0;
}

static int parse(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        json_t *j, *record;
        size_t i;

        (void)instance;
        if (!option_values[0].integer)
                return host->emit_track(s, &(struct rf_track){ .id = q->text, .title = "taken", .popularity = -1, .is_explicit = -1 });
        j = json_loadb(response->body, response->body_size, 0, NULL);
        json_array_foreach(json_object_get(j, "tracks"), i, record)
                (void)host->emit_track(s, &(struct rf_track){ .id = json_string_value(json_object_get(record, "id")),
                                                              .title = json_string_value(json_object_get(record, "title")),
                                                              .isrc = json_string_value(json_object_get(record, "isrc")),
                                                              .popularity = -1, .is_explicit = -1 });
        json_decref(j);
        return j ? 0 : -EBADMSG;
}

static const struct rf_operation operations[] = {
        { .size = sizeof(struct rf_operation), .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /search", .page_limit = 50,
          .flags = RF_OPERATION_IDEMPOTENT, .pacing_class = "all", .timeout_ms = 30000, .build = build, .parse = parse },
};

static int open_bench(const struct rf_host *h, const struct rf_value *values, void **ret)
{
        static char instance;

        host = h;
        option_values = values;
        *ret = &instance;
        return 0;
}

static void close_bench(void *instance)
{
        (void)instance;
}

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC,
        .abi_major = RF_PLUGIN_ABI_MAJOR,
        .abi_minor = RF_PLUGIN_ABI_MINOR,
        .size = sizeof(struct rf_plugin),
        .name = "bench",
        .version = "1",
        .description = "one search, for measuring",
        .base_url = "http://127.0.0.1",
        .options = options,
        .n_options = sizeof(options) / sizeof(options[0]),
        .operations = operations,
        .n_operations = sizeof(operations) / sizeof(operations[0]),
        .open = open_bench,
        .close = close_bench,
};
