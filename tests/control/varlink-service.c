/*
 * A service for tests of the Varlink library: org.varlink.certification, by a description given as a file, and an interface of its
 * own. varlink-service SOCKET [DESCRIPTION-FILE]; says "ready" on standard output, ends when standard input does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "control/varlink/server.h"
#include "control/varlink/socket.h"
#include "sched/sched.h"

static const char TEST_DESCRIPTION[] =
        "interface io.recflow.test\n"
        "type Colour (red, green, blue)\n"
        "method Echo(text: string) -> (text: string)\n"
        "method Typed(number: int, maybe: ?string, colour: ?Colour, list: ?[]int, flag: ?bool) -> ()\n"
        "method Count(to: int, padding: ?int) -> (number: int, padding: ?string)\n"
        "method Hang() -> ()\n"
        "method Cancelled() -> (times: int)\n"
        "method Wrong() -> (number: int)\n"
        "method Undone() -> ()\n"
        "error Failed (why: string)\n";

/* ---- io.recflow.test ---- */

static unsigned times_cancelled;

static int64_t number(struct rf_varlink_call *c, const char *name)
{
        return json_integer_value(json_object_get(rf_varlink_call_parameters(c), name));
}

static int echo(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(c, json_pack("{s:O}", "text", json_object_get(rf_varlink_call_parameters(c), "text")));
}

static int typed(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(c, NULL);
}

/* A stream; as long as the numbers are, so is the padding. */
static int count(struct rf_varlink_call *c, void *arg)
{
        int64_t to = number(c, "to"), padding = number(c, "padding");
        _cleanup_free_ char *text = calloc(1, (size_t)padding + 1);

        (void)arg;
        memset(text, 'x', (size_t)padding);
        if (!rf_varlink_call_wants_more(c))
                return rf_varlink_call_expected_more(c);
        for (int64_t i = 1; i < to; i++) {
                int r = rf_varlink_call_continue(c, json_pack("{s:I, s:s}", "number", (json_int_t)i, "padding", text));

                if (r < 0)
                        return r;
        }
        return rf_varlink_call_reply(c, json_pack("{s:I, s:s}", "number", (json_int_t)to, "padding", text));
}

static int hang(struct rf_varlink_call *c, void *arg)
{
        int r = rf_sleep_us(RF_FOREVER);

        (void)c;
        (void)arg;
        times_cancelled += r == -ECANCELED;
        return r;
}

static int cancelled(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(c, json_pack("{s:i}", "times", (int)times_cancelled));
}

/* A reply that the description doesn't allow. */
static int wrong(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(c, json_pack("{s:s}", "number", "five"));
}

static const struct rf_varlink_method TEST_METHODS[] = {
        { "Echo", echo }, { "Typed", typed }, { "Count", count }, { "Hang", hang }, { "Cancelled", cancelled }, { "Wrong", wrong },
};

/* ---- org.varlink.certification: each call gives back what the reply before it said ---- */

#define MYTYPE                                                                                                                         \
        "{\"object\":{\"method\":\"org.varlink.certification.Test09\",\"parameters\":{\"map\":{\"foo\":\"Foo\"}}},\"enum\":\"two\","   \
        "\"struct\":{\"first\":1,\"second\":\"2\"},\"array\":[\"one\",\"two\",\"three\"],\"dictionary\":{\"foo\":\"Foo\"},"           \
        "\"stringset\":{\"one\":{},\"two\":{}},\"nullable\":null,\"nullable_array_struct\":null,"                                      \
        "\"interface\":{\"foo\":[null,{\"foo\":\"foo\",\"bar\":\"bar\"},null],\"anon\":{\"foo\":true,\"bar\":false}}}"

static const struct {
        const char *wants, *replies; /* parameters, beside client_id */
} STEPS[] = {
        [1] = { "{}", "{\"bool\":true}" },
        [2] = { "{\"bool\":true}", "{\"int\":1}" },
        [3] = { "{\"int\":1}", "{\"float\":1.0}" },
        [4] = { "{\"float\":1.0}", "{\"string\":\"ping\"}" },
        [5] = { "{\"string\":\"ping\"}", "{\"bool\":false,\"int\":2,\"float\":3.1414,\"string\":\"a \\\"lot\\\" of ⛈ text\"}" },
        [6] = { "{\"bool\":false,\"int\":2,\"float\":3.1414,\"string\":\"a \\\"lot\\\" of ⛈ text\"}",
                "{\"struct\":{\"bool\":false,\"int\":2,\"float\":3.1414,\"string\":\"text\"}}" },
        [7] = { "{\"struct\":{\"bool\":false,\"int\":2,\"float\":3.1414,\"string\":\"text\"}}", "{\"map\":{\"bar\":\"Bar\",\"foo\":\"Foo\"}}" },
        [8] = { "{\"map\":{\"bar\":\"Bar\",\"foo\":\"Foo\"}}", "{\"set\":{\"one\":{},\"two\":{},\"three\":{}}}" },
        [9] = { "{\"set\":{\"one\":{},\"two\":{},\"three\":{}}}", "{\"mytype\":" MYTYPE "}" },
        [10] = { "{\"mytype\":" MYTYPE "}", NULL },
        [11] = { "{\"last_more_replies\":[\"reply 1\",\"reply 2\",\"reply 3\"]}", "{}" },
};

static unsigned passed;

