/*
 * Whether and when to try again. A budget bounds retries to a fifth of the calls, plus a few, so that a service in trouble isn't asked
 * even more; full jitter spreads them (Brooker, "Exponential Backoff And Jitter", 2015). Plain arithmetic; never yields.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rf_retry_budget {
        double tokens;
};

void rf_retry_budget_init(struct rf_retry_budget *b);
void rf_retry_budget_earn(struct rf_retry_budget *b);  /* a call was made */
bool rf_retry_budget_spend(struct rf_retry_budget *b); /* false: none left */

/* How long to wait before attempt number `attempt` + 1 (attempt >= 1), from a uniform number in 0..1; microseconds. */
uint64_t rf_retry_backoff_us(uint32_t attempt, double unit);
