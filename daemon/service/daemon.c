#include "service/daemon.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
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
#include "service/log.h"
#include "service/systemd.h"

enum { NOTICES_MAX = 64, SOCKETS_MAX = 8 };

struct rf_daemon {
        const struct rf_daemon_options *options;
        struct rf_config *config;
        struct rf_lexicon *lexicon;
        struct rf_providers *providers;
        struct rf_cache *cache;
        struct rf_state *state;
        struct rf_http *http;
        struct rf_upstream *upstream;
        struct rf_flow flow;
        struct rf_runs *runs;
        struct rf_saves *saves;
        struct rf_varlink_server *server;
        struct rf_control control;
        char *notices[NOTICES_MAX];
        size_t n_notices;
        const char *changed[RF_SET_COUNT + 1], *restart[RF_SET_COUNT + 1]; /* of the last reload */
        char *socket_path; /* that we made; NULL otherwise */
};

static void notice(struct rf_daemon *d, const char *text)
{
        rf_log(RF_LOG_WARNING, "%s", text);
        if (d->n_notices < NOTICES_MAX && (d->notices[d->n_notices] = strdup(text)))
                d->n_notices++;
}

static void log_plugin(enum rf_log_level level, const char *plugin, const char *message)
{
        rf_log(level, "[provider %s] %s", plugin, message);
}

static int fail(int r, const char *message)
{
        rf_log(RF_LOG_ERROR, "%s", message[0] ? message : rf_strerror(r));
        return r;
}

/* ---- Configuration ---- */

