#include "base/buf.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STRING_IS_NULL UINT32_MAX

int rf_buf_reserve(struct rf_buf *b, size_t extra)
{
        size_t needed, capacity;
        char *data;

        if (__builtin_add_overflow(b->size, extra, &needed) || needed >= SIZE_MAX / 2)
                return -ENOMEM;
        needed++; /* the final NUL */
        if (needed <= b->capacity)
                return 0;
        capacity = MAX(b->capacity * 2, MAX(needed, (size_t)64));
        data = realloc(b->data, capacity);
        if (!data)
                return -ENOMEM;
        b->data = data;
        b->capacity = capacity;
        b->data[b->size] = '\0';
        return 0;
}

int rf_buf_add(struct rf_buf *b, const void *data, size_t size)
{
        int r;

        r = rf_buf_reserve(b, size);
        if (r < 0)
                return r;
        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = '\0';
        return 0;
}

int rf_buf_add_string(struct rf_buf *b, const char *s)
{
        return rf_buf_add(b, s, strlen(s));
}

int rf_buf_addf(struct rf_buf *b, const char *format, ...)
{
        va_list ap;
        int n, r;

        va_start(ap, format);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0)
                return -EINVAL;
        r = rf_buf_reserve(b, (size_t)n);
        if (r < 0)
                return r;
        va_start(ap, format);
        vsnprintf(b->data + b->size, (size_t)n + 1, format, ap);
        va_end(ap);
        b->size += (size_t)n;
        return 0;
}

static int put_le(struct rf_buf *b, uint64_t v, size_t size)
{
        uint8_t bytes[8];

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(v >> (8 * i));
        return rf_buf_add(b, bytes, size);
}

int rf_buf_put_u8(struct rf_buf *b, uint8_t v)
{
        return put_le(b, v, 1);
}

int rf_buf_put_u16(struct rf_buf *b, uint16_t v)
{
        return put_le(b, v, 2);
}

int rf_buf_put_u32(struct rf_buf *b, uint32_t v)
{
        return put_le(b, v, 4);
}

int rf_buf_put_u64(struct rf_buf *b, uint64_t v)
{
        return put_le(b, v, 8);
}

int rf_buf_put_float(struct rf_buf *b, float v)
{
        uint32_t bits;

        memcpy(&bits, &v, sizeof(bits));
        return rf_buf_put_u32(b, bits);
}

int rf_buf_put_string(struct rf_buf *b, const char *s)
{
        size_t size;
        int r;

        if (!s)
                return rf_buf_put_u32(b, STRING_IS_NULL);
        size = strlen(s);
        if (size >= STRING_IS_NULL)
                return -E2BIG;
        r = rf_buf_put_u32(b, (uint32_t)size);
        if (r < 0)
                return r;
        return rf_buf_add(b, s, size);
}

void rf_buf_consume(struct rf_buf *b, size_t size)
{
        if (size == 0)
                return;
        if (size > b->size)
                size = b->size;
        memmove(b->data, b->data + size, b->size - size + 1);
        b->size -= size;
}

void rf_buf_clear(struct rf_buf *b)
{
        b->size = 0;
        if (b->data)
                b->data[0] = '\0';
}

void rf_buf_done(struct rf_buf *b)
{
        free(b->data);
        *b = RF_BUF_INIT;
}

char *rf_buf_take(struct rf_buf *b, size_t *ret_size)
{
        char *data = b->data;

        if (ret_size)
                *ret_size = b->size;
        *b = RF_BUF_INIT;
        return data;
}

static int get_le(struct rf_reader *r, size_t size, uint64_t *ret)
{
        uint64_t v = 0;

        if (r->size - r->at < size) {
                r->at = r->size;
                return -RF_ECORRUPT;
        }
        for (size_t i = 0; i < size; i++)
                v |= (uint64_t)r->data[r->at + i] << (8 * i);
        r->at += size;
        *ret = v;
        return 0;
}

#define DEFINE_GETTER(name, type, size)                              \
        int rf_reader_##name(struct rf_reader *reader, type *ret)    \
        {                                                            \
                uint64_t v;                                          \
                int r;                                               \
                                                                     \
                r = get_le(reader, size, &v);                        \
                if (r < 0)                                           \
                        return r;                                    \
                *ret = (type)v;                                      \
                return 0;                                            \
        }

DEFINE_GETTER(u8, uint8_t, 1)
DEFINE_GETTER(u16, uint16_t, 2)
DEFINE_GETTER(u32, uint32_t, 4)
DEFINE_GETTER(u64, uint64_t, 8)

int rf_reader_float(struct rf_reader *reader, float *ret)
{
        uint32_t bits;
        int r;

        r = rf_reader_u32(reader, &bits);
        if (r < 0)
                return r;
        memcpy(ret, &bits, sizeof(bits));
        return 0;
}

int rf_reader_string(struct rf_reader *reader, const char **ret, size_t *ret_size)
{
        uint32_t size;
        int r;

        r = rf_reader_u32(reader, &size);
        if (r < 0)
                return r;
        if (size == STRING_IS_NULL) {
                *ret = NULL;
                *ret_size = 0;
                return 0;
        }
        if (reader->size - reader->at < size) {
                reader->at = reader->size;
                return -RF_ECORRUPT;
        }
        *ret = (const char *)reader->data + reader->at;
        *ret_size = size;
        reader->at += size;
        return 0;
}
