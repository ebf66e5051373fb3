/* The call: routing around the stages, and what is counted of it. */
#include "upstream/internal.h"

#include "base/error.h"
#include "upstream/collector.h"

#include <errno.h>
#include <string.h>

/* Options that a plugin declares and the host reads: how its service wants to be asked. */
static double number(const struct rf_provider *p, const char *option, double fallback)
{
        const struct rf_value *v = rf_provider_value(p, option);

        return !v ? fallback : v->real != 0 ? v->real : (double)v->integer;
}

/* What the last credential was refused may be allowed to this one. */
static void logged_in(void *arg)
{
        struct rf_lane *lane = arg;

        rf_provider_forgive(lane->provider);
        rf_learned_changed(lane);
}

/* The longest time that any call has; 0 where the plugin isn't loaded. */
static uint64_t longest_us(const struct rf_lane *lane)
{
        const struct rf_plugin *plugin = rf_provider_plugin(lane->provider);
        uint64_t us = lane->timeout_us;

        for (size_t i = 0; plugin && i < plugin->n_operations && lane->timeout_us == 0; i++)
                us = MAX(us, (uint64_t)plugin->operations[i].timeout_ms * USEC_PER_MSEC);
        return us;
}

static int open_lane(struct rf_upstream *u, struct rf_lane *lane, struct rf_provider *p)
{
        struct rf_gate_options o = { .breaker = u->options.breaker, .rate_per_s = number(p, "rate", 0), .burst = number(p, "burst", 1),
                                     .limit = (uint32_t)number(p, "limit", 0),
                                     .window_us = (uint64_t)number(p, "window", 0),
                                     .concurrency_max = (uint32_t)number(p, "concurrency", u->options.concurrency),
                                     .changed = rf_learned_changed, .arg = lane };
        int r;

        o.concurrency_floor = MIN(2u, o.concurrency_max);
        lane->upstream = u;
        lane->provider = p;
        lane->timeout_us = (uint64_t)number(p, "timeout", 0);
        if (u->options.slow_percent > 0)
                o.breaker.slow_us = longest_us(lane) * u->options.slow_percent / 100;
        rf_retry_budget_init(&lane->budget);
        r = rf_gate_new(&o, &lane->gate);
        if (r >= 0)
                r = rf_authority_new(p, u->options.http, u->options.state, &lane->authority);
        if (r >= 0)
                rf_authority_on_login(lane->authority, logged_in, lane);
        return r;
}

/* Those that are states of the stages; the others are asked for where they count. */
static void apply_optimizations(struct rf_upstream *u)
{
        for (size_t i = 0; i < u->n_lanes; i++) {
                rf_gate_set_paced(u->lanes[i].gate, rf_upstream_is_on(u, RF_OPT_PACED_LIMITER));
                rf_breaker_switch(rf_gate_breaker(u->lanes[i].gate), rf_upstream_is_on(u, RF_OPT_CIRCUIT_BREAKER));
        }
}

int rf_upstream_new(const struct rf_upstream_options *o, struct rf_providers *providers, struct rf_cache *cache,
                    struct rf_upstream **ret)
{
        struct rf_upstream *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->options = *o;
        u->cache = cache;
        rf_turns_init(&u->turns);
        u->lanes = calloc(rf_providers_count(providers) + 1, sizeof(*u->lanes));
        r = u->lanes ? rf_coalesce_new(&u->coalesce) : -ENOMEM;
        for (size_t i = 0; i < rf_providers_count(providers) && r >= 0; i++)
                r = open_lane(u, &u->lanes[u->n_lanes++], rf_providers_at(providers, i));
        if (r < 0) {
                rf_upstream_free(u);
                return r;
        }
        rf_upstream_set_optimizations(u, &(struct rf_optimizations){ .on = ~o->optimizations_off });
        *ret = u;
        return 0;
}

void rf_upstream_start(struct rf_upstream *u)
{
        for (size_t i = 0; i < u->n_lanes; i++)
                rf_learned_load(&u->lanes[i]);
}

void rf_upstream_take_up(struct rf_upstream *u, const char *provider)
{
        for (size_t i = 0; i < u->n_lanes; i++)
                if (strcmp(rf_provider_name(u->lanes[i].provider), provider) == 0)
                        rf_learned_load(&u->lanes[i]);
}

void rf_upstream_stop(struct rf_upstream *u)
{
        u->background = rf_group_free(u->background);
        for (size_t i = 0; i < u->n_lanes; i++)
                rf_authority_stop(u->lanes[i].authority);
}

