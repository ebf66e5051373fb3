/*
 * The embedded provider: a synthetic catalogue behind an in-process transport. It lets recflow be tried without any account, stands
 * in for the services in tests, and never pretends to know an artist of the real world.
 */
#include <recflow/plugin.h>

#include "answers.h"
#include "faults.h"
#include "judgements.h"
#include "services.h"
#include "shared_world.h"
#include "tape.h"
#include "translate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option { OPTION_SEED, OPTION_LATENCY, OPTION_JITTER, OPTION_ERRORS, OPTION_MALFORMED, OPTION_HANGS, OPTION_RATE_LIMIT,
              OPTION_RATE_WINDOW, OPTION_USER, OPTION_ANALYSIS_LATENCY, OPTION_WEATHER, OPTION_WEATHER_SEED,
              OPTION_SPOTIFY_APP, OPTION_ANALYSIS_TIMES, OPTION_ANALYSIS_ONLY, OPTION_TAPE,
              OPTION_TAPE_PLAYS };

static const struct rf_option options[] = {
        [OPTION_SEED] = { "seed", RF_OPTION_INTEGER, "1", 0, 1e15, NULL, 0, "Seed of the synthetic catalogue." },
        [OPTION_LATENCY] = { "latency", RF_OPTION_DURATION, "0", 0, 600e6, NULL, 0, "Time that each answer takes." },
        [OPTION_JITTER] = { "latency_jitter", RF_OPTION_DURATION, "0", 0, 600e6, NULL, 0,
                            "Up to so much is added to the latency, drawn for each request." },
        [OPTION_ERRORS] = { "error_rate", RF_OPTION_REAL, "0", 0, 1, NULL, 0, "Share of requests answered with an internal error." },
        [OPTION_MALFORMED] = { "malformed_rate", RF_OPTION_REAL, "0", 0, 1, NULL, 0, "Share of answers cut in the middle." },
        [OPTION_HANGS] = { "hang_rate", RF_OPTION_REAL, "0", 0, 1, NULL, 0, "Share of requests that are never answered." },
        [OPTION_RATE_LIMIT] = { "rate_limit", RF_OPTION_INTEGER, "0", 0, 1e6, NULL, 0,
                                "Requests accepted in each rate_window; 0 for any number." },
        [OPTION_RATE_WINDOW] = { "rate_window", RF_OPTION_DURATION, "30s", 1e3, 3600e6, NULL, 0, "Length of the window of rate_limit." },
        [OPTION_USER] = { "user", RF_OPTION_BOOL, "no", 0, 0, NULL, 0, "Whether a listener is logged in (top tracks, playlists)." },
        [OPTION_ANALYSIS_LATENCY] = { "analysis_latency", RF_OPTION_DURATION, "0", 0, 600e6, NULL, 0,
                                      "Added to the latency of understanding a prompt." },
        [OPTION_WEATHER] = { "weather", RF_OPTION_ENUM, "fine", 0, 0, MOCK_WEATHER_NAMES, 0,
                             "Latencies, limits and faults of Spotify and ReccoBeats where this provider stands in for them." },
        [OPTION_WEATHER_SEED] = { "weather_seed", RF_OPTION_INTEGER, "1", 0, 1e15, NULL, 0, "Seed of that weather." },
        [OPTION_SPOTIFY_APP] = { "spotify_app", RF_OPTION_ENUM, "weather", 0, 0, MOCK_PROFILE_NAMES, 0,
                                 "What the simulated Spotify lets the app do; partial: all but audio features and recommendations." },
        [OPTION_ANALYSIS_TIMES] = { "analysis_times", RF_OPTION_BOOL, "no", 0, 0, NULL, 0,
                                    "Whether each judgement takes the time that a language model took for it, 1 to 10.6 s." },
        [OPTION_ANALYSIS_ONLY] = { "analysis_only", RF_OPTION_BOOL, "no", 0, 0, NULL, 0,
                                   "Whether it understands prompts only, and knows no music." },
        [OPTION_TAPE] = { "tape", RF_OPTION_PATH, NULL, 0, 0, NULL, 0, "File to which every exchange is appended, for recflow-sim." },
        [OPTION_TAPE_PLAYS] = { "tape_plays", RF_OPTION_BOOL, "no", 0, 0, NULL, 0,
                                "Whether answers come from that file instead, where it has them." },
};

/* A header's value is read when its answer arrives: by then many other answers may have been made. */
enum { RETRIES_KEPT = 8192 };

struct instance {
        struct mock_service service;
        struct mock_faults faults;
        uint64_t analysis_latency_us;
        struct mock_tape *tape; /* NULL: none */
        bool has_analysis_times, is_analysis_only;
        struct mock_services_options services_options;
        struct mock_services *services; /* of Spotify and ReccoBeats; NULL until they are asked */
        char retry_after[RETRIES_KEPT][16];
        uint32_t n_retry_after;
};

static void close_mock(void *arg)
{
        struct instance *m = arg;

        if (!m)
                return;
        mock_tape_close(m->tape);
        mock_services_free(m->services);
        mock_world_leave(m->service.world);
        free(m);
}

