/*
 * A real TLS server (openssl s_server): sessions are resumed, strangers' certificates refused by name; and a proxy is asked if so set.
 * HTTP/2 with a real server of that (nghttpd), and with what breaks it.
 */
#include "test.h"

#include "net/http.h"
#include "rude_server.h"
#include "sched/sched.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/recflow-tls-XXXXXX", certificate[64], key[64];
static unsigned port;
static pid_t server;

static void run(const char *command)
{
        if (system(command) != 0)
                fail_msg("%s", command);
}

/* Starts a server that ends with the test. `ret_input` (may be NULL) is what it reads, `ret_output` what it says. */
static pid_t start(const char *const *arguments, int *ret_input, FILE **ret_output)
{
        int in[2], out[2];
        pid_t pid;

        assert_true(pipe(in) == 0 && pipe(out) == 0);
        pid = fork();
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                dup2(in[0], STDIN_FILENO);
                dup2(out[1], STDOUT_FILENO);
                close(in[1]);
                close(out[0]);
                execvp(arguments[0], (char *const *)arguments);
                _exit(127);
        }
        close(in[0]);
        close(out[1]);
        if (ret_input)
                *ret_input = in[1];
        *ret_output = fdopen(out[0], "r"); /* stays open as long as the server */
        return pid;
}

/* Reads lines until one begins so. */
static bool read_until(FILE *f, const char *beginning, char line[256])
{
        while (f && fgets(line, 256, f))
                if (strncmp(line, beginning, strlen(beginning)) == 0)
                        return true;
        return false;
}

static void stop(pid_t pid)
{
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static int open_server(void **state)
{
        char command[512], line[256] = "";
        FILE *f;

        (void)state;
        if (!mkdtemp(directory))
                return -1;
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", directory);
        snprintf(key, sizeof(key), "%s/key.pem", directory);
        snprintf(command, sizeof(command), "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
                 "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s/log", key, certificate, directory);
        run(command);
        server = start((const char *const[]){ "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key,
                                              NULL }, NULL, &f);
        return read_until(f, "ACCEPT", line) && sscanf(line, "ACCEPT 127.0.0.1:%u", &port) == 1 ? 0 : -1;
}

static int close_server(void **state)
{
        char command[96];

        (void)state;
        stop(server);
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        run(command);
        return 0;
}

/* ---- Asking ---- */

struct visit {
        struct rf_http_options options;
        const char *url;
        bool warms_up, comes_again;
        struct rf_http_response last;
        struct rf_http_stats stats;
};

static struct rf_http *http;

static int ask(void *arg)
{
        struct visit *v = arg;

        rf_http_response_done(&v->last);
        return rf_http_perform(http, &(struct rf_http_request){ .url = v->url, .timeout_us = 5 * USEC_PER_SEC, .is_idempotent = true }, &v->last);
}

static int visit(void *arg)
{
        struct visit *v = arg;

        assert_int_equal(rf_http_new(&v->options, &http), 0);
        if (v->warms_up)
                assert_int_equal(rf_http_warm_up(http), 0);
        assert_int_equal(ask(v), 0);
        if (v->comes_again)
                assert_int_equal(ask(v), 0);
        v->stats = rf_http_stats(http);
        rf_http_stop(http);
        http = rf_http_free(http);
        return 0;
}

static void go(struct visit *v)
{
        struct rf_sched *s;

        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ 0 }, &s), 0);
        assert_int_equal(rf_sched_run(s, visit, v), 0);
        rf_sched_free(s);
}

static void sessions_are_resumed(void **state)
{
        char url[64];
        struct visit v = { .options = { .user_agent = "t/1", .ca_file = certificate }, .url = url, .warms_up = true };

        (void)state;
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
        go(&v);
        assert_int_equal(v.last.status, 200);
        assert_non_null(strstr(v.last.body.data, "New, TLS"));
        rf_http_response_done(&v.last);
        v.comes_again = true; /* the server ends each connection */
        go(&v);
        assert_int_equal(v.last.status, 200);
        assert_false(v.last.is_reused);
        assert_non_null(strstr(v.last.body.data, "Reused, TLS"));
        rf_http_response_done(&v.last);
}

/* A bare root may have no /etc/hosts. */
static bool has_localhost(void)
{
        struct addrinfo *list = NULL;

        if (getaddrinfo("localhost", NULL, NULL, &list) != 0) {
                print_message("# localhost has no address here: the rest of this test is left out\n");
                return false;
        }
        freeaddrinfo(list);
        return true;
}

static void a_stranger_is_refused_by_name(void **state)
{
        char url[64];
        struct visit v = { .options = { .user_agent = "t/1" }, .url = url };

        (void)state;
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
        go(&v);
        assert_string_equal(rf_http_failure_name(v.last.failure), "certificate");
        print_message("# a certificate of nobody that we know: %s\n", v.last.message);
        rf_http_response_done(&v.last);
        v.options.ca_file = "/nonexistent/ca.pem";
        go(&v);
        assert_string_equal(rf_http_failure_name(v.last.failure), "tls");
        rf_http_response_done(&v.last);
        if (!has_localhost())
                return;
        snprintf(url, sizeof(url), "https://localhost:%u/", port); /* known, but another's */
        v.options.ca_file = certificate;
        go(&v);
        assert_string_equal(rf_http_failure_name(v.last.failure), "certificate");
        print_message("# another host's certificate: %s\n", v.last.message);
        rf_http_response_done(&v.last);
}

