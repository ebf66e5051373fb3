/*
 * Who asks for what when: prompts by Zipf's law, each with an hour of its own, most of them on working days, some at weekends. All drawn
 * from a seed; the habits are the same each week, the requests aren't.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sim_request {
        uint64_t at_us; /* since Monday, midnight, of the first week */
        size_t prompt;
};

/* So many requests of each week, in order; free() them. -ENOMEM. */
int sim_schedule_draw(size_t n_prompts, size_t requests, size_t weeks, uint64_t seed, struct sim_request **ret);
