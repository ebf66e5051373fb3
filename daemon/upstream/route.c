/* Which provider answers: the configured order, less those that can't now. */
#include "upstream/internal.h"

struct rf_lane *rf_route_next(const struct rf_upstream *u, enum rf_op op, uint64_t now_wall_us, size_t *at)
{
        while (*at < u->n_lanes) {
                struct rf_lane *lane = &u->lanes[(*at)++];

                if (rf_provider_operation(lane->provider, op) && !rf_provider_refusal(lane->provider, op, now_wall_us))
                        return lane;
        }
        return NULL;
}
