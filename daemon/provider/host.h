/* What the daemon offers to plugins: one table for all of them. */
#pragma once

#include <recflow/plugin.h>

/* Static. */
const struct rf_host *rf_host(void);

/* Where plugins' log lines go; NULL: nowhere. The default. */
void rf_host_set_log(void (*log)(enum rf_log_level level, const char *plugin, const char *message));

/* Fills in the functions that build requests (request.c). */
void rf_request_fill_host(struct rf_host *host);
