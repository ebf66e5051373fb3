#include "test.h"

#include "base/error.h"
#include "base/limits.h"
#include "net/http.h"
#include "rude_server.h"
#include "sched/sched.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t port;
static struct rf_http *http;

/* ---- A resolver that hangs when told to ---- */

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hang_over = PTHREAD_COND_INITIALIZER;
static bool hangs;
static atomic_uint lookups;

static void set_hanging(bool on)
{
        pthread_mutex_lock(&hang_lock);
        hangs = on;
        pthread_cond_broadcast(&hang_over);
        pthread_mutex_unlock(&hang_lock);
}

/* Takes the place of libc's for the whole test. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
        int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

        lookups++;
        if (node && strcmp(node, "hang.test") == 0) {
                pthread_mutex_lock(&hang_lock);
                while (hangs)
                        pthread_cond_wait(&hang_over, &hang_lock);
                pthread_mutex_unlock(&hang_lock);
        }
        if (node && strcmp(node, "nowhere.test") == 0)
                return EAI_NONAME;
        if (node && strcmp(node, "deaf.test") == 0)
                return EAI_AGAIN;
        if (node && strstr(node, ".test"))
                node = "127.0.0.1";
        return real(node, service, hints, res);
}

/* ---- Running ---- */

struct body {
        int (*fn)(void);
        const struct rf_http_options *options;
};

static int run_body(void *arg)
{
        const struct body *b = arg;
        int r = rf_http_new(b->options, &http);

        if (r >= 0)
                r = b->fn();
        rf_http_stop(http);
        http = rf_http_free(http);
        return r;
}

static void with_proxy(const char *proxy, int (*fn)(void))
{
        const struct rf_http_options o = { .user_agent = "recflow-test/1", .connect_timeout_us = USEC_PER_SEC, .proxy = proxy };
        struct body b = { fn, &o };
        struct rf_sched *s;

        port = rude_server_start();
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ 0 }, &s), 0);
        assert_int_equal(rf_sched_run(s, run_body, &b), 0);
        rf_sched_free(s);
        rude_server_stop();
}

static void with_http(int (*fn)(void))
{
        with_proxy(NULL, fn);
}

static int get(const char *host, const char *path, uint64_t timeout_us, struct rf_http_response *ret)
{
        char url[256];

        snprintf(url, sizeof(url), "http://%s:%u%s", host, port, path);
        return rf_http_perform(http, &(struct rf_http_request){ .url = url, .timeout_us = timeout_us, .is_idempotent = true }, ret);
}

/* Measures how late the loop comes to a coroutine that wants to run every millisecond. */
struct pulse {
        struct rf_group *group;
        uint64_t worst_us;
};

static int beat(void *arg)
{
        struct pulse *p = arg;

        for (;;) {
                uint64_t due_us = rf_now_us() + 1000;

                if (rf_sleep_until(due_us) < 0)
                        return 0;
                p->worst_us = MAX(p->worst_us, rf_now_us() - due_us);
        }
}

static void start_pulse(struct pulse *p)
{
        p->worst_us = 0;
        assert_int_equal(rf_group_new(RF_FOREVER, &p->group), 0);
        assert_int_equal(rf_group_spawn(p->group, "pulse", beat, p), 0);
}

static uint64_t stop_pulse(struct pulse *p)
{
        rf_group_free(p->group);
        return p->worst_us;
}

/* ---- Good manners ---- */

static const char *header_of(const struct rf_http_response *r, const char *name)
{
        for (size_t i = 0; i < r->n_headers; i++)
                if (strcasecmp(r->headers[i].name, name) == 0)
                        return r->headers[i].value;
        return NULL;
}

