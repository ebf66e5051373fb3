/*
 * What is worth renewing now. A renewal of one operation's answers pays by the uses that are expected until they end again; it waits while
 * the time ahead is quieter than that life on the whole, because what is renewed later is fresh for longer. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "warm/footprint.h"
#include "warm/rhythm.h"

struct rf_due_policy {
        uint64_t ahead_us;   /* what would end within this time is renewed before: the next look is sooner than that */
        double value_min;    /* calls saved for each call spent, below which nothing is renewed */
};

struct rf_due {
        bool is_due;
        double value;         /* uses expected before what is renewed ends again, times calls saved, over calls spent */
        uint32_t calls;       /* what it may cost; 0 = nobody knows */
        uint64_t life_min_us; /* what lives less long isn't worth it */
};

/* `is_kept`: somebody wants it kept warm, whether it's used or not. */
struct rf_due rf_due_of(const struct rf_due_policy *policy, const struct rf_rhythm *rhythm, const struct rf_footprint *footprint,
                        bool is_kept, uint64_t now_us);
