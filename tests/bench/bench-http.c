/*
 * 20,000 small requests, 100 at once, to the same server: by a bare libcurl-multi program, by our HTTP alone, and through the whole
 * pipeline of an upstream call. Compared by the requests that a second of the client's processor time is enough for.
 */
#include <sys/resource.h>

#include "bare_http.h"
#include "base/macros.h"
#include "bench.h"
#include "bench_server.h"
#include "net/http.h"
#include "provider/provider.h"
#include "sched/sched.h"
#include "upstream/upstream.h"

enum { REQUESTS = 20000, AT_ONCE = 100, ROUNDS = 5 };

#define CHECK(x)                                             \
        do {                                                 \
                int r_ = (x);                                \
                if (r_ != 0) {                               \
                        fprintf(stderr, "%s: %d\n", #x, r_); \
                        exit(1);                             \
                }                                            \
        } while (0)

static uint16_t port;
static struct rf_http *http;
static struct rf_upstream *upstream;
static unsigned asked;

static int ask_http(void *arg)
{
        (void)arg;
        while (asked < REQUESTS) {
                struct rf_http_response response;
                char url[96];

                snprintf(url, sizeof(url), "http://127.0.0.1:%u/search?q=number%%20%u", port, asked++);
                CHECK(rf_http_perform(http, &(struct rf_http_request){ .url = url, .timeout_us = 30 * USEC_PER_SEC, .is_idempotent = true },
                                      &response));
                CHECK(response.status != 200);
                rf_http_response_done(&response);
        }
        return 0;
}

static int ask_upstream(void *arg)
{
        const struct rf_caller caller = { .client = (uintptr_t)arg, .deadline_us = RF_FOREVER };

        while (asked < REQUESTS) {
                struct rf_answer *answer;
                char text[32];

                snprintf(text, sizeof(text), "number %u", asked++);
                CHECK(rf_upstream_call(upstream, &caller, &(struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .text = text }, &answer));
                CHECK(answer->n_tracks == 0);
                rf_answer_unref(answer);
        }
        return 0;
}

struct job {
        int (*ask)(void *arg);
        bool parses;
};

static void ask_at_once(int (*ask)(void *arg))
{
        struct rf_group *g;

        asked = 0;
        CHECK(rf_group_new(RF_FOREVER, &g));
        for (uintptr_t i = 0; i < AT_ONCE; i++)
                CHECK(rf_group_spawn(g, "ask", ask, (void *)i));
        CHECK(rf_group_join(g));
        rf_group_free(g);
}

/* A daemon's upstream, without a cache: every call goes out. */
static struct rf_providers *open_upstream(bool parses)
{
        struct rf_provider_config config = { .name = "bench", .plugin = TEST_BUILDDIR "/.libs/bench_plugin.so", .n_options = 1 };
        const struct rf_upstream_options options = { .concurrency = AT_ONCE, .retries = 1, .refusal_us = USEC_PER_SEC, .seed = 1, .http = http };
        struct rf_providers *providers;
        char url[48], message[256] = "";

        snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
        config.api_url = url;
        config.options = calloc(1, sizeof(*config.options));
        config.options[0].name = "json";
        config.options[0].value = parses ? "yes" : "no";
        config.options[0].where = "bench";
        CHECK(rf_providers_new(TEST_BUILDDIR "/.libs", &providers));
        CHECK(rf_providers_load(providers, &config, message, sizeof(message)));
        CHECK(rf_upstream_new(&options, providers, NULL, &upstream));
        free(config.options);
        return providers;
}

static int run_job(void *arg)
{
        const struct job *j = arg;
        struct rf_providers *providers;

        CHECK(rf_http_new(&(struct rf_http_options){ .user_agent = "bench/1", .host_connections_max = AT_ONCE }, &http));
        providers = open_upstream(j->parses);
        ask_at_once(j->ask);
        rf_upstream_stop(upstream);
        rf_http_stop(http);
        rf_upstream_free(upstream);
        rf_providers_free(providers);
        rf_http_free(http);
        return 0;
}

static double cpu_us(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double ours_us(int (*ask)(void *arg), bool parses, double *ret_per_s)
{
        struct job j = { ask, parses };
        double start_us = cpu_us(), start_ns = bench_now_ns();
        struct rf_sched *s;

        CHECK(rf_sched_new(&(struct rf_sched_options){ 0 }, &s));
        CHECK(rf_sched_run(s, run_job, &j));
        rf_sched_free(s);
        *ret_per_s = REQUESTS / ((bench_now_ns() - start_ns) / 1e9);
        return (cpu_us() - start_us) / REQUESTS;
}

static double bare_us(bool parses, double *ret_per_s)
{
        double start_us = cpu_us(), start_ns = bench_now_ns();

        bare_http_run(port, REQUESTS, AT_ONCE, parses);
        *ret_per_s = REQUESTS / ((bench_now_ns() - start_ns) / 1e9);
        return (cpu_us() - start_us) / REQUESTS;
}

static void print(const char *name, double *ours, double *bare, double *ours_per_s, double *bare_per_s)
{
        double o = bench_median(ours, ROUNDS), b = bench_median(bare, ROUNDS);

        printf("%-34s %10.2f us     bare libcurl multi %20.2f  ratio %6.2f  (of its requests per CPU second; target: 0.80)\n", name, o, b, b / o);
        printf("%-34s %10.0f /s     bare libcurl multi %20.0f\n", "", bench_median(ours_per_s, ROUNDS), bench_median(bare_per_s, ROUNDS));
        fflush(stdout);
}

int main(void)
{
        enum { TRANSPORT, PIPELINE, PIPELINE_JSON, KINDS };
        double ours[KINDS][ROUNDS], bare[2][ROUNDS], ours_per_s[KINDS][ROUNDS], bare_per_s[2][ROUNDS];
        pid_t server = bench_server_start(&port);

        if (server < 0)
                return 1;
        for (int i = 0; i < ROUNDS; i++) {
                bare[0][i] = bare_us(false, &bare_per_s[0][i]);
                ours[TRANSPORT][i] = ours_us(ask_http, false, &ours_per_s[TRANSPORT][i]);
                ours[PIPELINE][i] = ours_us(ask_upstream, false, &ours_per_s[PIPELINE][i]);
                bare[1][i] = bare_us(true, &bare_per_s[1][i]);
                ours[PIPELINE_JSON][i] = ours_us(ask_upstream, true, &ours_per_s[PIPELINE_JSON][i]);
        }
        bench_server_stop(server);
        printf("20,000 requests of 1 KB, 100 at once; processor time of the client alone\n");
        print("HTTP, body read", ours[TRANSPORT], bare[0], ours_per_s[TRANSPORT], bare_per_s[0]);
        print("upstream call, body read", ours[PIPELINE], bare[0], ours_per_s[PIPELINE], bare_per_s[0]);
        print("upstream call, JSON to records", ours[PIPELINE_JSON], bare[1], ours_per_s[PIPELINE_JSON], bare_per_s[1]);
        return 0;
}
