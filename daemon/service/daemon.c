#include "service/daemon.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "control/control.h"
#include "control/varlink/socket.h"
#include "flow/flow.h"
#include "net/http.h"
#include "provider/host.h"
#include "sched/sched.h"
#include "service/alerts.h"
#include "service/idle.h"
#include "service/log.h"
#include "service/messages.h"
#include "service/notices.h"
#include "service/observation.h"
#include "service/plugins.h"
#include "service/reload.h"
#include "service/reports.h"
#include "service/signals.h"
#include "service/stores.h"
#include "service/systemd.h"
#include "warm/warmer.h"

enum { SOCKETS_MAX = 8 };

struct rf_daemon {
        const struct rf_daemon_options *options;
        struct rf_config *config;
        struct rf_lexicon *lexicon;
        struct rf_providers *providers;
        struct rf_cache *cache;
        struct rf_state *state;
        struct rf_http *http;
        struct rf_upstream *upstream;
        struct rf_observer *observer;
        struct rf_flow flow;
        struct rf_warmer *warmer;
        struct rf_runs *runs;
        struct rf_saves *saves;
        struct rf_varlink_server *server;
        struct rf_control control;
        struct rf_alerts *alerts;
        struct rf_idle_options idle;
        struct rf_metrics_listener *metrics; /* NULL: none is configured */
        struct rf_notices *notices;
        struct rf_changes changes; /* of the last reload */
        char *socket_path; /* that we made; NULL otherwise */
        bool is_broken;    /* a store can't be used any more */
};

static void notice(struct rf_daemon *d, const char *text)
{
        rf_notices_add(d->notices, NULL, text);
}

static int fail(int r, const char *message)
{
        return rf_report_failure(r, NULL, message);
}

/* ---- Configuration ---- */

