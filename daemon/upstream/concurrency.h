/*
 * How many calls to one provider are under way at once: additive increase while calls do well and the limit is what holds them,
 * multiplicative decrease when one fails, between a floor and a ceiling. Plain arithmetic; never yields.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rf_concurrency {
        uint32_t floor, ceiling, in_flight;
        double limit;
        uint64_t lowered_us; /* calls that began before say nothing new */
};

void rf_concurrency_init(struct rf_concurrency *c, uint32_t floor, uint32_t ceiling);
bool rf_concurrency_has_room(const struct rf_concurrency *c);
void rf_concurrency_begin(struct rf_concurrency *c);
/* `is_bad`: it failed in a way that less load may mend (timeout, lost connection, 5xx). */
void rf_concurrency_end(struct rf_concurrency *c, uint64_t began_us, uint64_t now_us, bool is_bad);
