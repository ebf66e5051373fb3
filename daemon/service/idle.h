/*
 * Leaves when there is nothing to do: a daemon that systemd starts for its clients need not stay for none. A coroutine that watches, and
 * then asks the process to stop in the usual way (SIGTERM). Clients that come meanwhile wait at systemd's socket, for the next start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/varlink/server.h"

struct rf_idle_options {
        struct rf_varlink_server *server;
        uint64_t (*after_us)(void *arg); /* without anything to do; may change; 0 = never */
        bool (*is_busy)(void *arg);      /* with something beside its clients */
        void *arg;
};

/* Runs as a coroutine until it is cancelled or has asked the process to stop; `arg` is a struct rf_idle_options, which outlives it. */
int rf_idle_main(void *arg);
