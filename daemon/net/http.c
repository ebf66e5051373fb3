#include "net/http.h"

#include "base/limits.h"
#include "net/crypto.h"
#include "net/origin.h"
#include "net/resolver.h"
#include "net/transfer.h"
#include "sched/sched.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_DEFAULT_US (10 * USEC_PER_SEC)
#define HOST_CONNECTIONS_DEFAULT 32L
#define CA_FILE_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

struct rf_http {
        struct rf_http_options options;
        char *texts[4];     /* what the options point to */
        CURLM *multi;
        CURLSH *share;      /* TLS sessions */
        struct rf_resolver *resolver;
        struct rf_semaphore places;
        struct rf_timer timer;
        struct rf_origins origins;
        struct socket_watch **watches; /* by descriptor; a kept connection keeps its own */
        size_t n_watches;
        struct rf_transfer *idle[RF_HTTP_TRANSFERS_MAX];
        size_t n_idle;
        bool is_broken; /* a callback ran out of memory, and libcurl has given up all that is under way */
        struct rf_http_stats stats;
};

static const char *const failure_names[RF_HTTP_FAILURE_COUNT] = {
        [RF_HTTP_FINE] = "fine",
        [RF_HTTP_NO_SUCH_HOST] = "no-such-host",
        [RF_HTTP_RESOLVE_FAILED] = "resolve-failed",
        [RF_HTTP_REFUSED] = "refused",
        [RF_HTTP_CONNECT_TIMEOUT] = "connect-timeout",
        [RF_HTTP_RESOLVE_TIMEOUT] = "resolve-timeout",
        [RF_HTTP_CERTIFICATE] = "certificate",
        [RF_HTTP_TLS] = "tls",
        [RF_HTTP_TIMEOUT] = "timeout",
        [RF_HTTP_LOST] = "lost",
        [RF_HTTP_TOO_LARGE] = "too-large",
        [RF_HTTP_TOO_MANY_HEADERS] = "too-many-headers",
        [RF_HTTP_PROTOCOL] = "protocol",
};

const char *rf_http_failure_name(enum rf_http_failure f)
{
        return failure_names[f];
}

/* ---- libcurl and the loop ---- */

static void collect_ended(struct rf_http *h)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(h->multi, &left))) {
                struct rf_transfer *t;

                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
                rf_transfer_end(t, (int)m->data.result);
        }
}

/* Else libcurl would end each only when it next had something to do for it, and take no other one until the last has ended. */
static void end_all_if_broken(struct rf_http *h)
{
        int running;

        if (h->is_broken)
                curl_multi_perform(h->multi, &running);
        h->is_broken = false;
}

static void act(struct rf_http *h, curl_socket_t fd, int what)
{
        int running;

        curl_multi_socket_action(h->multi, fd, what, &running);
        end_all_if_broken(h);
        collect_ended(h);
}

/* What a callback returns that ran out of memory: libcurl then fails its transfers. */
static int give_up(struct rf_http *h)
{
        h->is_broken = true;
        return -1;
}

