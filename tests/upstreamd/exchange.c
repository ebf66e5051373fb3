#include "exchange.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "journal.h"

#define SECOND UINT64_C(1000000)

enum { BODY_MAX = 65536, PARAMS_MAX = 64, HUGE_BYTES = 100 * 1000 * 1000, RESET_SIZE = 4096, BLOCK = 65536 };

enum state { RECEIVING, WAITING, SENDING, GONE /* the client left, and that has been told */ };

struct exchange {
        struct server *server;
        struct MHD_Connection *connection;
        uint64_t id;
        int fd;
        enum state state;
        char *body; /* of the request */
        size_t body_size;

        struct rf_reply reply;
        struct mock_sending sending;
        struct MHD_Response *response; /* NULL: none comes */
        bool is_dropping;              /* cut off in the end */
        uint64_t sent;                 /* bytes of a body that comes in pieces */

        bool is_suspended;
        uint64_t due_us;
        struct exchange *previous, *next; /* in the list of the suspended */
};

/* ---- Suspending ---- */

static void suspend_until(struct exchange *e, uint64_t due_us)
{
        e->is_suspended = true;
        e->due_us = due_us;
        e->previous = NULL;
        e->next = e->server->waiting;
        if (e->next)
                e->next->previous = e;
        e->server->waiting = e;
        MHD_suspend_connection(e->connection);
}

static void resume(struct exchange *e)
{
        *(e->previous ? &e->previous->next : &e->server->waiting) = e->next;
        if (e->next)
                e->next->previous = e->previous;
        e->is_suspended = false;
        MHD_resume_connection(e->connection);
}

size_t exchange_sockets(const struct server *s, struct pollfd *ret, size_t max)
{
        size_t n = 0;

        for (const struct exchange *e = s->waiting; e && n < max; e = e->next)
                ret[n++] = (struct pollfd){ .fd = e->fd, .events = POLLRDHUP };
        return n;
}

static void tell(struct exchange *e, const char *event, json_t *fields)
{
        if (!journal_write(event, e->id, journal_now_us(), fields))
                e->server->is_ending = true;
}

void exchange_resume(struct server *s, const struct pollfd *sockets, size_t n)
{
        uint64_t now_us = journal_now_us();
        struct exchange *next;
        size_t i = 0;

        /* the list is as it was when the sockets were listed */
        for (struct exchange *e = s->waiting; e; e = next, i++) {
                next = e->next;
                if (i < n && (sockets[i].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))) {
                        e->state = GONE;
                        tell(e, "closed", NULL);
                        resume(e);
                } else if (e->due_us <= now_us)
                        resume(e);
        }
}

uint64_t exchange_next_us(const struct server *s)
{
        uint64_t next_us = UINT64_MAX;

        for (const struct exchange *e = s->waiting; e; e = e->next)
                next_us = e->due_us < next_us ? e->due_us : next_us;
        return next_us;
}

void exchange_resume_all(struct server *s)
{
        while (s->waiting) {
                s->waiting->state = GONE;
                resume(s->waiting);
        }
}

/* ---- Bodies that come in pieces ---- */

/* One byte a second, a huge body, or half of one: all through this. */
static ssize_t read_body(void *context, uint64_t position, char *buffer, size_t max)
{
        struct exchange *e = context;
        size_t n = max, have = position < e->reply.body_size ? e->reply.body_size - (size_t)position : 0;

        if (e->state == GONE)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        if (e->reply.fault == RF_FAULT_RESET && position >= RESET_SIZE / 2)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        if (e->sending.drips) {
                uint64_t now_us = journal_now_us();

                if (now_us < e->due_us) {
                        suspend_until(e, e->due_us);
                        return 0;
                }
                e->due_us = now_us + SECOND / e->server->speed;
                n = 1;
        } else if (e->sending.is_huge && position >= HUGE_BYTES)
                return MHD_CONTENT_READER_END_OF_STREAM;
        memset(buffer, ' ', n);
        memcpy(buffer, e->reply.body ? e->reply.body + position : "", have < n ? have : n);
        e->sent += n;
        return (ssize_t)n;
}

/* ---- The answer ---- */

static struct MHD_Response *make_response(struct exchange *e)
{
        struct MHD_Response *r;

