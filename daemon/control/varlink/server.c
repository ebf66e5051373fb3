#include "control/varlink/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include "control/varlink/idl.h"
#include "control/varlink/message.h"
#include "control/varlink/standard.h"
#include "sched/sched.h"

#define OUTPUT_BATCH (64u * 1024u) /* replies to pipelined calls leave at the latest when they are so many bytes */
#define CALLS_IN_A_ROW 32u         /* of one connection, before the others get their turn */
#define ACCEPT_PAUSE_US 100000u    /* when the process has no descriptor left */

struct interface {
        struct rf_idl *idl;
        const struct rf_varlink_method *methods;
        size_t n_methods;
        void *arg;
};

struct rf_varlink_server {
        struct rf_varlink_options options;
        struct rf_map *interfaces; /* by name, in the order they were added */
        struct rf_group *listeners;
        struct rf_list connections;
        struct rf_list ended; /* their coroutine is about to end */
        struct rf_waiters emptied;
        struct rf_varlink_stats stats;
        bool is_stopping;
};

struct connection {
        struct rf_list link;
        struct rf_varlink_server *server;
        struct rf_group *group; /* of its coroutine alone: a client that vanishes cancels it */
        struct rf_io *io;
        int fd;
        struct rf_peer peer;
        struct rf_varlink_reader reader;
        struct rf_buf output;
        size_t sent; /* of the output */
};

struct rf_varlink_call {
        struct connection *connection;
        struct rf_varlink_message message;
        const struct rf_idl *idl;
        const struct rf_idl_method *method;
        bool is_answered;
};

struct listener {
        struct rf_varlink_server *server;
        int fd;
};

/* ---- Making one ---- */

