#include "net/transfer.h"

#include "base/limits.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_TEXT_USUAL = 500 /* bytes; more grows */ };

/* A header line as offsets, since the text may move while it grows. */
struct header_place {
        uint32_t name, value;
};

struct rf_transfer {
        CURL *easy;
        const struct rf_http_options *options;
        struct curl_slist *headers;
        struct rf_waiters waiters;
        bool is_done;
        CURLcode code;
        bool has_body, has_proxy;
        enum rf_http_failure refused; /* why we ended it ourselves */
        struct rf_buf body, header_text;
        struct header_place places[RF_HTTP_HEADERS_MAX];
        size_t n_places, header_bytes;
        char error[CURL_ERROR_SIZE];
};

/* Only what differs from the next request: setting everything anew costs as much as a tenth of a small transfer. */
void rf_transfer_reset(struct rf_transfer *t)
{
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(t->easy, CURLOPT_RESOLVE, NULL);
        if (t->has_body) {
                curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, NULL);
                curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, NULL);
                curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
                t->has_body = false;
        }
        curl_slist_free_all(t->headers);
        t->headers = NULL;
        rf_buf_done(&t->body);
        rf_buf_done(&t->header_text);
}

struct rf_transfer *rf_transfer_free(struct rf_transfer *t)
{
        if (!t)
                return NULL;
        rf_transfer_reset(t);
        curl_easy_cleanup(t->easy);
        free(t);
        return NULL;
}

CURL *rf_transfer_easy(struct rf_transfer *t)
{
        return t->easy;
}

/* ---- What libcurl calls. Returning less than it offers ends the transfer. ---- */

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
        struct rf_transfer *t = arg;

        size *= n;
        if (t->body.size + size > t->options->body_max) {
                t->refused = RF_HTTP_TOO_LARGE;
                return 0;
        }
        return rf_buf_add(&t->body, data, size) < 0 ? 0 : size;
}

static size_t trimmed(const char *s, size_t size)
{
        while (size > 0 && (s[size - 1] == '\r' || s[size - 1] == '\n' || s[size - 1] == ' ' || s[size - 1] == '\t'))
                size--;
        return size;
}

static int add_header(struct rf_transfer *t, const char *name, size_t name_size, const char *value, size_t size)
{
        struct header_place *p = &t->places[t->n_places];

        p->name = (uint32_t)t->header_text.size;
        if (rf_buf_add(&t->header_text, name, name_size) < 0 || rf_buf_add(&t->header_text, "", 1) < 0)
                return -ENOMEM;
        p->value = (uint32_t)t->header_text.size;
        if (rf_buf_add(&t->header_text, value, size) < 0 || rf_buf_add(&t->header_text, "", 1) < 0)
                return -ENOMEM;
        t->n_places++;
        return 0;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
        struct rf_transfer *t = arg;
        const char *colon;
        size_t length, at;

        size *= n;
        t->header_bytes += size;
        if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* the headers of an interim response don't count */
                rf_buf_clear(&t->header_text);
                t->n_places = 0;
                return rf_buf_reserve(&t->header_text, HEADER_TEXT_USUAL) < 0 ? 0 : size;
        }
        length = trimmed(line, size);
        colon = memchr(line, ':', length);
        if (t->header_bytes > RF_HTTP_HEADER_BYTES_MAX || (colon && t->n_places == RF_HTTP_HEADERS_MAX)) {
                t->refused = RF_HTTP_TOO_MANY_HEADERS;
                return 0;
        }
        if (!colon)
                return size;
        at = (size_t)(colon - line) + 1;
        while (at < length && (line[at] == ' ' || line[at] == '\t'))
                at++;
        return add_header(t, line, (size_t)(colon - line), line + at, length - at) < 0 ? 0 : size;
}

/* ---- Preparing ---- */

static int set_headers(struct rf_transfer *t, const struct rf_http_request *q)
{
        bool has_type = false;

        for (size_t i = 0; i < q->n_headers; i++) {
                _cleanup_free_ char *line = NULL;
                struct curl_slist *longer;

                if (asprintf(&line, "%s: %s", q->headers[i].name, q->headers[i].value) < 0)
                        return -ENOMEM;
                has_type |= strcasecmp(q->headers[i].name, "Content-Type") == 0;
                longer = curl_slist_append(t->headers, line);
                if (!longer)
                        return -ENOMEM;
                t->headers = longer;
        }
        if (!has_type && q->body) { /* libcurl would call it a form */
                struct curl_slist *longer = curl_slist_append(t->headers, "Content-Type:");

                if (!longer)
                        return -ENOMEM;
                t->headers = longer;
        }
        if (t->headers)
                curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
        return 0;
}