static int open_mock(const struct rf_host *host, const struct rf_value *v, void **ret)
{
        struct instance *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        r = mock_world_share((uint64_t)v[OPTION_SEED].integer, &m->service.world);
        if (r >= 0 && v[OPTION_TAPE].is_set)
                r = mock_tape_open(v[OPTION_TAPE].string, v[OPTION_TAPE_PLAYS].integer, &m->tape);
        if (r < 0) {
                close_mock(m);
                return r;
        }
        m->service.has_user = v[OPTION_USER].integer;
        m->faults = (struct mock_faults){
                .seed = (uint64_t)v[OPTION_SEED].integer,
                .latency_us = (uint64_t)v[OPTION_LATENCY].integer,
                .jitter_us = (uint64_t)v[OPTION_JITTER].integer,
                .error_rate = v[OPTION_ERRORS].real,
                .malformed_rate = v[OPTION_MALFORMED].real,
                .hang_rate = v[OPTION_HANGS].real,
                .rate_limit = (uint32_t)v[OPTION_RATE_LIMIT].integer,
                .rate_window_us = (uint64_t)v[OPTION_RATE_WINDOW].integer,
        };
        m->analysis_latency_us = (uint64_t)v[OPTION_ANALYSIS_LATENCY].integer;
        m->has_analysis_times = v[OPTION_ANALYSIS_TIMES].integer;
        m->is_analysis_only = v[OPTION_ANALYSIS_ONLY].integer;
        m->services_options = (struct mock_services_options){
                .world = m->service.world,
                .weather = (enum mock_weather)v[OPTION_WEATHER].integer,
                .weather_seed = (uint64_t)v[OPTION_WEATHER_SEED].integer,
                .profile = (enum mock_profile)v[OPTION_SPOTIFY_APP].integer,
        };
        mock_translate_init(host);
        *ret = m;
        return 0;
}

static int answer_with(struct rf_reply *reply, uint16_t status, const char *body)
{
        reply->status = status;
        reply->body = strdup(body);
        if (!reply->body)
                return -ENOMEM;
        reply->body_size = strlen(body);
        return 0;
}

/* As one of the services of others; they are made when they are first asked. */
static int answer_as(struct instance *m, const char *dialect, const struct rf_request *request, uint64_t now_us, struct rf_reply *reply)
{
        int r = m->services ? 0 : mock_services_new(&m->services_options, &m->services);

        return r < 0 ? r : mock_services_answer(m->services, dialect, request, now_us, reply, NULL);
}

static const char *param(const struct rf_request *request, const char *name)
{
        for (size_t i = 0; i < request->n_params; i++)
                if (strcmp(request->params[i].name, name) == 0)
                        return request->params[i].value;
        return NULL;
}

static int answer_live(void *arg, const char *dialect, const struct rf_request *request, uint64_t now_us, struct rf_reply *reply)
{
        struct instance *m = arg;
        uint32_t retry_s = 0;
        enum mock_fault fault;

        if (strcmp(dialect, "mock") != 0)
                return answer_as(m, dialect, request, now_us, reply);
        *reply = (struct rf_reply){ .size = sizeof(*reply) };
        fault = mock_faults_draw(&m->faults, request->url, now_us, &reply->delay_us, &retry_s);
        if (strcmp(request->path, "/analyse") == 0)
                reply->delay_us += m->analysis_latency_us + (m->has_analysis_times ? mock_judgement_us(param(request, "about")) : 0);
        if (fault == MOCK_HANG) {
                reply->fault = RF_FAULT_HANG;
                return 0;
        }
        if (fault == MOCK_ERROR)
                return answer_with(reply, 503, "{\"error\":\"try again\"}");
        if (fault == MOCK_RATE) {
                char *value = m->retry_after[m->n_retry_after++ % RETRIES_KEPT];

                snprintf(value, sizeof(m->retry_after[0]), "%u", retry_s);
                reply->headers[0] = (struct rf_header){ .name = "Retry-After", .value = value };
                reply->n_headers = 1;
                return answer_with(reply, 429, "{\"error\":\"too many requests\"}");
        }
        reply->status = mock_answer(&m->service, request, &reply->body);
        if (reply->status == 0)
                return -ENOMEM;
        reply->body_size = strlen(reply->body);
        if (fault == MOCK_MALFORMED)
                reply->body[reply->body_size /= 2] = '\0';
        return 0;
}

/* What goes on tape: neither our own counters nor what is about tokens. */
static bool is_taped(const struct instance *m, const char *dialect, const struct rf_request *request)
{
        return m->tape && strcmp(dialect, "stats") != 0 && !strstr(request->url, "/api/token");
}

static int answer(void *arg, const char *dialect, const struct rf_request *request, uint64_t now_us, struct rf_reply *reply)
{
        struct instance *m = arg;
        int r = -ENOENT;

        if (is_taped(m, dialect, request) && mock_tape_is_playing(m->tape))
                r = mock_tape_play(m->tape, dialect, request, reply);
        if (r != -ENOENT)
                return r;
        r = answer_live(m, dialect, request, now_us, reply);
        if (r >= 0 && is_taped(m, dialect, request) && !mock_tape_is_playing(m->tape))
                r = mock_tape_record(m->tape, dialect, request, reply);
        return r;
}

static bool supports(void *arg, const struct rf_operation *operation)
{
        const struct instance *m = arg;

        return !m->is_analysis_only || operation->op == RF_OP_ANALYSE_PROMPT;
}

static const struct rf_transport transport = { .size = sizeof(struct rf_transport), .answer = answer };

RF_EXPORT extern const struct rf_plugin recflow_plugin;
RF_EXPORT const struct rf_plugin recflow_plugin = {
        .magic = RF_PLUGIN_MAGIC,
        .abi_major = RF_PLUGIN_ABI_MAJOR,
        .abi_minor = RF_PLUGIN_ABI_MINOR,
        .size = sizeof(struct rf_plugin),
        .name = "mock",
        .version = PACKAGE_VERSION,
        .description = "synthetic catalogue, for trying recflow and for tests",
        .options = options,
        .n_options = sizeof(options) / sizeof(options[0]),
        .operations = mock_operations,
        .n_operations = MOCK_OPERATIONS,
        .transport = &transport,
        .open = open_mock,
        .close = close_mock,
        .supports = supports,
};
