#include "sim/house.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "sched/sched.h"

#define DAY_US (86400 * USEC_PER_SEC)

static uint64_t number(const struct sim_setup *s, enum rf_setting setting)
{
        return (uint64_t)sim_setup_get(s, setting)->integer;
}

/* As the daemon opens it. */
static int open_upstream(struct sim_house *h, const struct sim_setup *setup, const struct sim_house_options *o)
{
        bool has_cache = number(setup, RF_SET_CACHE_ENABLED) != 0;
        struct rf_upstream_options u = {
                .concurrency = (uint32_t)number(setup, RF_SET_UPSTREAM_CONCURRENCY),
                .retries = (uint32_t)number(setup, RF_SET_UPSTREAM_RETRIES),
                .refusal_us = number(setup, RF_SET_UPSTREAM_REFUSAL),
                .seed = o->seed,
                .cache_enabled = has_cache,
                .optimizations_off = ~o->optimizations.on,
                .breaker = { .failures = (uint32_t)number(setup, RF_SET_UPSTREAM_BREAKER_FAILURES), .rate_percent = 50,
                             .open_us = number(setup, RF_SET_UPSTREAM_BREAKER_OPEN), .probes = 1,
                             .probe_us = 2 * number(setup, RF_SET_UPSTREAM_BREAKER_OPEN) },
                .slow_percent = (uint32_t)number(setup, RF_SET_UPSTREAM_BREAKER_SLOW),
                .observe = o->observe,
                .observe_arg = o->observe_arg,
                .archive = o->archive,
                .state = o->state,
        };

        return rf_upstream_new(&u, h->providers, has_cache ? h->stage->cache : NULL, &h->upstream);
}

int sim_house_open(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_house_options *o, struct sim_house *ret,
                   char *message, size_t size)
{
        struct sim_house h = { .stage = stage, .setup = setup };
        uint64_t dropped;
        int r = rf_cache_flush(stage->cache, &dropped);

        if (r >= 0)
                r = sim_setup_seed(setup, o->seed);
        if (r >= 0)
                r = rf_providers_new(stage->plugin_directory, &h.providers);
        for (size_t i = 0; i < sim_setup_n_providers(setup) && r >= 0; i++)
                r = (sim_setup_is_transport(setup, i) ? rf_providers_load_transport : rf_providers_load)(
                        h.providers, sim_setup_provider(setup, i), message, size);
        if (r >= 0)
                r = open_upstream(&h, setup, o);
        if (r < 0) {
                sim_house_close(&h);
                return r;
        }
        h.flow = (struct rf_flow){ .upstream = h.upstream, .lexicon = stage->lexicon,
                                   .asks_model = sim_setup_get(setup, RF_SET_RUNS_ANALYSIS)->integer == 1 };
        *ret = h;
        return 0;
}

void sim_house_close(struct sim_house *h)
{
        rf_upstream_free(h->upstream);
        rf_providers_free(h->providers);
        *h = (struct sim_house){ 0 };
}

/* ---- What is refused ---- */

void sim_house_refusals(const struct sim_house *h, struct sim_refusals *ret)
{
        ret->n = 0;
        for (size_t p = 0; p < rf_providers_count(h->providers); p++)
                for (unsigned op = 0; op < RF_OP_COUNT; op++)
                        for (unsigned way = 0; way < RF_OPERATION_WAYS_MAX; way++) {
                                struct sim_refusal *f = &ret->list[ret->n];
                                const char *reason;
                                uint64_t until_us;

                                if (!rf_provider_refused_way(rf_providers_at(h->providers, p), (enum rf_op)op, way, rf_wall_us(), &until_us,
                                                             &reason))
                                        continue;
                                f->provider = p;
                                f->op = (enum rf_op)op;
                                snprintf(f->reason, sizeof(f->reason), "%.159s", reason);
                                ret->n++;
                        }
}

void sim_house_refuse(struct sim_house *h, const struct sim_refusals *refusals)
{
        for (size_t i = 0; refusals && i < refusals->n; i++) {
                struct rf_provider *p = rf_providers_at(h->providers, refusals->list[i].provider);

                rf_provider_refuse(p, refusals->list[i].op, rf_wall_us() + DAY_US, refusals->list[i].reason);
        }
}

/* ---- What was asked ---- */

/* The simulated services count for themselves. */
static uint64_t count_violations(const struct sim_house *h)
{
        const struct rf_request request = { .size = sizeof(request), .url = "", .path = "" };
        struct rf_provider *transport = rf_provider_transport(rf_providers_at(h->providers, 0));
        struct rf_reply reply = { .size = sizeof(reply) };
        uint64_t sum = 0;
        const char *name;
        json_t *all, *service;

        if (!transport || rf_provider_plugin(transport)->transport->answer(rf_provider_instance(transport), "stats", &request, 0, &reply) < 0)
                return 0; /* a provider that speaks for itself alone counts nothing */
        all = json_loadb(reply.body, reply.body_size, 0, NULL);
        free(reply.body);
        json_object_foreach(json_object_get(all, "services"), name, service)
                sum += (uint64_t)json_integer_value(json_object_get(service, "violations"));
        json_decref(all);
        return sum;
}

struct sim_counts sim_house_counts(const struct sim_house *h)
{
        struct rf_upstream_stats s = rf_upstream_stats(h->upstream);
        struct sim_counts c = { .attempts = s.attempts, .refused = s.by_outcome[RF_OUTCOME_RATE] + s.by_outcome[RF_OUTCOME_QUOTA],
                                .violations = count_violations(h), .limited_us = s.limited_us };

        memcpy(c.paused_us, s.paused_us, sizeof(c.paused_us));
        for (size_t i = 0; i < sim_setup_n_providers(h->setup); i++) {
                const struct rf_provider *p = rf_providers_find(h->providers, sim_setup_provider(h->setup, i)->name);

                c.asked[i] = p ? rf_upstream_provider_stats(h->upstream, p).calls : 0;
        }
        return c;
}

static double option(const struct rf_provider *p, const char *name)
{
        const struct rf_value *v = rf_provider_value(p, name);

        return !v ? 0 : v->real != 0 ? v->real : (double)v->integer;
}

struct sim_allowance sim_house_allowance(const struct sim_house *h, const char *provider)
{
        const struct rf_provider *p = rf_providers_find(h->providers, provider);

        if (!p)
                return (struct sim_allowance){ 0 };
        if (option(p, "limit") > 0)
                return (struct sim_allowance){ .calls = (uint32_t)option(p, "limit"), .window_us = (uint64_t)option(p, "window") };
        return (struct sim_allowance){ .rate_per_s = option(p, "rate"), .burst = MAX(option(p, "burst"), 1.0) };
}
