/*
 * A provider plugin for Tunebox, an invented service with an HTTP API: searching tracks, and their audio features. Complete: it builds
 * against an installed recflow with nothing else than jansson.
 */
#include <errno.h>
#include <jansson.h>
#include <recflow/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The host's functions: the same for all instances. */
static const struct rf_host *host;

/* [options] */
enum { OPTION_API_KEY, OPTION_QUALITY };

static const struct rf_option options[] = {
        [OPTION_API_KEY] = { "api_key", RF_OPTION_STRING, NULL, 0, 64, NULL, RF_OPTION_SECRET, "Key that Tunebox gave you." },
        [OPTION_QUALITY] = { "quality", RF_OPTION_ENUM, "any", 0, 0, "any|verified", 0, "Whether only verified recordings count." },
};

struct tunebox {
        const char *api_key; /* NULL if none is configured */
        bool verified_only;
};
/* [end] */

/* [open] */
static int tunebox_open(const struct rf_host *h, const struct rf_value *values, void **ret)
{
        struct tunebox *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        host = h;
        if (values[OPTION_API_KEY].is_set)
                t->api_key = values[OPTION_API_KEY].string; /* lives as long as the instance */
        t->verified_only = values[OPTION_QUALITY].integer == 1;
        *ret = t;
        return 0;
}

static void tunebox_close(void *instance)
{
        free(instance);
}
/* [end] */

/* [build] */
static int search_build(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct tunebox *t = instance;
        char number[16];

        if (!q->text && !q->genre && !q->track)
                return -ENOTSUP; /* another provider may know how */
        host->request_path(b, "/v1/tracks");
        if (q->text || q->track)
                host->request_param(b, "q", q->text ? q->text : q->track);
        if (q->artist)
                host->request_param(b, "artist", q->artist);
        if (q->genre)
                host->request_param(b, "genre", q->genre);
        snprintf(number, sizeof(number), "%u", q->limit ? q->limit : 20);
        host->request_param(b, "limit", number);
        if (t->verified_only)
                host->request_param(b, "verified", "1");
        if (t->api_key)
                host->request_header(b, "X-Api-Key", t->api_key);
        return 0;
}
/* [end] */

/* [parse] */
/* {"tracks": [{"id": "17", "title": "…", "by": "…", "isrc": "…", "seconds": 201.5}, …]} */
static int search_parse(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        json_t *root = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *list = json_object_get(root, "tracks");

        (void)instance;
        (void)q;
        if (!json_is_array(list)) {
                json_decref(root);
                return -EBADMSG;
        }
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *j = json_array_get(list, i);
                struct rf_artist_ref by = { .name = json_string_value(json_object_get(j, "by")) };
                double seconds = json_number_value(json_object_get(j, "seconds"));
                struct rf_track track = {
                        .id = json_string_value(json_object_get(j, "id")),
                        .title = json_string_value(json_object_get(j, "title")),
                        .artists = by.name ? &by : NULL,
                        .n_artists = by.name ? 1 : 0,
                        .isrc = json_string_value(json_object_get(j, "isrc")),
                        .duration_ms = seconds > 0.0 && seconds < 86400.0 ? (uint32_t)(seconds * 1000.0) : 0,
                        .popularity = -1, /* Tunebox doesn't tell */
                        .is_explicit = -1,
                };

                (void)host->emit_track(s, &track); /* checks and copies; what is refused is counted */
        }
        json_decref(root);
        return 0;
}
/* [end] */

/* [features] */
static int features_build(void *instance, const struct rf_query *q, struct rf_request_builder *b)
{
        const struct tunebox *t = instance;
        char ids[2048] = "";

        for (size_t i = 0; i < q->n_ids; i++) {
                if (strlen(ids) + strlen(q->ids[i]) + 2 > sizeof(ids))
                        return -E2BIG;
                strcat(strcat(ids, i > 0 ? "," : ""), q->ids[i]);
        }
        host->request_path(b, "/v1/sound");
        host->request_param(b, "ids", ids);
        if (t->api_key)
                host->request_header(b, "X-Api-Key", t->api_key);
        return 0;
}

/* {"17": {"energy": 80, "bpm": 120}, …}: energy in per cent. Joined by id, so the order doesn't matter. */
static int features_parse(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s)
{
        json_t *root = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, NULL);

        (void)instance;
        (void)q;
        if (!json_is_object(root)) {
                json_decref(root);
                return -EBADMSG;
        }
        for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
                const json_t *energy = json_object_get(json_object_iter_value(at), "energy"),
                             *bpm = json_object_get(json_object_iter_value(at), "bpm");
                struct rf_track_features f = { .id = json_object_iter_key(at) };

                if (json_is_number(energy)) {
                        f.features.has |= RF_FEATURE_BIT(RF_FEATURE_ENERGY);
                        f.features.value[RF_FEATURE_ENERGY] = (float)json_number_value(energy) / 100.f;
                }
                if (json_is_number(bpm)) {
                        f.features.has |= RF_FEATURE_BIT(RF_FEATURE_TEMPO);
                        f.features.value[RF_FEATURE_TEMPO] = (float)json_number_value(bpm);
                }
                (void)host->emit_features(s, &f);
        }
        json_decref(root);
        return 0;
}
/* [end] */

/* [classify] */
/* Tunebox says 402 when the month's calls are used up; all else is as the host would judge it. */
static int tunebox_classify(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret)
{
        (void)instance;
        (void)op;
        if (response->status != 402)
                return -ENOTSUP;
        ret->outcome = RF_OUTCOME_QUOTA;
        ret->retry_after_s = 3600;
        snprintf(ret->message, sizeof(ret->message), "the month's calls are used up");
        return 0;
}
/* [end] */

/* [descriptor] */
static const struct rf_operation operations[] = {
        { .size = sizeof(struct rf_operation), .op = RF_OP_SEARCH_TRACKS, .endpoint = "GET /v1/tracks", .page_limit = 50,
          .flags = RF_OPERATION_IDEMPOTENT, .pacing_class = "search", .timeout_ms = 10000, .fresh_s = 3600, .stale_s = 86400,
          .stale_error_s = 604800, .negative_s = 600, .build = search_build, .parse = search_parse },
        { .size = sizeof(struct rf_operation), .op = RF_OP_AUDIO_FEATURES, .endpoint = "GET /v1/sound", .batch_limit = 40,
          .flags = RF_OPERATION_IDEMPOTENT, .pacing_class = "sound", .timeout_ms = 10000, .fresh_s = 2592000, .stale_s = 2592000,
          .stale_error_s = 2592000, .negative_s = 86400, .build = features_build, .parse = features_parse },
};

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC,
        .abi_major = RF_PLUGIN_ABI_MAJOR,
        .abi_minor = RF_PLUGIN_ABI_MINOR,
        .size = sizeof(struct rf_plugin),
        .name = "tunebox",
        .version = "1.0",
        .description = "Tunebox, an invented service",
        .base_url = "https://api.tunebox.example",
        .options = options,
        .n_options = sizeof(options) / sizeof(options[0]),
        .operations = operations,
        .n_operations = sizeof(operations) / sizeof(operations[0]),
        .open = tunebox_open,
        .close = tunebox_close,
        .classify = tunebox_classify,
};
/* [end] */
