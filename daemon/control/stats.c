#include "control/stats.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "control/build.h"
#include "control/encode.h"
#include "provider/provider.h"
#include "sched/sched.h"

static const char *const CACHE_NAMES[] = {
        [RF_CACHE_MISS] = "miss",         [RF_CACHE_HIT] = "hit",                 [RF_CACHE_STALE] = "stale",
        [RF_CACHE_NEGATIVE] = "negative", [RF_CACHE_STALE_ERROR] = "stale_error", [RF_CACHE_BYPASS] = "bypass",
};

#define PPM 1e6

/* ---- How things are now ---- */

/* Fills at most RF_PLUGINS_MAX. */
static size_t list_providers(const struct rf_control *c, struct rf_metrics_provider list[static RF_PLUGINS_MAX])
{
        size_t n = MIN(rf_providers_count(c->providers), (size_t)RF_PLUGINS_MAX);

        for (size_t i = 0; i < n; i++) {
                const struct rf_provider *p = rf_providers_at(c->providers, i);
                struct rf_provider_stats s = rf_upstream_provider_stats(c->upstream, p);

                list[i] = (struct rf_metrics_provider){
                        .name = rf_provider_name(p), .breaker = strcmp(s.breaker, "half-open") == 0 ? "half_open" : s.breaker,
                        .in_flight = s.in_flight, .waiting = s.waiting, .blocked_us = s.blocked_us, .concurrency_limit = s.concurrency,
                        .pace_ratio = s.pace_scale, .is_quota_exhausted = s.is_quota && s.blocked_us > 0, .quota_left = s.quota_left,
                };
        }
        return n;
}

static void judge(const struct rf_control *c, const struct rf_figures *f, struct rf_judgement list[static RF_CRITERION_COUNT])
{
        for (unsigned i = 0; i < RF_CRITERION_COUNT; i++)
                list[i] = rf_criterion_judge(&rf_observer_options(c->observer)->criteria, i, f);
}

static int judge_window(const struct rf_control *c, struct rf_judgement list[static RF_CRITERION_COUNT])
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        uint64_t from_us;
        int r = rf_stats_sum(rf_observer_stats(c->observer), rf_wall_us(), rf_observer_options(c->observer)->window_us, &f, &from_us);

        if (r >= 0)
                judge(c, f, list);
        return r;
}

int rf_control_metrics(const struct rf_control *c, enum rf_metrics_format format, struct rf_buf *b)
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        const char *steps[RF_STEP_COUNT], *outcomes[RF_OUTCOME_COUNT];
        struct rf_metrics_provider providers[RF_PLUGINS_MAX];
        struct rf_judgement judgements[RF_CRITERION_COUNT];
        struct rf_cache_stats cache = c->cache ? rf_cache_stats(c->cache) : (struct rf_cache_stats){ 0 };
        struct rf_runs_stats runs = rf_runs_stats(c->runs);
        struct rf_metrics m = { .step_names = steps, .n_steps = RF_STEP_COUNT, .cache_names = CACHE_NAMES,
                                .n_cache_states = ARRAY_SIZE(CACHE_NAMES), .outcome_names = outcomes, .n_outcomes = RF_OUTCOME_COUNT,
                                .judgements = judgements, .providers = providers, .n_providers = list_providers(c, providers),
                                .version = c->version, .started_wall_us = c->started_wall_us, .runs_active = runs.active,
                                .runs_waiting = runs.waiting, .clients = rf_varlink_server_stats(c->server).clients,
                                .memory_bytes = rf_memory_bytes(), .cache_entries = cache.entries, .cache_bytes = cache.bytes_used,
                                .lost = rf_stats_lost(rf_observer_stats(c->observer)) };
        uint64_t from_us;
        int r = rf_stats_sum(rf_observer_stats(c->observer), rf_wall_us(), 0, &f, &from_us);

        if (r >= 0)
                r = judge_window(c, judgements);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < RF_STEP_COUNT; i++)
                steps[i] = rf_step_name(i);
        for (unsigned i = 0; i < RF_OUTCOME_COUNT; i++)
                outcomes[i] = rf_outcome_name(i);
        m.figures = f;
        return rf_metrics_write(&m, format, b);
}

