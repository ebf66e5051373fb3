/* The world's own random numbers: SplitMix64, so that a number depends on nothing but the seed and the place it is drawn for. */
#pragma once

#include <stdint.h>

struct mock_random {
        uint64_t state;
};

static inline uint64_t mock_random_u64(struct mock_random *r)
{
        uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

static inline uint32_t mock_random_below(struct mock_random *r, uint32_t bound)
{
        return (uint32_t)(((mock_random_u64(r) >> 32) * bound) >> 32);
}

static inline double mock_random_unit(struct mock_random *r)
{
        return (double)(mock_random_u64(r) >> 11) * 0x1p-53;
}

/* Nearly normal, mean 0, deviation 1: the sum of twelve uniform numbers less six; only additions, so exact everywhere. */
static inline double mock_random_normal(struct mock_random *r)
{
        double sum = -6.0;

        for (int i = 0; i < 12; i++)
                sum += mock_random_unit(r);
        return sum;
}
