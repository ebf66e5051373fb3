/*
 * The order of a playlist: the phases' order, improved under the arc by local search. Deterministic for a seed. Never yields.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/playlist.h"
#include "flow/sound.h"

/* The cost matrix of one ordering problem: joints between tracks, and tracks at places. Symmetric in the joints. */
struct rf_sequence {
        size_t n;
        float *step;  /* [i * n + j]: j right after i, or i right after j */
        float *place; /* [i * n + p]: i at place p */
};

/* Of `n` tracks, at most RF_ORDER_INPUT_MAX. -ENOMEM, -E2BIG. */
int rf_sequence_new(const struct rf_sound *sounds, size_t n, enum rf_arc arc, struct rf_sequence **ret);
struct rf_sequence *rf_sequence_free(struct rf_sequence *s);
DEFINE_CLEANUP(struct rf_sequence *, rf_sequence_free);

/* The cost of an order. */
double rf_sequence_cost(const struct rf_sequence *s, const size_t *order);

/*
 * Improves an order in place: moves, swaps and reversals until none helps, then seeded kicks while the budget lasts. Never makes it
 * worse. -ENOMEM.
 */
int rf_sequence_improve(const struct rf_sequence *s, uint64_t seed, size_t *order);

/* How an order came out. */
struct rf_sequence_result {
        double cost;
        double bound;  /* no order is cheaper than this; the optimum where is_exact */
        bool is_exact;
        bool was_good; /* as it was given: left alone */
};

/* Orders tracks; if `leaves_good`, an order that is within a twentieth of the bound as it's given is left alone. Otherwise: deals them to the phases, improves, up to RF_ORDER_EXACT_MAX tracks optimises exactly, and bounds. */
int rf_sequence_order(const struct rf_sound *sounds, size_t n, enum rf_arc arc, uint64_t seed, bool leaves_good, size_t *ret_order,
                      struct rf_sequence_result *ret);

/* Cost over bound, minus one, in thousandths; at most 65535. */
uint16_t rf_sequence_gap_milli(const struct rf_sequence_result *r);
