/*
 * A Varlink service on UNIX sockets: any interfaces, each call checked against its description before a method sees it.
 *
 * One coroutine per connection. Calls of one connection are answered in order; pipelined ones wait for those before them. Replies
 * to calls that came together leave together. A client that closes its connection cancels the method that is serving it (its waits
 * return -ECANCELED); one that only shuts down its writing side still gets its replies.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"

struct rf_varlink_server;
struct rf_varlink_call;

struct rf_varlink_options {
        const char *vendor, *product, *version, *url; /* what GetInfo answers; outlive the server */
        size_t clients_max;          /* connections at once; more are closed at once; 0 = RF_CLIENTS_MAX */
        size_t clients_per_user_max; /* 0 = RF_CLIENTS_PER_USER_MAX */
        uint64_t idle_us;            /* a connection without a call is closed after it; 0 = RF_CLIENT_IDLE_US */
        uint64_t stall_us;           /* so is one that takes none of its replies; 0 = RF_CLIENT_STALL_US */
        bool checks_replies;         /* -EINVAL for a reply that its description doesn't allow: for tests */
};

/*
 * Serves one call; may yield. It replies with the functions below: any number of continued replies if the client asked for more,
 * then one final reply or error. A negative result closes the connection. A `oneway` call's replies go nowhere.
 */
typedef int (*rf_varlink_handler)(struct rf_varlink_call *call, void *arg);

struct rf_varlink_method {
        const char *name; /* without the interface */
        rf_varlink_handler handle;
};

/* Who called: as of connect(). */
struct rf_peer {
        uid_t uid;
        gid_t gid;
        pid_t pid; /* for figures and fairness only: it may belong to another process by now */
};

struct rf_varlink_stats {
        size_t clients;
        uint64_t accepted, refused; /* connections; refused: over a limit */
        uint64_t calls, protocol_errors, stalled;
};

int rf_varlink_server_new(const struct rf_varlink_options *o, struct rf_varlink_server **ret);
/* Needs rf_varlink_server_stop() before, if anything was served. */
struct rf_varlink_server *rf_varlink_server_free(struct rf_varlink_server *s);
DEFINE_CLEANUP(struct rf_varlink_server *, rf_varlink_server_free);

/*
 * Adds an interface by its description. Methods of it that aren't in the list are answered with MethodNotImplemented. `methods`
 * and `arg` outlive the server. -EBADMSG: the description (see rf_idl_parse()), or a method that it doesn't declare.
 */
int rf_varlink_server_add(struct rf_varlink_server *s, const char *description, const struct rf_varlink_method *methods, size_t n_methods,
                          void *arg, char *message, size_t message_size);

/*
 * Serves connections to a listening socket, or one that is connected already; takes the descriptor. From within a coroutine;
 * doesn't wait.
 */
int rf_varlink_server_listen(struct rf_varlink_server *s, int fd);
int rf_varlink_server_connect(struct rf_varlink_server *s, int fd);
/* Takes no further connections; those that there are go on (yields). */
void rf_varlink_server_stop_listening(struct rf_varlink_server *s);
/* Stops listening, cancels what is being served, waits until all connections are closed (yields). Idempotent. */
void rf_varlink_server_stop(struct rf_varlink_server *s);

struct rf_varlink_stats rf_varlink_server_stats(const struct rf_varlink_server *s);

/* ---- For methods ---- */

const json_t *rf_varlink_call_parameters(const struct rf_varlink_call *c); /* checked; NULL = {} */
bool rf_varlink_call_wants_more(const struct rf_varlink_call *c);
const struct rf_peer *rf_varlink_call_peer(const struct rf_varlink_call *c);
/* As of connect(), supplementary groups included. */
bool rf_varlink_call_peer_in_group(const struct rf_varlink_call *c, gid_t group);

/*
 * Each takes the reference to `parameters` (NULL = {}), also on failure. A continued reply yields until the socket took it, so that
 * a method that then looks at the present state leaves out what a slow client would only have read late. -EPIPE, -ETIMEDOUT: the client
 * is gone or takes nothing; return it.
 */
int rf_varlink_call_reply(struct rf_varlink_call *c, json_t *parameters);
int rf_varlink_call_continue(struct rf_varlink_call *c, json_t *parameters);
/* `error` is a full name, "io.recflow.workflow.NoSuchRun". */
int rf_varlink_call_error(struct rf_varlink_call *c, const char *error, json_t *parameters);

/* The common ones. */
int rf_varlink_call_invalid(struct rf_varlink_call *c, const char *parameter);
int rf_varlink_call_denied(struct rf_varlink_call *c);
int rf_varlink_call_expected_more(struct rf_varlink_call *c);
