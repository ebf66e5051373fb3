/* Every bad manner of a service at once, through the whole upstream call: each ends in its own named error, and the loop stays quick. */
#include "test.h"

#include "net/http.h"
#include "provider/provider.h"
#include "rude_server.h"
#include "sched/sched.h"
#include "upstream/upstream.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICKS_MAX = 100000, BASELINE_TICKS = 2000, FILLERS = 4, LATE_MAX_US = 200000 };

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hang_over = PTHREAD_COND_INITIALIZER;
static bool hangs = true;
static struct rf_http *http;
static uint16_t port, deaf_port;

/* Takes the place of libc's: hang.test hangs for as long as the test lasts. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
        int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

        pthread_mutex_lock(&hang_lock);
        while (hangs && node && strcmp(node, "hang.test") == 0)
                pthread_cond_wait(&hang_over, &hang_lock);
        pthread_mutex_unlock(&hang_lock);
        return real(node, service, hints, res);
}

struct weather {
        const char *what, *host, *path, *failure, *in_message;
        enum rf_outcome outcome;
        bool is_deaf;
        uint64_t blocked_s;
        struct rf_call_record record;
        struct rf_provider_stats stats;
        int result;
};

static struct weather weathers[] = {
        { "hung resolver", "hang.test", "/ok", "resolve-timeout", "hang.test", .outcome = RF_OUTCOME_TRANSIENT },
        { "hung connect", "127.0.0.1", "/ok", "connect-timeout", "", .outcome = RF_OUTCOME_TRANSIENT, .is_deaf = true },
        { "hung answer", "127.0.0.1", "/hang", "timeout", "0 bytes", .outcome = RF_OUTCOME_TRANSIENT },
        { "drip body", "127.0.0.1", "/drip", "timeout", "bytes had come", .outcome = RF_OUTCOME_TRANSIENT },
        { "100 MB body", "127.0.0.1", "/huge", "too-large", "longer than", .outcome = RF_OUTCOME_MALFORMED },
        { "body cut off", "127.0.0.1", "/truncated", "lost", "", .outcome = RF_OUTCOME_TRANSIENT },
        { "truncated JSON", "127.0.0.1", "/json-truncated", "truncated-json", "middle", .outcome = RF_OUTCOME_MALFORMED },
        { "5,000-deep JSON", "127.0.0.1", "/json-deep", "too-deep", "deeply", .outcome = RF_OUTCOME_MALFORMED },
        { "wrong shape", "127.0.0.1", "/json-shape", "wrong-shape", "JSON", .outcome = RF_OUTCOME_MALFORMED },
        { "wrong types", "127.0.0.1", "/json-types", "invalid-records", "every record", .outcome = RF_OUTCOME_MALFORMED },
        { "invalid UTF-8", "127.0.0.1", "/not-utf8", "not-utf8", "UTF-8", .outcome = RF_OUTCOME_MALFORMED },
        { "header flood", "127.0.0.1", "/headers", "too-many-headers", "header lines", .outcome = RF_OUTCOME_MALFORMED },
        { "no HTTP at all", "127.0.0.1", "/garbage", "protocol", "", .outcome = RF_OUTCOME_MALFORMED },
        { "refusal cut off", "127.0.0.1", "/429-cut", "", "429", .outcome = RF_OUTCOME_RATE, .blocked_s = 763 },
        { "refusal that hangs", "127.0.0.1", "/429-hang", "", "429", .outcome = RF_OUTCOME_RATE, .blocked_s = 763 },
        { "redirect to file:", "127.0.0.1", "/redirect-file", "redirect", "elsewhere", .outcome = RF_OUTCOME_INVALID },
        { "redirect to a private address", "127.0.0.1", "/redirect-private", "redirect", "10.0.0.1", .outcome = RF_OUTCOME_INVALID },
};

static void observe(void *arg, const struct rf_call_record *record)
{
        ((struct weather *)arg)->record = *record;
}

/* A provider of its own for each, so that none learns from another's failures. */
static int go_through(void *arg)
{
        struct weather *w = arg;
        const struct rf_caller caller = { .deadline_us = RF_FOREVER, .observe = observe, .observe_arg = w };
        struct rf_provider_config config = { .name = "reccobeat", .plugin = TEST_BUILDDIR "/.libs/reccobeat.so", .n_options = 1 };
        struct rf_providers *providers;
        struct rf_upstream *upstream;
        struct rf_answer *answer = NULL;
        char url[96], message[256] = "";

        snprintf(url, sizeof(url), "http://%s:%u%s", w->host, w->is_deaf ? deaf_port : port, w->path);
        config.api_url = url;
        config.options = calloc(1, sizeof(*config.options));
        config.options[0].name = "timeout";
        config.options[0].value = "3s";
        config.options[0].where = "test";
        assert_int_equal(rf_providers_new(TEST_BUILDDIR "/.libs", &providers), 0);
        if (rf_providers_load(providers, &config, message, sizeof(message)) < 0)
                fail_msg("%s", message);
        free(config.options);
        assert_int_equal(rf_upstream_new(&(struct rf_upstream_options){ .concurrency = 4, .refusal_us = USEC_PER_SEC, .seed = 1, .http = http },
                                         providers, NULL, &upstream), 0);
        w->result = rf_upstream_call(upstream, &caller, &(struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = "x" }, &answer);
        rf_answer_unref(answer);
        w->stats = rf_upstream_provider_stats(upstream, rf_providers_at(providers, 0));
        rf_upstream_stop(upstream);
        rf_upstream_free(upstream);
        rf_providers_free(providers);
        return 0;
}