/* The rude server as the proxy: it is asked for the whole address, of a host that doesn't exist and that we don't look up. */
static void a_proxy_is_asked_unless_the_host_is_exempt(void **state)
{
        char proxy[64], direct[64];
        struct visit v = { .options = { .user_agent = "t/1", .proxy = proxy, .no_proxy = "example, .localhost" },
                           .url = "http://host.invalid/artist/search" };

        (void)state;
        snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", rude_server_start());
        go(&v);
        assert_int_equal(v.last.failure, RF_HTTP_FINE);
        assert_string_equal(v.last.body.data, "by proxy");
        rf_http_response_done(&v.last);
        rude_server_stop();
        if (!has_localhost())
                return;
        snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", rude_server_start());
        v.url = direct;
        snprintf(direct, sizeof(direct), "http://localhost%s/ok", strrchr(proxy, ':'));
        go(&v);
        assert_string_equal(v.last.body.data, "fine");
        rf_http_response_done(&v.last);
        rude_server_stop();
}

static unsigned free_port(void)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(bind(fd, (struct sockaddr *)&a, size) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0);
        close(fd);
        return ntohs(a.sin_port);
}

static const char *header_of(const struct rf_http_response *r, const char *name)
{
        for (size_t i = 0; i < r->n_headers; i++)
                if (strcasecmp(r->headers[i].name, name) == 0)
                        return r->headers[i].value;
        return "";
}

/* nghttpd speaks nothing else. */
static void http2_is_spoken_where_it_is_wanted(void **state)
{
        char number[16], url[64], line[256];
        const char *const arguments[] = { access("/usr/sbin/nghttpd", X_OK) == 0 ? "/usr/sbin/nghttpd" : "nghttpd", "-v", "-a", "127.0.0.1",
                                          "-d", directory, number, key, certificate, NULL };
        struct visit v = { .options = { .user_agent = "t/1", .ca_file = certificate, .http2 = true }, .url = url, .comes_again = true };
        pid_t nghttpd;
        FILE *f;

        (void)state;
        snprintf(number, sizeof(number), "%u", free_port());
        snprintf(url, sizeof(url), "https://127.0.0.1:%s/cert.pem", number);
        nghttpd = start(arguments, NULL, &f);
        if (!read_until(f, "IPv4: listen", line)) {
                stop(nghttpd);
                print_message("# SKIPPED: there is no nghttpd (package nghttp2-server): HTTP/2 isn't tried with a real server\n");
                skip();
        }
        go(&v);
        assert_int_equal(v.last.failure, RF_HTTP_FINE);
        assert_int_equal(v.last.status, 200);
        assert_non_null(strstr(header_of(&v.last, "server"), "nghttpd"));
        assert_non_null(strstr(v.last.body.data, "BEGIN CERTIFICATE"));
        assert_true(v.last.is_reused && v.stats.connections == 1);
        v.url = line;
        snprintf(line, sizeof(line), "https://127.0.0.1:%s/not-there", number);
        go(&v);
        assert_int_equal(v.last.status, 404);
        v.options.http2 = false;
        go(&v);
        assert_int_not_equal(v.last.failure, RF_HTTP_FINE);
        rf_http_response_done(&v.last);
        stop(nghttpd);
}

#define NO_SETTINGS "\0\0\0\4\0\0\0\0\0"

/* A service in trouble ends a request, or doesn't keep to the protocol: in either case there is no answer, and another try may help. */
static void what_ends_http2_is_a_loss(void **state)
{
        static const struct {
                const char *frames;
                size_t size;
        } ends[] = {
                { NO_SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\2", 22 }, /* RST_STREAM of the first stream: an internal error */
                { NO_SETTINGS "\0\0\1\0\0\0\0\0\0x", 19 },         /* DATA of the connection itself, which has none */
                { NO_SETTINGS "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\2", 26 }, /* GOAWAY */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                char url[64], line[256];
                unsigned number;
                int input;
                FILE *f;
                pid_t pid = start((const char *const[]){ "openssl", "s_server", "-accept", "127.0.0.1:0", "-alpn", "h2", "-cert", certificate,
                                                         "-key", key, NULL }, &input, &f);
                struct visit v = { .options = { .user_agent = "t/1", .ca_file = certificate, .http2 = true }, .url = url };

                assert_true(read_until(f, "ACCEPT", line) && sscanf(line, "ACCEPT 127.0.0.1:%u", &number) == 1);
                snprintf(url, sizeof(url), "https://127.0.0.1:%u/", number);
                assert_int_equal(write(input, ends[i].frames, ends[i].size), ends[i].size);
                go(&v);
                print_message("# %s: %s\n", rf_http_failure_name(v.last.failure), v.last.message);
                assert_string_equal(rf_http_failure_name(v.last.failure), "lost");
                rf_http_response_done(&v.last);
                stop(pid);
                close(input);
                fclose(f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sessions_are_resumed),
                cmocka_unit_test(a_stranger_is_refused_by_name),
                cmocka_unit_test(a_proxy_is_asked_unless_the_host_is_exempt),
                cmocka_unit_test(http2_is_spoken_where_it_is_wanted),
                cmocka_unit_test(what_ends_http2_is_a_loss),
        };

        return cmocka_run_group_tests(tests, open_server, close_server);
}