int rf_varlink_server_new(const struct rf_varlink_options *o, struct rf_varlink_server **ret)
{
        _cleanup_(rf_varlink_server_freep) struct rf_varlink_server *s = calloc(1, sizeof(*s));
        char message[128];
        int r;

        if (!s)
                return -ENOMEM;
        s->options = *o;
        s->options.clients_max = o->clients_max ? o->clients_max : RF_CLIENTS_MAX;
        s->options.clients_per_user_max = o->clients_per_user_max ? o->clients_per_user_max : RF_CLIENTS_PER_USER_MAX;
        s->options.idle_us = o->idle_us ? o->idle_us : RF_CLIENT_IDLE_US;
        s->options.stall_us = o->stall_us ? o->stall_us : RF_CLIENT_STALL_US;
        rf_list_init(&s->connections);
        rf_list_init(&s->ended);
        rf_waiters_init(&s->emptied);
        s->interfaces = rf_map_new();
        if (!s->interfaces)
                return -ENOMEM;
        r = rf_varlink_server_add(s, rf_varlink_standard_description, rf_varlink_standard_methods, rf_varlink_standard_n_methods, s,
                                  message, sizeof(message));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct rf_varlink_server *rf_varlink_server_free(struct rf_varlink_server *s)
{
        const char *name;
        void *value;
        size_t at = 0;

        if (!s)
                return NULL;
        assert(!s->listeners && rf_list_is_empty(&s->connections));
        while (s->interfaces && rf_map_next(s->interfaces, &at, &name, &value)) {
                struct interface *i = value;

                rf_idl_free(i->idl);
                free(i);
        }
        rf_map_free(s->interfaces);
        free(s);
        return NULL;
}

int rf_varlink_server_add(struct rf_varlink_server *s, const char *description, const struct rf_varlink_method *methods, size_t n_methods,
                          void *arg, char *message, size_t message_size)
{
        _cleanup_(rf_idl_freep) struct rf_idl *idl = NULL;
        struct interface *i;
        int r;

        r = rf_idl_parse(description, &idl, message, message_size);
        if (r < 0)
                return r;
        for (size_t k = 0; k < n_methods; k++)
                if (!rf_idl_method(idl, methods[k].name)) {
                        snprintf(message, message_size, "%s declares no method %s", rf_idl_name(idl), methods[k].name);
                        return -EBADMSG;
                }
        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        *i = (struct interface){ .idl = idl, .methods = methods, .n_methods = n_methods, .arg = arg };
        r = rf_map_put_string(s->interfaces, rf_idl_name(idl), i);
        if (r < 0) {
                free(i);
                return r;
        }
        (void)TAKE_PTR(idl);
        return 0;
}

struct rf_varlink_stats rf_varlink_server_stats(const struct rf_varlink_server *s)
{
        return s->stats;
}

const struct rf_varlink_options *rf_varlink_server_options(const struct rf_varlink_server *s)
{
        return &s->options;
}

const struct rf_idl *rf_varlink_server_interface(const struct rf_varlink_server *s, size_t *at, const char *name)
{
        const char *key;
        void *value;

        if (name)
                value = rf_map_get_string(s->interfaces, name);
        else if (!rf_map_next(s->interfaces, at, &key, &value))
                return NULL;
        return value ? ((struct interface *)value)->idl : NULL;
}

/* ---- Replies ---- */

/* Sends what is waiting; yields while the client takes nothing. */
static int flush(struct connection *c)
{
        while (c->sent < c->output.size) {
                ssize_t n = send(c->fd, c->output.data + c->sent, c->output.size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r;

                if (n >= 0) {
                        c->sent += (size_t)n;
                        continue;
                }
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                r = rf_io_wait(c->io, RF_IO_WRITE, rf_deadline_in(c->server->options.stall_us));
                if (r == -ETIMEDOUT)
                        c->server->stats.stalled++;
                if (r < 0)
                        return r;
        }
        rf_buf_clear(&c->output);
        c->sent = 0;
        return 0;
}

/* Whether a reply may be sent as it is: an own mistake, found in tests. */
static int check_reply(const struct rf_varlink_call *c, const char *error, const json_t *parameters)
{
        const struct rf_idl_type *type = c->method ? c->method->out : NULL;
        const char *member, *dot = error ? strrchr(error, '.') : NULL;

        if (!c->connection->server->options.checks_replies || !c->idl)
                return 0;
        if (error) {
                size_t n = strlen(rf_idl_name(c->idl));

                if (strncmp(error, rf_idl_name(c->idl), n) != 0 || error + n != dot)
                        return 0; /* a standard error */
                type = rf_idl_error(c->idl, dot + 1);
        }
        return type ? rf_idl_check(type, parameters, &member) : -EINVAL;
}

static int answer(struct rf_varlink_call *c, const char *error, json_t *parameters, bool continues)
{
        _cleanup_json_ json_t *owned = parameters;
        int r;

        assert(!c->is_answered && (!continues || c->message.more));
        c->is_answered = !continues;
        r = check_reply(c, error, owned);
        if (r < 0 || c->message.oneway)
                return r;
        if (error)
                r = rf_varlink_put_error(&c->connection->output, error, owned);
        else
                r = rf_varlink_put_reply(&c->connection->output, owned, continues);
        return r;
}

const json_t *rf_varlink_call_parameters(const struct rf_varlink_call *c)
{
        return c->message.parameters;
}

bool rf_varlink_call_wants_more(const struct rf_varlink_call *c)
{
        return c->message.more;
}

const struct rf_peer *rf_varlink_call_peer(const struct rf_varlink_call *c)
{
        return &c->connection->peer;
}

bool rf_varlink_call_peer_in_group(const struct rf_varlink_call *c, gid_t group)
{
        gid_t groups[1024];
        socklen_t size = sizeof(groups);

        if (c->connection->peer.gid == group)
                return true;
        if (getsockopt(c->connection->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                return false;
        for (size_t i = 0; i < size / sizeof(*groups); i++)
                if (groups[i] == group)
                        return true;
        return false;
}

int rf_varlink_call_reply(struct rf_varlink_call *c, json_t *parameters)
{
        return answer(c, NULL, parameters, false);
}

int rf_varlink_call_continue(struct rf_varlink_call *c, json_t *parameters)
{
        int r = answer(c, NULL, parameters, true);

        return r < 0 ? r : flush(c->connection);
}

int rf_varlink_call_error(struct rf_varlink_call *c, const char *error, json_t *parameters)
{
        return answer(c, error, parameters, false);
}

static int error_with(struct rf_varlink_call *c, const char *error, const char *name, const char *value)
{
        json_t *parameters = json_pack("{s:s}", name, value);

        return parameters ? rf_varlink_call_error(c, error, parameters) : -ENOMEM;
}

int rf_varlink_call_invalid(struct rf_varlink_call *c, const char *parameter)
{
        return error_with(c, RF_VARLINK_INVALID_PARAMETER, "parameter", parameter);
}

int rf_varlink_call_denied(struct rf_varlink_call *c)
{
        return rf_varlink_call_error(c, RF_VARLINK_PERMISSION_DENIED, NULL);
}

int rf_varlink_call_expected_more(struct rf_varlink_call *c)
{
        return rf_varlink_call_error(c, RF_VARLINK_EXPECTED_MORE, NULL);
}

/* ---- Calls ---- */

static const struct rf_varlink_method *find_method(const struct interface *i, const char *name)
{
        for (size_t k = 0; k < i->n_methods; k++)
                if (strcmp(i->methods[k].name, name) == 0)
                        return &i->methods[k];
        return NULL;
}

/* Finds the method of a call, checks the call against the description, serves it. */
static int serve(struct rf_varlink_call *c)
{
        const char *full = c->message.method, *dot = strrchr(full, '.'), *member;
        const struct rf_varlink_method *m;
        struct interface *i;
        char name[256];
        size_t n = dot ? (size_t)(dot - full) : strlen(full);

        n = MIN(n, rf_utf8_clip(full, sizeof(name) - 1));
        memcpy(name, full, n);
        name[n] = '\0';
        i = dot ? rf_map_get_string(c->connection->server->interfaces, name) : NULL;
        if (!i)
                return error_with(c, RF_VARLINK_INTERFACE_NOT_FOUND, "interface", name);
        c->idl = i->idl;
        c->method = rf_idl_method(i->idl, dot + 1);
        if (!c->method)
                return error_with(c, RF_VARLINK_METHOD_NOT_FOUND, "method", full);
        m = find_method(i, dot + 1);
        if (!m || c->message.upgrade)
                return error_with(c, RF_VARLINK_METHOD_NOT_IMPLEMENTED, "method", full);
        if (c->message.parameters && !json_is_object(c->message.parameters))
                return rf_varlink_call_invalid(c, "parameters");
        if (rf_idl_check(c->method->in, c->message.parameters, &member) < 0)
                return rf_varlink_call_invalid(c, member);
        return m->handle(c, i->arg);
}

/* The client is gone, in both directions: what is being done for it ends. */
static void hung_up(void *arg, unsigned events)
{
        struct connection *c = arg;

        (void)events;
        rf_io_watch(c->io, 0, NULL, NULL);
        rf_group_cancel(c->group);
}

static int serve_message(struct connection *c, const char *text, size_t size)
{
        struct rf_varlink_call call = { .connection = c };
        int r;

        r = rf_varlink_parse_call(text, size, &call.message, NULL);
        if (r < 0) {
                c->server->stats.protocol_errors++;
                return r;
        }
        c->server->stats.calls++;
        if (!call.message.oneway)
                rf_io_watch(c->io, RF_IO_HANGUP, hung_up, c);
        r = serve(&call);
        if (!call.message.oneway)
                rf_io_watch(c->io, 0, NULL, NULL);
        assert(r < 0 || call.is_answered);
        rf_varlink_message_done(&call.message);
        return r;
}

/* 1: something was read; 0: the client has sent its last. */
static int fill(struct connection *c, bool *may_have_more)
{
        char *room;
        size_t size;
        ssize_t n;
        int r;

        r = rf_varlink_reader_room(&c->reader, &room, &size);
        if (r < 0)
                return r;
        for (;;) {
                n = *may_have_more ? recv(c->fd, room, size, MSG_DONTWAIT) : -1;
                if (n >= 0)
                        break;
                if (*may_have_more && errno == EINTR)
                        continue;
                if (*may_have_more && errno != EAGAIN)
                        return -errno;
                r = rf_io_wait(c->io, RF_IO_READ, rf_deadline_in(c->server->options.idle_us));
                if (r < 0)
                        return r;
                *may_have_more = true;
        }
        *may_have_more = (size_t)n == size;
        rf_varlink_reader_filled(&c->reader, (size_t)n);
        return n > 0;
}

static int serve_all(struct connection *c)
{
        bool may_have_more = true;
        unsigned in_a_row = 0;

        for (;;) {
                const char *text;
                size_t size;
                int r = rf_varlink_reader_next(&c->reader, &text, &size);

                if (r == 0) {
                        r = flush(c);
                        in_a_row = 0;
                        if (r >= 0)
                                r = fill(c, &may_have_more);
                        if (r <= 0)
                                return r;
                        continue;
                }
                if (r < 0)
                        c->server->stats.protocol_errors++;
                else
                        r = serve_message(c, text, size);
                if (r >= 0 && c->output.size - c->sent > OUTPUT_BATCH)
                        r = flush(c);
                if (r >= 0 && ++in_a_row % CALLS_IN_A_ROW == 0)
                        r = rf_yield();
                if (r < 0) {
                        /* what was answered before still belongs to the client */
                        if (r == -EBADMSG || r == -EMSGSIZE)
                                (void)flush(c);
                        return r;
                }
        }
}

static void close_connection(struct connection *c)
{
        struct rf_varlink_server *s = c->server;

        rf_io_free(c->io);
        close(c->fd);
        rf_varlink_reader_done(&c->reader);
        rf_buf_done(&c->output);
        rf_list_remove(&c->link);
        rf_list_append(&s->ended, &c->link);
        s->stats.clients--;
        if (rf_list_is_empty(&s->connections))
                rf_wake_all(&s->emptied);
}

static int connection_main(void *arg)
{
        struct connection *c = arg;

        /* how it ended is the client's affair: it sees the end of the stream */
        (void)serve_all(c);
        close_connection(c);
        return 0;
}

/* ---- Connections ---- */

/* A connection's group can't be freed by its own coroutine: it is done by whoever comes next. */
static void bury(struct rf_varlink_server *s)
{
        while (!rf_list_is_empty(&s->ended)) {
                struct connection *c = rf_list_first(&s->ended, struct connection, link);

                rf_list_remove(&c->link);
                rf_group_free(c->group);
                free(c);
        }
}

static size_t connections_of(const struct rf_varlink_server *s, uid_t uid)
{
        size_t n = 0;

        rf_list_foreach(&s->connections, c, struct connection, link)
                n += c->peer.uid == uid;
        return n;
}

static int admit(struct rf_varlink_server *s, int fd, struct rf_peer *ret)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (s->is_stopping)
                return -ECANCELED;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        *ret = (struct rf_peer){ .uid = peer.uid, .gid = peer.gid, .pid = peer.pid };
        if (s->stats.clients >= s->options.clients_max)
                return -RF_ELIMIT;
        return connections_of(s, peer.uid) >= s->options.clients_per_user_max ? -RF_ELIMIT : 0;
}

int rf_varlink_server_connect(struct rf_varlink_server *s, int fd)
{
        struct connection *c = calloc(1, sizeof(*c));
        int r;

        bury(s);
        if (!c) {
                close(fd);
                return -ENOMEM;
        }
        *c = (struct connection){ .server = s, .fd = fd, .reader.message_max = RF_MESSAGE_MAX };
        r = admit(s, fd, &c->peer);
        if (r >= 0)
                r = rf_io_new(fd, &c->io);
        if (r >= 0)
                r = rf_group_new_detached(RF_FOREVER, &c->group);
        if (r >= 0)
                r = rf_group_spawn(c->group, "connection", connection_main, c);
        if (r < 0) {
                s->stats.refused++;
                rf_group_free(c->group);
                rf_io_free(c->io);
                close(fd);
                free(c);
                return r;
        }
        s->stats.accepted++;
        s->stats.clients++;
        rf_list_append(&s->connections, &c->link);
        return 0;
}

static int listen_main(void *arg)
{
        struct listener *l = arg;
        struct rf_io *io = NULL;
        int r = rf_io_new(l->fd, &io);

        while (r >= 0) {
                int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd >= 0)
                        (void)rf_varlink_server_connect(l->server, fd); /* refusals are counted there */
                else if (errno == EAGAIN)
                        r = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
                else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        r = rf_sleep_us(ACCEPT_PAUSE_US);
                else if (errno != EINTR && errno != ECONNABORTED)
                        r = -errno;
        }
        rf_io_free(io);
        close(l->fd);
        free(l);
        return r == -ECANCELED ? 0 : r;
}

int rf_varlink_server_listen(struct rf_varlink_server *s, int fd)
{
        struct listener *l = calloc(1, sizeof(*l));
        int r = 0;

        if (!l) {
                close(fd);
                return -ENOMEM;
        }
        *l = (struct listener){ .server = s, .fd = fd };
        if (!s->listeners)
                r = rf_group_new_detached(RF_FOREVER, &s->listeners);
        if (r >= 0)
                r = rf_group_spawn(s->listeners, "listener", listen_main, l);
        if (r < 0) {
                close(fd);
                free(l);
        }
        return r;
}

void rf_varlink_server_stop_listening(struct rf_varlink_server *s)
{
        s->listeners = rf_group_free(s->listeners);
}

void rf_varlink_server_stop(struct rf_varlink_server *s)
{
        s->is_stopping = true;
        rf_varlink_server_stop_listening(s);
        rf_list_foreach(&s->connections, c, struct connection, link)
                rf_group_cancel(c->group);
        while (!rf_list_is_empty(&s->connections))
                rf_wait_through(&s->emptied);
        bury(s);
}
