/*
 * How the records of the state's tables look as JSON, for export and import: one entry per record,
 * {"table": "runs", "key": "…", "value": {…}}.
 *
 * A table gets its form here: a line in FORMS (state_form.c) and the two functions it names. One that has no line is exported all the
 * same: a record that is a JSON object as `value`, any other as the hexadecimal digits of its bytes, as `hex`; so is a record that its
 * form can't read. Nothing is left out unseen. Never yields.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "store/state.h"

/* Members of the first line of a file. The number grows when an older recflow would misread what is written. */
#define RF_STATE_FORMAT "recflow-state"
enum { RF_STATE_FORMAT_VERSION = 1, RF_STATE_MESSAGE_SIZE = 384 };

struct rf_state_form {
        enum rf_table table;
        bool is_secret; /* exported only if asked for */
        /* -RF_ECORRUPT, -RF_EFOREIGN: exported as bytes; -ENOMEM */
        int (*to_json)(const void *data, size_t size, json_t **ret);
        /* -EINVAL: `message` says what is wrong and what would be right; -ENOMEM */
        int (*from_json)(const char *key, const json_t *value, struct rf_buf *ret, char *message /* RF_STATE_MESSAGE_SIZE */);
};

/* NULL: none of its own. */
const struct rf_state_form *rf_state_form(enum rf_table table);
bool rf_state_form_is_secret(enum rf_table table);

/* The entry of a record; a new reference. -ENOMEM. */
int rf_state_entry_encode(enum rf_table table, const void *key, size_t key_size, const void *data, size_t size, json_t **ret);
/* Reads as if hostile. Appends to the buffers. -EINVAL with `message`; -ENOMEM. */
int rf_state_entry_decode(const json_t *entry, enum rf_table *ret_table, struct rf_buf *ret_key, struct rf_buf *ret_data,
                          char message[static RF_STATE_MESSAGE_SIZE]);