static void timer_fired(struct rf_timer *timer)
{
        act(container_of(timer, struct rf_http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
        struct rf_http *h = arg;

        (void)multi;
        if (timeout_ms < 0)
                rf_timer_stop(&h->timer);
        else if (rf_timer_set(&h->timer, rf_deadline_in((uint64_t)timeout_ms * USEC_PER_MSEC), timer_fired) < 0)
                return give_up(h);
        return 0;
}

struct socket_watch {
        struct rf_http *http;
        struct rf_io *io;
        curl_socket_t fd;
};

static void socket_ready(void *arg, unsigned events)
{
        struct socket_watch *w = arg;
        int what = (events & RF_IO_READ ? CURL_CSELECT_IN : 0) | (events & RF_IO_WRITE ? CURL_CSELECT_OUT : 0) |
                   (events & (RF_IO_ERROR | RF_IO_HANGUP) ? CURL_CSELECT_ERR : 0);

        act(w->http, w->fd, what); /* may free the watch */
}

static void forget_socket(struct rf_http *h, curl_socket_t fd)
{
        struct socket_watch *w = (size_t)fd < h->n_watches ? h->watches[fd] : NULL;

        if (!w)
                return;
        rf_io_free(w->io);
        free(w);
        h->watches[fd] = NULL;
}

/* What libcurl opens and closes. Between requests it only says that it doesn't care: then epoll needn't be told. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
        int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

        (void)purpose;
        if (fd < 0)
                return CURL_SOCKET_BAD;
        forget_socket(arg, fd);
        return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
        forget_socket(arg, fd);
        return close(fd);
}

static int know_socket(struct rf_http *h, curl_socket_t fd, struct socket_watch **ret)
{
        struct socket_watch *w;

        if ((size_t)fd >= h->n_watches) {
                size_t n = MAX(h->n_watches * 2, (size_t)fd + 64);
                struct socket_watch **watches = reallocarray(h->watches, n, sizeof(struct socket_watch *));

                if (!watches)
                        return -ENOMEM;
                memset(watches + h->n_watches, 0, (n - h->n_watches) * sizeof(struct socket_watch *));
                h->watches = watches;
                h->n_watches = n;
        }
        if (!h->watches[fd]) {
                w = calloc(1, sizeof(*w));
                if (!w || rf_io_new(fd, &w->io) < 0) {
                        free(w);
                        return -ENOMEM;
                }
                w->http = h;
                w->fd = fd;
                h->watches[fd] = w;
        }
        *ret = h->watches[fd];
        return 0;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
        struct socket_watch *w;

        (void)easy;
        (void)socket_arg;
        if (know_socket(arg, fd, &w) < 0)
                return give_up(arg);
        rf_io_watch(w->io, (what & CURL_POLL_IN ? RF_IO_READ : 0u) | (what & CURL_POLL_OUT ? RF_IO_WRITE : 0u), socket_ready, w);
        return 0;
}

/* ---- Making one ---- */

static int keep_options(struct rf_http *h, const struct rf_http_options *o)
{
        const char **const texts[] = { &h->options.user_agent, &h->options.proxy, &h->options.no_proxy, &h->options.ca_file };

        h->options = *o;
        if (!h->options.ca_file)
                h->options.ca_file = CA_FILE_DEFAULT;
        if (h->options.connect_timeout_us == 0)
                h->options.connect_timeout_us = CONNECT_TIMEOUT_DEFAULT_US;
        if (h->options.body_max == 0)
                h->options.body_max = RF_RESPONSE_BYTES_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                if (!*texts[i])
                        continue;
                h->texts[i] = strdup(*texts[i]);
                if (!h->texts[i])
                        return -ENOMEM;
                *texts[i] = h->texts[i];
        }
        return 0;
}

int rf_http_new(const struct rf_http_options *o, struct rf_http **ret)
{
        struct rf_http *h;
        int r = rf_crypto_start();

        if (r < 0)
                return r;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        h = calloc(1, sizeof(*h));
        if (!h) {
                curl_global_cleanup();
                return -ENOMEM;
        }
        rf_semaphore_init(&h->places, RF_HTTP_TRANSFERS_MAX);
        r = keep_options(h, o);
        if (r >= 0)
                r = rf_resolver_new(&(struct rf_resolver_options){ 0 }, &h->resolver);
        h->multi = curl_multi_init();
        h->share = curl_share_init();
        if (r >= 0 && (!h->multi || !h->share))
                r = -ENOMEM;
        if (r < 0) {
                rf_http_free(h);
                return r;
        }
        curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
        curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
        curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          h->options.host_connections_max ? (long)h->options.host_connections_max : HOST_CONNECTIONS_DEFAULT);
        curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)RF_HTTP_TRANSFERS_MAX);
        *ret = h;
        return 0;
}

void rf_http_stop(struct rf_http *h)
{
        if (!h)
                return;
        while (h->n_idle > 0)
                rf_transfer_free(h->idle[--h->n_idle]);
        curl_multi_cleanup(h->multi); /* takes its sockets out of the loop */
        h->multi = NULL;
        for (size_t i = 0; i < h->n_watches; i++)
                forget_socket(h, (curl_socket_t)i);
        rf_timer_stop(&h->timer);
        h->resolver = rf_resolver_free(h->resolver);
}

