#include "control/state_form.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "control/build.h"
#include "control/state_forms.h"
#include "control/varlink/encode.h"

static const struct rf_state_form FORMS[] = {
        { RF_TABLE_RUNS, false, rf_run_to_json, rf_run_from_json },
        { RF_TABLE_LIMITS, false, rf_limits_to_json, rf_limits_from_json },
        { RF_TABLE_TOKENS, true, rf_token_to_json, rf_token_from_json },
        { RF_TABLE_SAVES, false, rf_saving_to_json, rf_saving_from_json },
};

const struct rf_state_form *rf_state_form(enum rf_table table)
{
        for (size_t i = 0; i < ARRAY_SIZE(FORMS); i++)
                if (FORMS[i].table == table)
                        return &FORMS[i];
        return NULL;
}

bool rf_state_form_is_secret(enum rf_table table)
{
        const struct rf_state_form *f = rf_state_form(table);

        return f && f->is_secret;
}

/* ---- To JSON ---- */

static int put_hex(json_t *o, const char *name, const void *data, size_t size)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_buf_reserve(&b, 2 * size + 1);

        for (size_t i = 0; i < size && r >= 0; i++)
                r = rf_buf_addf(&b, "%02x", ((const uint8_t *)data)[i]);
        return r < 0 || json_object_set_new(o, name, json_stringn(b.data, b.size)) < 0 ? -ENOMEM : 0;
}

static int to_json(enum rf_table table, const void *data, size_t size, json_t **ret)
{
        const struct rf_state_form *f = rf_state_form(table);
        int r;

        if (f)
                return f->to_json(data, size, ret);
        r = rf_json_parse(data, size, ret, NULL);
        if (r >= 0 && !json_is_object(*ret)) {
                json_decref(*ret);
                r = -EBADMSG;
        }
        return r == -EBADMSG ? -RF_ECORRUPT : r;
}

int rf_state_entry_encode(enum rf_table table, const void *key, size_t key_size, const void *data, size_t size, json_t **ret)
{
        _cleanup_json_ json_t *o = json_object(), *value = NULL;
        int r = to_json(table, data, size, &value);

        if (r == -ENOMEM || json_object_set_new(o, "table", json_string(rf_state_table_name(table))) < 0)
                return -ENOMEM;
        if (rf_utf8_is_valid(key, key_size))
                r = json_object_set_new(o, "key", json_stringn(key, key_size)) < 0 ? -ENOMEM : r;
        else if (put_hex(o, "key_hex", key, key_size) < 0)
                return -ENOMEM;
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                r = put_hex(o, "hex", data, size);
        else
                r = json_object_set(o, "value", value) < 0 ? -ENOMEM : 0;
        if (r >= 0)
                *ret = TAKE_PTR(o);
        return r;
}

/* ---- From JSON ---- */

static int refuse(char *message, const char *text)
{
        snprintf(message, RF_STATE_MESSAGE_SIZE, "%s", text);
        return -EINVAL;
}

static int take_hex(const json_t *j, struct rf_buf *ret)
{
        const char *s = json_string_value(j);
        size_t n = json_string_length(j);

        if (!s || n % 2 != 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i += 2) {
                unsigned byte;
                int r;

                if (!isxdigit((unsigned char)s[i]) || !isxdigit((unsigned char)s[i + 1]) || sscanf(s + i, "%2x", &byte) != 1)
                        return -EINVAL;
                r = rf_buf_put_u8(ret, (uint8_t)byte);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_table(const json_t *entry, enum rf_table *ret, char *message)
{
        const char *name = json_string_value(json_object_get(entry, "table"));
        size_t at;

        if (!name)
                return refuse(message, "there is no \"table\"; a line is {\"table\": …, \"key\": …, \"value\": …}");
        at = (size_t)snprintf(message, RF_STATE_MESSAGE_SIZE, "this version of recflow has no table \"%.60s\"; it has", name);
        for (unsigned t = 0; t < RF_TABLE_COUNT; t++) {
                const char *known = rf_state_table_name(t);

                if (known && strcmp(known, name) == 0) {
                        *ret = t;
                        message[0] = '\0';
                        return 0;
                }
                if (known && at < RF_STATE_MESSAGE_SIZE)
                        at += (size_t)snprintf(message + at, RF_STATE_MESSAGE_SIZE - at, " %s", known);
        }
        return -EINVAL;
}

static int take_key(const json_t *entry, struct rf_buf *ret, char *message)
{
        const json_t *key = json_object_get(entry, "key"), *hex = json_object_get(entry, "key_hex");
        int r;

        if (!key == !hex)
                return refuse(message, "one of \"key\" and \"key_hex\" is needed");
        if (key && !json_is_string(key))
                return refuse(message, "\"key\" is not a string");
        r = key ? rf_buf_add(ret, json_string_value(key), json_string_length(key)) : take_hex(hex, ret);
        if (r == -EINVAL)
                return refuse(message, "\"key_hex\" is not an even number of hexadecimal digits");
        if (r >= 0 && (ret->size == 0 || ret->size > RF_STORE_KEY_MAX)) {
                snprintf(message, RF_STATE_MESSAGE_SIZE, "the key has %zu bytes; 1 to %u are possible", ret->size, RF_STORE_KEY_MAX);
                return -EINVAL;
        }
        return r;
}

static int take_value(enum rf_table table, const struct rf_buf *key, const json_t *entry, struct rf_buf *ret, char *message)
{
        const json_t *value = json_object_get(entry, "value"), *hex = json_object_get(entry, "hex");
        const struct rf_state_form *f = rf_state_form(table);
        int r;

        if (!value == !hex)
                return refuse(message, "one of \"value\" and \"hex\" is needed");
        if (hex) {
                r = take_hex(hex, ret);
                return r == -EINVAL ? refuse(message, "\"hex\" is not an even number of hexadecimal digits") : r;
        }
        if (!json_is_object(value))
                return refuse(message, "\"value\" is not an object");
        if (f)
                return f->from_json(key->data, value, ret, message);
        r = rf_json_encode(ret, value);
        return r == -EINVAL ? refuse(message, "\"value\" holds a NUL, or is nested too deep") : r;
}

int rf_state_entry_decode(const json_t *entry, enum rf_table *ret_table, struct rf_buf *ret_key, struct rf_buf *ret_data,
                          char message[static RF_STATE_MESSAGE_SIZE])
{
        int r;

        message[0] = '\0';
        r = take_table(entry, ret_table, message);
        if (r >= 0)
                r = take_key(entry, ret_key, message);
        return r < 0 ? r : take_value(*ret_table, ret_key, entry, ret_data, message);
}
