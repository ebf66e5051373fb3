/* The call: routing around the stages, and what is counted of it. */
#include "upstream/internal.h"

#include "base/error.h"
#include "upstream/key.h"

#include <errno.h>

int rf_upstream_new(const struct rf_upstream_options *o, struct rf_providers *providers, struct rf_cache *cache,
                    struct rf_upstream **ret)
{
        struct rf_upstream *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->options = *o;
        u->cache = cache;
        u->n_lanes = rf_providers_count(providers);
        u->lanes = calloc(u->n_lanes + 1, sizeof(*u->lanes));
        r = u->lanes ? rf_coalesce_new(&u->coalesce) : -ENOMEM;
        if (r < 0) {
                rf_upstream_free(u);
                return r;
        }
        for (size_t i = 0; i < u->n_lanes; i++) {
                u->lanes[i].provider = rf_providers_at(providers, i);
                rf_semaphore_init(&u->lanes[i].slots, o->concurrency);
        }
        *ret = u;
        return 0;
}

struct rf_upstream *rf_upstream_free(struct rf_upstream *u)
{
        if (!u)
                return NULL;
        rf_coalesce_free(u->coalesce);
        free(u->lanes);
        free(u);
        return NULL;
}

void rf_observe(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_call_record *record)
{
        u->stats.calls++;
        u->stats.coalesced += record->coalesced;
        u->stats.failures += record->error < 0;
        u->stats.cache_by_state[record->cache]++;
        if (caller->observe)
                caller->observe(caller->observe_arg, record);
}

static int call_lane(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                     struct rf_answer **ret)
{
        struct rf_call_record record = { .provider = rf_provider_name(lane->provider), .op = q->op,
                                         .endpoint = rf_provider_operation(lane->provider, q->op)->endpoint,
                                         .started_us = rf_now_us() };
        int r;

        if (q->op == RF_OP_TRACKS || q->op == RF_OP_AUDIO_FEATURES)
                return rf_lookup(u, lane, caller, q, ret);
        r = rf_single(u, lane, caller, q, &record, ret);
        record.total_us = rf_now_us() - record.started_us;
        record.error = r;
        if (r >= 0)
                record.n_records = (uint32_t)((*ret)->n_tracks + (*ret)->n_artists + (*ret)->n_albums);
        else if (r == -ECANCELED)
                record.outcome = RF_OUTCOME_CANCELLED;
        rf_observe(u, caller, &record);
        return r;
}

int rf_upstream_call(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_query *query, struct rf_answer **ret)
{
        struct rf_lane *lane;
        size_t at = 0;
        int error = -RF_EUNSUPPORTED;

        u->stats.in_flight++;
        while ((lane = rf_route_next(u, query->op, rf_wall_us(), &at))) {
                int r = call_lane(u, lane, caller, query, ret);

                if (r >= 0 || r == -ECANCELED || r == -ETIMEDOUT || r == -ENOMEM) {
                        u->stats.in_flight--;
                        return r;
                }
                if (r != -ENOTSUP) /* this query isn't for that provider: no news */
                        error = r;
        }
        u->stats.in_flight--;
        return error;
}

bool rf_upstream_can(const struct rf_upstream *u, enum rf_op op)
{
        size_t at = 0;

        return rf_route_next(u, op, rf_wall_us(), &at) != NULL;
}

const struct rf_operation *rf_upstream_operation(const struct rf_upstream *u, enum rf_op op, const struct rf_provider **ret_provider)
{
        size_t at = 0;
        const struct rf_lane *lane = rf_route_next(u, op, rf_wall_us(), &at);

        if (!lane)
                return NULL;
        if (ret_provider)
                *ret_provider = lane->provider;
        return rf_provider_operation(lane->provider, op);
}

int rf_upstream_forecast(struct rf_upstream *u, const struct rf_query *query, struct rf_forecast *ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        size_t at = 0;
        const struct rf_lane *lane = rf_route_next(u, query->op, rf_wall_us(), &at);
        int r;

        if (!lane)
                return -RF_EUNSUPPORTED;
        r = rf_query_key(rf_provider_name(lane->provider), query, &key);
        if (r < 0)
                return r;
        *ret = (struct rf_forecast){
                .is_cached = u->cache && u->options.cache_enabled && rf_cache_has_fresh(u->cache, key.data, key.size, rf_wall_us()),
                .expected_us = lane->mean_us[query->op],
                .provider = rf_provider_name(lane->provider),
                .endpoint = rf_provider_operation(lane->provider, query->op)->endpoint,
        };
        return 0;
}

struct rf_upstream_stats rf_upstream_stats(const struct rf_upstream *u)
{
        return u->stats;
}

struct rf_provider_stats rf_upstream_provider_stats(const struct rf_upstream *u, const struct rf_provider *p)
{
        for (size_t i = 0; i < u->n_lanes; i++)
                if (u->lanes[i].provider == p)
                        return u->lanes[i].stats;
        return (struct rf_provider_stats){ 0 };
}
