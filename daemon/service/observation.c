#include "service/observation.h"

#include <stdio.h>

#include "base/error.h"
#include "control/stats.h"
#include "sched/sched.h"
#include "service/log.h"

static int64_t number_of(const struct rf_config *c, enum rf_setting s)
{
        return rf_config_get(c, s)->integer;
}

static double share_of(const struct rf_config *c, enum rf_setting s)
{
        return rf_config_get(c, s)->real / 100;
}

static void log_slow_request(void *arg, const struct rf_attempt_record *record)
{
        const char *how = record->failure                           ? record->failure
                          : record->outcome == RF_OUTCOME_CANCELLED ? "given up"
                                                                    : NULL;

        (void)arg;
        rf_log_with(RF_LOG_WARNING, &(struct rf_log_fields){ .provider = record->provider, .endpoint = record->endpoint },
                    "[provider %s] slow: %s took %llu.%llu s%s%s", record->provider,
                    record->target[0] ? record->target : record->endpoint, (unsigned long long)(record->duration_us / USEC_PER_SEC),
                    (unsigned long long)(record->duration_us % USEC_PER_SEC / (USEC_PER_SEC / 10)), how ? ": " : "", how ? how : "");
}

struct rf_observer_options rf_observation_options(const struct rf_config *c, struct rf_state *state)
{
        return (struct rf_observer_options){
                .state = state,
                .criteria = { .limits = { [RF_CRITERION_P50] = (double)number_of(c, RF_SET_CRITERIA_P50) / USEC_PER_SEC,
                                          [RF_CRITERION_P95] = (double)number_of(c, RF_SET_CRITERIA_P95) / USEC_PER_SEC,
                                          [RF_CRITERION_TIMEOUTS] = share_of(c, RF_SET_CRITERIA_TIMEOUTS),
                                          [RF_CRITERION_REPEAT_HITS] = share_of(c, RF_SET_CRITERIA_REPEAT_HITS),
                                          [RF_CRITERION_ERRORS] = share_of(c, RF_SET_CRITERIA_ERRORS) },
                              .timeouts_of = rf_config_get(c, RF_SET_CRITERIA_TIMEOUTS_OF)->string },
                .window_us = (uint64_t)number_of(c, RF_SET_CRITERIA_WINDOW),
                .slow_us = (uint64_t)number_of(c, RF_SET_UPSTREAM_SLOW), .slow = log_slow_request,
        };
}

int rf_observation_check(const struct rf_config *c, struct rf_config_error *ret_error)
{
        const char *listen = rf_config_get(c, RF_SET_METRICS_LISTEN)->string;
        struct sockaddr_storage address;
        socklen_t size;

        if (!listen || !listen[0] || rf_metrics_address(listen, &address, &size, ret_error->message, sizeof(ret_error->message)) >= 0)
                return 0;
        rf_config_place(ret_error, rf_config_where(c, RF_SET_METRICS_LISTEN));
        return -RF_ECONFIG;
}

static int write_metrics(void *arg, enum rf_metrics_format format, struct rf_buf *b)
{
        return rf_control_metrics(arg, format, b);
}

int rf_observation_listen(const struct rf_config *c, struct rf_control *control, struct rf_metrics_listener **ret, char *message, size_t size)
{
        const char *listen = rf_config_get(c, RF_SET_METRICS_LISTEN)->string;
        int r;

        if (!listen || !listen[0])
                return 0;
        r = rf_metrics_listen(listen, write_metrics, control, ret, message, size);
        if (r >= 0)
                rf_log(RF_LOG_INFO, "metrics at %.64s, port %u", listen, rf_metrics_listener_port(*ret));
        return r;
}
