#include "upstream/classify.h"

#include "base/error.h"
#include "base/text.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { RETRY_AFTER_UNKNOWN_S = 5, QUOTA_UNKNOWN_S = 3600, WINDOW_MAX_S = 3600 /* no short window is longer */,
       RETRY_AFTER_MAX_S = 7 * 86400 };

static bool parse_date(const char *text, int64_t *ret_s)
{
        struct tm tm = { 0 };
        const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

        if (!end || *end)
                return false;
        *ret_s = (int64_t)timegm(&tm);
        return true;
}

/* What time it is where the answer was written: either clock may have been set. */
static int64_t time_there_s(const struct rf_response *response, uint64_t now_wall_us)
{
        int64_t there_s;

        for (size_t i = 0; i < response->n_headers; i++)
                if (strcasecmp(response->headers[i].name, "Date") == 0 && parse_date(response->headers[i].value, &there_s))
                        return there_s;
        return (int64_t)(now_wall_us / USEC_PER_SEC);
}

uint32_t rf_retry_after_s(const struct rf_response *response, uint64_t now_wall_us)
{
        for (size_t i = 0; i < response->n_headers; i++) {
                const char *value = response->headers[i].value;
                int64_t until_s;
                unsigned long v;
                char *end;

                if (strcasecmp(response->headers[i].name, "Retry-After") != 0)
                        continue;
                v = strtoul(value, &end, 10);
                if (*value >= '0' && *value <= '9' && (!*end || *end == '.')) /* some send fractions: rounded up */
                        return (uint32_t)MIN(v + (*end == '.'), (unsigned long)RETRY_AFTER_MAX_S);
                if (parse_date(value, &until_s))
                        return (uint32_t)CLAMP(until_s - time_there_s(response, now_wall_us), (int64_t)1, (int64_t)RETRY_AFTER_MAX_S);
        }
        return 0;
}

static enum rf_outcome outcome_of(uint16_t status)
{
        switch (status) {
        case 401:
                return RF_OUTCOME_LOGIN;
        case 403:
        case 404:
                return RF_OUTCOME_REFUSED;
        case 408:
                return RF_OUTCOME_TRANSIENT;
        case 429:
                return RF_OUTCOME_RATE;
        default:
                return status >= 500 ? RF_OUTCOME_TRANSIENT : RF_OUTCOME_INVALID;
        }
}

/* How long to stay away: what the header says, else what the plugin found in the words, else a guess. */
static void take_retry_after(const struct rf_response *response, uint64_t now_wall_us, struct rf_verdict *v)
{
        uint32_t said_s = rf_retry_after_s(response, now_wall_us);

        if (said_s > 0)
                v->retry_after_s = said_s;
        else if (v->retry_after_s == 0)
                v->retry_after_s = v->outcome == RF_OUTCOME_QUOTA ? QUOTA_UNKNOWN_S : RETRY_AFTER_UNKNOWN_S;
        v->retry_after_s = MIN(v->retry_after_s, (uint32_t)RETRY_AFTER_MAX_S);
        if (v->retry_after_s > WINDOW_MAX_S)
                v->outcome = RF_OUTCOME_QUOTA;
}

void rf_classify(const struct rf_plugin *plugin, void *instance, enum rf_op op, const struct rf_response *response, uint64_t now_wall_us,
                 struct rf_verdict *ret)
{
        int r = -ENOTSUP;

        *ret = (struct rf_verdict){ 0 };
        if (plugin->classify)
                r = plugin->classify(instance, op, response, ret);
        ret->message[sizeof(ret->message) - 1] = '\0';
        if (r < 0 || ret->outcome >= RF_OUTCOME_CANCELLED) {
                ret->outcome = outcome_of(response->status);
                ret->retry_after_s = 0;
        }
        if (!ret->message[0]) /* the plugin may have found the service's words, also where it leaves the judging to us */
                snprintf(ret->message, sizeof(ret->message), "%u %.*s", response->status, (int)rf_utf8_clip(response->body, 120),
                         response->body);
        ret->message[rf_utf8_clip(ret->message, sizeof(ret->message) - 1)] = '\0'; /* a plugin may have cut a character */
        if (ret->outcome == RF_OUTCOME_RATE || ret->outcome == RF_OUTCOME_QUOTA)
                take_retry_after(response, now_wall_us, ret);
}

int rf_outcome_error(enum rf_outcome outcome)
{
        static const int errors[RF_OUTCOME_COUNT] = {
                [RF_OUTCOME_REFUSED] = -RF_EREFUSED,    [RF_OUTCOME_LOGIN] = -RF_ELOGIN,
                [RF_OUTCOME_RATE] = -RF_ERATE,          [RF_OUTCOME_QUOTA] = -RF_EQUOTA,
                [RF_OUTCOME_TRANSIENT] = -RF_EUPSTREAM, [RF_OUTCOME_MALFORMED] = -RF_EMALFORMED,
                [RF_OUTCOME_INVALID] = -RF_EINVALIDCALL, [RF_OUTCOME_CANCELLED] = -ECANCELED,
        };

        return errors[outcome];
}
