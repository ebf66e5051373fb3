/* A run as it lies in the state store. Never yields. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/wish.h"

/* Values are on disk: never renumber. */
enum rf_run_state { RF_RUN_WAITING = 0, RF_RUN_RUNNING = 1, RF_RUN_DONE = 2, RF_RUN_FAILED = 3, RF_RUN_CANCELLED = 4 };

const char *rf_run_state_name(enum rf_run_state s); /* "waiting", … */

struct rf_run_record {
        enum rf_run_state state;
        uint64_t accepted_us, ended_us; /* wall clock; ended_us = 0 while it hasn't */
        uint64_t client;
        int error;           /* failed: the code */
        uint32_t n_tracks;
        const struct rf_wish *wish;
        const char *title, *message; /* NULL where there is none */
        const char *playlist;        /* JSON text; NULL */
        size_t playlist_size;
};

/* Appends. -E2BIG over RF_RUN_RECORD_MAX, -ENOMEM. */
int rf_run_record_encode(const struct rf_run_record *r, struct rf_buf *b);

/* Reads as if hostile: -RF_ECORRUPT. What it points to is owned by `ret_memory` or lies in `data`. */
struct rf_run_memory {
        struct rf_wish *wish;
        char *title, *message;
};
int rf_run_record_decode(const void *data, size_t size, struct rf_run_record *ret, struct rf_run_memory *ret_memory);
void rf_run_memory_done(struct rf_run_memory *m);