struct rf_upstream *rf_upstream_free(struct rf_upstream *u)
{
        if (!u)
                return NULL;
        rf_group_free(u->background); /* its coroutines have ended with the scheduler, if it wasn't stopped */
        rf_coalesce_free(u->coalesce);
        for (size_t i = 0; i < u->n_lanes; i++) {
                for (size_t op = 0; op < RF_OP_COUNT; op++)
                        rf_collector_free(u->lanes[i].collectors[op]);
                rf_gate_free(u->lanes[i].gate);
                rf_authority_free(u->lanes[i].authority);
        }
        free(u->lanes);
        free(u);
        return NULL;
}

int rf_background(struct rf_upstream *u, struct rf_group **ret)
{
        int r = u->background ? 0 : rf_group_new_detached(RF_FOREVER, &u->background);

        if (r >= 0)
                *ret = u->background;
        return r;
}

void rf_observe(struct rf_upstream *u, const struct rf_caller *caller, const struct rf_call_record *record)
{
        u->stats.calls++;
        u->stats.coalesced += record->coalesced;
        u->stats.failures += record->error < 0;
        u->stats.cache_by_state[record->cache]++;
        if (u->options.observe)
                u->options.observe(u->options.observe_arg, caller, record);
        if (caller->observe)
                caller->observe(caller->observe_arg, record);
}

static int call_lane(struct rf_upstream *u, struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q,
                     bool has_alternative, struct rf_answer **ret)
{
        struct rf_call_record record = { .provider = rf_provider_name(lane->provider), .op = q->op,
                                         .endpoint = rf_provider_operation(lane->provider, q->op)->endpoint,
                                         .started_us = rf_now_us() };
        int r;

        if (rf_is_lookup(q->op))
                return rf_lookup(lane, caller, q, ret);
        r = (caller->anew ? rf_single_uncached : rf_single)(lane, caller, q, has_alternative, &record, ret);
        record.total_us = rf_now_us() - record.started_us;
        record.error = r;
        if (r >= 0)
                record.n_records = (uint32_t)((*ret)->n_tracks + (*ret)->n_artists + (*ret)->n_albums);
        else if (r == -ECANCELED)
                record.outcome = RF_OUTCOME_CANCELLED;
        rf_observe(u, caller, &record);
        return r;
}

/* A bit for each lane that isn't to be asked. */
static size_t lanes_besides(const struct rf_upstream *u, const char *provider)
{
        size_t others = 0;

        for (size_t i = 0; i < u->n_lanes && provider; i++)
                if (strcmp(rf_provider_name(u->lanes[i].provider), provider) != 0)
                        others |= (size_t)1 << i;
        return others;
}

void rf_upstream_begin(struct rf_upstream *u, struct rf_turn *turn, uint64_t client)
{
        rf_turns_begin(&u->turns, turn, client);
}

void rf_upstream_end(struct rf_upstream *u, struct rf_turn *turn)
{
        rf_turns_end(&u->turns, turn);
}