static void set_method(struct rf_transfer *t, const struct rf_http_request *q)
{
        static const char *const names[] = { [RF_METHOD_GET] = "GET", [RF_METHOD_POST] = "POST", [RF_METHOD_PUT] = "PUT",
                                             [RF_METHOD_DELETE] = "DELETE" };

        if (q->method == RF_METHOD_GET)
                return; /* as a handle is at first, and after rf_transfer_reset() */
        t->has_body = true;
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, q->body ? q->body : "");
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_size);
        if (q->method != RF_METHOD_POST)
                curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, names[q->method]);
}

/* The configured proxy or none; not even from the environment, which service/ has read. */
static void set_proxy(struct rf_transfer *t, bool uses_proxy)
{
        const struct rf_http_options *o = t->options;

        curl_easy_setopt(t->easy, CURLOPT_PROXY, uses_proxy && o->proxy ? o->proxy : "");
        t->has_proxy = uses_proxy;
}

static void set_constants(struct rf_transfer *t, CURLSH *share)
{
        const struct rf_http_options *o = t->options;
        CURL *e = t->easy;

        curl_easy_setopt(e, CURLOPT_PRIVATE, t);
        curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, o->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, -1L); /* addresses come with each request: libcurl never looks one up */
        curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, -1L); /* reading them again would hold the loop for 20 ms */
        curl_easy_setopt(e, CURLOPT_SHARE, share);
        curl_easy_setopt(e, CURLOPT_USERAGENT, o->user_agent);
        curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
        curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(e, CURLOPT_NOPROXY, o->no_proxy ? o->no_proxy : ""); /* for addresses in numbers; see http.c for names */
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
        set_proxy(t, false);
}

struct rf_transfer *rf_transfer_new(const struct rf_http_options *options, CURLSH *share)
{
        struct rf_transfer *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;
        t->easy = curl_easy_init();
        if (!t->easy) {
                free(t);
                return NULL;
        }
        t->options = options;
        rf_waiters_init(&t->waiters);
        set_constants(t, share);
        return t;
}

int rf_transfer_prepare(struct rf_transfer *t, const struct rf_http_request *q, struct curl_slist *addresses, bool uses_proxy,
                        uint64_t connect_us)
{
        rf_transfer_reset(t);
        t->is_done = false;
        t->refused = RF_HTTP_FINE;
        t->n_places = t->header_bytes = 0;
        t->error[0] = '\0';
        if (curl_easy_setopt(t->easy, CURLOPT_URL, q->url) != CURLE_OK)
                return -ENOMEM;
        if (uses_proxy != t->has_proxy)
                set_proxy(t, uses_proxy);
        if (addresses)
                curl_easy_setopt(t->easy, CURLOPT_RESOLVE, addresses);
        curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MAX(connect_us / USEC_PER_MSEC, (uint64_t)1)); /* 0 is libcurl's own */
        /* on a kept connection that turns out to be dead libcurl itself sends again, a POST too: a write may arrive twice */
        curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, q->is_idempotent ? 0L : 1L);
        set_method(t, q);
        return set_headers(t, q);
}

int rf_transfer_wait(struct rf_transfer *t, uint64_t deadline_us)
{
        int r = 0;

        while (!t->is_done && r >= 0)
                r = rf_wait(&t->waiters, deadline_us);
        return t->is_done ? 0 : r;
}

void rf_transfer_end(struct rf_transfer *t, int code)
{
        t->is_done = true;
        t->code = (CURLcode)code;
        rf_wake_all(&t->waiters);
}

/* ---- What came of it ---- */

bool rf_transfer_met_dead_connection(const struct rf_transfer *t)
{
        long connects = 1;

        if (t->code != CURLE_SEND_ERROR && t->code != CURLE_GOT_NOTHING && t->code != CURLE_RECV_ERROR && t->code != CURLE_HTTP2 &&
            t->code != CURLE_HTTP2_STREAM)
                return false;
        curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
        return connects == 0 && t->header_bytes == 0;
}

