#include "control/varlink/message.h"

#include "base/json.h"
#include "base/limits.h"
#include "control/varlink/encode.h"

#include <errno.h>
#include <string.h>

/* First room for reading: most calls, and several pipelined ones, fit. */
#define READ_ROOM 4096u
/* A buffer that grew for one large message is given back when it is empty again. */
#define KEEP_ROOM (64u * 1024u)

int rf_varlink_reader_room(struct rf_varlink_reader *r, char **ret, size_t *ret_size)
{
        int e;

        if (r->taken > 0) {
                rf_buf_consume(&r->buf, r->taken);
                r->scanned -= r->taken;
                r->taken = 0;
        }
        if (r->buf.size == 0 && r->buf.capacity > KEEP_ROOM)
                rf_buf_done(&r->buf);
        if (r->buf.capacity <= r->buf.size + 1) {
                e = rf_buf_reserve(&r->buf, READ_ROOM - 1);
                if (e < 0)
                        return e;
        }
        *ret = r->buf.data + r->buf.size;
        *ret_size = r->buf.capacity - r->buf.size - 1;
        return 0;
}

void rf_varlink_reader_filled(struct rf_varlink_reader *r, size_t size)
{
        r->buf.size += size;
        r->buf.data[r->buf.size] = '\0';
}

bool rf_varlink_reader_has_message(struct rf_varlink_reader *r)
{
        const char *end;

        if (r->scanned == r->buf.size)
                return false;
        end = memchr(r->buf.data + r->scanned, '\0', r->buf.size - r->scanned);
        r->scanned = end ? (size_t)(end - r->buf.data) : r->buf.size;
        return end;
}

int rf_varlink_reader_next(struct rf_varlink_reader *r, const char **ret, size_t *ret_size)
{
        bool complete = rf_varlink_reader_has_message(r);

        if (r->scanned - r->taken > r->message_max)
                return -EMSGSIZE;
        if (!complete)
                return 0;
        *ret = r->buf.data + r->taken;
        *ret_size = r->scanned - r->taken;
        r->taken = ++r->scanned;
        return 1;
}

void rf_varlink_reader_done(struct rf_varlink_reader *r)
{
        rf_buf_done(&r->buf);
        r->taken = r->scanned = 0;
}

static int bad(const char **reason, const char *text)
{
        if (reason)
                *reason = text;
        return -EBADMSG;
}

static int parse_object(const char *text, size_t size, json_t **ret, const char **reason)
{
        _cleanup_json_ json_t *root = NULL;
        int r;

        r = rf_json_parse(text, size, &root, NULL);
        if (r == -EBADMSG)
                return bad(reason, "not valid JSON in UTF-8, nested too deep, or a key twice in an object");
        if (r < 0) {
                if (reason)
                        *reason = "out of memory";
                return r;
        }
        if (!json_is_object(root))
                return bad(reason, "not an object");
        *ret = TAKE_PTR(root);
        return 0;
}

static int take_flag(bool *flag, const json_t *value, const char **reason)
{
        if (!json_is_boolean(value))
                return bad(reason, "a flag that is neither true nor false");
        *flag = json_is_true(value);
        return 0;
}

/* Absent, null and {} are the same. */
static json_t *take_parameters(json_t *value)
{
        if (json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0))
                return NULL;
        return value;
}

static int take_call_member(struct rf_varlink_message *m, const char *key, json_t *value, const char **reason)
{
        if (strcmp(key, "method") == 0) {
                if (!json_is_string(value))
                        return bad(reason, "`method` is not a string");
                m->method = json_string_value(value);
                return 0;
        }
        if (strcmp(key, "parameters") == 0) {
                m->parameters = take_parameters(value);
                return 0;
        }
        if (strcmp(key, "more") == 0)
                return take_flag(&m->more, value, reason);
        if (strcmp(key, "oneway") == 0)
                return take_flag(&m->oneway, value, reason);
        if (strcmp(key, "upgrade") == 0)
                return take_flag(&m->upgrade, value, reason);
        if (!strchr(key, '.'))
                return bad(reason, "an unknown member without a dot in its name");
        return 0; /* somebody's extension */
}

/* ---- Plain calls ---- */

/*
 * Many calls carry a method and nothing that needs a parser: {"method":"a.b.C"}, perhaps with empty parameters and flags, without
 * escapes and white space. These are read in place. Everything else, mistakes included, is left to the parser below: both give the
 * same result where this one gives any (a fuzzer compares them).
 */
struct plain {
        const char *at, *end;
};

static bool skip(struct plain *p, const char *token)
{
        size_t n = strlen(token);

        if ((size_t)(p->end - p->at) < n || memcmp(p->at, token, n) != 0)
                return false;
        p->at += n;
        return true;
}

static bool take_plain_method(struct plain *p, char *method)
{
        const char *start = p->at;

        while (p->at < p->end && (unsigned char)*p->at > ' ' && (unsigned char)*p->at < 0x7f && *p->at != '"' && *p->at != '\\')
                p->at++;
        if (p->at - start >= RF_VARLINK_PLAIN_METHOD)
                return false;
        memcpy(method, start, (size_t)(p->at - start));
        method[p->at - start] = '\0';
        return skip(p, "\"");
}

