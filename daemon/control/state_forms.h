/* The forms of the tables, by record: see state_form.h, whose table names them. */
#pragma once

#include <jansson.h>

#include "base/buf.h"

int rf_run_to_json(const void *data, size_t size, json_t **ret);
int rf_run_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message);
int rf_saving_to_json(const void *data, size_t size, json_t **ret);
int rf_saving_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message);
int rf_limits_to_json(const void *data, size_t size, json_t **ret);
int rf_limits_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message);
int rf_token_to_json(const void *data, size_t size, json_t **ret);
int rf_token_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message);