int rf_control_metrics_text(struct rf_varlink_call *call, void *arg)
{
        const char *format = json_string_value(json_object_get(rf_varlink_call_parameters(call), "format"));
        _cleanup_buf_ struct rf_buf text = RF_BUF_INIT;
        json_t *o;
        int r = rf_control_metrics(arg, format && strcmp(format, "text") == 0 ? RF_METRICS_TEXT : RF_METRICS_OPENMETRICS, &text);

        if (r < 0)
                return r;
        o = json_pack("{s:s}", "text", text.data);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

/* ---- As JSON ---- */

static json_t *encode_times(struct rf_build *b, const struct rf_histogram *h)
{
        json_t *o = rf_build_object(b);

        rf_build_int(b, o, "count", h->count);
        if (h->count == 0)
                return o;
        rf_build_int(b, o, "p50_us", rf_histogram_quantile_us(h, .50));
        rf_build_int(b, o, "p95_us", rf_histogram_quantile_us(h, .95));
        rf_build_int(b, o, "p99_us", rf_histogram_quantile_us(h, .99));
        rf_build_int(b, o, "mean_us", h->sum_us / h->count);
        rf_build_int(b, o, "max_us", h->max_us);
        return o;
}

static json_t *encode_steps(struct rf_build *b, const struct rf_figures *f)
{
        json_t *list = rf_build_array(b);

        for (unsigned i = 0; i < RF_STEP_COUNT; i++) {
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "name", rf_step_name(i));
                rf_build_put(b, o, "time", encode_times(b, &f->steps[i].time));
                rf_build_int(b, o, "calls", f->steps[i].calls);
                rf_build_int(b, o, "errors", f->steps[i].errors);
                rf_build_int(b, o, "failed_runs", f->steps[i].failed_runs);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_endpoint(struct rf_build *b, const struct rf_endpoint_figures *e)
{
        json_t *o = rf_build_object(b), *cache = rf_build_object(b), *outcomes = rf_build_object(b);

        rf_build_string(b, o, "provider", e->provider);
        rf_build_string(b, o, "endpoint", e->endpoint);
        rf_build_int(b, o, "calls", e->calls);
        rf_build_int(b, o, "errors", e->errors);
        rf_build_int(b, o, "coalesced", e->coalesced);
        for (unsigned i = 0; i < ARRAY_SIZE(CACHE_NAMES); i++)
                rf_build_int(b, cache, CACHE_NAMES[i], e->cache[i]);
        rf_build_put(b, o, "cache", cache);
        rf_build_int(b, o, "attempts", rf_endpoint_attempts(e));
        for (unsigned i = 0; i < RF_OUTCOME_COUNT; i++)
                rf_build_int(b, outcomes, rf_outcome_name(i), e->attempts[i]);
        rf_build_put(b, o, "outcomes", outcomes);
        rf_build_int(b, o, "timeouts", e->timeouts);
        rf_build_int(b, o, "retries", e->retries);
        rf_build_int(b, o, "refusals", rf_endpoint_refusals(e));
        rf_build_int(b, o, "wasted", rf_endpoint_wasted(e));
        rf_build_put(b, o, "time", encode_times(b, &e->time));
        return o;
}

static json_t *encode_endpoints(struct rf_build *b, const struct rf_figures *f)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < f->n_endpoints; i++)
                rf_build_add(b, list, encode_endpoint(b, f->endpoints[i]));
        return list;
}

static json_t *encode_provider(struct rf_build *b, const struct rf_metrics_provider *p, const struct rf_figures *f, uint64_t span_us)
{
        char time[RF_TIME_TEXT_SIZE];
        uint64_t peak = 0, busy_us = 0;
        json_t *o = rf_build_object(b);

        for (size_t i = 0; i < f->n_endpoints; i++) {
                if (strcmp(f->endpoints[i]->provider, p->name) != 0)
                        continue;
                peak = MAX(peak, f->endpoints[i]->in_flight_peak);
                busy_us += f->endpoints[i]->time.sum_us;
        }
        rf_build_string(b, o, "name", p->name);
        rf_build_int(b, o, "in_flight", p->in_flight);
        rf_build_int(b, o, "in_flight_peak", peak);
        rf_build_int(b, o, "in_flight_mean_milli", span_us > 0 ? busy_us * 1000 / span_us : 0);
        rf_build_int(b, o, "in_flight_max", (uint64_t)p->concurrency_limit);
        rf_build_int(b, o, "waiting", p->waiting);
        rf_build_string(b, o, "breaker", p->breaker);
        rf_build_int(b, o, "pace_milli", (uint64_t)(p->pace_ratio * 1000 + .5));
        if (p->blocked_us)
                rf_build_string(b, o, "blocked_until", rf_time_text(rf_wall_us() + p->blocked_us, time));
        rf_build_bool(b, o, "quota_exhausted", p->is_quota_exhausted);
        if (p->quota_left >= 0)
                rf_build_int(b, o, "quota_left", (uint64_t)p->quota_left);
        return o;
}

