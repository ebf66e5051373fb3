/* Seeded random numbers (xoshiro256**, seeded through SplitMix64; Blackman and Vigna 2018). Not for secrets. */
#pragma once

#include <stdint.h>

struct rf_random {
        uint64_t s[4];
};

void rf_random_seed(struct rf_random *r, uint64_t seed);
/* An independent stream for a purpose: the same seed and name give the same numbers. */
void rf_random_seed_named(struct rf_random *r, uint64_t seed, const char *name);
uint64_t rf_random_u64(struct rf_random *r);
uint32_t rf_random_below(struct rf_random *r, uint32_t bound); /* 0..bound-1, unbiased; bound > 0 */
double rf_random_unit(struct rf_random *r);                    /* [0, 1) */
double rf_random_normal(struct rf_random *r);                  /* mean 0, deviation 1 (Box-Muller, one of the pair) */