int rf_daemon_configure(const struct rf_daemon_options *o, struct rf_config **ret, struct rf_config_error *ret_error)
{
        _cleanup_(rf_config_freep) struct rf_config *c = NULL;
        int r = rf_config_load(o->config_path, o->config_is_required, &c, ret_error);

        for (size_t i = 0; i < o->n_overrides && r >= 0; i++)
                r = rf_config_set(c, o->overrides[i].setting, o->overrides[i].value, o->overrides[i].where, ret_error);
        if (r >= 0)
                r = rf_observation_check(c, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

static const char *text_of(const struct rf_daemon *d, enum rf_setting s)
{
        return rf_config_get(d->config, s)->string;
}

static int64_t number_of(const struct rf_daemon *d, enum rf_setting s)
{
        return rf_config_get(d->config, s)->integer;
}

static struct rf_warmer_options warmer_options(const struct rf_daemon *d)
{
        return (struct rf_warmer_options){
                .learns = number_of(d, RF_SET_WARM_LEARN) != 0,
                .due = { .ahead_us = (uint64_t)number_of(d, RF_SET_WARM_AHEAD), .value_min = rf_config_get(d->config, RF_SET_WARM_VALUE)->real },
                .calls_max = (uint32_t)number_of(d, RF_SET_WARM_BUDGET),
                .prompts = text_of(d, RF_SET_WARM_PROMPTS),
                .seeds = text_of(d, RF_SET_WARM_SEEDS),
        };
}

static struct rf_runs_options runs_options(const struct rf_daemon *d)
{
        return (struct rf_runs_options){
                .active_max = (uint32_t)number_of(d, RF_SET_RUNS_ACTIVE_MAX),
                .waiting_max = (uint32_t)number_of(d, RF_SET_RUNS_WAITING_MAX),
                .waiting_per_client_max = (uint32_t)number_of(d, RF_SET_RUNS_WAITING_PER_CLIENT_MAX),
                .kept_max = (uint32_t)number_of(d, RF_SET_RUNS_KEPT_MAX),
                .kept_age_us = (uint64_t)number_of(d, RF_SET_RUNS_KEPT_AGE),
                .deadline_ms = (uint32_t)(number_of(d, RF_SET_RUN_DEADLINE) / 1000),
                .ended = rf_report_end_of_run,
                .observer = d->observer,
                .warmer = d->warmer,
        };
}

/* What is to be kept warm; beyond the limit the first of them are. */
static void configure_warmer(struct rf_daemon *d)
{
        struct rf_warmer_options o = warmer_options(d);

        if (rf_warmer_configure(d->warmer, &o) == -RF_ELIMIT)
                rf_notices_add_live(d->notices, "[warm] prompts and seeds: more than can be kept warm; only the first of them are");
}

/* What may change while the daemon runs. */
static void apply_live(struct rf_daemon *d)
{
        const char *name = text_of(d, RF_SET_ADMIN_GROUP);
        struct rf_runs_options o = runs_options(d);
        struct rf_observer_options observer = rf_observation_options(d->config, d->state);
        const struct group *group = NULL;

        rf_notices_forget(d->notices);
        if (name && name[0]) {
                char message[160];

                group = getgrnam(name);
                if (!group) {
                        snprintf(message, sizeof(message), "admin_group = %.64s: there is no such group; only root and the daemon's own user "
                                                           "may administer it", name);
                        rf_notices_add_live(d->notices, message);
                }
        }
        d->control.has_admin_group = group != NULL;
        d->control.admin_group = group ? group->gr_gid : 0;
        d->flow.asks_model = number_of(d, RF_SET_RUNS_ANALYSIS) == 1;
        d->control.runs_active_max = o.active_max;
        d->control.runs_waiting_max = o.waiting_max;
        d->control.optimizations = rf_reload_optimizations(d->config);
        rf_upstream_set_optimizations(d->upstream, &d->control.optimizations);
        rf_observer_configure(d->observer, &observer);
        if (d->runs)
                rf_runs_configure(d->runs, &o);
        if (d->warmer && rf_sched_current())
                configure_warmer(d);
        d->control.notices = rf_notices_texts(d->notices);
        d->control.n_notices = rf_notices_count(d->notices);
}

static int reload(void *arg, struct rf_reload *ret)
{
        struct rf_daemon *d = arg;
        _cleanup_(rf_config_freep) struct rf_config *fresh = NULL;
        struct rf_config_error error;
        struct rf_changes *c = &d->changes;
        int r = rf_daemon_configure(d->options, &fresh, &error);

        if (r >= 0 && !rf_config_same_providers(d->config, fresh))
                r = rf_plugins_check(fresh, &error);
        if (r == -RF_ECONFIG) {
                snprintf(ret->file, sizeof(ret->file), "%s", error.file);
                snprintf(ret->message, sizeof(ret->message), "%s", error.message);
                ret->line = error.line;
                rf_report_mistake(&error, "; the old configuration stays");
        }
        if (r < 0)
                return r;
        /* the providers' options point into the old one while they are open; ours are copied from the new one */
        r = rf_reload_take(d->config, fresh, rf_upstream_optimizations(d->upstream), c);
        if (r < 0)
                return r;
        apply_live(d);
        *ret = (struct rf_reload){ .changed = c->live, .n_changed = c->n_live, .restart = c->restart, .n_restart = c->n_restart };
        rf_log(RF_LOG_INFO, "configuration read again: %zu options changed, %zu need a restart", c->n_live, c->n_restart);
        return 0;
}

/* ---- Opening ---- */

static const char *first_set(const char *const *names)
{
        for (; *names; names++) {
                const char *value = getenv(*names);

                if (value && value[0])
                        return value;
        }
        return NULL;
}

static int open_http(struct rf_daemon *d)
{
        const char *proxy = text_of(d, RF_SET_NET_PROXY);
        struct rf_http_options o = { .user_agent = "recflow/" PACKAGE_VERSION " (+" PACKAGE_URL ")",
                                     .ca_file = text_of(d, RF_SET_NET_CA_FILE),
                                     .connect_timeout_us = (uint64_t)number_of(d, RF_SET_NET_CONNECT_TIMEOUT),
                                     .http2 = number_of(d, RF_SET_NET_HTTP2) };

        o.proxy = proxy && proxy[0] ? proxy : first_set((const char *const[]){ "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                                                                                "ALL_PROXY", NULL });
        o.no_proxy = first_set((const char *const[]){ "no_proxy", "NO_PROXY", NULL });
        return rf_http_new(&o, &d->http);
}

static void see_call(void *arg, const struct rf_caller *caller, const struct rf_call_record *record)
{
        struct rf_daemon *d = arg;
        const struct rf_provider *p = record->error == -RF_ELOGIN && record->provider ? rf_providers_find(d->providers, record->provider) : NULL;

        rf_observer_call(d->observer, caller, record);
        rf_alerts_call(d->alerts, caller, record, p ? rf_upstream_provider_stats(d->upstream, p).problem : NULL);
}

static void see_attempt(void *arg, const struct rf_attempt_record *record)
{
        struct rf_daemon *d = arg;

        rf_observer_attempt(d->observer, record);
}

static int open_upstream(struct rf_daemon *d)
{
        uint64_t breaker_open_us = (uint64_t)number_of(d, RF_SET_UPSTREAM_BREAKER_OPEN);
        struct rf_upstream_options o = { .concurrency = (uint32_t)number_of(d, RF_SET_UPSTREAM_CONCURRENCY),
                                         .retries = (uint32_t)number_of(d, RF_SET_UPSTREAM_RETRIES),
                                         .refusal_us = (uint64_t)number_of(d, RF_SET_UPSTREAM_REFUSAL), .seed = 1,
                                         .cache_enabled = d->cache != NULL, .http = d->http, .state = d->state,
                                         .breaker = { .failures = (uint32_t)number_of(d, RF_SET_UPSTREAM_BREAKER_FAILURES),
                                                      .rate_percent = 50, .open_us = breaker_open_us, .probes = 1,
                                                      .probe_us = 2 * breaker_open_us },
                                         .slow_percent = (uint32_t)number_of(d, RF_SET_UPSTREAM_BREAKER_SLOW),
                                         .observe = see_call, .attempted = see_attempt, .observe_arg = d };
        struct rf_observer_options observer = rf_observation_options(d->config, d->state);
        struct rf_warmer_options warmer = warmer_options(d);
        struct rf_runs_options runs;
        int r = rf_observer_new(&observer, &d->observer);

        if (r >= 0)
                r = rf_alerts_new(&d->alerts);
        if (r >= 0)
                r = rf_upstream_new(&o, d->providers, d->cache, &d->upstream);
        if (r < 0)
                return r;
        d->flow = (struct rf_flow){ .upstream = d->upstream, .lexicon = d->lexicon };
        r = rf_warmer_new(&warmer, &d->flow, d->state, &d->warmer);
        if (r < 0)
                return r;
        runs = runs_options(d);
        r = rf_runs_new(&runs, &d->flow, d->state, &d->runs);
        if (r < 0)
                return r;
        return rf_saves_new(&(struct rf_saves_options){ .upstream = d->upstream, .providers = d->providers, .runs = d->runs, .state = d->state,
                                                        .batch_max = (uint32_t)number_of(d, RF_SET_SAVE_BATCH) }, &d->saves);
}

static int open_server(struct rf_daemon *d)
{
        struct rf_varlink_options o = { .vendor = "recflow", .product = "recflow", .version = PACKAGE_VERSION, .url = PACKAGE_URL,
                                        .clients_max = (size_t)number_of(d, RF_SET_CLIENTS_MAX),
                                        .clients_per_user_max = (size_t)number_of(d, RF_SET_CLIENTS_PER_USER_MAX) };
        char message[256] = "";
        int r = rf_varlink_server_new(&o, &d->server);

        d->control = (struct rf_control){
                .flow = &d->flow, .warmer = d->warmer, .runs = d->runs, .saves = d->saves, .providers = d->providers,
                .upstream = d->upstream, .observer = d->observer, .cache = d->cache,
                .state = d->state, .server = d->server, .version = PACKAGE_VERSION,
                .cache_path = text_of(d, RF_SET_CACHE_DIRECTORY), .state_path = text_of(d, RF_SET_STATE_DIRECTORY),
                .cache_max = (uint64_t)number_of(d, RF_SET_CACHE_SIZE), .state_max = (uint64_t)number_of(d, RF_SET_STATE_SIZE),
                .reload = reload, .reload_arg = d,
        };
        apply_live(d);
        if (r >= 0)
                r = rf_control_add(&d->control, message, sizeof(message));
        return r < 0 ? fail(r, message) : 0;
}

int rf_daemon_new(const struct rf_daemon_options *options, struct rf_daemon **ret)
{
        _cleanup_(rf_daemon_freep) struct rf_daemon *d = calloc(1, sizeof(*d));
        struct rf_config_error error;
        char message[512] = "";
        int r;

        if (!d)
                return fail(-ENOMEM, "");
        d->options = options;
        d->notices = rf_notices_new();
        if (!d->notices)
                return fail(-ENOMEM, "");
        rf_host_set_log(rf_report_plugin);
        r = rf_daemon_configure(options, &d->config, &error);
        if (r == -RF_ECONFIG) {
                rf_report_mistake(&error, "");
                return r;
        }
        if (r < 0)
                return fail(r, "");
        r = rf_lexicon_load(text_of(d, RF_SET_DATA_DIRECTORY), &d->lexicon, message, sizeof(message));
        if (r < 0)
                return rf_report_failure(r, RF_MESSAGE_DATA, message);
        if ((r = rf_stores_open(d->config, d->notices, &d->is_broken, &d->state, &d->cache)) < 0)
                return r;
        if ((r = rf_plugins_open(d->config, d->notices, &d->providers)) < 0 || (r = open_http(d)) < 0 || (r = open_upstream(d)) < 0)
                return fail(r, "");
        if ((r = open_server(d)) < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

struct rf_daemon *rf_daemon_free(struct rf_daemon *d)
{
        if (!d)
                return NULL;
        rf_varlink_server_free(d->server);
        rf_saves_free(d->saves);
        rf_runs_free(d->runs);
        rf_upstream_free(d->upstream);
        rf_warmer_free(d->warmer);
        rf_alerts_free(d->alerts);
        rf_observer_free(d->observer);
        rf_http_free(d->http);
        rf_cache_close(d->cache);
        rf_state_close(d->state);
        rf_providers_free(d->providers);
        rf_lexicon_free(d->lexicon);
        rf_config_free(d->config);
        rf_notices_free(d->notices);
        free(d->socket_path);
        free(d);
        return NULL;
}

/* ---- Serving ---- */

static int listen_at_own(struct rf_daemon *d)
{
        const char *path = text_of(d, RF_SET_SOCKET);
        char message[512] = "", *slash;
        int fd, r;

        d->socket_path = strdup(path);
        if (!d->socket_path)
                return fail(-ENOMEM, "");
        /* the directory is made where it's only the last part that is missing, as in /run */
        slash = strrchr(d->socket_path, '/');
        *slash = '\0';
        if (d->socket_path[0] && mkdir(d->socket_path, 0755) < 0 && errno != EEXIST)
                rf_log(RF_LOG_WARNING, "%s: %s", d->socket_path, rf_strerror(-errno));
        *slash = '/';
        r = rf_socket_listen(path, (mode_t)strtoul(text_of(d, RF_SET_SOCKET_MODE), NULL, 8), &fd, message, sizeof(message));
        if (r < 0) {
                free(TAKE_PTR(d->socket_path)); /* it isn't ours */
                return rf_report_failure(r, RF_MESSAGE_SOCKET, message);
        }
        r = rf_varlink_server_listen(d->server, fd);
        return r < 0 ? rf_report_failure(r, RF_MESSAGE_SOCKET, "") : r;
}

static int listen_all(struct rf_daemon *d)
{
        int fds[SOCKETS_MAX], n = rf_systemd_sockets(fds, SOCKETS_MAX), r = 0;
        bool is_listening;

        if (n < 0)
                return rf_report_failure(n, RF_MESSAGE_SOCKET, "the sockets that were handed over can't be used");
        if (n == 0)
                return listen_at_own(d);
        for (int i = 0; i < n; i++) {
                if (r < 0) {
                        close(fds[i]);
                        continue;
                }
                is_listening = rf_systemd_is_listening(fds[i]);
                r = is_listening ? rf_varlink_server_listen(d->server, fds[i]) : rf_varlink_server_connect(d->server, fds[i]);
        }
        return r < 0 ? rf_report_failure(r, RF_MESSAGE_SOCKET, "") : r;
}

static void tell_ready(struct rf_daemon *d)
{
        size_t n = rf_providers_count(d->providers);
        char status[64];

        snprintf(status, sizeof(status), "serving clients; %zu provider%s", n, n == 1 ? "" : "s");
        rf_systemd_ready(status);
        if (d->options->ready_fd >= 0) {
                if (write(d->options->ready_fd, "\n", 1) < 0)
                        rf_log(RF_LOG_WARNING, "the descriptor for readiness: %s", rf_strerror(-errno));
                close(d->options->ready_fd);
        }
        rf_log(RF_LOG_INFO, "ready: %zu provider%s, %zu words and phrases", n, n == 1 ? "" : "s", rf_lexicon_size(d->lexicon));
}

static uint64_t idle_after_us(void *arg)
{
        return (uint64_t)number_of(arg, RF_SET_IDLE_EXIT);
}

/* Runs and savings, and answers that are fetched anew for later. */
static bool is_busy(void *arg)
{
        const struct rf_daemon *d = arg;
        struct rf_runs_stats runs = rf_runs_stats(d->runs);

        return runs.active + runs.waiting + rf_saves_active(d->saves) + rf_upstream_stats(d->upstream).in_flight > 0;
}

/* Without systemd's socket there would be nobody to start it again. */
static int watch_for_idleness(struct rf_daemon *d, struct rf_group *background)
{
        if (d->socket_path)
                return 0;
        d->idle = (struct rf_idle_options){ .server = d->server, .after_us = idle_after_us, .is_busy = is_busy, .arg = d };
        return rf_group_spawn(background, "idle", rf_idle_main, &d->idle);
}

static void reload_by_signal(void *arg)
{
        struct rf_reload result = { 0 };

        rf_systemd_reloading();
        (void)reload(arg, &result); /* a mistake was logged, and changes nothing */
        rf_systemd_ready(NULL);
}

static int watchdog(void *arg)
{
        uint64_t interval_us = *(uint64_t *)arg;
        int r = 0;

        while (r >= 0) {
                rf_systemd_alive();
                r = rf_sleep_us(interval_us / 3);
        }
        return 0;
}

/* No run waits for certificates to be read; where that fails, the first call tries again and says what is wrong. */
static int warm_up_http(struct rf_daemon *d)
{
        int r = rf_http_warm_up(d->http);

        if (r >= 0 || r == -ENOMEM || r == -ECANCELED)
                return r;
        rf_log(RF_LOG_WARNING, "HTTP can't be made ready ahead of the first call: %s", rf_strerror(r));
        return 0;
}

/* Before the first run: what was counted and learned before counts again. */
static int start_upstream(struct rf_daemon *d)
{
        bool uses_http = false;
        size_t damaged;
        int r = rf_observer_start(d->observer, &damaged);

        if (r < 0)
                return r;
        if (damaged > 0) {
                char message[160];

                snprintf(message, sizeof(message), "%zu records of statistics can't be read: what they counted is lost, counting goes on", damaged);
                notice(d, message);
                d->control.n_notices = rf_notices_count(d->notices);
        }

        rf_upstream_start(d->upstream);
        for (size_t i = 0; i < rf_providers_count(d->providers); i++) {
                const struct rf_provider *p = rf_providers_at(d->providers, i);

                uses_http |= !rf_provider_problem(p) && !rf_provider_transport(p);
        }
        return uses_http ? warm_up_http(d) : 0;
}

/* Serves signals while what is under way ends; a second one to stop is one that can't wait. */
static int hurry(void *arg)
{
        struct rf_daemon *d = arg;
        int r = rf_signals_serve(reload_by_signal, d);

        if (r >= 0) {
                rf_runs_hurry(d->runs);
                rf_saves_hurry(d->saves);
        }
        return 0;
}

/* Nothing new begins; what is under way gets a bounded time, and who follows it hears of its end. */
static void drain(struct rf_daemon *d)
{
        uint64_t deadline_us = rf_deadline_in((uint64_t)number_of(d, RF_SET_RUNS_STOP));
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;

        rf_varlink_server_stop_listening(d->server);
        if (rf_group_new(RF_FOREVER, &g) >= 0)
                (void)rf_group_spawn(g, "signals", hurry, d); /* without it the time given is waited for */
        rf_runs_drain(d->runs, deadline_us);
        rf_saves_drain(d->saves, deadline_us);
        (void)rf_yield_until_idle(); /* last replies */
}

static int start(struct rf_daemon *d, struct rf_group *background, uint64_t *watchdog_us)
{
        size_t resumed = 0, saves = 0;
        char message[256] = "";
        int r = 0;

        if (*watchdog_us > 0)
                r = rf_group_spawn(background, "watchdog", watchdog, watchdog_us);
        if (r >= 0) {
                r = listen_all(d);
                if (r < 0)
                        return r; /* it said why */
        }
        if (r >= 0)
                r = start_upstream(d);
        if (r >= 0)
                r = rf_warmer_start(d->warmer);
        if (r >= 0)
                configure_warmer(d);
        if (r >= 0)
                r = rf_runs_start(d->runs, &resumed);
        if (r >= 0)
                r = rf_saves_start(d->saves, &saves);
        if (r >= 0)
                r = watch_for_idleness(d, background);
        if (r < 0)
                return fail(r, "");
        if (resumed > 0)
                rf_log(RF_LOG_INFO, "%zu runs that hadn't ended are taken up again", resumed);
        if (saves > 0)
                rf_log(RF_LOG_INFO, "%zu savings of playlists that hadn't ended go on", saves);
        /* where it can't be had everything else goes on: nobody loses playlists for want of a graph */
        if (rf_observation_listen(d->config, &d->control, &d->metrics, message, sizeof(message)) < 0)
                notice(d, message);
        d->control.n_notices = rf_notices_count(d->notices);
        tell_ready(d);
        return 0;
}

int rf_daemon_main(void *arg)
{
        struct rf_daemon *d = arg;
        _cleanup_(rf_group_freep) struct rf_group *background = NULL;
        uint64_t watchdog_us = rf_systemd_watchdog_us();
        int r;

        rf_sched_set_slow_hook(rf_sched_current(), rf_report_slow_step, NULL);
        d->control.started_us = rf_now_us();
        d->control.started_wall_us = rf_wall_us();
        r = rf_group_new(RF_FOREVER, &background);
        r = r < 0 ? fail(r, "") : start(d, background, &watchdog_us);
        if (r >= 0) {
                r = rf_signals_serve(reload_by_signal, d);
                if (r < 0)
                        fail(r, "");
                if (d->is_broken)
                        r = -EIO;
        }
        rf_systemd_stopping();
        if (d->socket_path)
                unlink(d->socket_path);
        if (r >= 0)
                drain(d);
        d->metrics = rf_metrics_listener_free(d->metrics);
        rf_varlink_server_stop(d->server);
        rf_saves_stop(d->saves);
        rf_runs_stop(d->runs);
        rf_warmer_stop(d->warmer);
        rf_upstream_stop(d->upstream);
        rf_observer_stop(d->observer);
        rf_http_stop(d->http);
        return r;
}
