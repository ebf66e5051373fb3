/* Which provider answers: the configured order, less those that can't; who would have to wait comes after who needn't. */
#include "upstream/internal.h"

static bool can(const struct rf_lane *lane, enum rf_op op, uint64_t now_wall_us)
{
        const struct rf_operation *o = rf_provider_operation(lane->provider, op);

        return o && !rf_provider_refusal(lane->provider, op, now_wall_us) &&
               !rf_authority_problem(lane->authority, o->flags & RF_OPERATION_USER);
}

/* `*at` counts the lanes twice: first the open ones, then the others. */
struct rf_lane *rf_route_next(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t *at)
{
        uint64_t now_us = rf_now_us();

        while (*at < 2 * u->n_lanes) {
                bool wants_open = *at < u->n_lanes;
                struct rf_lane *lane = &u->lanes[(*at)++ % u->n_lanes];

                if (can(lane, op, now_wall_us) && rf_gate_is_open(lane->gate, now_us) == wants_open)
                        return lane;
        }
        return NULL;
}

bool rf_route_has_more(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t at)
{
        return rf_route_next(u, op, now_wall_us, &at) != NULL;
}
