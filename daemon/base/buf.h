/* Growable byte buffer. Zero-initialised is empty and valid. `data` ends in a NUL that isn't counted, once anything was added. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_buf {
        char *data;
        size_t size;
        size_t capacity;
};

#define RF_BUF_INIT ((struct rf_buf){ 0 })

/* Make room for `extra` more bytes. -ENOMEM. */
int rf_buf_reserve(struct rf_buf *b, size_t extra);
int rf_buf_add(struct rf_buf *b, const void *data, size_t size);
int rf_buf_add_string(struct rf_buf *b, const char *s);
int rf_buf_addf(struct rf_buf *b, const char *format, ...) _printf_(2, 3);

/* Little-endian integers and counted strings, for stored records. A NULL string is stored as such. */
int rf_buf_put_u8(struct rf_buf *b, uint8_t v);
int rf_buf_put_u16(struct rf_buf *b, uint16_t v);
int rf_buf_put_u32(struct rf_buf *b, uint32_t v);
int rf_buf_put_u64(struct rf_buf *b, uint64_t v);
int rf_buf_put_float(struct rf_buf *b, float v);
int rf_buf_put_string(struct rf_buf *b, const char *s);

/* Drops the first `size` bytes. */
void rf_buf_consume(struct rf_buf *b, size_t size);
void rf_buf_clear(struct rf_buf *b); /* keeps the memory */
void rf_buf_done(struct rf_buf *b);  /* frees; empty and valid afterwards */

/* The memory moves to the caller (free()); never NULL unless nothing was ever added. */
char *rf_buf_take(struct rf_buf *b, size_t *ret_size);

#define _cleanup_buf_ _cleanup_(rf_buf_done)

/* Reads back what rf_buf_put_* wrote, as if hostile: every getter returns -RF_ECORRUPT past the end, and stays there. */
struct rf_reader {
        const uint8_t *data;
        size_t size;
        size_t at;
};

int rf_reader_u8(struct rf_reader *r, uint8_t *ret);
int rf_reader_u16(struct rf_reader *r, uint16_t *ret);
int rf_reader_u32(struct rf_reader *r, uint32_t *ret);
int rf_reader_u64(struct rf_reader *r, uint64_t *ret);
int rf_reader_float(struct rf_reader *r, float *ret);
/* Points into the data (not NUL-terminated); NULL with size 0 for a stored NULL. */
int rf_reader_string(struct rf_reader *r, const char **ret, size_t *ret_size);