        if (e->reply.fault == RF_FAULT_RESET)
                r = MHD_create_response_from_callback(RESET_SIZE, RESET_SIZE / 2, read_body, e, NULL);
        else if (e->sending.is_huge)
                r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_body, e, NULL);
        else if (e->sending.drips && e->reply.body_size > 0)
                r = MHD_create_response_from_callback(e->reply.body_size, 64, read_body, e, NULL);
        else
                r = MHD_create_response_from_buffer(e->reply.body_size, e->reply.body, MHD_RESPMEM_MUST_COPY);
        for (size_t i = 0; r && i < e->reply.n_headers; i++)
                MHD_add_response_header(r, e->reply.headers[i].name, e->reply.headers[i].value);
        return r;
}

struct listing {
        struct rf_header list[PARAMS_MAX];
        size_t n;
};

static enum MHD_Result list_value(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
        struct listing *l = context;

        (void)kind;
        if (l->n < PARAMS_MAX)
                l->list[l->n++] = (struct rf_header){ name, value ? value : "" };
        return MHD_YES;
}

/* Where each service is; the rest of the path is its own. */
static const struct place {
        const char *prefix, *dialect, *name;
} places[] = {
        { "/spotify/v1", "spotify", "spotify" },
        { "/accounts", "spotify", "accounts" },
        { "/reccobeat/v1", "reccobeat", "reccobeat" },
};

static const struct place *find_place(const char *url)
{
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                size_t n = strlen(places[i].prefix);

                if (strncmp(url, places[i].prefix, n) == 0 && url[n] == '/')
                        return &places[i];
        }
        return NULL;
}

static size_t count_ids(const struct listing *params)
{
        size_t n = 0;

        for (size_t i = 0; i < params->n; i++)
                if (strcmp(params->list[i].name, "ids") == 0) {
                        n++;
                        for (const char *at = params->list[i].value; (at = strchr(at, ',')); at++)
                                n++;
                }
        return n;
}

static const char *find_header(const struct listing *headers, const char *name)
{
        for (size_t i = 0; i < headers->n; i++)
                if (strcasecmp(headers->list[i].name, name) == 0)
                        return headers->list[i].value;
        return NULL;
}

/* Of Basic authorisation only that it's that: what follows is a secret. */
static json_t *authorization_of(const struct listing *headers)
{
        const char *value = find_header(headers, "Authorization");

        return !value ? json_null() : strncmp(value, "Basic ", 6) == 0 ? json_string("Basic") : json_string(value);
}

static void tell_request(struct exchange *e, const struct place *place, const struct rf_request *q, const struct listing *params,
                         const struct listing *headers, const char *method)
{
        static const char *const faults[] = { [RF_FAULT_REFUSED] = "refused", [RF_FAULT_RESET] = "reset", [RF_FAULT_HANG] = "hang" };
        json_t *list = json_object(), *j;

        for (size_t i = 0; i < params->n; i++)
                json_object_set_new(list, params->list[i].name, json_string(params->list[i].value));
        j = json_pack("{s:s, s:s, s:s, s:s*, s:o, s:i, s:i, s:I, s:o, s:s*}", "service", place ? place->name : "none", "method", method, "path",
                      q->path, "endpoint", e->sending.endpoint, "params", list, "ids", (int)count_ids(params), "status",
                      e->reply.fault != RF_FAULT_NONE ? 0 : (int)e->reply.status, "delay_us", (json_int_t)e->reply.delay_us, "authorization",
                      authorization_of(headers), "user_agent", find_header(headers, "User-Agent"));
        if (e->body_size > 0)
                json_object_set_new(j, "body", json_stringn(e->body, e->body_size));
        for (size_t i = 0; i < e->reply.n_headers; i++)
                if (strcmp(e->reply.headers[i].name, "Retry-After") == 0)
                        json_object_set_new(j, "retry_after_s", json_integer(atoi(e->reply.headers[i].value)));
        if (e->sending.is_violation)
                json_object_set_new(j, "violation", json_true());
        if (e->reply.fault != RF_FAULT_NONE)
                json_object_set_new(j, "fault", json_string(faults[e->reply.fault]));
        else if (e->sending.drips || e->sending.is_huge)
                json_object_set_new(j, "fault", json_string(e->sending.drips ? "drip" : "huge"));
        tell(e, "request", j);
}

