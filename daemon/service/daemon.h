/*
 * The daemon as an object: every room wired to the next. main() runs one; tests and simulations make as many as they like.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "service/config.h"

struct rf_daemon;

struct rf_daemon_options {
        const char *config_path;
        bool config_is_required;
        struct {
                enum rf_setting setting;
                const char *value, *where;
        } overrides[8]; /* over the files, at each load */
        size_t n_overrides;
        int ready_fd; /* gets a newline and is closed once clients are served; -1 = none */
};

/* Reads the configuration and applies the overrides. -RF_ECONFIG with `ret_error`. */
int rf_daemon_configure(const struct rf_daemon_options *o, struct rf_config **ret, struct rf_config_error *ret_error);

/*
 * Opens everything but the socket: lexicon, providers, stores. Problems that leave something to work with are notices (logged, and
 * shown by Status); others are logged and returned. `options` outlives it. May take a second; doesn't yield.
 */
int rf_daemon_new(const struct rf_daemon_options *options, struct rf_daemon **ret);
struct rf_daemon *rf_daemon_free(struct rf_daemon *d);
DEFINE_CLEANUP(struct rf_daemon *, rf_daemon_free);

/* The first coroutine (`arg` is the daemon): serves until SIGTERM or SIGINT, which must be blocked. */
int rf_daemon_main(void *arg);
