/* What the configuration says of watching the daemon: criteria, slow requests, the listener for metrics. */
#pragma once

#include "control/control.h"
#include "service/config.h"
#include "service/metrics.h"

/* Options point into the configuration. Slow requests are logged. */
struct rf_observer_options rf_observation_options(const struct rf_config *c, struct rf_state *state);
/* -RF_ECONFIG with `ret_error`: metrics would be served to others than this machine. */
int rf_observation_check(const struct rf_config *c, struct rf_config_error *ret_error);
/* Serves the metrics, where that is wished; from within a coroutine. `ret` stays as it is where it isn't. -errno with `message`. */
int rf_observation_listen(const struct rf_config *c, struct rf_control *control, struct rf_metrics_listener **ret, char *message, size_t size);
