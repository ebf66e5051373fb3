#include "service/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/error.h"
#include "base/limits.h"
#include "sched/sched.h"
#include "service/log.h"

struct rf_metrics_listener {
        int (*write)(void *arg, enum rf_metrics_format format, struct rf_buf *b);
        void *arg;
        struct MHD_Daemon *http;
        struct rf_io *io; /* of its epoll */
        struct rf_group *group;
        unsigned port;
};

/* ---- The address ---- */

static int refuse(const char *text, const char *why, char *message, size_t size)
{
        snprintf(message, size, "listen = %.64s: %s; the form is 127.0.0.1:9464 or [::1]:9464", text, why);
        return -EINVAL;
}

/* Splits host and port; the host without its brackets. */
static int split(const char *text, char host[static 48], unsigned *ret_port)
{
        const char *colon = strrchr(text, ':');
        size_t n = colon ? (size_t)(colon - text) : 0;
        char *end;
        unsigned long port;

        if (n == 0 || n >= 48 || colon[1] < '0' || colon[1] > '9')
                return -EINVAL;
        port = strtoul(colon + 1, &end, 10);
        if (*end || port > 65535)
                return -EINVAL;
        if (text[0] == '[' && text[n - 1] == ']') {
                text++;
                n -= 2;
        } else if (memchr(text, ':', n))
                return -EINVAL;
        memcpy(host, text, n);
        host[n] = '\0';
        *ret_port = (unsigned)port;
        return 0;
}

int rf_metrics_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size, char *message, size_t message_size)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        char host[48];
        unsigned port;

        *ret = (struct sockaddr_storage){ 0 };
        if (split(text, host, &port) < 0)
                return refuse(text, "this isn't an address and a port", message, message_size);
        v4.sin_port = v6.sin6_port = htons((uint16_t)port);
        if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
                if (ntohl(v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
                        return refuse(text, "metrics are served on a loopback address only", message, message_size);
                memcpy(ret, &v4, sizeof(v4));
                *ret_size = sizeof(v4);
                return 0;
        }
        if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
                return refuse(text, "names aren't resolved here, a numeric address is needed", message, message_size);
        if (!IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr))
                return refuse(text, "metrics are served on a loopback address only", message, message_size);
        memcpy(ret, &v6, sizeof(v6));
        *ret_size = sizeof(v6);
        return 0;
}

/* ---- Answering ---- */

static enum MHD_Result respond(struct MHD_Connection *c, unsigned status, const char *type, struct rf_buf *text)
{
        size_t size;
        char *body = rf_buf_take(text, &size);
        struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
        enum MHD_Result r = MHD_NO;

        if (!response) {
                free(body);
                return MHD_NO;
        }
        if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES)
                r = MHD_queue_response(c, status, response);
        MHD_destroy_response(response);
        return r;
}

static enum MHD_Result respond_plainly(struct MHD_Connection *c, unsigned status, const char *sentence)
{
        _cleanup_buf_ struct rf_buf text = RF_BUF_INIT;

