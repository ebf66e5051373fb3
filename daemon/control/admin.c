#include "control/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "control/encode.h"
#include "control/optimizations.h"
#include "daemon/control/descriptions.h"
#include "control/login.h"
#include "control/state_export.h"
#include "control/state_import.h"
#include "control/stats.h"
#include "control/warm.h"
#include "control/workflow.h"
#include "sched/sched.h"

bool rf_may_administer(const struct rf_control *c, struct rf_varlink_call *call)
{
        const struct rf_peer *p = rf_varlink_call_peer(call);

        return p->uid == 0 || p->uid == geteuid() || (c->has_admin_group && rf_varlink_call_peer_in_group(call, c->admin_group));
}

static int ping(struct rf_varlink_call *call, void *arg)
{
        (void)arg;
        return rf_varlink_call_reply(call, NULL);
}

static json_t *encode_store(struct rf_build *b, const char *path, uint64_t entries, uint64_t used, uint64_t max, uint64_t corrupt,
                            const char *set_aside, const char *problem)
{
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "path", path ? path : "");
        rf_build_int(b, o, "entries", entries);
        rf_build_int(b, o, "bytes_used", used);
        rf_build_int(b, o, "bytes_max", max);
        rf_build_int(b, o, "corrupt", corrupt);
        if (set_aside && set_aside[0])
                rf_build_string(b, o, "set_aside", set_aside);
        rf_build_string(b, o, "problem", problem);
        return o;
}

static json_t *encode_cache(struct rf_build *b, const struct rf_control *c)
{
        struct rf_cache_stats s = c->cache ? rf_cache_stats(c->cache) : (struct rf_cache_stats){ 0 };

        return encode_store(b, c->cache_path, s.entries, s.bytes_used, c->cache_max, s.corrupt, s.set_aside_path,
                            c->cache ? rf_cache_problem(c->cache) : NULL);
}

static json_t *encode_state_store(struct rf_build *b, const struct rf_control *c)
{
        uint64_t entries = 0;

        for (unsigned t = 0; t < RF_TABLE_COUNT; t++)
                entries += rf_state_count(c->state, t);
        return encode_store(b, c->state_path, entries, rf_state_bytes(c->state), c->state_max, rf_state_corrupt(c->state),
                            rf_state_set_aside_path(c->state), rf_state_problem(c->state));
}