/* libcurl's own words, unless they repeat the proxy's address, in which a password may stand. */
static const char *words_of(const struct rf_transfer *t)
{
        bool may_tell = !t->has_proxy || (!strstr(t->error, "://") && !strchr(t->error, '@'));

        return t->error[0] && may_tell ? t->error : curl_easy_strerror(t->code);
}

static enum rf_http_failure failure_of(const struct rf_transfer *t)
{
        curl_off_t connected_us = 0;

        switch (t->code) {
        case CURLE_OK:
                return RF_HTTP_FINE;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return RF_HTTP_RESOLVE_FAILED;
        case CURLE_COULDNT_CONNECT:
                return RF_HTTP_REFUSED;
        case CURLE_OPERATION_TIMEDOUT:
                curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
                return connected_us > 0 ? RF_HTTP_TIMEOUT : RF_HTTP_CONNECT_TIMEOUT;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
                return RF_HTTP_CERTIFICATE;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
                return RF_HTTP_TLS;
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
        case CURLE_HTTP2: /* the connection's end */
        case CURLE_HTTP2_STREAM: /* the request's alone */
                return RF_HTTP_LOST;
        case CURLE_OUT_OF_MEMORY: /* what libcurl says of a header line beyond its own 100 KB, too; memory seldom runs out in there */
                return RF_HTTP_TOO_MANY_HEADERS;
        default:
                return RF_HTTP_PROTOCOL;
        }
}

static void take_times(const struct rf_transfer *t, struct rf_http_response *ret)
{
        curl_off_t connect_us = 0, tls_us = 0, first_us = 0;
        long connects = 0;

        curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
        curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
        curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
        curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
        ret->is_reused = connects == 0;
        ret->connect_us = ret->is_reused ? 0 : (uint64_t)MAX(connect_us, tls_us);
        ret->first_byte_us = (uint64_t)first_us;
}

/* The status and the headers, as far as they have come: a 429 is one, and says for how long, whatever becomes of its body. */
static int take_head(struct rf_transfer *t, struct rf_http_response *ret)
{
        long status = 0;

        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (uint16_t)status;
        ret->headers = calloc(t->n_places + 1, sizeof(*ret->headers));
        if (!ret->headers)
                return -ENOMEM;
        ret->header_text = t->header_text;
        t->header_text = (struct rf_buf)RF_BUF_INIT;
        for (size_t i = 0; i < t->n_places; i++)
                ret->headers[ret->n_headers++] = (struct rf_header){ .name = ret->header_text.data + t->places[i].name,
                                                                     .value = ret->header_text.data + t->places[i].value };
        return 0;
}

int rf_transfer_take(struct rf_transfer *t, struct rf_http_response *ret)
{
        if (t->code == CURLE_ABORTED_BY_CALLBACK) /* one of http.c's, which do so only for want of memory */
                return -ENOMEM;
        take_times(t, ret);
        ret->failure = t->refused != RF_HTTP_FINE ? t->refused : failure_of(t);
        if (ret->failure == RF_HTTP_TOO_LARGE)
                snprintf(ret->message, sizeof(ret->message), "the answer is longer than %zu bytes", t->options->body_max);
        else if (ret->failure == RF_HTTP_TOO_MANY_HEADERS)
                snprintf(ret->message, sizeof(ret->message), "the answer has more than %u header lines or %u bytes of them",
                         RF_HTTP_HEADERS_MAX, RF_HTTP_HEADER_BYTES_MAX);
        else if (ret->failure != RF_HTTP_FINE)
                snprintf(ret->message, sizeof(ret->message), "%.159s", words_of(t));
        if (ret->failure == RF_HTTP_FINE) {
                if (rf_buf_reserve(&t->body, 0) < 0) /* an empty one ends in its NUL, too */
                        return -ENOMEM;
                ret->body = t->body;
                t->body = (struct rf_buf)RF_BUF_INIT;
        }
        return take_head(t, ret);
}

int rf_transfer_explain_timeout(struct rf_transfer *t, struct rf_http_response *ret)
{
        curl_off_t connected_us = 0;

        take_times(t, ret);
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
        ret->failure = connected_us > 0 ? RF_HTTP_TIMEOUT : RF_HTTP_CONNECT_TIMEOUT;
        if (connected_us <= 0)
                snprintf(ret->message, sizeof(ret->message), "no connection within the timeout");
        else
                snprintf(ret->message, sizeof(ret->message), "no complete answer within the timeout; %zu bytes had come", t->body.size);
        return take_head(t, ret);
}
