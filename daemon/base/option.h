/*
 * Options declared in tables (struct rf_option, recflow/plugin.h): parsing, checking and describing. The daemon's own options and
 * those of the plugins go through here. Never yields.
 */
#pragma once

#include <recflow/plugin.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Parses `text` as a value of `o`. -RF_ECONFIG: not allowed; `reason` then says what would be right, such as "allowed: duration,
 * 1s to 1h, such as 20s or 45m". `ret->string` points into `text` (or at a choice), which must outlive it.
 */
int rf_option_parse(const struct rf_option *o, const char *text, struct rf_value *ret, char *reason, size_t reason_size);

/* What is allowed, for people and the manual: "integer, 1 to 64". */
int rf_option_describe(const struct rf_option *o, struct rf_buf *b);

/* A duration as it would be written in a file, "90d", "1500ms". Returns `buf`. */
const char *rf_option_format_duration(uint64_t us, char *buf, size_t size);
