#include "control/varlink/encode.h"

#include "base/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* What a byte becomes inside a string: 0 itself, 'u' \u00XX, otherwise that letter behind a backslash. UTF-8 passes as it is. */
static const char escapes[256] = {
        [0x00 ... 0x07] = 'u',
        [0x0b] = 'u',
        [0x0e ... 0x1f] = 'u',
        ['\b'] = 'b',
        ['\f'] = 'f',
        ['\n'] = 'n',
        ['\r'] = 'r',
        ['\t'] = 't',
        ['"'] = '"',
        ['\\'] = '\\',
};

static int put_escape(struct rf_buf *b, unsigned char c)
{
        static const char hex[] = "0123456789abcdef";
        char text[6] = { '\\', escapes[c] };

        if (escapes[c] != 'u')
                return rf_buf_add(b, text, 2);
        memcpy(text + 2, (char[]){ '0', '0', hex[c >> 4], hex[c & 15] }, 4);
        return rf_buf_add(b, text, 6);
}

int rf_json_encode_string(struct rf_buf *b, const char *s, size_t size)
{
        size_t start = 0;
        int r;

        if (memchr(s, '\0', size))
                return -EINVAL;
        r = rf_buf_reserve(b, size + 2);
        if (r < 0)
                return r;
        b->data[b->size++] = '"';
        for (size_t i = 0; i < size; i++) {
                if (!escapes[(unsigned char)s[i]])
                        continue;
                r = rf_buf_add(b, s + start, i - start);
                if (r < 0)
                        return r;
                r = put_escape(b, (unsigned char)s[i]);
                if (r < 0)
                        return r;
                start = i + 1;
        }
        r = rf_buf_add(b, s + start, size - start);
        if (r < 0)
                return r;
        return rf_buf_add(b, "\"", 1);
}

static int encode_integer(struct rf_buf *b, json_int_t v)
{
        char digits[24];
        size_t at = sizeof(digits);
        unsigned long long rest = v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v;

        do
                digits[--at] = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (v < 0)
                digits[--at] = '-';
        return rf_buf_add(b, digits + at, sizeof(digits) - at);
}

/* Left to jansson: it knows the locale and how many digits it takes to read the same number back. */
static int encode_real(struct rf_buf *b, const json_t *j)
{
        size_t size = json_dumpb(j, NULL, 0, JSON_ENCODE_ANY);
        int r;

        if (size == 0)
                return -ENOMEM;
        r = rf_buf_reserve(b, size);
        if (r < 0)
                return r;
        json_dumpb(j, b->data + b->size, size, JSON_ENCODE_ANY);
        b->size += size;
        b->data[b->size] = '\0';
        return 0;
}

static int encode_at(struct rf_buf *b, const json_t *j, unsigned depth);

static int encode_array(struct rf_buf *b, const json_t *j, unsigned depth)
{
        size_t size = json_array_size(j);
        int r;

        r = rf_buf_add(b, "[", 1);
        for (size_t i = 0; i < size && r >= 0; i++) {
                if (i > 0)
                        r = rf_buf_add(b, ",", 1);
                if (r >= 0)
                        r = encode_at(b, json_array_get(j, i), depth);
        }
        return r < 0 ? r : rf_buf_add(b, "]", 1);
}

static int encode_object(struct rf_buf *b, const json_t *j, unsigned depth)
{
        json_t *object = (json_t *)j; /* jansson's iterators take no const, but change nothing */
        bool first = true;
        int r;

        r = rf_buf_add(b, "{", 1);
        for (void *at = json_object_iter(object); at && r >= 0; at = json_object_iter_next(object, at)) {
                const char *key = json_object_iter_key(at);

                if (!first)
                        r = rf_buf_add(b, ",", 1);
                first = false;
                if (r >= 0)
                        r = rf_json_encode_string(b, key, strlen(key));
                if (r >= 0)
                        r = rf_buf_add(b, ":", 1);
                if (r >= 0)
                        r = encode_at(b, json_object_iter_value(at), depth);
        }
        return r < 0 ? r : rf_buf_add(b, "}", 1);
}

static int encode_at(struct rf_buf *b, const json_t *j, unsigned depth)
{
        switch (json_typeof(j)) {
        case JSON_OBJECT:
                return depth == 0 ? -EINVAL : encode_object(b, j, depth - 1);
        case JSON_ARRAY:
                return depth == 0 ? -EINVAL : encode_array(b, j, depth - 1);
        case JSON_STRING:
                return rf_json_encode_string(b, json_string_value(j), json_string_length(j));
        case JSON_INTEGER:
                return encode_integer(b, json_integer_value(j));
        case JSON_REAL:
                return encode_real(b, j);
        case JSON_TRUE:
                return rf_buf_add(b, "true", 4);
        case JSON_FALSE:
                return rf_buf_add(b, "false", 5);
        case JSON_NULL:
                return rf_buf_add(b, "null", 4);
        }
        return -EINVAL;
}

int rf_json_encode(struct rf_buf *b, const json_t *j)
{
        return encode_at(b, j, RF_JSON_DEPTH_MAX);
}
