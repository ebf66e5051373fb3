/* Small records: savings are JSON already, what was learned of a service, logins. */
#include "control/state_forms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "control/build.h"
#include "control/runs.h"
#include "control/save_record.h"
#include "control/state_form.h"
#include "control/varlink/encode.h"
#include "upstream/learned_record.h"
#include "upstream/login_record.h"

enum { MILLION = 1000000 };

static int refuse(char *message, const char *text)
{
        snprintf(message, RF_STATE_MESSAGE_SIZE, "%s", text);
        return -EINVAL;
}

/* ---- Savings ---- */

int rf_saving_to_json(const void *data, size_t size, json_t **ret)
{
        struct rf_save_record record;
        int r = rf_save_record_decode(data, size, &record);

        if (r < 0)
                return r;
        rf_save_record_done(&record);
        r = rf_json_parse(data, size, ret, NULL);
        return r == -EBADMSG ? -RF_ECORRUPT : r;
}

int rf_saving_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message)
{
        struct rf_save_record record;
        int r;

        if (strlen(key) <= RF_RUN_ID_SIZE || key[RF_RUN_ID_SIZE - 1] != '/')
                return refuse(message, "the key of a saving is the run's 12 characters, a slash and the provider's name");
        r = rf_json_encode(ret, value);
        if (r >= 0)
                r = rf_save_record_decode(ret->data, ret->size, &record);
        if (r == -EINVAL || r == -RF_ECORRUPT)
                return refuse(message, "\"value\" is not a saving: version (1), state (0, 1 or 2), number (1 or more), public, create_sent, sent, "
                                       "added, total, name, description and error are needed, 0 <= added <= sent <= the number of tracks");
        if (r >= 0)
                rf_save_record_done(&record);
        return r;
}

/* ---- Logins ---- */

int rf_token_to_json(const void *data, size_t size, json_t **ret)
{
        struct rf_login_record record;

        if (rf_login_record_decode(data, size, &record) < 0 || !rf_utf8_is_valid(record.token, record.token_size))
                return -RF_ECORRUPT;
        *ret = json_pack("{s:s%, s:o*}", "refresh_token", record.token, record.token_size, "login",
                         record.login ? json_integer((json_int_t)record.login) : NULL);
        return *ret ? 0 : -ENOMEM;
}

int rf_token_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message)
{
        const json_t *token = json_object_get(value, "refresh_token"), *login = json_object_get(value, "login");
        struct rf_login_record record = { .token = json_string_value(token), .token_size = json_string_length(token),
                                          .login = (uint64_t)json_integer_value(login) };

        (void)key;
        if (!json_is_string(token) || record.token_size == 0 || record.token_size > RF_LOGIN_TOKEN_MAX || strpbrk(record.token, "\r\n") ||
            (login && json_integer_value(login) <= 0) || json_object_size(value) != 1u + (login != NULL))
                return refuse(message, "\"value\" is not a login: {\"refresh_token\": STRING} is needed, of at most 4096 bytes, and perhaps "
                                       "\"login\", a number above 0");
        return rf_login_record_encode(&record, ret);
}

/* ---- What was learned ---- */

int rf_limits_to_json(const void *data, size_t size, json_t **ret)
{
        struct rf_learned_record record;
        struct rf_build build = { 0 }, *b = &build;
        json_t *o, *list;
        int r = rf_learned_record_decode(data, size, &record);

        if (r < 0)
                return r;
        o = rf_build_object(b);
        list = rf_build_array(b);
        rf_build_int(b, o, "saved_us", record.saved_us);
        rf_build_int(b, o, "blocked_until_us", record.gate.blocked_until_us);
        rf_build_bool(b, o, "is_quota", record.gate.is_quota);
        rf_build_int(b, o, "pace_ppm", (uint64_t)(record.gate.scale * MILLION + 0.5));
        rf_build_int(b, o, "ceiling_ppm", (uint64_t)(record.gate.ceiling * MILLION + 0.5));
        rf_build_int(b, o, "ceiling_until_us", record.gate.ceiling_until_us);
        rf_build_int(b, o, "settled_us", record.gate.settled_us);
        for (size_t i = 0; i < record.n_refusals; i++) {
                const struct rf_learned_refusal *f = &record.refusals[i];
                json_t *j = rf_build_object(b);

                rf_build_string(b, j, "operation", rf_op_name(f->op));
                rf_build_int(b, j, "way", f->way);
                rf_build_int(b, j, "until_us", f->until_us);
                rf_build_string(b, j, "reason", f->reason);
                rf_build_add(b, list, j);
        }
        rf_build_put(b, o, "refused", list);
        *ret = rf_build_done(b, o);
        return *ret ? 0 : -ENOMEM;
}

static int take_refusal(const json_t *j, struct rf_learned_refusal *ret)
{
        const char *operation, *reason;
        json_int_t way, until_us;
        unsigned op = 0;

        if (json_unpack((json_t *)j, "{s:s, s:I, s:I, s:s}", "operation", &operation, "way", &way, "until_us", &until_us, "reason",
                        &reason) < 0 || way < 0 || way >= (json_int_t)RF_OPERATION_WAYS_MAX || until_us < 0)
                return -EINVAL;
        while (op < RF_OP_COUNT && strcmp(rf_op_name(op), operation) != 0)
                op++;
        if (op == RF_OP_COUNT)
                return -EINVAL;
        *ret = (struct rf_learned_refusal){ .op = op, .way = (unsigned)way, .until_us = (uint64_t)until_us };
        snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)rf_utf8_clip(reason, sizeof(ret->reason) - 1), reason);
        return 0;
}

int rf_limits_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message)
{
        struct rf_learned_record record = { 0 };
        json_int_t saved_us, blocked_us, ceiling_us, pace, ceiling, settled_us = 0; /* the last isn't in older exports */
        json_t *refused;
        int is_quota;

        (void)key;
        if (json_unpack((json_t *)value, "{s:I, s:I, s:b, s:I, s:I, s:I, s?I, s:o}", "saved_us", &saved_us, "blocked_until_us", &blocked_us,
                        "is_quota", &is_quota, "pace_ppm", &pace, "ceiling_ppm", &ceiling, "ceiling_until_us", &ceiling_us,
                        "settled_us", &settled_us, "refused", &refused) < 0 ||
            saved_us < 0 || blocked_us < 0 || ceiling_us < 0 || settled_us < 0 || pace < 1 || pace > MILLION || ceiling < 1 || ceiling > MILLION ||
            json_array_size(refused) > RF_LEARNED_REFUSALS_MAX)
                return refuse(message, "\"value\" is not what is learned of a service: saved_us, blocked_until_us, ceiling_until_us (microseconds "
                                       "since 1970), is_quota, pace_ppm and ceiling_ppm (1..1000000) and refused are needed");
        record.saved_us = (uint64_t)saved_us;
        record.gate = (struct rf_gate_memory){ .blocked_until_us = (uint64_t)blocked_us, .is_quota = is_quota, .scale = (double)pace / MILLION,
                                               .ceiling = (double)ceiling / MILLION, .ceiling_until_us = (uint64_t)ceiling_us,
                                               .settled_us = (uint64_t)settled_us };
        for (size_t i = 0; i < json_array_size(refused); i++)
                if (take_refusal(json_array_get(refused, i), &record.refusals[record.n_refusals++]) < 0)
                        return refuse(message, "an entry of \"refused\" is not understood: operation (such as audio_features), way (0 or 1), "
                                               "until_us and reason are needed");
        return rf_learned_record_encode(&record, ret);
}
