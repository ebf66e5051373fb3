/*
 * A saving of a run's playlist at a service, as it lies in the state store: what was sent is noted before it's sent, so that nothing is
 * added twice whatever happens in between. Never yields.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* Values are on disk: never renumber. */
enum rf_save_state { RF_SAVE_UNDER_WAY = 0, RF_SAVE_DONE = 1, RF_SAVE_FAILED = 2 };

struct rf_save_record {
        enum rf_save_state state;
        uint32_t number;    /* 1: the first playlist made of this run there */
        bool is_public;
        bool is_create_sent; /* whether the playlist was made isn't known before the answer, which is `playlist` */
        uint32_t n_sent;     /* tracks sent so far; more than n_added: whether they arrived isn't known */
        uint32_t n_added, n_total;
        char *name, *description;
        char *playlist, *link; /* NULL until there is one */
        char *message;         /* failed: why */
        int error;
        json_t *tracks;        /* the service's ids, each once, in order; NULL until they're found */
        json_t *not_saved;     /* list of NotSaved, as the interface has it */
};

void rf_save_record_done(struct rf_save_record *r);
/* Appends. -ENOMEM. */
int rf_save_record_encode(const struct rf_save_record *r, struct rf_buf *b);
/* -RF_ECORRUPT; -ENOMEM. */
int rf_save_record_decode(const void *data, size_t size, struct rf_save_record *ret);
