/*
 * What is kept of a login, as it lies in the state store: the refresh token and, in a line of its own, which login it is. That stays the
 * same while the token is replaced again and again. Never yields.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { RF_LOGIN_TOKEN_MAX = 4096 /* bytes */ };

struct rf_login_record {
        const char *token; /* not terminated */
        size_t token_size;
        uint64_t login; /* 1..INT64_MAX; 0: of a version that didn't say */
};

/* Appends. -ENOMEM. */
int rf_login_record_encode(const struct rf_login_record *r, struct rf_buf *b);
/* `ret` points into the data. -RF_ECORRUPT. */
int rf_login_record_decode(const void *data, size_t size, struct rf_login_record *ret);