int rf_upstream_call(struct rf_upstream *u, const struct rf_caller *who, const struct rf_query *query, struct rf_answer **ret)
{
        struct rf_caller ranked = *who;
        const struct rf_caller *caller = &ranked;
        struct rf_lane *lane;
        size_t tried = lanes_besides(u, caller->provider);
        int error = -RF_EUNSUPPORTED;

        if (ranked.rank == 0)
                ranked.rank = rf_turns_lowest(&u->turns);
        u->stats.in_flight++;
        while ((lane = rf_route_next(u, query->op, rf_wall_us(), &tried))) {
                int r = call_lane(u, lane, caller, query, rf_route_has_more(u, query->op, rf_wall_us(), tried), ret);

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

const struct rf_optimizations *rf_upstream_optimizations(const struct rf_upstream *u)
{
        return &u->optimizations;
}

void rf_upstream_set_optimizations(struct rf_upstream *u, const struct rf_optimizations *set)
{
        u->optimizations.on = set->on & rf_optimizations_full().on;
        apply_optimizations(u);
}

bool rf_upstream_can(const struct rf_upstream *u, enum rf_op op)
{
        size_t tried = 0;

        return rf_route_next(u, op, rf_wall_us(), &tried) != NULL;
}

size_t rf_upstream_providers(const struct rf_upstream *u, enum rf_op op, const struct rf_provider **ret, size_t max)
{
        const struct rf_lane *lane;
        size_t tried = 0, n = 0;

        while (n < max && (lane = rf_route_next(u, op, rf_wall_us(), &tried)))
                ret[n++] = lane->provider;
        return n;
}

const struct rf_operation *rf_upstream_operation(const struct rf_upstream *u, enum rf_op op, const struct rf_provider **ret_provider)
{
        size_t tried = 0;
        const struct rf_lane *lane = rf_route_next(u, op, rf_wall_us(), &tried);

        if (!lane)
                return NULL;
        if (ret_provider)
                *ret_provider = lane->provider;
        return rf_provider_operation(lane->provider, op);
}

void rf_upstream_watch_persons(struct rf_upstream *u, void (*waits)(void *arg), void *arg)
{
        u->person_waits = waits;
        u->person_waits_arg = arg;
}

int rf_take_allowance(struct rf_upstream *u, const struct rf_caller *caller)
{
        if (caller->priority == RF_PRIORITY_PERSON && u->person_waits)
                u->person_waits(u->person_waits_arg);
        if (!caller->allowance)
                return 0;
        if (caller->allowance->left == 0)
                return -RF_ELIMIT;
        caller->allowance->left--;
        caller->allowance->spent++;
        return 0;
}

void rf_settle_allowance(const struct rf_caller *caller, uint32_t attempts)
{
        struct rf_allowance *a = caller->allowance;

        if (!a)
                return;
        if (attempts == 0) {
                a->left++;
                a->spent--;
        } else {
                a->left -= MIN(a->left, attempts - 1);
                a->spent += attempts - 1;
        }
}

int rf_upstream_forecast(struct rf_upstream *u, const struct rf_query *query, struct rf_forecast *ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        size_t tried = 0;
        const struct rf_lane *lane = rf_route_next(u, query->op, rf_wall_us(), &tried);
        int r;

        if (!lane)
                return -RF_EUNSUPPORTED;
        r = rf_lane_key(lane, query, &key);
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

int rf_upstream_pause(struct rf_upstream *u, enum rf_pause pause, uint64_t us)
{
        uint64_t began_us = rf_now_us();
        int r = rf_sleep_us(us);

        u->stats.paused_us[pause] += rf_now_us() - began_us;
        return r;
}

struct rf_upstream_stats rf_upstream_stats(const struct rf_upstream *u)
{
        return u->stats;
}

static struct rf_lane *lane_of(const struct rf_upstream *u, const struct rf_provider *p)
{
        for (size_t i = 0; i < u->n_lanes; i++)
                if (u->lanes[i].provider == p)
                        return &u->lanes[i];
        return NULL;
}

struct rf_provider_stats rf_upstream_provider_stats(const struct rf_upstream *u, const struct rf_provider *p)
{
        static const char *const breaker_names[] = { [RF_BREAKER_CLOSED] = "closed", [RF_BREAKER_OPEN] = "open",
                                                     [RF_BREAKER_HALF_OPEN] = "half-open" };
        const struct rf_lane *lane = lane_of(u, p);
        struct rf_provider_stats s;
        struct rf_gate_stats g;

        if (!lane)
                return (struct rf_provider_stats){ .breaker = breaker_names[RF_BREAKER_CLOSED], .pace_scale = 1, .quota_left = -1 };
        s = lane->stats;
        g = rf_gate_stats(lane->gate);
        s.waiting = g.waiting;
        s.refusals = g.refusals;
        s.turned_away = g.turned_away;
        s.blocked_us = g.blocked_us;
        s.is_quota = g.is_quota;
        s.pace_scale = g.scale;
        s.concurrency = g.concurrency;
        s.quota_left = g.quota_left;
        s.breaker = breaker_names[g.breaker];
        s.problem = rf_authority_problem(lane->authority, false);
        s.is_logged_in = rf_authority_is_logged_in(lane->authority);
        return s;
}

void rf_upstream_allow_user(struct rf_upstream *u, const char *provider)
{
        for (size_t i = 0; i < u->n_lanes; i++) {
                struct rf_lane *lane = &u->lanes[i];

                if (strcmp(rf_provider_name(lane->provider), provider) != 0)
                        continue;
                for (unsigned op = 0; op < RF_OP_COUNT; op++) {
                        const struct rf_operation *o = rf_provider_operation(lane->provider, op);

                        if (o && (o->flags & RF_OPERATION_USER) && rf_provider_refusal(lane->provider, op, rf_wall_us()))
                                rf_provider_refuse(lane->provider, op, 0, "");
                }
                rf_learned_changed(lane);
        }
}

struct rf_authority *rf_upstream_authority(struct rf_upstream *u, const char *provider)
{
        for (size_t i = 0; i < u->n_lanes; i++)
                if (strcmp(rf_provider_name(u->lanes[i].provider), provider) == 0)
                        return u->lanes[i].authority;
        return NULL;
}
