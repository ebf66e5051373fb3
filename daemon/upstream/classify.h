/* What became of an attempt, from the service's answer. Pure; never yields. */
#pragma once

#include <recflow/plugin.h>

/*
 * Judges a response that isn't 2xx: the plugin's own rules first, then the host's (401 login, 403 and 404 refused, 408 and 5xx
 * transient, 429 rate with Retry-After, in seconds or as a date, other 4xx invalid). Being told to stay away for more than an hour is a
 * quota.
 */
void rf_classify(const struct rf_plugin *plugin, void *instance, enum rf_op op, const struct rf_response *response, uint64_t now_wall_us,
                 struct rf_verdict *ret);

/* The error that a caller sees for an outcome; 0 for OK and EMPTY. */
int rf_outcome_error(enum rf_outcome outcome);

/* Seconds, from a number or an HTTP date (RFC 9110, 10.2.3). 0: the header is missing, or says neither. */
uint32_t rf_retry_after_s(const struct rf_response *response, uint64_t now_wall_us);