static int gets_and_posts(void)
{
        struct rf_http_response r;
        char url[64];

        assert_int_equal(get("good.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_FINE);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body.data, "fine");
        assert_int_equal(r.body.size, 4);
        assert_string_equal(header_of(&r, "x-hello"), "world");
        assert_false(r.is_reused);
        assert_true(r.total_us >= r.first_byte_us);
        rf_http_response_done(&r);
        assert_int_equal(get("good.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_true(r.is_reused);
        rf_http_response_done(&r);
        assert_int_equal(rude_server_connections(), 1);
        assert_int_equal(lookups, 1); /* kept */
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/echo", port);
        assert_int_equal(rf_http_perform(http, &(struct rf_http_request){ .method = RF_METHOD_POST, .url = url, .body = "a body", .body_size = 6,
                                                                          .timeout_us = 5 * USEC_PER_SEC }, &r), 0);
        assert_string_equal(r.body.data, "a body");
        rf_http_response_done(&r);
        assert_int_equal(get("127.0.0.1", "/status/429", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_FINE); /* whatever the status: it came */
        assert_int_equal(r.status, 429);
        assert_string_equal(header_of(&r, "Retry-After"), "7");
        rf_http_response_done(&r);
        return 0;
}

static void requests_reuse_connections_and_names(void **state)
{
        (void)state;
        lookups = 0;
        with_http(gets_and_posts);
}

static int meets_a_dead_connection(void)
{
        struct rf_http_response r;

        for (int i = 0; i < 5; i++) { /* each answer is followed by an end that nobody announced */
                assert_int_equal(get("127.0.0.1", "/close", 5 * USEC_PER_SEC, &r), 0);
                assert_int_equal(r.failure, RF_HTTP_FINE);
                assert_string_equal(r.body.data, "fine");
                rf_http_response_done(&r);
        }
        return 0;
}

static void a_dead_kept_connection_costs_nothing(void **state)
{
        (void)state;
        with_http(meets_a_dead_connection);
}

/* ---- Bad manners ---- */

static void expect(const char *path, uint64_t timeout_us, enum rf_http_failure failure, uint16_t status)
{
        struct rf_http_response r;

        assert_int_equal(get("127.0.0.1", path, timeout_us, &r), 0);
        if (r.failure != failure || (failure == RF_HTTP_FINE && r.status != status))
                fail_msg("%s: %s (%s), status %u", path, rf_http_failure_name(r.failure), r.message, r.status);
        assert_int_equal(failure != RF_HTTP_FINE, r.message[0] != '\0');
        if (failure != RF_HTTP_FINE)
                assert_int_equal(r.body.size, 0);
        rf_http_response_done(&r);
}

static int survives_bad_manners(void)
{
        struct pulse p;

        start_pulse(&p);
        expect("/drip", 300 * USEC_PER_MSEC, RF_HTTP_TIMEOUT, 0);
        expect("/hang", 100 * USEC_PER_MSEC, RF_HTTP_TIMEOUT, 0);
        expect("/huge", 30 * USEC_PER_SEC, RF_HTTP_TOO_LARGE, 0);
        expect("/truncated", 5 * USEC_PER_SEC, RF_HTTP_LOST, 0);
        expect("/headers", 5 * USEC_PER_SEC, RF_HTTP_TOO_MANY_HEADERS, 0);
        expect("/long-header", 5 * USEC_PER_SEC, RF_HTTP_TOO_MANY_HEADERS, 0);
        expect("/garbage", 5 * USEC_PER_SEC, RF_HTTP_PROTOCOL, 0);
        expect("/redirect-file", 5 * USEC_PER_SEC, RF_HTTP_FINE, 302); /* not followed */
        expect("/redirect-private", 5 * USEC_PER_SEC, RF_HTTP_FINE, 302);
        expect("/ok", 5 * USEC_PER_SEC, RF_HTTP_FINE, 200); /* and nothing is broken by any of it */
        print_message("# bad manners: the loop was late by %.1f ms at most\n", (double)stop_pulse(&p) / 1e3);
        return 0;
}

static void every_bad_manner_has_its_own_error(void **state)
{
        (void)state;
        with_http(survives_bad_manners);
}

/* The body never came whole, but what came before it did. */
static int is_refused_in_part(void)
{
        static const struct {
                const char *path;
                enum rf_http_failure failure;
        } refusals[] = { { "/429-cut", RF_HTTP_LOST }, { "/429-hang", RF_HTTP_TIMEOUT } };

        for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
                struct rf_http_response r;

                assert_int_equal(get("127.0.0.1", refusals[i].path, 300 * USEC_PER_MSEC, &r), 0);
                assert_int_equal(r.failure, refusals[i].failure);
                assert_int_equal(r.status, 429);
                assert_string_equal(header_of(&r, "Retry-After"), "763");
                assert_int_equal(r.body.size, 0);
                rf_http_response_done(&r);
        }
        return 0;
}

static void status_and_headers_are_kept_whatever_becomes_of_the_body(void **state)
{
        (void)state;
        with_http(is_refused_in_part);
}

static int hangs_in_names(void)
{
        struct rf_http_response r;
        struct pulse p;

        set_hanging(true);
        start_pulse(&p);
        assert_int_equal(get("hang.test", "/ok", 200 * USEC_PER_MSEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_RESOLVE_TIMEOUT);
        assert_true(r.total_us < 2 * USEC_PER_SEC); /* while the lookup still hangs */
        rf_http_response_done(&r);
        assert_int_equal(get("good.test", "/ok", 5 * USEC_PER_SEC, &r), 0); /* others aren't held up */
        assert_int_equal(r.status, 200);
        rf_http_response_done(&r);
        assert_int_equal(get("nowhere.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_NO_SUCH_HOST);
        assert_non_null(strstr(r.message, "nowhere.test"));
        rf_http_response_done(&r);
        assert_int_equal(get("deaf.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_RESOLVE_FAILED);
        rf_http_response_done(&r);
        print_message("# a hung resolver: the loop was late by %.1f ms at most\n", (double)stop_pulse(&p) / 1e3);
        set_hanging(false);
        return 0;
}

static void a_hung_resolver_holds_up_nobody_else(void **state)
{
        (void)state;
        with_http(hangs_in_names);
}

static int leaves_a_hung_lookup(void)
{
        struct rf_http_response r;

        set_hanging(true);
        assert_int_equal(get("hang.test", "/ok", 50 * USEC_PER_MSEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_RESOLVE_TIMEOUT);
        rf_http_response_done(&r);
        return 0;
}

static void a_hung_lookup_may_outlive_the_client(void **state)
{
        (void)state;
        with_http(leaves_a_hung_lookup); /* client and scheduler end while the thread still hangs */
        set_hanging(false);
}

/* A listening socket whose queue is full: further connections get no answer at all. */
static int deaf_socket(uint16_t *ret_port, int *fillers, size_t n)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(bind(fd, (struct sockaddr *)&a, size) == 0 && listen(fd, 0) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0);
        for (size_t i = 0; i < n; i++) {
                fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                connect(fillers[i], (struct sockaddr *)&a, size);
        }
        *ret_port = ntohs(a.sin_port);
        return fd;
}

static int connects_in_vain(void)
{
        uint16_t good = port;
        struct rf_http_response r;
        int fillers[4], fd = deaf_socket(&port, fillers, ARRAY_SIZE(fillers));

        assert_int_equal(get("127.0.0.1", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_CONNECT_TIMEOUT);
        rf_http_response_done(&r);
        for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
                close(fillers[i]);
        close(fd);
        assert_int_equal(get("127.0.0.1", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_REFUSED);
        rf_http_response_done(&r);
        port = good;
        return 0;
}

static void a_connection_that_never_comes_is_told_from_a_refused_one(void **state)
{
        (void)state;
        with_http(connects_in_vain);
}

static int end_hanging(void *arg)
{
        (void)arg;
        rf_sleep_us(700 * USEC_PER_MSEC);
        set_hanging(false);
        return 0;
}

/* Most of the time goes by before there is an address, and nobody answers at it. */
static int connects_in_vain_after_a_slow_name(void)
{
        uint16_t good = port;
        struct rf_http_response r;
        struct rf_group *g;
        int fillers[4], fd = deaf_socket(&port, fillers, ARRAY_SIZE(fillers));

        set_hanging(true);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "end-hanging", end_hanging, NULL), 0);
        assert_int_equal(get("hang.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(r.failure, RF_HTTP_CONNECT_TIMEOUT);
        assert_in_range(r.total_us, 900 * USEC_PER_MSEC, 1650 * USEC_PER_MSEC); /* one second for both, not for each */
        rf_http_response_done(&r);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
                close(fillers[i]);
        close(fd);
        port = good;
        return 0;
}

static void name_and_connection_share_one_time(void **state)
{
        (void)state;
        with_http(connects_in_vain_after_a_slow_name);
}

/* ---- Leaving ---- */

static int asks_for_ever(void *arg)
{
        struct rf_http_response r;

        (void)arg;
        assert_int_equal(get("127.0.0.1", "/hang", RF_FOREVER / 2, &r), -ECANCELED);
        return 0;
}

static int leaves_early(void)
{
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 20; i++)
                assert_int_equal(rf_group_spawn(g, "asks", asks_for_ever, NULL), 0);
        while (rude_server_requests() < 20)
                assert_int_equal(rf_sleep_us(1000), 0);
        assert_int_equal(rf_http_stats(http).in_flight, 20);
        rf_group_free(g);
        assert_int_equal(rf_http_stats(http).in_flight, 0);
        while (rude_server_hangups() < 20) /* the server sees each of them go; the test's own time limit ends this otherwise */
                assert_int_equal(rf_sleep_us(1000), 0);
        return 0;
}

static void leaving_closes_the_connection(void **state)
{
        (void)state;
        with_http(leaves_early);
}

struct crowd {
        unsigned ok;
};

static int one_of_many(void *arg)
{
        struct crowd *c = arg;
        struct rf_http_response r;

        assert_int_equal(get("127.0.0.1", "/ok", 30 * USEC_PER_SEC, &r), 0);
        c->ok += r.failure == RF_HTTP_FINE && r.status == 200;
        rf_http_response_done(&r);
        return 0;
}

static int comes_in_crowds(void)
{
        struct crowd c = { 0 };
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 1000; i++)
                assert_int_equal(rf_group_spawn(g, "one", one_of_many, &c), 0);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_int_equal(c.ok, 1000);
        assert_in_range(rude_server_connections(), 1, 32); /* per host */
        return 0;
}

static void a_crowd_shares_a_bounded_number_of_connections(void **state)
{
        (void)state;
        with_http(comes_in_crowds);
}

/* In place of the scheduler's, by the linker. */
static bool has_no_memory;
int __real_rf_io_new(int fd, struct rf_io **ret);
int __wrap_rf_io_new(int fd, struct rf_io **ret);

int __wrap_rf_io_new(int fd, struct rf_io **ret)
{
        return has_no_memory ? -ENOMEM : __real_rf_io_new(fd, ret);
}

static int waits_in_vain(void *arg)
{
        struct rf_http_response *r = arg;

        return get("good.test", "/hang", 20 * USEC_PER_SEC, r);
}

/* What was under way ends at once, and what comes next is served. */
static int runs_out_of_memory(void)
{
        struct rf_http_response r, other;
        uint64_t start_us = rf_now_us();
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "waits", waits_in_vain, &other), 0);
        assert_int_equal(rf_sleep_us(100 * USEC_PER_MSEC), 0); /* it's under way, or else ends as well */
        has_no_memory = true;
        assert_int_equal(get("good.test", "/ok", 20 * USEC_PER_SEC, &r), -ENOMEM);
        has_no_memory = false;
        assert_int_equal(rf_group_join(g), -ENOMEM);
        rf_group_free(g);
        assert_true(rf_now_us() - start_us < 10 * USEC_PER_SEC);
        expect("/ok", 5 * USEC_PER_SEC, RF_HTTP_FINE, 200);
        return 0;
}

static void running_out_of_memory_is_survived(void **state)
{
        (void)state;
        with_http(runs_out_of_memory);
}

static int warms_up(void)
{
        uint64_t start_us = rf_now_us();

        assert_int_equal(rf_http_warm_up(http), 0);
        assert_true(rf_now_us() - start_us < USEC_PER_SEC); /* it ends by itself, not by its timeout */
        return 0;
}

static void certificates_are_read_ahead(void **state)
{
        (void)state;
        with_http(warms_up);
}

static int warms_up_by_itself(void)
{
        struct rf_http_response r;

        assert_int_equal(rf_http_warm_up(http), 0);
        assert_int_equal(lookups, 0); /* of the proxy's name */
        assert_int_equal(get("elsewhere.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(lookups, 1);
        rf_http_response_done(&r);
        return 0;
}

static void the_proxy_has_no_part_in_that(void **state)
{
        (void)state;
        lookups = 0;
        with_proxy("http://proxy.test:9", warms_up_by_itself);
}

/* Which port it is, and whether somebody is there, doesn't matter: libcurl has to find the address that we looked up. */
static int asks_a_proxy_once(void)
{
        struct rf_http_response r;

        lookups = 0;
        assert_int_equal(get("elsewhere.test", "/ok", 5 * USEC_PER_SEC, &r), 0);
        assert_int_equal(lookups, 1);
        rf_http_response_done(&r);
        return 0;
}

static void a_proxys_name_is_looked_up_off_the_loop_whatever_its_port(void **state)
{
        static const char *const proxies[] = { "http://proxy.test", "proxy.test", "https://proxy.test", "http://proxy.test:80",
                                               "proxy.test:9", "http://user:password@proxy.test/" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
                with_proxy(proxies[i], asks_a_proxy_once);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_reuse_connections_and_names),
                cmocka_unit_test(a_dead_kept_connection_costs_nothing),
                cmocka_unit_test(every_bad_manner_has_its_own_error),
                cmocka_unit_test(status_and_headers_are_kept_whatever_becomes_of_the_body),
                cmocka_unit_test(a_hung_resolver_holds_up_nobody_else),
                cmocka_unit_test(a_hung_lookup_may_outlive_the_client),
                cmocka_unit_test(a_connection_that_never_comes_is_told_from_a_refused_one),
                cmocka_unit_test(name_and_connection_share_one_time),
                cmocka_unit_test(leaving_closes_the_connection),
                cmocka_unit_test(a_crowd_shares_a_bounded_number_of_connections),
                cmocka_unit_test(running_out_of_memory_is_survived),
                cmocka_unit_test(certificates_are_read_ahead),
                cmocka_unit_test(the_proxy_has_no_part_in_that),
                cmocka_unit_test(a_proxys_name_is_looked_up_off_the_loop_whatever_its_port),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