uint64_t rf_memory_bytes(void)
{
        unsigned long long size, resident = 0;
        FILE *f = fopen("/proc/self/statm", "re");

        if (!f)
                return 0;
        if (fscanf(f, "%llu %llu", &size, &resident) != 2)
                resident = 0;
        fclose(f);
        return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int status(struct rf_varlink_call *call, void *arg)
{
        struct rf_control *c = arg;
        struct rf_sched_stats sched = rf_sched_stats(rf_sched_current());
        struct rf_runs_stats runs = rf_runs_stats(c->runs);
        struct rf_build build = { 0 }, *b = &build;
        char time[RF_TIME_TEXT_SIZE];
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "version", c->version);
        rf_build_int(b, o, "pid", (uint64_t)getpid());
        rf_build_string(b, o, "started", rf_time_text(c->started_wall_us, time));
        rf_build_int(b, o, "uptime_s", (rf_now_us() - c->started_us) / USEC_PER_SEC);
        rf_build_int(b, o, "runs_active", runs.active);
        rf_build_int(b, o, "runs_active_max", c->runs_active_max);
        rf_build_int(b, o, "runs_waiting", runs.waiting);
        rf_build_int(b, o, "runs_waiting_max", c->runs_waiting_max);
        rf_build_int(b, o, "runs_done", runs.done);
        rf_build_int(b, o, "runs_failed", runs.failed);
        rf_build_int(b, o, "runs_cancelled", runs.cancelled);
        rf_build_int(b, o, "clients", rf_varlink_server_stats(c->server).clients);
        rf_build_int(b, o, "coroutines", sched.coroutines);
        rf_build_int(b, o, "coroutines_peak", sched.coroutines_peak);
        rf_build_int(b, o, "coroutines_max", RF_COROUTINES_MAX);
        rf_build_int(b, o, "slow_steps", sched.slow_steps);
        rf_build_int(b, o, "slowest_step_us", sched.slowest_step_us);
        rf_build_int(b, o, "memory_bytes", rf_memory_bytes());
        rf_build_int(b, o, "lexicon", rf_lexicon_size(c->flow->lexicon));
        rf_build_put(b, o, "cache", encode_cache(b, c));
        rf_build_put(b, o, "state", encode_state_store(b, c));
        rf_build_strings(b, o, "notices", c->notices, c->n_notices);
        o = rf_build_done(b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

/* Until when an operation is left alone: with two ways, until the last one may be tried again. */
static void put_refusal_end(struct rf_build *b, json_t *o, struct rf_provider *p, enum rf_op op)
{
        char time[RF_TIME_TEXT_SIZE];
        uint64_t until_us = 0, end_us;
        const char *reason;

        if (!rf_provider_refusal(p, op, rf_wall_us()))
                return;
        for (unsigned way = 0; way < RF_OPERATION_WAYS_MAX; way++)
                if (rf_provider_refused_way(p, op, way, rf_wall_us(), &end_us, &reason))
                        until_us = until_us ? MIN(until_us, end_us) : end_us;
        rf_build_string(b, o, "refused_until", rf_time_text(until_us, time));
}

/* The credential, and what the service's limits make of the calls. */
static void put_access(struct rf_build *b, json_t *o, const struct rf_plugin *plugin, const struct rf_provider_stats *s)
{
        char time[RF_TIME_TEXT_SIZE];

        if (plugin && plugin->auth && (plugin->auth->flows & RF_AUTH_PKCE))
                rf_build_bool(b, o, "logged_in", s->is_logged_in);
        rf_build_string(b, o, "credential_problem", s->problem);
        if (s->blocked_us) {
                rf_build_string(b, o, "blocked_until", rf_time_text(rf_wall_us() + s->blocked_us, time));
                rf_build_bool(b, o, "blocked_by_quota", s->is_quota);
        }
        rf_build_int(b, o, "pace_milli", (uint64_t)(s->pace_scale * 1000 + 0.5));
        rf_build_string(b, o, "breaker", strcmp(s->breaker, "half-open") == 0 ? "half_open" : s->breaker);
        rf_build_int(b, o, "waiting", s->waiting);
}

static json_t *encode_operations(struct rf_build *b, struct rf_provider *p)
{
        json_t *list = rf_build_array(b);

        for (unsigned op = 0; op < RF_OP_COUNT; op++) {
                const struct rf_operation *o = rf_provider_operation(p, op);
                json_t *j;

                if (!o)
                        continue;
                j = rf_build_object(b);
                rf_build_string(b, j, "name", rf_op_name(op));
                rf_build_string(b, j, "endpoint", o->endpoint ? o->endpoint : "");
                rf_build_int(b, j, "batch_limit", o->batch_limit);
                rf_build_string(b, j, "refused", rf_provider_refusal(p, op, rf_wall_us()));
                put_refusal_end(b, j, p, op);
                rf_build_add(b, list, j);
        }
        return list;
}

static json_t *encode_provider(struct rf_build *b, const struct rf_control *c, struct rf_provider *p)
{
        struct rf_provider_stats s = rf_upstream_provider_stats(c->upstream, p);
        const struct rf_plugin *plugin = rf_provider_plugin(p);
        const struct rf_provider *transport = rf_provider_transport(p);
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "name", rf_provider_name(p));
        rf_build_string(b, o, "version", plugin ? plugin->version : NULL);
        rf_build_string(b, o, "description", plugin ? plugin->description : NULL);
        rf_build_bool(b, o, "usable", !rf_provider_problem(p));
        rf_build_string(b, o, "problem", rf_provider_problem(p));
        rf_build_string(b, o, "transport", transport ? rf_provider_name(transport) : rf_provider_base_url(p));
        rf_build_int(b, o, "calls", s.calls);
        rf_build_int(b, o, "failures", s.failures);
        rf_build_int(b, o, "in_flight", s.in_flight);
        if (s.mean_us)
                rf_build_int(b, o, "mean_us", s.mean_us);
        put_access(b, o, plugin, &s);
        rf_build_put(b, o, "operations", plugin ? encode_operations(b, p) : rf_build_array(b));
        return o;
}

static int providers(struct rf_varlink_call *call, void *arg)
{
        struct rf_control *c = arg;
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b), *list = rf_build_array(&b);

        for (size_t i = 0; i < rf_providers_count(c->providers); i++)
                rf_build_add(&b, list, encode_provider(&b, c, rf_providers_at(c->providers, i)));
        rf_build_put(&b, o, "providers", list);
        o = rf_build_done(&b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

static int cache_stats(struct rf_varlink_call *call, void *arg)
{
        struct rf_control *c = arg;
        struct rf_cache_stats s = c->cache ? rf_cache_stats(c->cache) : (struct rf_cache_stats){ 0 };
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b);

        rf_build_put(&b, o, "store", encode_cache(&b, c));
        rf_build_int(&b, o, "hits", s.hits);
        rf_build_int(&b, o, "misses", s.misses);
        rf_build_int(&b, o, "stale_hits", s.stale_hits);
        rf_build_int(&b, o, "negative_hits", s.negative_hits);
        rf_build_int(&b, o, "puts", s.puts);
        rf_build_int(&b, o, "evictions", s.evictions);
        rf_build_int(&b, o, "expired", s.expired);
        rf_build_int(&b, o, "corrupt", s.corrupt);
        o = rf_build_done(&b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

static int cache_flush(struct rf_varlink_call *call, void *arg)
{
        struct rf_control *c = arg;
        uint64_t dropped = 0;
        json_t *o;
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        r = c->cache ? rf_cache_flush(c->cache, &dropped) : 0;
        if (r < 0)
                return r;
        o = json_pack("{s:I}", "dropped", (json_int_t)dropped);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

static int reload(struct rf_varlink_call *call, void *arg)
{
        struct rf_control *c = arg;
        struct rf_reload result = { 0 };
        struct rf_build b = { 0 };
        json_t *o;
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        r = c->reload(c->reload_arg, &result);
        if (r == -RF_ECONFIG) {
                o = json_pack("{s:s, s:i, s:s}", "file", result.file, "line", (int)result.line, "message", result.message);
                return o ? rf_varlink_call_error(call, "io.recflow.admin.InvalidConfiguration", o) : -ENOMEM;
        }
        if (r < 0)
                return r;
        o = rf_build_object(&b);
        rf_build_strings(&b, o, "changed", result.changed, result.n_changed);
        rf_build_strings(&b, o, "restart", result.restart, result.n_restart);
        o = rf_build_done(&b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

const struct rf_varlink_method rf_admin_methods[] = {
        { "Ping", ping },           { "Status", status },          { "Providers", providers },
        { "CacheStats", cache_stats }, { "CacheFlush", cache_flush }, { "Reload", reload },
        { "Optimizations", rf_optimizations_method }, { "SetOptimization", rf_set_optimization_method },
        { "SetProfile", rf_set_profile_method },
        { "ExportState", rf_control_export }, { "BeginImport", rf_control_begin_import }, { "AddToImport", rf_control_add_to_import },
        { "CommitImport", rf_control_commit_import },
        { "Stats", rf_control_stats }, { "Metrics", rf_control_metrics_text },
        { "WarmAdd", rf_warm_add_method }, { "WarmRemove", rf_warm_remove_method }, { "WarmDue", rf_warm_due_method },
        { "WarmStatus", rf_warm_status_method },
        { "BeginLogin", rf_control_begin_login }, { "CompleteLogin", rf_control_complete_login }, { "Logout", rf_control_logout },
};
const size_t rf_admin_n_methods = ARRAY_SIZE(rf_admin_methods);

int rf_control_add(struct rf_control *c, char *message, size_t message_size)
{
        int r = rf_varlink_server_add(c->server, rf_workflow_description, rf_workflow_methods, rf_workflow_n_methods, c, message,
                                      message_size);

        if (r >= 0)
                r = rf_varlink_server_add(c->server, rf_admin_description, rf_admin_methods, rf_admin_n_methods, c, message, message_size);
        return r;
}
