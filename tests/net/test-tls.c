/* A real TLS server (openssl s_server): sessions are resumed, strangers' certificates refused by name; and a proxy is asked if so set. */
#include "test.h"

#include "net/http.h"
#include "rude_server.h"
#include "sched/sched.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

static int open_server(void **state)
{
        char command[512], line[256] = "";
        int pipes[2];
        FILE *f;

        (void)state;
        if (!mkdtemp(directory) || pipe(pipes) < 0)
                return -1;
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", directory);
        snprintf(key, sizeof(key), "%s/key.pem", directory);
        snprintf(command, sizeof(command), "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
                 "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s/log", key, certificate, directory);
        run(command);
        server = fork();
        if (server == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                dup2(pipes[1], STDOUT_FILENO);
                execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key, NULL);
                _exit(127);
        }
        close(pipes[1]);
        f = fdopen(pipes[0], "r"); /* stays open as long as the server */
        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "ACCEPT 127.0.0.1:%u", &port) == 1)
                        return 0;
        return -1;
}

static int close_server(void **state)
{
        char command[96];

        (void)state;
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sessions_are_resumed),
                cmocka_unit_test(a_stranger_is_refused_by_name),
                cmocka_unit_test(a_proxy_is_asked_unless_the_host_is_exempt),
        };

        return cmocka_run_group_tests(tests, open_server, close_server);
}
