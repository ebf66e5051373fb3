#include "base/random.h"

#include "base/map.h"

#include <math.h>
#include <string.h>

static uint64_t rotl(uint64_t x, int k)
{
        return (x << k) | (x >> (64 - k));
}

static uint64_t splitmix(uint64_t *x)
{
        uint64_t z = (*x += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

void rf_random_seed(struct rf_random *r, uint64_t seed)
{
        for (int i = 0; i < 4; i++)
                r->s[i] = splitmix(&seed);
}

void rf_random_seed_named(struct rf_random *r, uint64_t seed, const char *name)
{
        rf_random_seed(r, rf_hash(name, strlen(name), seed));
}

uint64_t rf_random_u64(struct rf_random *r)
{
        uint64_t result = rotl(r->s[1] * 5, 7) * 9;
        uint64_t t = r->s[1] << 17;

        r->s[2] ^= r->s[0];
        r->s[3] ^= r->s[1];
        r->s[1] ^= r->s[2];
        r->s[0] ^= r->s[3];
        r->s[2] ^= t;
        r->s[3] = rotl(r->s[3], 45);
        return result;
}

/* Lemire 2019: multiply, reject the few values that would bias. */
uint32_t rf_random_below(struct rf_random *r, uint32_t bound)
{
        uint32_t threshold = -bound % bound;
        uint64_t m;

        do
                m = (uint64_t)(uint32_t)(rf_random_u64(r) >> 32) * bound;
        while ((uint32_t)m < threshold);
        return (uint32_t)(m >> 32);
}

double rf_random_unit(struct rf_random *r)
{
        return (double)(rf_random_u64(r) >> 11) * 0x1p-53;
}

double rf_random_normal(struct rf_random *r)
{
        double u = 1.0 - rf_random_unit(r), v = rf_random_unit(r);

        return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}
