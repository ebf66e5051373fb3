#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUES = 8192 };

static const struct mock_endpoints *const endpoints_of[MOCK_SERVICES] = { [MOCK_SPOTIFY] = &mock_spotify_endpoints,
                                                                          [MOCK_ACCOUNTS] = &mock_accounts_endpoints,
                                                                          [MOCK_RECCOBEATS] = &mock_reccobeat_endpoints };

int mock_services_new(const struct mock_services_options *o, struct mock_services **ret)
{
        struct mock_services *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->options = *o;
        s->is_development = o->profile == MOCK_PROFILE_DEVELOPMENT ||
                            (o->profile == MOCK_PROFILE_WEATHER && o->weather == MOCK_WEATHER_DEV_MODE);
        s->values = calloc(VALUES, sizeof(*s->values));
        s->playlists = calloc(MOCK_PLAYLISTS_MAX, sizeof(*s->playlists));
        r = s->values && s->playlists ? mock_sky_new(o->weather, o->weather_seed, &s->sky) : -ENOMEM;
        if (r >= 0)
                r = mock_stats_init(s);
        if (r < 0) {
                mock_services_free(s);
                return r;
        }
        s->sky->grace_us = o->grace_us;
        *ret = s;
        return 0;
}

struct mock_services *mock_services_free(struct mock_services *s)
{
        if (!s)
                return NULL;
        for (uint32_t i = 0; i < s->n_playlists; i++)
                json_decref(s->playlists[i].record);
        for (int i = 0; i < MOCK_SERVICES; i++)
                free(s->recent[i].times_us);
        mock_sky_free(s->sky);
        free(s->playlists);
        free(s->values);
        free(s->location);
        free(s);
        return NULL;
}

/* ---- Which endpoint ---- */

/* The path below the base address: without scheme, host, query, and all up to "/v1". */
static void path_of(const struct rf_request *q, char *ret, size_t size)
{
        const char *at = strstr(q->url ? q->url : "", "://"), *v1;

        at = at ? strchr(at + 3, '/') : q->path;
        if (!at)
                at = "/";
        snprintf(ret, size, "%.*s", (int)strcspn(at, "?#"), at);
        v1 = strstr(ret, "/v1/");
        if (v1)
                memmove(ret, v1 + 3, strlen(v1 + 3) + 1);
}

/* Whether `path` is of the form of `pattern`; what stands for {id} goes to `ret_id`. */
static bool matches(const char *pattern, const char *path, char ret_id[64])
{
        const char *at = strstr(pattern, "{id}");
        size_t before = at ? (size_t)(at - pattern) : 0, n;

        if (!at)
                return strcmp(pattern, path) == 0;
        if (strncmp(pattern, path, before) != 0)
                return false;
        n = strcspn(path + before, "/");
        if (n == 0 || n > 63 || strcmp(path + before + n, at + 4) != 0)
                return false;
        memcpy(ret_id, path + before, n);
        ret_id[n] = '\0';
        return true;
}

static const struct mock_endpoint *find_endpoint(const struct mock_endpoints *all, enum rf_method method, const char *path, char ret_id[64])
{
        for (size_t i = 0; i < all->n; i++)
                if (all->list[i].method == method && matches(all->list[i].path, path, ret_id))
                        return &all->list[i];
        return NULL;
}

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), m = strlen(end);

        return n >= m && strcmp(text + n - m, end) == 0;
}

/* Spotify's two services share a plugin: the accounts service has two addresses. */
static int service_of(const char *dialect, char *path)
{
        static const char *const accounts[] = { "/api/token", "/authorize" };

        if (strcmp(dialect, "reccobeat") == 0)
                return MOCK_RECCOBEATS;
        if (strcmp(dialect, "spotify") != 0)
                return -ENOTSUP;
        for (size_t i = 0; i < 2; i++)
                if (ends_with(path, accounts[i])) {
                        memmove(path, accounts[i], strlen(accounts[i]) + 1);
                        return MOCK_ACCOUNTS;
                }
        return MOCK_SPOTIFY;
}

/* ---- Answers ---- */

static void add_header(struct rf_reply *reply, const char *name, const char *value)
{
        reply->headers[reply->n_headers++] = (struct rf_header){ .name = name, .value = value };
}

