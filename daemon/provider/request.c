/* Building a request: what the plugin said, checked, encoded, parameters in order of their names. */
#include "provider/host.h"
#include "provider/provider.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS_MAX = 64, HEADERS_MAX = 16 };

struct rf_request_builder {
        struct rf_arena arena;
        struct rf_request request;
        const char *base_url;
        struct rf_header params[PARAMS_MAX], headers[HEADERS_MAX + 1]; /* and the credential */
        struct rf_buf url, bearer;
        int error; /* the first */
};

struct rf_request_builder *rf_request_new(const char *base_url)
{
        struct rf_request_builder *b = calloc(1, sizeof(*b));

        if (!b)
                return NULL;
        b->arena.limit = RF_REQUEST_BYTES_MAX;
        b->base_url = base_url ? base_url : "";
        b->request.size = sizeof(b->request);
        b->request.path = "";
        return b;
}

/* A credential isn't left behind in memory that others get. */
static void wipe_bearer(struct rf_request_builder *b)
{
        if (b->bearer.data)
                explicit_bzero(b->bearer.data, b->bearer.size);
}

struct rf_request_builder *rf_request_free(struct rf_request_builder *b)
{
        if (!b)
                return NULL;
        rf_arena_done(&b->arena);
        rf_buf_done(&b->url);
        wipe_bearer(b);
        rf_buf_done(&b->bearer);
        free(b);
        return NULL;
}

static void fail(struct rf_request_builder *b, int error)
{
        if (b->error == 0)
                b->error = error;
}

static const char *keep(struct rf_request_builder *b, const char *text)
{
        const char *copy;

        if (!text || !rf_utf8_is_valid(text, strlen(text))) {
                fail(b, -EINVAL);
                return "";
        }
        copy = rf_arena_strdup(&b->arena, text);
        if (!copy) {
                fail(b, -E2BIG);
                return "";
        }
        return copy;
}

static void append(struct rf_request_builder *b, struct rf_header *list, size_t *n, size_t max, const char *name, const char *value)
{
        if (*n == max) {
                fail(b, -E2BIG);
                return;
        }
        list[*n] = (struct rf_header){ .name = keep(b, name), .value = keep(b, value) };
        (*n)++;
}

static void request_method(struct rf_request_builder *b, enum rf_method method)
{
        if (method > RF_METHOD_DELETE)
                fail(b, -EINVAL);
        else
                b->request.method = method;
}

static void request_path(struct rf_request_builder *b, const char *path)
{
        if (!path || path[0] != '/' || path[strcspn(path, "?#\r\n ")])
                fail(b, -EINVAL);
        else
                b->request.path = keep(b, path);
}

static void request_param(struct rf_request_builder *b, const char *name, const char *value)
{
        append(b, b->params, &b->request.n_params, PARAMS_MAX, name, value);
}

/* A line break in a header would begin another one. */
static void request_header(struct rf_request_builder *b, const char *name, const char *value)
{
        if (!name || !value || name[strcspn(name, ":\r\n ")] || value[strcspn(value, "\r\n")])
                fail(b, -EINVAL);
        else
                append(b, b->headers, &b->request.n_headers, HEADERS_MAX, name, value);
}

static void request_body(struct rf_request_builder *b, const char *content_type, const void *data, size_t size)
{
        char *copy = rf_arena_strndup(&b->arena, data, size);

        if (!copy) {
                fail(b, -E2BIG);
                return;
        }
        b->request.body = copy;
        b->request.body_size = size;
        request_header(b, "Content-Type", content_type);
}

void rf_request_fill_host(struct rf_host *host)
{
        host->request_method = request_method;
        host->request_path = request_path;
        host->request_param = request_param;
        host->request_header = request_header;
        host->request_body = request_body;
}

static int by_name(const void *a, const void *b)
{
        const struct rf_header *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r != 0 ? r : strcmp(x->value, y->value);
}

/* RFC 3986: everything but the unreserved characters. */
static int add_encoded(struct rf_buf *b, const char *s)
{
        static const char digits[] = "0123456789ABCDEF";
        int r = rf_buf_reserve(b, strlen(s) * 3);

        if (r < 0)
                return r;
        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
                        b->data[b->size++] = *s;
                else {
                        b->data[b->size++] = '%';
                        b->data[b->size++] = digits[c >> 4];
                        b->data[b->size++] = digits[c & 15];
                }
        }
        b->data[b->size] = '\0';
        return 0;
}

int rf_request_finish(struct rf_request_builder *b, const struct rf_request **ret)
{
        struct rf_request *q = &b->request;
        int r;

        if (b->error < 0)
                return b->error;
        qsort(b->params, q->n_params, sizeof(b->params[0]), by_name);
        rf_buf_clear(&b->url);
        if ((r = rf_buf_add_string(&b->url, b->base_url)) < 0 || (r = rf_buf_add_string(&b->url, q->path)) < 0)
                return r;
        for (size_t i = 0; i < q->n_params; i++)
                if ((r = rf_buf_add_string(&b->url, i == 0 ? "?" : "&")) < 0 || (r = add_encoded(&b->url, b->params[i].name)) < 0 ||
                    (r = rf_buf_add_string(&b->url, "=")) < 0 || (r = add_encoded(&b->url, b->params[i].value)) < 0)
                        return r;
        if (b->url.size + q->body_size > RF_REQUEST_BYTES_MAX)
                return -E2BIG;
        q->url = b->url.data;
        q->params = b->params;
        q->headers = b->headers;
        *ret = q;
        return 0;
}

int rf_request_authorise(struct rf_request_builder *b, const char *bearer)
{
        bool had = b->bearer.size > 0;

        wipe_bearer(b);
        rf_buf_clear(&b->bearer);
        /* room for all of it at once: growing would leave a copy behind */
        if (rf_buf_reserve(&b->bearer, strlen(bearer) + sizeof("Bearer ")) < 0 || rf_buf_addf(&b->bearer, "Bearer %s", bearer) < 0)
                return -ENOMEM;
        if (!had)
                b->request.n_headers++;
        b->headers[b->request.n_headers - 1] = (struct rf_header){ .name = "Authorization", .value = b->bearer.data };
        return 0;
}

void rf_request_describe(const struct rf_request *q, char *buf, size_t size)
{
        static const char *const methods[] = { [RF_METHOD_GET] = "GET", [RF_METHOD_POST] = "POST", [RF_METHOD_PUT] = "PUT",
                                               [RF_METHOD_DELETE] = "DELETE" };
        int at = snprintf(buf, size, "%s %s", methods[q->method], q->path);

        for (size_t i = 0; i < q->n_params && at >= 0 && (size_t)at < size; i++)
                at += snprintf(buf + at, size - (size_t)at, "%s%s=%s", i == 0 ? "?" : "&", q->params[i].name, q->params[i].value);
        buf[rf_utf8_clip(buf, size - 1)] = '\0';
}
