/*
 * Writes JSON straight into a buffer, compact. jansson's own writer formats the address of every container and keeps it in a hash
 * table, to find cycles: several times the cost of the text itself. Here the depth is bounded instead. Never yields.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"

/* Appends the text of `j`. -EINVAL: a NUL in a string or key, or nested deeper than RF_JSON_DEPTH_MAX; -ENOMEM. `b` may hold a part of it then. */
int rf_json_encode(struct rf_buf *b, const json_t *j);
/* Appends a quoted string. */
int rf_json_encode_string(struct rf_buf *b, const char *s, size_t size);