int rf_daemon_configure(const struct rf_daemon_options *o, struct rf_config **ret, struct rf_config_error *ret_error)
{
        _cleanup_(rf_config_freep) struct rf_config *c = NULL;
        int r = rf_config_load(o->config_path, o->config_is_required, &c, ret_error);

        for (size_t i = 0; i < o->n_overrides && r >= 0; i++)
                r = rf_config_set(c, o->overrides[i].setting, o->overrides[i].value, o->overrides[i].where, ret_error);
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

static struct rf_runs_options runs_options(const struct rf_daemon *d)
{
        return (struct rf_runs_options){
                .active_max = (uint32_t)number_of(d, RF_SET_RUNS_ACTIVE_MAX),
                .waiting_max = (uint32_t)number_of(d, RF_SET_RUNS_WAITING_MAX),
                .waiting_per_client_max = (uint32_t)number_of(d, RF_SET_RUNS_WAITING_PER_CLIENT_MAX),
                .kept_max = (uint32_t)number_of(d, RF_SET_RUNS_KEPT_MAX),
                .deadline_ms = (uint32_t)(number_of(d, RF_SET_RUN_DEADLINE) / 1000),
        };
}

/* The profile, then what is said of single switches. */
static struct rf_optimizations optimizations(const struct rf_daemon *d)
{
        struct rf_optimizations set = rf_optimizations_full();

        (void)rf_optimizations_profile(text_of(d, RF_SET_PROFILE), &set); /* the option takes no other names */
        for (int i = 0; i < RF_OPT_COUNT; i++) {
                const enum rf_setting s = (enum rf_setting)(RF_SET_OPTIMIZATIONS + i);

                if (!rf_config_is_default(d->config, s))
                        rf_optimizations_set(&set, (enum rf_optimization)i, number_of(d, s));
        }
        return set;
}

/* What may change while the daemon runs. */
static void apply_live(struct rf_daemon *d)
{
        const char *name = text_of(d, RF_SET_ADMIN_GROUP);
        struct rf_runs_options o = runs_options(d);
        const struct group *group = NULL;

        if (name && name[0]) {
                char message[160];

                group = getgrnam(name);
                if (!group) {
                        snprintf(message, sizeof(message), "admin_group = %.64s: there is no such group; only root and the daemon's own user "
                                                           "may administer it", name);
                        notice(d, message);
                }
        }
        d->control.has_admin_group = group != NULL;
        d->control.admin_group = group ? group->gr_gid : 0;
        d->flow.asks_model = number_of(d, RF_SET_RUNS_ANALYSIS) == 1;
        d->control.runs_active_max = o.active_max;
        d->control.runs_waiting_max = o.waiting_max;
        d->control.notices = (const char *const *)d->notices;
        d->control.n_notices = d->n_notices;
        d->control.optimizations = optimizations(d);
        rf_upstream_set_optimizations(d->upstream, &d->control.optimizations);
        if (d->runs)
                rf_runs_configure(d->runs, &o);
}

static int reload(void *arg, struct rf_reload *ret)
{
        struct rf_daemon *d = arg;
        _cleanup_(rf_config_freep) struct rf_config *fresh = NULL;
        struct rf_config_error error;
        size_t n_changed = 0, n_restart = 0;
        int r = rf_daemon_configure(d->options, &fresh, &error);

        if (r == -RF_ECONFIG) {
                snprintf(ret->file, sizeof(ret->file), "%s", error.file);
                snprintf(ret->message, sizeof(ret->message), "%s", error.message);
                ret->line = error.line;
                rf_log(RF_LOG_ERROR, "%s:%u: %s; the old configuration stays", error.file, error.line, error.message);
        }
        if (r < 0)
                return r;
        for (int s = 0; s < RF_SET_COUNT; s++)
                if (!rf_config_same(d->config, fresh, (enum rf_setting)s)) {
                        if (rf_settings[s].is_live)
                                d->changed[n_changed++] = rf_settings[s].option.name;
                        else
                                d->restart[n_restart++] = rf_settings[s].option.name;
                }
        if (!rf_config_same_providers(d->config, fresh))
                d->restart[n_restart++] = "provider";
        /* the providers' options point into the old one while they are open; ours are read from the new one */
        for (int s = 0; s < RF_SET_COUNT; s++)
                if (rf_settings[s].is_live && !rf_config_same(d->config, fresh, (enum rf_setting)s))
                        (void)rf_config_copy(d->config, fresh, (enum rf_setting)s);
        apply_live(d);
        *ret = (struct rf_reload){ .changed = d->changed, .n_changed = n_changed, .restart = d->restart, .n_restart = n_restart };
        rf_log(RF_LOG_INFO, "configuration read again: %zu options changed, %zu need a restart", n_changed, n_restart);
        return 0;
}

/* ---- Opening ---- */

static const struct rf_provider_config *find_section(const struct rf_daemon *d, const char *name)
{
        for (size_t i = 0; i < rf_config_n_providers(d->config); i++)
                if (strcmp(rf_config_provider(d->config, i)->name, name) == 0)
                        return rf_config_provider(d->config, i);
        return NULL;
}

/*
 * What a provider names as its transport and doesn't answer itself (its section says enabled = no, or there is none) is loaded once, to
 * stand in for all that name it.
 */
static int open_transports(struct rf_daemon *d)
{
        const char *loaded[RF_PLUGINS_MAX];
        size_t n_loaded = 0;

        for (size_t i = 0; i < rf_config_n_providers(d->config); i++) {
                const struct rf_provider_config *c = rf_config_provider(d->config, i), *section;
                char message[512] = "";
                bool is_loaded = false;
                int r;

                if (c->is_disabled || !c->transport)
                        continue;
                section = find_section(d, c->transport);
                for (size_t k = 0; k < n_loaded; k++)
                        is_loaded |= strcmp(loaded[k], c->transport) == 0;
                if (is_loaded || (section && !section->is_disabled))
                        continue;
                loaded[n_loaded++] = c->transport;
                r = rf_providers_load_transport(d->providers, section ? section : &(struct rf_provider_config){ .name = c->transport },
                                                message, sizeof(message));
                if (r == -RF_EPLUGIN || r == -RF_ECONFIG)
                        notice(d, message);
                else if (r < 0)
                        return r;
        }
        return 0;
}

static int open_providers(struct rf_daemon *d)
{
        static const struct rf_provider_config embedded = { .name = "mock" };
        size_t n = rf_config_n_providers(d->config);
        int r = rf_providers_new(text_of(d, RF_SET_PLUGIN_DIRECTORY), &d->providers);

        if (r >= 0)
                r = open_transports(d);
        if (r >= 0 && n == 0)
                notice(d, "no [provider NAME] is configured: the embedded one answers, with invented music");
        for (size_t i = 0; i < MAX(n, (size_t)1) && r >= 0; i++) {
                char message[512] = "";

                if (n > 0 && rf_config_provider(d->config, i)->is_disabled)
                        continue;

                r = rf_providers_load(d->providers, n > 0 ? rf_config_provider(d->config, i) : &embedded, message, sizeof(message));
                if (message[0])
                        notice(d, message);
                if (r == -RF_EPLUGIN || r == -RF_ECONFIG) {
                        r = 0; /* the others go on without it */
                }
        }
        return r;
}

static void state_trouble(void *arg, const char *message)
{
        (void)arg;
        if (message)
                rf_log(RF_LOG_ERROR, "%s; no run is accepted until then", message);
        else
                rf_log(RF_LOG_INFO, "the state store can be written again");
}

static void cache_trouble(void *arg, const char *message)
{
        (void)arg;
        if (message)
                rf_log(RF_LOG_WARNING, "%s; answers are used, and not kept", message);
        else
                rf_log(RF_LOG_INFO, "the cache can be written again");
}

/* What it holds can be had again: recflow works without, if need be. */
static int open_cache(struct rf_daemon *d)
{
        struct rf_cache_options o = { .directory = text_of(d, RF_SET_CACHE_DIRECTORY), .size_max = (uint64_t)number_of(d, RF_SET_CACHE_SIZE),
                                      .sync_interval_us = (uint64_t)number_of(d, RF_SET_CACHE_SYNC_INTERVAL), .trouble = cache_trouble };
        char message[512] = "", text[600];
        int r = rf_cache_open(&o, &d->cache, message, sizeof(message));

        if (r == -RF_EBUSY || r == -RF_EFOREIGN || r == -ENOMEM)
                return fail(r, message);
        if (r < 0) {
                snprintf(text, sizeof(text), "%s; recflow works without a cache", message);
                notice(d, text);
        } else if (message[0])
                notice(d, message);
        return 0;
}

static int open_stores(struct rf_daemon *d)
{
        struct rf_state_options state = { .directory = text_of(d, RF_SET_STATE_DIRECTORY),
                                          .size_max = (uint64_t)number_of(d, RF_SET_STATE_SIZE), .trouble = state_trouble };
        char message[1024] = "";
        int r = rf_state_open(&state, &d->state, message, sizeof(message));

        if (r < 0)
                return fail(r, message);
        if (message[0])
                notice(d, message);
        return number_of(d, RF_SET_CACHE_ENABLED) ? open_cache(d) : 0;
}

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

static void log_slow_call(void *arg, const struct rf_call_record *record)
{
        (void)arg;
        rf_log(RF_LOG_WARNING, "[provider %s] slow: %s took %llu.%llu s", record->provider,
               record->target[0] ? record->target : record->endpoint, (unsigned long long)(record->upstream_us / USEC_PER_SEC),
               (unsigned long long)(record->upstream_us % USEC_PER_SEC / (USEC_PER_SEC / 10)));
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
                                         .slow_us = (uint64_t)number_of(d, RF_SET_UPSTREAM_SLOW), .slow = log_slow_call };
        struct rf_runs_options runs = runs_options(d);
        int r = rf_upstream_new(&o, d->providers, d->cache, &d->upstream);

        if (r < 0)
                return r;
        d->flow = (struct rf_flow){ .upstream = d->upstream, .lexicon = d->lexicon };
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
                .flow = &d->flow, .runs = d->runs, .saves = d->saves, .providers = d->providers, .upstream = d->upstream, .cache = d->cache,
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
        rf_host_set_log(log_plugin);
        r = rf_daemon_configure(options, &d->config, &error);
        if (r == -RF_ECONFIG) {
                if (error.line)
                        snprintf(message, sizeof(message), "%.200s:%u: %.280s", error.file, error.line, error.message);
                else
                        snprintf(message, sizeof(message), "%.200s: %.280s", error.file, error.message);
                return fail(r, message);
        }
        if (r < 0)
                return fail(r, "");
        r = rf_lexicon_load(text_of(d, RF_SET_DATA_DIRECTORY), &d->lexicon, message, sizeof(message));
        if (r < 0)
                return fail(r, message);
        if ((r = open_stores(d)) < 0)
                return r;
        if ((r = open_providers(d)) < 0 || (r = open_http(d)) < 0 || (r = open_upstream(d)) < 0)
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
        rf_http_free(d->http);
        rf_cache_close(d->cache);
        rf_state_close(d->state);
        rf_providers_free(d->providers);
        rf_lexicon_free(d->lexicon);
        rf_config_free(d->config);
        for (size_t i = 0; i < d->n_notices; i++)
                free(d->notices[i]);
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
                return -ENOMEM;
        /* the directory is made where it's only the last part that is missing, as in /run */
        slash = strrchr(d->socket_path, '/');
        *slash = '\0';
        if (d->socket_path[0] && mkdir(d->socket_path, 0755) < 0 && errno != EEXIST)
                rf_log(RF_LOG_WARNING, "%s: %s", d->socket_path, rf_strerror(-errno));
        *slash = '/';
        r = rf_socket_listen(path, (mode_t)strtoul(text_of(d, RF_SET_SOCKET_MODE), NULL, 8), &fd, message, sizeof(message));
        if (r < 0) {
                free(TAKE_PTR(d->socket_path)); /* it isn't ours */
                return fail(r, message);
        }
        return rf_varlink_server_listen(d->server, fd);
}