static const char *number_value(struct mock_services *s, uint32_t number)
{
        char *value = s->values[s->n_values++ % VALUES];

        snprintf(value, sizeof(*s->values), "%u", number);
        return value;
}

/* The kinds of 429: with and without Retry-After, in words, in JSON, with a reason. */
static int answer_too_many(struct mock_call *call, enum mock_service_id service, const struct mock_draw *d)
{
        char words[64];

        call->status = 429;
        if (service == MOCK_RECCOBEATS) {
                snprintf(words, sizeof(words), "Too many requests, retry after %u seconds", d->retry_s);
                return mock_reccobeat_error(call, 429, 4290, "", words);
        }
        if (d->words == MOCK_WORDS_TEXT)
                call->text = "Too many requests";
        else if (d->words == MOCK_WORDS_JSON)
                return mock_spotify_error(call, 429, "API rate limit exceeded");
        else
                call->json = json_pack("{s:{s:i, s:s, s:s}}", "error", "status", 429, "message", "Quota exceeded", "reason",
                                       "QUOTA_EXCEEDED");
        return call->json || call->text ? 0 : -ENOMEM;
}

static int answer_error(struct mock_call *call, uint16_t status)
{
        call->status = status;
        call->text = status == 502 ? "<html><body><h1>502 Bad Gateway</h1></body></html>" : "upstream connect error";
        return 0;
}

static int find_answer(struct mock_call *call, enum mock_service_id service, const struct mock_endpoint *endpoint, const struct mock_draw *d)
{
        if (d->trouble == MOCK_TROUBLE_TOO_MANY)
                return answer_too_many(call, service, d);
        if (d->trouble == MOCK_TROUBLE_ERROR)
                return answer_error(call, d->status);
        if (!endpoints_of[service]->admit(call, endpoint))
                return call->json || call->text ? 0 : -ENOMEM;
        return endpoint->answer(call);
}

