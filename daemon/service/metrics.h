/*
 * The listener for Prometheus: GET /metrics on a loopback address, and nothing else. Served by libmicrohttpd from our own loop. Only a few
 * clients at once; the text is made anew for each.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/macros.h"
#include "observe/openmetrics.h"

struct rf_metrics_listener;

/* "127.0.0.1:9464" or "[::1]:9464"; port 0 is any that is free. -EINVAL with a sentence in `message`: not of that form, or not loopback. */
int rf_metrics_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size, char *message, size_t message_size);

/* `write` doesn't yield. Listens at once; from within a coroutine, which serves. A failure is explained in `message`. */
int rf_metrics_listen(const char *address, int (*write)(void *arg, enum rf_metrics_format format, struct rf_buf *b), void *arg,
                      struct rf_metrics_listener **ret, char *message, size_t message_size);
unsigned rf_metrics_listener_port(const struct rf_metrics_listener *l);
/* Closes all connections (yields). Accepts NULL. */
struct rf_metrics_listener *rf_metrics_listener_free(struct rf_metrics_listener *l);
DEFINE_CLEANUP(struct rf_metrics_listener *, rf_metrics_listener_free);
