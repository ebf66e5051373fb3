/* Which provider answers: the configured order, less those that can't; who would have to wait comes after who needn't. */
#include "upstream/internal.h"

static bool can(const struct rf_lane *lane, enum rf_op op, uint64_t now_wall_us)
{
        const struct rf_operation *o = rf_provider_operation(lane->provider, op);

        return o && !rf_provider_refusal(lane->provider, op, now_wall_us) &&
               !rf_authority_problem(lane->authority, o->flags & RF_OPERATION_USER);
}

struct rf_lane *rf_route_next(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t *tried)
{
        uint64_t now_us = rf_now_us();

        for (unsigned pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < u->n_lanes; i++) {
                        struct rf_lane *lane = &u->lanes[i];
                        bool is_open = rf_gate_is_open(lane->gate, now_us);

                        if ((*tried & (size_t)1 << i) || is_open != (pass == 0) || !can(lane, op, now_wall_us))
                                continue;
                        *tried |= (size_t)1 << i;
                        return lane;
                }
        return NULL;
}

bool rf_route_has_more(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t tried)
{
        return rf_route_next(u, op, now_wall_us, &tried) != NULL;
}
