/*
 * The best that any order could reach: exactly for short lists, a lower bound for the others. Pure functions; never yield.
 */
#pragma once

#include "flow/sequence.h"

/* The cheapest order of at most RF_ORDER_EXACT_MAX tracks, by dynamic programming over subsets (Held and Karp 1962). -ENOMEM, -E2BIG. */
int rf_optimum_exact(const struct rf_sequence *s, size_t *ret_order);

/*
 * No order of the tracks is cheaper than `ret_bound`. The larger of two bounds: Held and Karp's 1-trees for the joints plus the
 * cheapest assignment for the places (valid as their sum, since each is valid alone), and Picard and Queyranne's walks (1978), which
 * see both together and are affordable for short lists. `cost` of a known order steers the step lengths. -ENOMEM.
 */
int rf_optimum_bound(const struct rf_sequence *s, double cost, double *ret_bound);
