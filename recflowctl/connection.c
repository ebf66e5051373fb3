#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ctl.h"
#include "text.h"

/* A pipe whose other end was closed, as "head" does once it has its lines: nothing to complain about. */
static bool is_unread(int fd)
{
        struct pollfd p = { .fd = fd };

        return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

int ctl_flush(const struct ctl *c)
{
        (void)c;
        if (fflush(stdout) == 0 && !ferror(stdout))
                return EXIT_DONE;
        if (errno == EPIPE || is_unread(STDOUT_FILENO))
                return EXIT_FAILED;
        fprintf(stderr, "recflowctl: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
}

int ctl_print_json(const struct ctl *c, const json_t *j)
{
        if (json_dumpf(j, stdout, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
                return ctl_out_of_memory(c);
        putchar('\n');
        return ctl_flush(c);
}

/* On standard error, and as JSON with what `details` (may be NULL) tells for programs. */
static void tell(bool is_json, const char *error, const json_t *details, char *message)
{
        static const char *const kept[] = { "code", "run" };
        _cleanup_json_ json_t *j = NULL;

        text_clean(message);
        fprintf(stderr, "recflowctl: %s\n", message);
        if (!is_json || !(j = json_pack("{s:s, s:s}", "error", error, "message", message)))
                return;
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (json_object_get(details, kept[i]))
                        (void)json_object_set(j, kept[i], json_object_get(details, kept[i]));
        if (json_dumpf(j, stdout, JSON_COMPACT) >= 0)
                putchar('\n');
        fflush(stdout);
}

int ctl_fail(const struct ctl *c, enum exit_code code, const char *error, const char *format, ...)
{
        char message[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        tell(c->args.is_set[OPT_JSON], error, NULL, message);
        return code;
}

int ctl_usage(const struct args *a, const char *format, ...)
{
        char message[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        tell(a->wants_json, "usage", NULL, message);
        return EXIT_USAGE;
}

void ctl_say(const struct ctl *c, const char *format, ...)
{
        va_list args;

        if (c->args.is_set[OPT_QUIET])
                return;
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
}

int ctl_out_of_memory(const struct ctl *c)
{
        return ctl_fail(c, EXIT_FAILED, "memory", "out of memory");
}

static int connection_failed(const struct ctl *c, int r)
{
        if (r == -ENOENT || r == -ECONNREFUSED)
                return ctl_fail(c, EXIT_NO_DAEMON, "no_daemon",
                                "%s: no daemon answers there; is recflowd running? (--socket or $RECFLOW_SOCKET name another place)", c->socket);
        return ctl_fail(c, EXIT_NO_DAEMON, "no_daemon", "%s: %s", c->socket, rf_strerror(r));
}

void ctl_disconnect(struct ctl *c)
{
        c->client = rf_varlink_client_free(c->client);
}

static int broken(const struct ctl *c, int r)
{
        if (r == -EPIPE)
                return ctl_fail(c, EXIT_FAILED, "disconnected", "%s: the daemon closed the connection", c->socket);
        if (r == -EBADMSG || r == -EMSGSIZE)
                return ctl_fail(c, EXIT_FAILED, "protocol", "%s: what answers there doesn't speak Varlink", c->socket);
        return ctl_fail(c, EXIT_FAILED, "connection", "%s: %s", c->socket, rf_strerror(r));
}

int ctl_start(struct ctl *c, const char *method, const json_t *parameters, unsigned flags)
{
        int r = c->client ? 0 : rf_varlink_client_connect(c->socket, &c->client);

        if (r < 0)
                return connection_failed(c, r);
        r = rf_varlink_client_send(c->client, method, parameters, flags);
        return r < 0 ? broken(c, r) : 0;
}

/* What an error reply says, for people. */
static void explain(const struct rf_varlink_message *m, char *buf, size_t size)
{
        const char *name = strrchr(m->error, '.') ? strrchr(m->error, '.') + 1 : m->error;
        const char *message = json_string_value(json_object_get(m->parameters, "message"));
        const char *parameter = json_string_value(json_object_get(m->parameters, "parameter"));
        const char *file = json_string_value(json_object_get(m->parameters, "file"));
        int line = (int)json_integer_value(json_object_get(m->parameters, "line"));

        if (file && message && line > 0)
                snprintf(buf, size, "%s:%d: %s; the old configuration stays", file, line, message);
        else if (file && message)
                snprintf(buf, size, "%s: %s; the old configuration stays", file, message);
        else if (message)
                snprintf(buf, size, "%s", message);
        else if (parameter && strcmp(parameter, "prompt") == 0)
                snprintf(buf, size, "there is nothing in the prompt to work with, or it's too long");
        else if (parameter)
                snprintf(buf, size, "the daemon doesn't accept the parameter \"%s\"", parameter);
        else if (strcmp(name, "PermissionDenied") == 0)
                snprintf(buf, size, "permission denied: this takes root, the daemon's own user, or its admin_group");
        else
                snprintf(buf, size, "the daemon answers with %s", m->error);
}

static int refused(const struct ctl *c, const struct rf_varlink_message *m)
{
        const char *code = json_string_value(json_object_get(m->parameters, "code"));
        bool needs_login = code && strcmp(code, "login") == 0 && !strstr(m->error, ".LoginFailed");
        char message[1024];

        explain(m, message, sizeof(message));
        tell(c->args.is_set[OPT_JSON], m->error, m->parameters, message);
        return needs_login ? EXIT_LOGIN : EXIT_FAILED;
}

int ctl_next(struct ctl *c, json_t **ret, bool *ret_continues)
{
        _cleanup_varlink_message_ struct rf_varlink_message m = { 0 };
        int r = rf_varlink_client_receive(c->client, &m);

        if (r == -EINTR)
                return r;
        if (r < 0)
                return broken(c, r);
        if (m.error)
                return refused(c, &m);
        *ret = m.parameters ? json_incref(m.parameters) : json_object();
        if (ret_continues)
                *ret_continues = m.continues;
        return *ret ? 0 : ctl_out_of_memory(c);
}

int ctl_call(struct ctl *c, const char *method, const json_t *parameters, json_t **ret)
{
        int r = ctl_start(c, method, parameters, 0);

        if (r == 0)
                r = ctl_next(c, ret, NULL);
        return r == -EINTR ? EXIT_INTERRUPTED : r;
}