struct rf_http *rf_http_free(struct rf_http *h)
{
        if (!h)
                return NULL;
        if (h->multi)
                curl_multi_cleanup(h->multi);
        if (h->share)
                curl_share_cleanup(h->share);
        rf_resolver_free(h->resolver);
        for (size_t i = 0; i < ARRAY_SIZE(h->texts); i++)
                free(h->texts[i]);
        free(h->watches);
        free(h);
        curl_global_cleanup();
        return NULL;
}

/* ---- A request ---- */

_printf_(3, 4) static void failed(struct rf_http_response *r, enum rf_http_failure f, const char *format, ...)
{
        va_list ap;

        r->failure = f;
        va_start(ap, format);
        vsnprintf(r->message, sizeof(r->message), format, ap);
        va_end(ap);
}

/*
 * Resolves the name in it, if it has one, and adds "host:port:addresses" to the list, so that libcurl never resolves by itself. 0, also when the name can't
 * be resolved: then `ret` says so.
 */
static int resolve(struct rf_http *h, const struct rf_origin *origin, uint64_t deadline_us, struct curl_slist **list,
                   struct rf_http_response *ret)
{
        _cleanup_free_ char *addresses = NULL, *line = NULL;
        const struct rf_origin o = *origin; /* others may need its place while we wait */
        const char *host = o.host;
        struct curl_slist *longer;
        int r;

        if (o.is_literal)
                return 0;
        r = rf_resolver_lookup(h->resolver, host, deadline_us, &addresses);
        if (r == -ENOENT)
                failed(ret, RF_HTTP_NO_SUCH_HOST, "no host is called %.120s", host);
        else if (r == -EAGAIN)
                failed(ret, RF_HTTP_RESOLVE_FAILED, "the name %.120s couldn't be resolved", host);
        else if (r == -ETIMEDOUT && rf_check_cancelled() == 0)
                failed(ret, RF_HTTP_RESOLVE_TIMEOUT, "the name %.120s wasn't resolved in time", host);
        if (ret->failure != RF_HTTP_FINE)
                return 0;
        if (r < 0)
                return r;
        if (asprintf(&line, "%s:%s:%s", host, o.port, addresses) < 0)
                return -ENOMEM;
        longer = curl_slist_append(*list, line);
        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

/* Names are resolved here, whichever connection is made: the proxy's, or the host's. */
static int resolve_all(struct rf_http *h, const struct rf_http_request *q, uint64_t deadline_us, struct curl_slist **list,
                       bool *ret_uses_proxy, struct rf_http_response *ret)
{
        const char *proxy = q->is_direct ? NULL : h->options.proxy;
        const struct rf_origin *o, *p;

        o = rf_origins_get(&h->origins, q->url, false);
        if (!o) {
                failed(ret, RF_HTTP_PROTOCOL, "the address isn't one");
                return 0;
        }
        /* an exemption of addresses in numbers, perhaps of whole networks, is for libcurl to see */
        *ret_uses_proxy = proxy && proxy[0] && !(h->options.no_proxy && !o->is_literal && rf_origin_is_exempt(o, h->options.no_proxy));
        if (!*ret_uses_proxy)
                return resolve(h, o, deadline_us, list, ret);
        p = rf_origins_get(&h->origins, proxy, true);
        if (!p) {
                failed(ret, RF_HTTP_PROTOCOL, "the proxy's address isn't one");
                return 0;
        }
        return resolve(h, p, deadline_us, list, ret);
}

static struct rf_transfer *take_transfer(struct rf_http *h)
{
        struct rf_transfer *t = h->n_idle > 0 ? h->idle[--h->n_idle] : rf_transfer_new(&h->options, h->share);

