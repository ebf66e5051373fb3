#include "service/alerts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "service/log.h"
#include "service/messages.h"

enum trouble { NONE, LOGIN, QUOTA, CERTIFICATE };

struct rf_alerts {
        struct {
                const char *provider; /* static, as the records have it */
                enum trouble trouble; /* that was said */
        } known[RF_PLUGINS_MAX];
        size_t n;
};

int rf_alerts_new(struct rf_alerts **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

struct rf_alerts *rf_alerts_free(struct rf_alerts *a)
{
        free(a);
        return NULL;
}

/* -1: the record tells nothing of the service. */
static int trouble_of(const struct rf_call_record *record, const char *problem)
{
        if (record->error == -RF_ELOGIN)
                return problem ? LOGIN : -1;
        if (record->error == -RF_EQUOTA)
                return QUOTA;
        if (record->failure && strcmp(record->failure, "certificate") == 0)
                return CERTIFICATE;
        return record->error == 0 && record->attempts > 0 ? NONE : -1;
}

static enum trouble *find(struct rf_alerts *a, const char *provider)
{
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->known[i].provider, provider) == 0)
                        return &a->known[i].trouble;
        if (a->n == RF_PLUGINS_MAX)
                return NULL;
        a->known[a->n].provider = provider;
        return &a->known[a->n++].trouble;
}

void rf_alerts_call(struct rf_alerts *a, const struct rf_caller *caller, const struct rf_call_record *record, const char *problem)
{
        static const struct {
                const char *message_id, *text;
        } said[] = {
                [LOGIN] = { RF_MESSAGE_LOGIN, "wants a login" },
                [QUOTA] = { RF_MESSAGE_QUOTA, "the quota is used up" },
                [CERTIFICATE] = { RF_MESSAGE_CERTIFICATE, "the certificate isn't trusted" },
        };
        struct rf_log_fields fields = { .run = caller->run, .provider = record->provider, .endpoint = record->endpoint, .error = record->error };
        int now = record->provider ? trouble_of(record, problem) : -1;
        const char *why = now == LOGIN ? problem : record->message;
        enum trouble *before = now >= 0 ? find(a, record->provider) : NULL;

        if (!before || *before == (enum trouble)now)
                return;
        *before = (enum trouble)now;
        if (now == NONE) {
                rf_log_with(RF_LOG_INFO, &fields, "[provider %s] works again", record->provider);
                return;
        }
        fields.message_id = said[now].message_id;
        rf_log_with(RF_LOG_WARNING, &fields, "[provider %s] %s%s%s", record->provider, said[now].text, why[0] ? ": " : "", why);
}
