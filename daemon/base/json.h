/* JSON at the edges: jansson behind a check of depth and encoding on the raw bytes. Never yields. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/macros.h"

/*
 * Parses `size` bytes. Depth is bounded by RF_JSON_DEPTH_MAX before the parser sees the text (it recurses), duplicate keys are
 * refused, and the text must be one value with nothing but white space behind it. -EBADMSG with a reason in `error` (may be
 * NULL) otherwise, -ENOMEM. The result is a new reference.
 */
int rf_json_parse(const char *text, size_t size, json_t **ret, json_error_t *error);

/* Deepest nesting of arrays and objects in the text, brackets in strings not counted; no check of anything else. */
unsigned rf_json_depth(const char *text, size_t size);

static inline void rf_json_decrefp(json_t **j)
{
        json_decref(*j);
}

#define _cleanup_json_ _cleanup_(rf_json_decrefp)