static int fill_body(struct mock_call *call, const struct mock_draw *d, uint64_t key, struct rf_reply *reply)
{
        int r = 0;

        reply->status = call->status;
        reply->body = call->json ? json_dumps(call->json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : strdup(call->text ? call->text : "");
        add_header(reply, "Content-Type", call->json ? "application/json; charset=utf-8" : "text/plain");
        json_decref(call->json);
        if (!reply->body)
                return -ENOMEM;
        reply->body_size = strlen(reply->body);
        if (call->location)
                add_header(reply, "Location", call->location);
        if (d->trouble == MOCK_TROUBLE_SPOILT)
                r = mock_spoil(d->spoil, key, &reply->body, &reply->body_size);
        if (r >= 0 && d->trouble == MOCK_TROUBLE_SPOILT && d->spoil == MOCK_SPOIL_DRIP)
                reply->delay_us += (uint64_t)reply->body_size * 1000000u;
        return r;
}

/* The same request gives the same number, in whatever order its parameters are. Bodies of the accounts service are random. */
static uint64_t key_of(enum mock_service_id service, const char *path, const struct rf_request *q)
{
        uint64_t key = mock_hash((uint64_t)service * 16 + (uint64_t)q->method, path);

        for (size_t i = 0; i < q->n_params; i++)
                key += mock_hash(mock_hash(1, q->params[i].name), q->params[i].value);
        for (size_t i = 0; service != MOCK_ACCOUNTS && i < q->body_size; i++)
                key = (key ^ (unsigned char)q->body[i]) * 0x100000001b3u;
        return key ^ (key >> 29);
}

static void count_draw(struct mock_service_stats *stats, struct mock_endpoint_stats *endpoint, const struct mock_draw *d)
{
        stats->answers_429 += d->trouble == MOCK_TROUBLE_TOO_MANY;
        stats->violations += d->is_violation;
        if (d->trouble != MOCK_TROUBLE_NONE && d->trouble != MOCK_TROUBLE_TOO_MANY) {
                stats->faults++;
                endpoint->faults++;
        }
}

static int answer_stats(struct mock_services *s, struct rf_reply *reply)
{
        reply->status = 200;
        reply->body = mock_services_stats_text(s);
        if (!reply->body)
                return -ENOMEM;
        reply->body_size = strlen(reply->body);
        return 0;
}

int mock_services_answer(struct mock_services *s, const char *dialect, const struct rf_request *q, uint64_t now_us, struct rf_reply *ret,
                         struct mock_sending *ret_sending)
{
        static const enum rf_fault faults[] = { [MOCK_TROUBLE_REFUSED] = RF_FAULT_REFUSED, [MOCK_TROUBLE_RESET] = RF_FAULT_RESET,
                                                [MOCK_TROUBLE_HANG] = RF_FAULT_HANG };
        struct mock_call call = { .services = s, .world = s->options.world, .request = q, .now_us = now_us, .status = 200 };
        const struct mock_endpoint *endpoint;
        struct mock_endpoint_stats *stats;
        struct mock_draw d;
        uint64_t key;
        char path[512];
        int service, r;

        *ret = (struct rf_reply){ .size = sizeof(*ret) };
        if (ret_sending)
                *ret_sending = (struct mock_sending){ 0 };
        if (strcmp(dialect, "stats") == 0)
                return answer_stats(s, ret);
        path_of(q, path, sizeof(path));
        service = service_of(dialect, path);
        if (service < 0)
                return service;
        endpoint = find_endpoint(endpoints_of[service], q->method, path, call.id);
        key = key_of((enum mock_service_id)service, path, q);
        d = mock_sky_draw(s->sky, (enum mock_service_id)service, key, now_us);
        stats = mock_stats_count(s, (enum mock_service_id)service, endpoint, now_us);
        count_draw(&s->stats[service], stats, &d);
        ret->delay_us = d.delay_us;
        if (ret_sending)
                *ret_sending = (struct mock_sending){ .is_violation = d.is_violation, .endpoint = stats->name,
                                                      .drips = d.trouble == MOCK_TROUBLE_SPOILT && d.spoil == MOCK_SPOIL_DRIP,
                                                      .is_huge = d.trouble == MOCK_TROUBLE_SPOILT && d.spoil == MOCK_SPOIL_HUGE };
        if (d.trouble >= MOCK_TROUBLE_REFUSED && d.trouble <= MOCK_TROUBLE_HANG) {
                ret->fault = faults[d.trouble];
                return 0;
        }
        r = find_answer(&call, (enum mock_service_id)service, endpoint, &d);
        if (r < 0) {
                json_decref(call.json);
                return r;
        }
        stats->ids += call.n_ids;
        if (d.trouble == MOCK_TROUBLE_TOO_MANY && !d.is_silent)
                add_header(ret, "Retry-After", number_value(s, d.retry_s));
        return fill_body(&call, &d, key, ret);
}

/* ---- Help for endpoints ---- */

const char *const mock_feature_names[MOCK_FEATURES] = { "acousticness", "danceability", "energy", "instrumentalness", "liveness",
                                                        "speechiness",  "valence",      "key",    "mode",             "loudness",
                                                        "tempo" };

const char *mock_param(const struct mock_call *call, const char *name)
{
        for (size_t i = 0; i < call->request->n_params; i++)
                if (strcmp(call->request->params[i].name, name) == 0)
                        return call->request->params[i].value;
        return NULL;
}

const char *mock_header(const struct mock_call *call, const char *name)
{
        for (size_t i = 0; i < call->request->n_headers; i++)
                if (strcasecmp(call->request->headers[i].name, name) == 0)
                        return call->request->headers[i].value;
        return NULL;
}

bool mock_number(const struct mock_call *call, const char *name, unsigned long fallback, unsigned long min, unsigned long max,
                 unsigned long *ret)
{
        const char *text = mock_param(call, name);
        char *end;

        *ret = fallback;
        if (!text)
                return true;
        *ret = strtoul(text, &end, 10);
        return end != text && !*end && *text != '-' && *ret >= min && *ret <= max;
}

size_t mock_ids(struct mock_call *call, const char *list, char (*ret)[64], size_t max)
{
        size_t n = 0;

        while (list && *list && n < max) {
                size_t length = strcspn(list, ",");

                snprintf(ret[n++], 64, "%.*s", (int)length, list);
                list += length + (list[length] == ',');
        }
        call->n_ids += n;
        return n;
}

uint64_t mock_hash(uint64_t h, const char *text)
{
        h ^= 0xcbf29ce484222325u;
        while (*text)
                h = (h ^ (unsigned char)*text++) * 0x100000001b3u;
        return h ^ (h >> 32);
}
