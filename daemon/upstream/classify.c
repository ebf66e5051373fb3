#include "upstream/classify.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RETRY_AFTER_UNKNOWN_S = 5, RETRY_AFTER_MAX_S = 7 * 86400 };

static uint32_t retry_after(const struct rf_response *response)
{
        for (size_t i = 0; i < response->n_headers; i++)
                if (strcasecmp(response->headers[i].name, "Retry-After") == 0) {
                        char *end;
                        unsigned long v = strtoul(response->headers[i].value, &end, 10);

                        if (end != response->headers[i].value && !*end)
                                return (uint32_t)(v > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : v);
                }
        return RETRY_AFTER_UNKNOWN_S;
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

void rf_classify(const struct rf_plugin *plugin, void *instance, enum rf_op op, const struct rf_response *response,
                 struct rf_verdict *ret)
{
        *ret = (struct rf_verdict){ 0 };
        if (plugin->classify && plugin->classify(instance, op, response, ret) == 0 && ret->outcome < RF_OUTCOME_CANCELLED) {
                ret->message[sizeof(ret->message) - 1] = '\0';
                return;
        }
        *ret = (struct rf_verdict){ .outcome = outcome_of(response->status) };
        if (ret->outcome == RF_OUTCOME_RATE)
                ret->retry_after_s = retry_after(response);
        snprintf(ret->message, sizeof(ret->message), "%u %.*s", response->status, (int)rf_utf8_clip(response->body, 120),
                 response->body);
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