/* Nulls are as good as absence, and 1 as 1.0: made the same on both sides before they are compared. */
static void normalise(json_t *j)
{
        const char *key;
        json_t *value;
        void *next;
        size_t i;

        if (json_is_array(j))
                json_array_foreach(j, i, value) normalise(value);
        if (json_is_object(j))
                json_object_foreach_safe(j, next, key, value) {
                        normalise(value);
                        if (json_is_null(value))
                                json_object_del(j, key);
                        else if (json_is_number(value))
                                json_object_set_new(j, key, json_real(json_number_value(value)));
                }
}

static int step(struct rf_varlink_call *c, size_t n)
{
        _cleanup_json_ json_t *got = json_deep_copy(rf_varlink_call_parameters(c)), *wants = json_loads(STEPS[n].wants, 0, NULL);

        if (strcmp(json_string_value(json_object_get(got, "client_id")), "certified") != 0)
                return rf_varlink_call_error(c, "org.varlink.certification.ClientIdError", NULL);
        json_object_del(got, "client_id");
        normalise(got);
        normalise(wants);
        if (!json_equal(got, wants))
                return rf_varlink_call_error(c, "org.varlink.certification.CertificationError", json_pack("{s:O, s:O}", "wants", wants, "got", got));
        passed++;
        if (STEPS[n].replies)
                return rf_varlink_call_reply(c, json_loads(STEPS[n].replies, 0, NULL));
        for (int i = 1; i <= 2; i++) {
                int r = rf_varlink_call_continue(c, json_pack("{s:o}", "string", json_sprintf("reply %d", i)));

                if (r < 0)
                        return r;
        }
        return rf_varlink_call_reply(c, json_pack("{s:s}", "string", "reply 3"));
}

static int start(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        passed = 0;
        return rf_varlink_call_reply(c, json_pack("{s:s}", "client_id", "certified"));
}

static int end(struct rf_varlink_call *c, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(c, json_pack("{s:b}", "all_ok", passed == 11));
}

#define STEP(n)                                                    \
        static int step_##n(struct rf_varlink_call *c, void *arg) \
        {                                                          \
                (void)arg;                                         \
                return step(c, n);                                 \
        }
STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)

static const struct rf_varlink_method CERTIFICATION_METHODS[] = {
        { "Start", start },    { "Test01", step_1 }, { "Test02", step_2 }, { "Test03", step_3 },  { "Test04", step_4 },  { "Test05", step_5 },
        { "Test06", step_6 }, { "Test07", step_7 }, { "Test08", step_8 }, { "Test09", step_9 }, { "Test10", step_10 }, { "Test11", step_11 },
        { "End", end },
};

/* ---- Serving ---- */

struct service {
        const char *socket;
        char *description;
};

static char *read_file(const char *path)
{
        FILE *f = fopen(path, "re");
        char *text = calloc(1, 65536);

        if (!f || fread(text, 1, 65535, f) == 0)
                exit(1);
        fclose(f);
        return text;
}

static int serve(void *arg)
{
        const struct service *service = arg;
        struct rf_varlink_options o = { .vendor = "recflow", .product = "test", .version = "1", .url = "https://recflow.io/",
                                        .stall_us = 2 * USEC_PER_SEC, .idle_us = 60 * USEC_PER_SEC, .clients_max = 300,
                                        .clients_per_user_max = 250, .checks_replies = true };
        struct rf_varlink_server *s = NULL;
        struct rf_io *io = NULL;
        char message[256] = "", byte;
        int fd, r = rf_varlink_server_new(&o, &s);

        if (r >= 0)
                r = rf_varlink_server_add(s, TEST_DESCRIPTION, TEST_METHODS, ARRAY_SIZE(TEST_METHODS), NULL, message, sizeof(message));
        if (r >= 0 && service->description)
                r = rf_varlink_server_add(s, service->description, CERTIFICATION_METHODS, ARRAY_SIZE(CERTIFICATION_METHODS), NULL, message,
                                          sizeof(message));
        if (r >= 0)
                r = rf_socket_listen(service->socket, 0600, &fd, message, sizeof(message));
        if (r >= 0)
                r = rf_varlink_server_listen(s, fd);
        if (r < 0) {
                fprintf(stderr, "%d %s\n", r, message);
                return r;
        }
        puts("ready");
        fflush(stdout);
        fcntl(0, F_SETFL, O_NONBLOCK);
        r = rf_io_new(0, &io);
        while (r >= 0 && read(0, &byte, 1) < 0 && errno == EAGAIN)
                r = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
        rf_io_free(io);
        rf_varlink_server_stop(s);
        printf("%llu calls, %llu protocol errors, %llu stalled\n", (unsigned long long)rf_varlink_server_stats(s).calls,
               (unsigned long long)rf_varlink_server_stats(s).protocol_errors, (unsigned long long)rf_varlink_server_stats(s).stalled);
        rf_varlink_server_free(s);
        unlink(service->socket);
        return 0;
}

int main(int argc, char **argv)
{
        struct service service = { .socket = argv[1], .description = argc > 2 ? read_file(argv[2]) : NULL };
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        int r;

        signal(SIGPIPE, SIG_IGN);
        r = rf_sched_new(&(struct rf_sched_options){ 0 }, &s);
        if (r >= 0)
                r = rf_sched_run(s, serve, &service);
        free(service.description);
        return r < 0;
}