/* Asks the services. Negative: the connection is to be closed. */
static int ask(struct exchange *e, const char *url, const char *method)
{
        const struct place *place = find_place(url);
        struct listing params = { 0 }, headers = { 0 };
        struct rf_request q = { .size = sizeof(q), .method = strcmp(method, "POST") == 0  ? RF_METHOD_POST :
                                                             strcmp(method, "PUT") == 0    ? RF_METHOD_PUT :
                                                             strcmp(method, "DELETE") == 0 ? RF_METHOD_DELETE :
                                                                                             RF_METHOD_GET,
                                .path = place ? url + strlen(place->prefix) : url, .body = e->body, .body_size = e->body_size };
        int r = 0;

        MHD_get_connection_values(e->connection, MHD_GET_ARGUMENT_KIND, list_value, &params);
        MHD_get_connection_values(e->connection, MHD_HEADER_KIND, list_value, &headers);
        q.params = params.list;
        q.n_params = params.n;
        q.headers = headers.list;
        q.n_headers = headers.n;
        if (place)
                r = mock_services_answer(e->server->services, place->dialect, &q, journal_now_us() - e->server->start_us, &e->reply, &e->sending);
        else
                e->reply.status = 404;
        if (r < 0)
                return r;
        if (e->sending.drips) /* in process, dripping is a long delay */
                e->reply.delay_us -= (uint64_t)e->reply.body_size * SECOND;
        e->reply.delay_us = e->reply.delay_us / e->server->speed + e->server->delay_us;
        tell_request(e, place, &q, &params, &headers, method);
        return 0;
}

/* Closing sends a reset, and nothing of what was written before is waited for. */
static void drop(struct exchange *e)
{
        struct linger hard = { .l_onoff = 1 };

        e->is_dropping = true;
        setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

/* The answer is due: sent, or the connection cut. */
static enum MHD_Result send_answer(struct exchange *e)
{
        enum MHD_Result r;

        e->state = SENDING;
        e->due_us = 0;
        if (e->reply.fault != RF_FAULT_NONE)
                drop(e);
        if (e->reply.fault == RF_FAULT_REFUSED)
                return MHD_NO;
        e->response = make_response(e);
        r = e->response ? MHD_queue_response(e->connection, e->reply.status ? e->reply.status : 200, e->response) : MHD_NO;
        if (e->response)
                MHD_destroy_response(e->response); /* the connection has its own reference */
        return r;
}

/* ---- libmicrohttpd's callbacks ---- */

static struct exchange *begin(struct server *s, struct MHD_Connection *connection)
{
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct exchange *e = info ? calloc(1, sizeof(*e)) : NULL;

        if (e)
                *e = (struct exchange){ .server = s, .connection = connection, .id = ++s->n, .fd = info->connect_fd };
        return e;
}

static enum MHD_Result take_body(struct exchange *e, const char *data, size_t *size)
{
        char *body = *size <= BODY_MAX - e->body_size ? realloc(e->body, e->body_size + *size + 1) : NULL;

        if (!body)
                return MHD_NO;
        memcpy(body + e->body_size, data, *size);
        e->body = body;
        e->body_size += *size;
        body[e->body_size] = '\0';
        *size = 0;
        return MHD_YES;
}

enum MHD_Result exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                const char *data, size_t *size, void **exchange)
{
        struct exchange *e = *exchange;

        (void)version;
        if (!e) { /* the headers alone; an answer now would be an answer before the body */
                *exchange = begin(context, connection);
                return *exchange ? MHD_YES : MHD_NO;
        }
        if (*size > 0)
                return take_body(e, data, size);
        if (e->state == GONE)
                return MHD_NO;
        if (e->state == RECEIVING) {
                if (ask(e, url, method) < 0)
                        return MHD_NO;
                e->state = WAITING;
                if (e->reply.fault == RF_FAULT_HANG || e->reply.delay_us > 0) {
                        suspend_until(e, e->reply.fault == RF_FAULT_HANG ? UINT64_MAX : journal_now_us() + e->reply.delay_us);
                        return MHD_YES;
                }
        }
        return send_answer(e);
}

void exchange_completed(void *context, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code)
{
        struct exchange *e = *exchange;

        (void)context;
        (void)connection;
        if (!e)
                return;
        if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
                tell(e, "response", json_pack("{s:i}", "status", (int)e->reply.status));
        else if (e->is_dropping)
                tell(e, "dropped", NULL);
        else if (e->state != GONE && e->state != RECEIVING && code != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN)
                tell(e, "closed", e->sent > 0 ? json_pack("{s:I}", "sent", (json_int_t)e->sent) : NULL);
        free(e->body);
        free(e->reply.body);
        free(e);
        *exchange = NULL;
}
