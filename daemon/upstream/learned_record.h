/*
 * What was learned of a provider, as it lies in the state store. Times are wall-clock microseconds; `saved_us` says by which clock: where
 * that is ahead of today's, the clock was set back, and all of them are moved by as much. Never yields.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "provider/provider.h"
#include "upstream/gate.h"

enum { RF_LEARNED_REFUSALS_MAX = RF_OP_COUNT * RF_OPERATION_WAYS_MAX, RF_LEARNED_REASON_SIZE = 160 };

struct rf_learned_record {
        uint64_t saved_us; /* 0: of a version that didn't say */
        struct rf_gate_memory gate;
        struct rf_learned_refusal {
                enum rf_op op;
                unsigned way;
                uint64_t until_us;
                char reason[RF_LEARNED_REASON_SIZE];
        } refusals[RF_LEARNED_REFUSALS_MAX];
        size_t n_refusals;
};

/* Appends. -ENOMEM. */
int rf_learned_record_encode(const struct rf_learned_record *r, struct rf_buf *b);
/* Also of the two versions before. -RF_EFOREIGN: of another; -RF_ECORRUPT. */
int rf_learned_record_decode(const void *data, size_t size, struct rf_learned_record *ret);
/* As of `now_us`, whatever was done to the clock in between. */
void rf_learned_record_set_clock(struct rf_learned_record *r, uint64_t now_us);