        if (t) { /* a connection keeps these from the one that opened it */
                curl_easy_setopt(rf_transfer_easy(t), CURLOPT_OPENSOCKETFUNCTION, open_socket);
                curl_easy_setopt(rf_transfer_easy(t), CURLOPT_OPENSOCKETDATA, h);
                curl_easy_setopt(rf_transfer_easy(t), CURLOPT_CLOSESOCKETFUNCTION, close_socket);
                curl_easy_setopt(rf_transfer_easy(t), CURLOPT_CLOSESOCKETDATA, h);
        }
        return t;
}

/* What a request needs beside itself. */
struct route {
        struct curl_slist *addresses;
        bool uses_proxy;
        uint64_t connect_us; /* time for TCP and TLS: what the name has left of it */
};

/* Sends and waits. 0, or why the wait ended early. */
static int send_and_wait(struct rf_http *h, struct rf_transfer *t, const struct rf_http_request *q, const struct route *route,
                         uint64_t deadline_us)
{
        int r = rf_transfer_prepare(t, q, route->addresses, route->uses_proxy, route->connect_us);

        if (r < 0)
                return r;
        r = curl_multi_add_handle(h->multi, rf_transfer_easy(t)) == CURLM_OK ? rf_transfer_wait(t, deadline_us) : -ENOMEM;
        curl_multi_remove_handle(h->multi, rf_transfer_easy(t)); /* closes the connection of an unfinished one */
        return r;
}

static int perform(struct rf_http *h, const struct rf_http_request *q, uint64_t deadline_us, struct rf_http_response *ret)
{
        uint64_t connected_us = rf_deadline_in(h->options.connect_timeout_us);
        struct route route = { 0 };
        struct rf_transfer *t = NULL;
        int r = resolve_all(h, q, MIN(deadline_us, connected_us), &route.addresses, &route.uses_proxy, ret);

        route.connect_us = connected_us - MIN(connected_us, rf_now_us());
        if (r >= 0 && ret->failure == RF_HTTP_FINE) {
                t = take_transfer(h);
                r = t ? send_and_wait(h, t, q, &route, deadline_us) : -ENOMEM;
                if (r == 0 && q->is_idempotent && rf_transfer_met_dead_connection(t))
                        r = send_and_wait(h, t, q, &route, deadline_us);
        }
        if (t && r >= 0)
                r = rf_transfer_take(t, ret);
        else if (t && r == -ETIMEDOUT && rf_check_cancelled() == 0)
                r = rf_transfer_explain_timeout(t, ret); /* the request's own time, not the caller's */
        if (t) {
                rf_transfer_reset(t);
                h->idle[h->n_idle++] = t; /* no more than places */
        }
        curl_slist_free_all(route.addresses);
        return r;
}

int rf_http_perform(struct rf_http *h, const struct rf_http_request *q, struct rf_http_response *ret)
{
        uint64_t started_us = rf_now_us(), deadline_us = rf_deadline_in(q->timeout_us);
        int r;

        *ret = (struct rf_http_response){ .body = RF_BUF_INIT, .header_text = RF_BUF_INIT };
        h->stats.waiting++;
        r = rf_semaphore_acquire(&h->places, deadline_us);
        h->stats.waiting--;
        if (r == -ETIMEDOUT && rf_check_cancelled() == 0) {
                failed(ret, RF_HTTP_TIMEOUT, "no connection became free in time");
                h->stats.failures[RF_HTTP_TIMEOUT]++;
                return 0;
        }
        if (r < 0)
                return r;
        h->stats.requests++;
        h->stats.in_flight++;
        ret->queue_us = rf_now_us() - started_us;
        r = perform(h, q, deadline_us, ret);
        h->stats.in_flight--;
        rf_semaphore_release(&h->places);
        if (r < 0) {
                rf_http_response_done(ret);
                return r;
        }
        ret->total_us = rf_now_us() - started_us;
        h->stats.failures[ret->failure]++;
        h->stats.connections += !ret->is_reused && ret->connect_us > 0;
        return 0;
}

void rf_http_response_done(struct rf_http_response *r)
{
        free(r->headers);
        rf_buf_done(&r->body);
        rf_buf_done(&r->header_text);
        *r = (struct rf_http_response){ .body = RF_BUF_INIT, .header_text = RF_BUF_INIT };
}

struct rf_http_stats rf_http_stats(const struct rf_http *h)
{
        return h->stats;
}