/* ---- How late the loop comes to a coroutine that wants to run every millisecond ---- */

struct ticker {
        size_t n, most;
        uint64_t late_us[TICKS_MAX];
};

static int tick(void *arg)
{
        struct ticker *t = arg;

        while (t->n < t->most) {
                uint64_t due_us = rf_now_us() + 1000;

                if (rf_sleep_until(due_us) < 0)
                        break;
                t->late_us[t->n++] = rf_now_us() - due_us;
        }
        return 0;
}

static int upwards(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static void print(struct ticker *t, const char *what)
{
        assert_true(t->n > 0);
        qsort(t->late_us, t->n, sizeof(t->late_us[0]), upwards);
        print_message("# the loop's delay, %s: %zu ticks, p50 %.2f, p99 %.2f, p99.9 %.2f, most %.2f ms\n", what, t->n,
                      (double)t->late_us[t->n / 2] / 1e3, (double)t->late_us[t->n * 99 / 100] / 1e3,
                      (double)t->late_us[t->n * 999 / 1000] / 1e3, (double)t->late_us[t->n - 1] / 1e3);
}

static int all_at_once(void *arg)
{
        static struct ticker alone, loaded;
        struct rf_group *calls, *ticks;

        (void)arg;
        alone.most = BASELINE_TICKS;
        loaded.most = TICKS_MAX;
        assert_int_equal(rf_http_new(&(struct rf_http_options){ .user_agent = "recflow-test/1", .connect_timeout_us = USEC_PER_SEC }, &http), 0);
        tick(&alone);
        assert_int_equal(rf_group_new(RF_FOREVER, &ticks), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &calls), 0);
        assert_int_equal(rf_group_spawn(ticks, "ticker", tick, &loaded), 0);
        for (size_t i = 0; i < ARRAY_SIZE(weathers); i++)
                assert_int_equal(rf_group_spawn(calls, "call", go_through, &weathers[i]), 0);
        assert_int_equal(rf_group_join(calls), 0);
        rf_group_free(calls);
        rf_group_free(ticks);
        rf_http_stop(http);
        http = rf_http_free(http);
        print(&alone, "nothing else running");
        print(&loaded, "in all weathers at once");
        assert_true(loaded.late_us[loaded.n - 1] < LATE_MAX_US); /* generous: the machine may be busy; the figures are above */
        return 0;
}

/* A listening socket whose queue is full: further connections get no answer at all. */
static int open_deaf(int *fillers)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(bind(fd, (struct sockaddr *)&a, size) == 0 && listen(fd, 0) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0);
        for (int i = 0; i < FILLERS; i++) {
                fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                connect(fillers[i], (struct sockaddr *)&a, size);
        }
        deaf_port = ntohs(a.sin_port);
        return fd;
}

static void every_weather_has_its_name_and_the_loop_stays_quick(void **state)
{
        int fillers[FILLERS], deaf = open_deaf(fillers);
        struct rf_sched *s;

        (void)state;
        port = rude_server_start();
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ 0 }, &s), 0);
        assert_int_equal(rf_sched_run(s, all_at_once, NULL), 0);
        print_message("# slowest step %.1f ms, steps over the limit: %llu\n", (double)rf_sched_stats(s).slowest_step_us / 1e3,
                      (unsigned long long)rf_sched_stats(s).slow_steps);
        assert_int_equal(rf_sched_stats(s).slow_steps, 0);
        rf_sched_free(s);
        rude_server_stop();
        for (int i = 0; i < FILLERS; i++)
                close(fillers[i]);
        close(deaf);
        for (size_t i = 0; i < ARRAY_SIZE(weathers); i++) {
                const struct weather *w = &weathers[i];

                print_message("# %-30s %-16s %s\n", w->what, w->record.failure ? w->record.failure : "-", w->record.message);
                assert_true(w->result < 0);
                assert_string_equal(w->record.failure ? w->record.failure : "", w->failure);
                assert_non_null(strstr(w->record.message, w->in_message));
                assert_int_equal(w->record.outcome, w->outcome);
                assert_int_equal((w->stats.blocked_us + USEC_PER_SEC - 1) / USEC_PER_SEC, w->blocked_s);
                assert_true(w->blocked_s == 0 || w->stats.calls == 1);
        }
        pthread_mutex_lock(&hang_lock);
        hangs = false;
        pthread_cond_broadcast(&hang_over);
        pthread_mutex_unlock(&hang_lock);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(every_weather_has_its_name_and_the_loop_stays_quick) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
