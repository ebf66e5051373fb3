/* A run of a daemon, as its state directory has it. */
#pragma once

#include <jansson.h>

#include "control/run_record.h"
#include "store/state.h"

struct sim_past_run {
        char id[16];
        struct rf_run_record record;
        json_t *playlist;  /* NULL: it has none */
        struct rf_run_memory memory;
        struct rf_buf data;
};

/* -RF_ENORUN, -RF_ECORRUPT, -RF_ECONFIG if it hasn't ended yet: with a sentence in `message`. */
int sim_past_run_load(struct rf_state *state, const char *id, struct sim_past_run *ret, char *message, size_t size);
void sim_past_run_done(struct sim_past_run *r);

/* The passes of generation that it made, by its receipt. False: it has none. */
bool sim_past_run_passes(const struct sim_past_run *r, uint32_t *ret);

/*
 * How long such calls took it, on the average: of the receipt, which has for each provider and operation the sum and the number. 0: it
 * made none.
 */
uint64_t sim_past_run_latency_us(const struct sim_past_run *r, const char *provider, const char *operation);