static json_t *encode_providers(struct rf_build *b, const struct rf_control *c, const struct rf_figures *f, uint64_t span_us)
{
        struct rf_metrics_provider providers[RF_PLUGINS_MAX];
        size_t n = list_providers(c, providers);
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < n; i++)
                rf_build_add(b, list, encode_provider(b, &providers[i], f, span_us));
        return list;
}

static json_t *encode_criteria(struct rf_build *b, const struct rf_control *c, const struct rf_figures *f)
{
        struct rf_judgement judgements[RF_CRITERION_COUNT];
        json_t *list = rf_build_array(b);

        judge(c, f, judgements);
        for (unsigned i = 0; i < RF_CRITERION_COUNT; i++) {
                const struct rf_judgement *j = &judgements[i];
                double scale = rf_criterion_is_time(i) ? 1e3 : PPM;
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "name", rf_criterion_name(i));
                rf_build_string(b, o, "state", rf_criterion_state_name(j->state));
                rf_build_string(b, o, "unit", rf_criterion_is_time(i) ? "ms" : "ppm");
                if (j->state != RF_CRITERION_UNKNOWN)
                        rf_build_int(b, o, "value", (uint64_t)(j->value * scale + .5));
                rf_build_int(b, o, "limit", (uint64_t)(j->limit * scale + .5));
                rf_build_bool(b, o, "above", rf_criterion_is_floor(i));
                rf_build_int(b, o, "of", j->n);
                rf_build_add(b, list, o);
        }
        return list;
}

int rf_control_stats(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        const json_t *since = json_object_get(rf_varlink_call_parameters(call), "since_s");
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        struct rf_build build = { 0 }, *b = &build;
        char time[RF_TIME_TEXT_SIZE];
        uint64_t from_us, until_us = rf_wall_us();
        json_int_t since_s = since ? json_integer_value(since) : 0;
        json_t *o;
        int r;

        if (since && (since_s < 1 || since_s > (json_int_t)((RF_STATS_HOURS - 1) * 3600)))
                return rf_varlink_call_invalid(call, "since_s");
        r = rf_stats_sum(rf_observer_stats(c->observer), until_us, (uint64_t)since_s * USEC_PER_SEC, &f, &from_us);
        if (r < 0)
                return r;
        o = rf_build_object(b);
        rf_build_string(b, o, "from", rf_time_text(from_us, time));
        rf_build_string(b, o, "until", rf_time_text(until_us, time));
        rf_build_int(b, o, "runs_done", f->runs[RF_RUN_END_DONE]);
        rf_build_int(b, o, "runs_failed", f->runs[RF_RUN_END_FAILED]);
        rf_build_int(b, o, "runs_cancelled", f->runs[RF_RUN_END_CANCELLED]);
        rf_build_put(b, o, "run_time", encode_times(b, &f->run_time));
        rf_build_int(b, o, "repeats", f->repeats);
        rf_build_int(b, o, "repeat_calls", f->repeat_calls);
        rf_build_int(b, o, "repeat_hits", f->repeat_hits);
        rf_build_put(b, o, "steps", encode_steps(b, f));
        rf_build_put(b, o, "endpoints", encode_endpoints(b, f));
        rf_build_put(b, o, "providers", encode_providers(b, c, f, until_us > from_us ? until_us - from_us : 0));
        rf_build_put(b, o, "criteria", encode_criteria(b, c, f));
        rf_build_int(b, o, "lost", rf_stats_lost(rf_observer_stats(c->observer)));
        rf_build_int(b, o, "unsaved", rf_observer_unsaved(c->observer));
        o = rf_build_done(b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}
