/* What OAuth's requests are written with. Never yields. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* Appends a field of application/x-www-form-urlencoded, after "&" unless it's the first. -ENOMEM; -EINVAL: `value` is NULL. */
int rf_form_add(struct rf_buf *b, const char *name, const char *value);
/* base64url without padding (RFC 4648, section 5); a new string. NULL when out of memory. */
char *rf_base64url(const unsigned char *data, size_t size);
/* 48 random bytes, as that; a new string. NULL: there is no memory, or no randomness. */
char *rf_random_text(void);