static int listen_all(struct rf_daemon *d)
{
        int fds[SOCKETS_MAX], n = rf_systemd_sockets(fds, SOCKETS_MAX), r = 0;
        bool is_listening;

        if (n < 0)
                return fail(n, "the sockets that were handed over can't be used");
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
        return r;
}

static void tell_ready(struct rf_daemon *d)
{
        rf_systemd_ready();
        if (d->options->ready_fd >= 0) {
                if (write(d->options->ready_fd, "\n", 1) < 0)
                        rf_log(RF_LOG_WARNING, "the descriptor for readiness: %s", rf_strerror(-errno));
                close(d->options->ready_fd);
        }
        rf_log(RF_LOG_INFO, "ready: %zu provider%s, %zu words and phrases", rf_providers_count(d->providers),
               rf_providers_count(d->providers) == 1 ? "" : "s", rf_lexicon_size(d->lexicon));
}

/* Waits for signals. 0: to stop. */
static int serve_signals(struct rf_daemon *d)
{
        struct rf_io *io = NULL;
        struct signalfd_siginfo info;
        sigset_t set;
        int fd, r;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = rf_io_new(fd, &io);
        while (r >= 0) {
                if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                        struct rf_reload result = { 0 };

                        if (info.ssi_signo != SIGHUP)
                                break;
                        rf_systemd_reloading();
                        (void)reload(d, &result); /* a mistake was logged, and changes nothing */
                        rf_systemd_ready();
                } else if (errno == EAGAIN)
                        r = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
                else if (errno != EINTR)
                        r = -errno;
        }
        rf_io_free(io);
        close(fd);
        return r < 0 ? r : 0;
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