        return rf_buf_add_string(&text, sentence) < 0 ? MHD_NO : respond(c, status, "text/plain; charset=utf-8", &text);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state)
{
        const struct rf_metrics_listener *l = arg;
        const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
        bool is_open = accept && strstr(accept, "application/openmetrics-text");
        enum rf_metrics_format format = is_open ? RF_METRICS_OPENMETRICS : RF_METRICS_TEXT;
        _cleanup_buf_ struct rf_buf text = RF_BUF_INIT;

        (void)version;
        (void)upload;
        if (!*state) { /* the headers have come; a body, if any, is read and thrown away */
                *state = arg;
                return MHD_YES;
        }
        if (*upload_size > 0) {
                *upload_size = 0;
                return MHD_YES;
        }
        if (strcmp(url, "/metrics") != 0)
                return respond_plainly(c, MHD_HTTP_NOT_FOUND, "Only /metrics is here.\n");
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
                return respond_plainly(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET is answered.\n");
        if (l->write(l->arg, format, &text) < 0)
                return respond_plainly(c, MHD_HTTP_SERVICE_UNAVAILABLE, "There is no memory for it now.\n");
        return respond(c, MHD_HTTP_OK, rf_metrics_content_type(format), &text);
}

/* ---- In our loop ---- */

static int serve(void *arg)
{
        struct rf_metrics_listener *l = arg;
        int r;

        for (;;) {
                MHD_UNSIGNED_LONG_LONG ms;
                uint64_t deadline_us = MHD_get_timeout(l->http, &ms) == MHD_YES ? rf_deadline_in(ms * USEC_PER_MSEC) : RF_FOREVER;

                r = rf_io_wait(l->io, RF_IO_READ, deadline_us);
                if (rf_check_cancelled() < 0)
                        return 0;
                if (r >= 0 || r == -ETIMEDOUT)
                        r = MHD_run(l->http) == MHD_YES ? 0 : -EIO;
                if (r < 0) {
                        rf_log(RF_LOG_ERROR, "metrics are no longer served: %s", rf_strerror(r));
                        return r;
                }
        }
}

static int start(struct rf_metrics_listener *l, int fd)
{
        const union MHD_DaemonInfo *info;
        int r;

        l->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, l, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                                   RF_METRICS_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, RF_METRICS_IDLE_S,
                                   MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
        if (!l->http) {
                close(fd);
                return -EIO;
        }
        info = MHD_get_daemon_info(l->http, MHD_DAEMON_INFO_EPOLL_FD);
        if (!info || info->epoll_fd < 0)
                return -EIO;
        r = rf_io_new(info->epoll_fd, &l->io);
        if (r >= 0)
                r = rf_group_new_detached(RF_FOREVER, &l->group);
        return r < 0 ? r : rf_group_spawn(l->group, "metrics", serve, l);
}

static int open_socket(const struct sockaddr_storage *address, socklen_t size, unsigned *ret_port)
{
        int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, r = 0;
        struct sockaddr_storage own;
        socklen_t own_size = sizeof(own);

        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 || bind(fd, (const struct sockaddr *)address, size) < 0 ||
            listen(fd, RF_METRICS_CLIENTS_MAX) < 0 || getsockname(fd, (struct sockaddr *)&own, &own_size) < 0)
                r = -errno;
        if (r < 0) {
                close(fd);
                return r;
        }
        *ret_port = ntohs(own.ss_family == AF_INET ? ((struct sockaddr_in *)&own)->sin_port : ((struct sockaddr_in6 *)&own)->sin6_port);
        return fd;
}

int rf_metrics_listen(const char *address, int (*write_text)(void *arg, enum rf_metrics_format format, struct rf_buf *b), void *arg,
                      struct rf_metrics_listener **ret, char *message, size_t message_size)
{
        _cleanup_(rf_metrics_listener_freep) struct rf_metrics_listener *l = calloc(1, sizeof(*l));
        struct sockaddr_storage socket_address;
        socklen_t size;
        int r = l ? rf_metrics_address(address, &socket_address, &size, message, message_size) : -ENOMEM;

        if (r < 0)
                return r;
        l->write = write_text;
        l->arg = arg;
        r = open_socket(&socket_address, size, &l->port);
        if (r >= 0)
                r = start(l, r);
        if (r < 0) {
                snprintf(message, message_size, "metrics at %.64s: %s", address, rf_strerror(r));
                return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

unsigned rf_metrics_listener_port(const struct rf_metrics_listener *l)
{
        return l->port;
}

struct rf_metrics_listener *rf_metrics_listener_free(struct rf_metrics_listener *l)
{
        if (!l)
                return NULL;
        rf_group_free(l->group);
        rf_io_free(l->io);
        if (l->http)
                MHD_stop_daemon(l->http);
        free(l);
        return NULL;
}
