/* Small numbers in few bytes (LEB128), for stored figures: most of them are below 128. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

static inline int rf_varint_put(struct rf_buf *b, uint64_t v)
{
        uint8_t bytes[10];
        size_t n = 0;

        do {
                bytes[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
                v >>= 7;
        } while (v > 0);
        return rf_buf_add(b, bytes, n);
}

/* -RF_ECORRUPT past the end, or for what no number of 64 bits gives. */
static inline int rf_varint_get(struct rf_reader *r, uint64_t *ret)
{
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte;
                int e = rf_reader_u8(r, &byte);

                if (e < 0)
                        return e;
                if (shift == 63 && byte > 1)
                        break;
                v |= (uint64_t)(byte & 127) << shift;
                if (!(byte & 128)) {
                        *ret = v;
                        return 0;
                }
        }
        return -RF_ECORRUPT;
}
