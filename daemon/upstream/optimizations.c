#include "upstream/optimizations.h"

#include <errno.h>
#include <string.h>

const struct rf_optimization_info rf_optimization_infos[RF_OPT_COUNT] = {
#define INFO(symbol, name, phase, on, off) [RF_OPT_##symbol] = { name, phase, on, off },
        RF_OPTIMIZATION_LIST(INFO)
#undef INFO
};

int rf_optimization_find(const char *name)
{
        for (int i = 0; i < RF_OPT_COUNT; i++)
                if (strcmp(rf_optimization_infos[i].name, name) == 0)
                        return i;
        return -1;
}

void rf_optimizations_set(struct rf_optimizations *set, enum rf_optimization o, bool is_on)
{
        const uint64_t bit = (uint64_t)1 << o;

        set->on = is_on ? set->on | bit : set->on & ~bit;
}

struct rf_optimizations rf_optimizations_baseline(void)
{
        return (struct rf_optimizations){ 0 };
}

struct rf_optimizations rf_optimizations_full(void)
{
        return (struct rf_optimizations){ .on = ((uint64_t)1 << RF_OPT_COUNT) - 1 };
}

int rf_optimizations_profile(const char *name, struct rf_optimizations *ret)
{
        if (strcmp(name, "full") == 0)
                *ret = rf_optimizations_full();
        else if (strcmp(name, "baseline") == 0)
                *ret = rf_optimizations_baseline();
        else
                return -ENOENT;
        return 0;
}