static void log_slow_step(void *arg, const char *name, uint64_t step_us)
{
        (void)arg;
        rf_log(RF_LOG_WARNING, "a step of \"%s\" held the loop for %llu ms", name, (unsigned long long)(step_us / USEC_PER_MSEC));
}

/* Before the first run: what was learned before counts again, and no run waits for certificates to be read. */
static int start_upstream(struct rf_daemon *d)
{
        bool uses_http = false;

        rf_upstream_start(d->upstream);
        for (size_t i = 0; i < rf_providers_count(d->providers); i++) {
                const struct rf_provider *p = rf_providers_at(d->providers, i);

                uses_http |= !rf_provider_problem(p) && !rf_provider_transport(p);
        }
        return uses_http ? rf_http_warm_up(d->http) : 0;
}

int rf_daemon_main(void *arg)
{
        struct rf_daemon *d = arg;
        _cleanup_(rf_group_freep) struct rf_group *background = NULL;
        uint64_t watchdog_us = rf_systemd_watchdog_us();
        size_t resumed = 0, saves = 0;
        int r;

        rf_sched_set_slow_hook(rf_sched_current(), log_slow_step, NULL);
        d->control.started_us = rf_now_us();
        d->control.started_wall_us = rf_wall_us();
        r = rf_group_new(RF_FOREVER, &background);
        if (r >= 0 && watchdog_us > 0)
                r = rf_group_spawn(background, "watchdog", watchdog, &watchdog_us);
        if (r >= 0)
                r = listen_all(d);
        if (r >= 0)
                r = start_upstream(d);
        if (r >= 0)
                r = rf_runs_start(d->runs, &resumed);
        if (r >= 0)
                r = rf_saves_start(d->saves, &saves);
        if (r >= 0) {
                if (resumed > 0)
                        rf_log(RF_LOG_INFO, "%zu runs that hadn't ended are taken up again", resumed);
                if (saves > 0)
                        rf_log(RF_LOG_INFO, "%zu savings of playlists that hadn't ended go on", saves);
                tell_ready(d);
                r = serve_signals(d);
        }
        rf_systemd_stopping();
        if (d->socket_path)
                unlink(d->socket_path);
        rf_varlink_server_stop(d->server);
        rf_saves_stop(d->saves);
        rf_runs_stop(d->runs);
        rf_upstream_stop(d->upstream);
        rf_http_stop(d->http);
        return r;
}
