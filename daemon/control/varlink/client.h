/*
 * A Varlink client for programs that do one thing after the other: calls block. Shared by recflowctl and the tests; links nothing
 * but jansson. A signal whose handler was installed without SA_RESTART ends a wait with -EINTR, after which the client may go on.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/macros.h"
#include "control/varlink/message.h"

struct rf_varlink_client;

/* -ENOENT, -ECONNREFUSED: nobody is there; -EACCES; -ENAMETOOLONG; -errno. */
int rf_varlink_client_connect(const char *path, struct rf_varlink_client **ret);
struct rf_varlink_client *rf_varlink_client_free(struct rf_varlink_client *c);
DEFINE_CLEANUP(struct rf_varlink_client *, rf_varlink_client_free);

/* Sends a call. `parameters` (NULL = {}) stays the caller's. -EMSGSIZE over RF_MESSAGE_MAX; -EPIPE: the service is gone. */
int rf_varlink_client_send(struct rf_varlink_client *c, const char *method, const json_t *parameters, unsigned flags);
/*
 * The next reply: an error reply is a reply, too. -EINTR; -EPIPE: the service closed the connection; -EBADMSG: what it sent isn't
 * Varlink; -EMSGSIZE. Free with rf_varlink_message_done().
 */
int rf_varlink_client_receive(struct rf_varlink_client *c, struct rf_varlink_message *ret);
