#include "upstream/concurrency.h"

#include "base/macros.h"

#define DECREASE .7

void rf_concurrency_init(struct rf_concurrency *c, uint32_t floor, uint32_t ceiling)
{
        *c = (struct rf_concurrency){ .floor = MIN(floor, ceiling), .ceiling = ceiling, .limit = ceiling };
}

bool rf_concurrency_has_room(const struct rf_concurrency *c)
{
        return c->in_flight < (uint32_t)c->limit;
}

void rf_concurrency_begin(struct rf_concurrency *c)
{
        c->in_flight++;
}

void rf_concurrency_end(struct rf_concurrency *c, uint64_t began_us, uint64_t now_us, bool is_bad)
{
        bool was_full = c->in_flight >= (uint32_t)c->limit;

        c->in_flight--;
        if (is_bad && (c->lowered_us == 0 || began_us > c->lowered_us)) {
                c->limit = MAX(c->limit * DECREASE, (double)c->floor);
                c->lowered_us = now_us;
        } else if (!is_bad && was_full)
                c->limit = MIN(c->limit + 1.0 / c->limit, (double)c->ceiling);
}