static bool take_plain_call(const char *text, size_t size, struct rf_varlink_message *m)
{
        struct plain p = { text, text + size };
        bool has_parameters = false;

        if (!skip(&p, "{\"method\":\"") || !take_plain_method(&p, m->plain))
                return false;
        while (skip(&p, ",")) {
                if (!has_parameters && skip(&p, "\"parameters\":{}"))
                        has_parameters = true;
                else if (!m->more && skip(&p, "\"more\":true"))
                        m->more = true;
                else if (!m->oneway && skip(&p, "\"oneway\":true"))
                        m->oneway = true;
                else
                        return false;
        }
        return skip(&p, "}") && p.at == p.end && !(m->more && m->oneway);
}

int rf_varlink_parse_call(const char *text, size_t size, struct rf_varlink_message *ret, const char **reason)
{
        _cleanup_varlink_message_ struct rf_varlink_message m = { 0 };
        int r;

        *ret = (struct rf_varlink_message){ 0 };
        if (take_plain_call(text, size, ret)) {
                ret->method = ret->plain;
                return 0;
        }
        r = parse_object(text, size, &m.root, reason);
        if (r < 0)
                return r;
        for (void *at = json_object_iter(m.root); at; at = json_object_iter_next(m.root, at)) {
                r = take_call_member(&m, json_object_iter_key(at), json_object_iter_value(at), reason);
                if (r < 0)
                        return r;
        }
        if (!m.method)
                return bad(reason, "`method` is missing");
        if (m.more + m.oneway + m.upgrade > 1)
                return bad(reason, "more than one of `more`, `oneway` and `upgrade`");
        *ret = m;
        m.root = NULL;
        return 0;
}

static int take_reply_member(struct rf_varlink_message *m, const char *key, json_t *value, const char **reason)
{
        if (strcmp(key, "parameters") == 0) {
                if (!json_is_object(value) && !json_is_null(value))
                        return bad(reason, "`parameters` is not an object");
                m->parameters = take_parameters(value);
        } else if (strcmp(key, "error") == 0) {
                if (!json_is_string(value))
                        return bad(reason, "`error` is not a string");
                m->error = json_string_value(value);
        } else if (strcmp(key, "continues") == 0)
                return take_flag(&m->continues, value, reason);
        return 0;
}

int rf_varlink_parse_reply(const char *text, size_t size, struct rf_varlink_message *ret, const char **reason)
{
        _cleanup_varlink_message_ struct rf_varlink_message m = { 0 };
        int r;

        r = parse_object(text, size, &m.root, reason);
        if (r < 0)
                return r;
        for (void *at = json_object_iter(m.root); at; at = json_object_iter_next(m.root, at)) {
                r = take_reply_member(&m, json_object_iter_key(at), json_object_iter_value(at), reason);
                if (r < 0)
                        return r;
        }
        if (m.error && m.continues)
                return bad(reason, "an error that continues");
        *ret = m;
        m.root = NULL;
        return 0;
}

void rf_varlink_message_done(struct rf_varlink_message *m)
{
        json_decref(m->root);
        *m = (struct rf_varlink_message){ 0 };
}

static int put_parameters(struct rf_buf *b, const json_t *parameters)
{
        int r;

        if (!parameters)
                return rf_buf_add_string(b, "\"parameters\":{}");
        if (!json_is_object(parameters))
                return -EINVAL;
        r = rf_buf_add_string(b, "\"parameters\":");
        if (r < 0)
                return r;
        return rf_json_encode(b, parameters);
}

/* `{"NAME":"VALUE",`, or only `{` */
static int put_head(struct rf_buf *b, const char *name, const char *value)
{
        int r;

        r = rf_buf_add_string(b, "{");
        if (r < 0 || !name)
                return r;
        r = rf_json_encode_string(b, name, strlen(name));
        if (r >= 0)
                r = rf_buf_add_string(b, ":");
        if (r >= 0)
                r = rf_json_encode_string(b, value, strlen(value));
        return r < 0 ? r : rf_buf_add_string(b, ",");
}

static int put_message(struct rf_buf *b, const char *name, const char *value, const json_t *parameters, const char *tail)
{
        size_t start = b->size;
        int r;

        r = put_head(b, name, value);
        if (r >= 0)
                r = put_parameters(b, parameters);
        if (r >= 0)
                r = rf_buf_add(b, tail, strlen(tail) + 1);
        if (r >= 0 && b->size - start - 1 > RF_MESSAGE_MAX)
                r = -EMSGSIZE;
        if (r < 0) {
                b->size = start;
                if (b->data)
                        b->data[start] = '\0';
        }
        return r;
}

int rf_varlink_put_call(struct rf_buf *b, const char *method, const json_t *parameters, unsigned flags)
{
        const char *tail = "}";

        if (flags & RF_VARLINK_ONEWAY)
                tail = ",\"oneway\":true}";
        else if (flags & RF_VARLINK_MORE)
                tail = ",\"more\":true}";
        else if (flags & RF_VARLINK_UPGRADE)
                tail = ",\"upgrade\":true}";
        return put_message(b, "method", method, parameters, tail);
}

int rf_varlink_put_reply(struct rf_buf *b, const json_t *parameters, bool continues)
{
        return put_message(b, NULL, NULL, parameters, continues ? ",\"continues\":true}" : "}");
}

int rf_varlink_put_error(struct rf_buf *b, const char *error, const json_t *parameters)
{
        return put_message(b, "error", error, parameters, "}");
}
