#include "upstream/retry.h"

#include "base/limits.h"
#include "base/macros.h"

#define FLOOR 10.0  /* retries that a service has from the start */
#define EARNED .2   /* by each call */
#define FIRST_US 200000u
#define MOST_US 10000000u

void rf_retry_budget_init(struct rf_retry_budget *b)
{
        b->tokens = FLOOR;
}

void rf_retry_budget_earn(struct rf_retry_budget *b)
{
        b->tokens = MIN(b->tokens + EARNED, (double)RF_RETRIES_SAVED_MAX);
}

bool rf_retry_budget_spend(struct rf_retry_budget *b)
{
        if (b->tokens < 1.0)
                return false;
        b->tokens -= 1.0;
        return true;
}

uint64_t rf_retry_backoff_us(uint32_t attempt, double unit)
{
        uint64_t ceiling_us = MIN((uint64_t)FIRST_US << MIN(attempt, 20u), (uint64_t)MOST_US);

        return (uint64_t)((double)ceiling_us * unit);
}
