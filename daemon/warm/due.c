#include "warm/due.h"

#include "sched/sched.h"

/* So much of the usual density of uses is enough not to wait for more. */
#define BUSY_SHARE 0.5
/* What is served stale while it's renewed costs people no wait: sparing that call is worth less. */
#define STALE_SHARE 0.4

/* Whether the time ahead is as busy as the life of what would be renewed. */
static bool is_time(const struct rf_due_policy *policy, const struct rf_rhythm *rhythm, const struct rf_footprint_part *p, double uses,
                    uint64_t now_us)
{
        double soon;

        if (p->life_us <= 2 * policy->ahead_us)
                return true;
        soon = rf_rhythm_expect(rhythm, now_us, now_us, now_us + policy->ahead_us);
        return soon * (double)p->life_us >= BUSY_SHARE * uses * (double)policy->ahead_us;
}

struct rf_due rf_due_of(const struct rf_due_policy *policy, const struct rf_rhythm *rhythm, const struct rf_footprint *footprint,
                        bool is_kept, uint64_t now_us)
{
        struct rf_due due = { .is_due = is_kept && footprint->n == 0, .life_min_us = is_kept ? policy->ahead_us : RF_FOREVER };
        double saved = 0;

        for (size_t i = 0; i < footprint->n; i++) {
                const struct rf_footprint_part *p = &footprint->parts[i];
                double uses = rf_rhythm_expect(rhythm, now_us, now_us, now_us + p->life_us);
                double value = p->is_served_stale ? uses * STALE_SHARE : uses;
                bool is_worth = value >= policy->value_min, ends = p->ends_us <= now_us + policy->ahead_us;

                if (p->life_us <= policy->ahead_us) /* would have ended again before anybody looks */
                        continue;
                if (is_worth)
                        due.life_min_us = MIN(due.life_min_us, p->life_us);
                if (!ends || !(is_worth || is_kept))
                        continue;
                due.is_due |= is_kept || is_time(policy, rhythm, p, uses, now_us);
                due.calls += p->calls;
                saved += value * p->calls;
        }
        if (due.calls > 0)
                due.value = saved / due.calls;
        return due;
}
