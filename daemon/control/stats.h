/* The methods Stats and Metrics, and the text of the metrics for whoever else hands it out. */
#pragma once

#include "control/control.h"
#include "observe/openmetrics.h"

int rf_control_stats(struct rf_varlink_call *call, void *arg);
int rf_control_metrics_text(struct rf_varlink_call *call, void *arg);

/* Everything that is counted, and how things are now. Doesn't yield. -ENOMEM. */
int rf_control_metrics(const struct rf_control *c, enum rf_metrics_format format, struct rf_buf *b);
