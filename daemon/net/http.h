/*
 * HTTP on one libcurl multi handle, driven by the scheduler's loop: connections are reused, names are resolved off the loop, bodies
 * and headers are bounded while they arrive, redirects are never followed, and only http and https are spoken. The only user of
 * libcurl.
 */
#pragma once

#include <recflow/plugin.h>

#include "base/buf.h"
#include "base/macros.h"

struct rf_http;

struct rf_http_options {
        const char *user_agent;       /* services turn away libraries' defaults */
        const char *proxy, *no_proxy; /* as curl's --proxy and --noproxy; NULL: none */
        const char *ca_file;          /* NULL: Debian's bundle */
        uint64_t connect_timeout_us;  /* name, TCP and TLS together; 0 = 10 s */
        uint32_t host_connections_max; /* 0 = 32 */
        size_t body_max;              /* bytes, decoded; 0 = RF_RESPONSE_BYTES_MAX */
        bool http2;                   /* where the service offers it over TLS */
};

/* What kept a response from coming. Names: rf_http_failure_name(). */
enum rf_http_failure {
        RF_HTTP_FINE,
        RF_HTTP_NO_SUCH_HOST,
        RF_HTTP_RESOLVE_FAILED,  /* the name servers failed */
        RF_HTTP_RESOLVE_TIMEOUT, /* or hang */
        RF_HTTP_REFUSED,
        RF_HTTP_CONNECT_TIMEOUT,
        RF_HTTP_CERTIFICATE, /* isn't one that we trust, or another host's */
        RF_HTTP_TLS,       /* the handshake, or our own file of authorities */
        RF_HTTP_TIMEOUT,   /* connected, but no complete answer in time */
        RF_HTTP_LOST,      /* the connection ended before the answer was complete */
        RF_HTTP_TOO_LARGE, /* body */
        RF_HTTP_TOO_MANY_HEADERS,
        RF_HTTP_PROTOCOL,  /* not HTTP, or not as asked */
        RF_HTTP_FAILURE_COUNT,
};

/* What is sent; all of it the caller's, until the call returns. */
struct rf_http_request {
        enum rf_method method;
        const char *url;
        const struct rf_header *headers;
        size_t n_headers;
        const char *body; /* NULL: none */
        size_t body_size;
        uint64_t timeout_us;  /* for everything, waiting for a place included */
        bool is_direct;       /* by no proxy, whatever is configured */
        bool is_idempotent;   /* may be sent again when a reused connection turns out to be dead */
};

struct rf_http_response {
        enum rf_http_failure failure;
        char message[160]; /* what failed, for people */
        uint16_t status;   /* 0 if nothing came */
        struct rf_header *headers; /* on failure those that had come */
        size_t n_headers;
        struct rf_buf body;        /* ends in a NUL that isn't counted; empty on failure */
        struct rf_buf header_text; /* what the headers point into */
        uint64_t queue_us, connect_us, first_byte_us, total_us; /* since the call; 0 = didn't come to that. A reused connection: connect 0 */
        bool is_reused;
};

/* Within a scheduler or before it runs. */
int rf_http_new(const struct rf_http_options *o, struct rf_http **ret);
/* Closes every connection. Within the scheduler that it was used in; nothing may be under way, and nothing be asked after it. */
void rf_http_stop(struct rf_http *h);
struct rf_http *rf_http_free(struct rf_http *h); /* stopped, or never used. Accepts NULL, returns NULL */
DEFINE_CLEANUP(struct rf_http *, rf_http_free);

/* Loads the certificates, which takes 20 ms, before somebody waits for it. Yields. */
int rf_http_warm_up(struct rf_http *h);

/*
 * Makes one request and waits for its response (yields). 0: see `ret->failure`; a status of any kind is a response. -ECANCELED,
 * -ETIMEDOUT (the caller's group), -ENOMEM: `ret` is empty. Leaving early closes the connection at once.
 */
int rf_http_perform(struct rf_http *h, const struct rf_http_request *request, struct rf_http_response *ret);
void rf_http_response_done(struct rf_http_response *r);

const char *rf_http_failure_name(enum rf_http_failure f); /* "refused", "too-large", … */

struct rf_http_stats {
        uint64_t requests, connections, failures[RF_HTTP_FAILURE_COUNT];
        size_t in_flight, waiting;
};
struct rf_http_stats rf_http_stats(const struct rf_http *h);
