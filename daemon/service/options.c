#include "service/options.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/option.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define SECOND 1e6
#define MEGABYTE 1048576.0

const struct rf_setting_info rf_settings[RF_SET_COUNT] = {
        [RF_SET_SOCKET] = { "daemon", { .name = "socket", .type = RF_OPTION_PATH, .default_value = "/run/recflow/recflowd.sock",
                .help = "Where clients connect, unless systemd hands over a socket." } },
        [RF_SET_SOCKET_MODE] = { "daemon", { .name = "socket_mode", .type = RF_OPTION_ENUM, .default_value = "0666",
                .choices = "0600|0660|0666", .help = "Who may connect to a socket that the daemon makes itself." } },
        [RF_SET_ADMIN_GROUP] = { "daemon", { .name = "admin_group", .type = RF_OPTION_STRING, .max = 64,
                .help = "Group whose members may administer the daemon, beside root and its own user." }, true },
        [RF_SET_IDLE_EXIT] = { "daemon", { .name = "idle_exit", .type = RF_OPTION_DURATION, .default_value = "0", .min = 0,
                .max = 30 * 86400.0 * SECOND, .help = "Leave after so long without anything to do, where systemd holds the socket and "
                                                      "starts the daemon for the next client; 0 to stay." }, true },
        [RF_SET_STATE_DIRECTORY] = { "daemon", { .name = "state_directory", .type = RF_OPTION_PATH, .default_value = "/var/lib/recflow",
                .help = "What must survive: runs, logins, what the services refused." } },
        [RF_SET_CACHE_DIRECTORY] = { "daemon", { .name = "cache_directory", .type = RF_OPTION_PATH, .default_value = "/var/cache/recflow",
                .help = "Answers of the services; may be deleted while the daemon is stopped." } },
        [RF_SET_PLUGIN_DIRECTORY] = { "daemon", { .name = "plugin_directory", .type = RF_OPTION_PATH, .default_value = RECFLOW_PLUGIN_DIR,
                .help = "Where providers' plugins are looked for." } },
        [RF_SET_DATA_DIRECTORY] = { "daemon", { .name = "data_directory", .type = RF_OPTION_PATH, .default_value = RECFLOW_DATA_DIR,
                .help = "Where the lexicon lies." } },
        [RF_SET_RUN_DEADLINE] = { "runs", { .name = "deadline", .type = RF_OPTION_DURATION, .default_value = "5m", .min = SECOND / 10,
                .max = 3600 * SECOND, .help = "Time for a run that wishes none; then the best playlist found so far is the answer." }, true },
        [RF_SET_RUNS_ACTIVE_MAX] = { "runs", { .name = "active_max", .type = RF_OPTION_INTEGER, .default_value = TEXT(64), .min = 1,
                .max = 1000, .help = "Runs at once; others wait." }, true },
        [RF_SET_RUNS_WAITING_MAX] = { "runs", { .name = "waiting_max", .type = RF_OPTION_INTEGER, .default_value = "10000", .min = 0,
                .max = 100000, .help = "Waiting runs; more are refused." }, true },
        [RF_SET_RUNS_WAITING_PER_CLIENT_MAX] = { "runs", { .name = "waiting_per_client_max", .type = RF_OPTION_INTEGER,
                .default_value = "2000", .min = 0, .max = 100000, .help = "Waiting runs of one client; more are refused." }, true },
        [RF_SET_RUNS_KEPT_MAX] = { "runs", { .name = "kept_max", .type = RF_OPTION_INTEGER, .default_value = "1000", .min = 1,
                .max = 100000, .help = "Ended runs that are kept; the oldest make room." }, true },
        [RF_SET_RUNS_KEPT_AGE] = { "runs", { .name = "kept_age", .type = RF_OPTION_DURATION, .default_value = "90d", .min = 0,
                .max = 3650 * 86400 * SECOND, .help = "How long ended runs are kept, if there is room for so many; 0 for no limit." }, true },
        [RF_SET_RUNS_STOP] = { "runs", { .name = "stop", .type = RF_OPTION_DURATION, .default_value = "10s", .min = 0, .max = 600 * SECOND,
                .help = "Time for runs and savings under way when the daemon is stopped; the next start takes up the rest." }, true },
        [RF_SET_RUNS_ANALYSIS] = { "runs", { .name = "analysis", .type = RF_OPTION_ENUM, .default_value = "local", .choices = "local|model",
                .help = "Who reads the prompts: the lexicon alone, or a provider that can analyse prompts as well." }, true },
        [RF_SET_CLIENTS_MAX] = { "limits", { .name = "clients_max", .type = RF_OPTION_INTEGER, .default_value = "1024", .min = 1,
                .max = 8000, .help = "Connections at once." } },
        [RF_SET_CLIENTS_PER_USER_MAX] = { "limits", { .name = "clients_per_user_max", .type = RF_OPTION_INTEGER, .default_value = "768",
                .min = 1, .max = 8000, .help = "Connections of one user at once." } },
        [RF_SET_CACHE_ENABLED] = { "cache", { .name = "enabled", .type = RF_OPTION_BOOL, .default_value = "yes",
                .help = "Whether answers of the services are kept." } },
        [RF_SET_CACHE_SIZE] = { "cache", { .name = "size", .type = RF_OPTION_SIZE, .default_value = "256M", .min = 16 * MEGABYTE,
                .max = 65536 * MEGABYTE, .help = "Size of the cache on disk; what was used least recently makes room." } },
        [RF_SET_CACHE_SYNC_INTERVAL] = { "cache", { .name = "sync_interval", .type = RF_OPTION_DURATION, .default_value = "30s",
                .min = SECOND, .max = 3600 * SECOND, .help = "How much of the cache a power failure may cost." } },
        [RF_SET_STATE_SIZE] = { "state", { .name = "size", .type = RF_OPTION_SIZE, .default_value = "1G", .min = 16 * MEGABYTE,
                .max = 65536 * MEGABYTE, .help = "Most that the state may grow to on disk." } },
        [RF_SET_UPSTREAM_CONCURRENCY] = { "upstream", { .name = "concurrency", .type = RF_OPTION_INTEGER, .default_value = "64", .min = 1,
                .max = 1000, .help = "Calls to one provider under way at once." } },
        [RF_SET_UPSTREAM_RETRIES] = { "upstream", { .name = "retries", .type = RF_OPTION_INTEGER, .default_value = "2", .min = 0, .max = 5,
                .help = "Further attempts after a failure that may pass." } },
        [RF_SET_UPSTREAM_REFUSAL] = { "upstream", { .name = "refusal", .type = RF_OPTION_DURATION, .default_value = "24h", .min = SECOND,
                .max = 30 * 86400.0 * SECOND, .help = "How long an operation that a service refused is left alone." } },
        [RF_SET_UPSTREAM_BREAKER_FAILURES] = { "upstream", { .name = "breaker_failures", .type = RF_OPTION_INTEGER, .default_value = "3",
                .min = 0, .max = 100, .help = "Failures in a row after which a service is left alone for a while; 0 for never." } },
        [RF_SET_UPSTREAM_BREAKER_OPEN] = { "upstream", { .name = "breaker_open", .type = RF_OPTION_DURATION, .default_value = "30s",
                .min = SECOND, .max = 3600 * SECOND, .help = "How long it's left alone then, before a single call tries it." } },
        [RF_SET_UPSTREAM_BREAKER_SLOW] = { "upstream", { .name = "breaker_slow", .type = RF_OPTION_INTEGER, .default_value = "90", .min = 0,
                .max = 100, .help = "Percentage of the longest time that any of a service's calls is given: when most of its last 20 took "
                                    "longer, it's left alone, too; 0 for never." } },
        [RF_SET_UPSTREAM_SLOW] = { "upstream", { .name = "slow", .type = RF_OPTION_DURATION, .default_value = "20s", .min = 0,
                .max = 3600 * SECOND, .help = "Requests that take longer are logged with endpoint and parameters; 0 for none." }, true },
        [RF_SET_NET_PROXY] = { "net", { .name = "proxy", .type = RF_OPTION_STRING, .max = 256, .flags = RF_OPTION_SECRET,
                .help = "Address of an HTTP proxy (port 1080 if none is said); unless given, that of $https_proxy, $http_proxy or "
                        "$all_proxy, less $no_proxy." } },
        [RF_SET_NET_CA_FILE] = { "net", { .name = "ca_file", .type = RF_OPTION_PATH,
                .default_value = "/etc/ssl/certs/ca-certificates.crt", .help = "Certificates of the authorities that are trusted." } },
        [RF_SET_NET_CONNECT_TIMEOUT] = { "net", { .name = "connect_timeout", .type = RF_OPTION_DURATION, .default_value = "10s",
                .min = SECOND / 10, .max = 300 * SECOND, .help = "Time to resolve a name and to connect." } },
        [RF_SET_NET_HTTP2] = { "net", { .name = "http2", .type = RF_OPTION_BOOL, .default_value = "no",
                .help = "Whether HTTP/2 is used where a service offers it." } },
        [RF_SET_SAVE_BATCH] = { "save", { .name = "batch", .type = RF_OPTION_INTEGER, .default_value = "100", .min = 1,
                .max = RF_SAVE_BATCH_MAX, .help = "Tracks added to a service's playlist in one call." } },
        [RF_SET_METRICS_LISTEN] = { "metrics", { .name = "listen", .type = RF_OPTION_STRING, .max = 64,
                .help = "Loopback address and port, such as 127.0.0.1:9464, where Prometheus may fetch /metrics; none unless given." } },
        [RF_SET_CRITERIA_P50] = { "criteria", { .name = "p50", .type = RF_OPTION_DURATION, .default_value = "60s", .min = SECOND / 1000,
                .max = 3600 * SECOND, .help = "What half of the runs are to stay below." }, true },
        [RF_SET_CRITERIA_P95] = { "criteria", { .name = "p95", .type = RF_OPTION_DURATION, .default_value = "90s", .min = SECOND / 1000,
                .max = 3600 * SECOND, .help = "What 95 % of the runs are to stay below." }, true },
        [RF_SET_CRITERIA_TIMEOUTS] = { "criteria", { .name = "timeouts", .type = RF_OPTION_REAL, .default_value = "1", .min = 0, .max = 100,
                .help = "Percentage of requests that timeouts are to stay below." }, true },
        [RF_SET_CRITERIA_TIMEOUTS_OF] = { "criteria", { .name = "timeouts_of", .type = RF_OPTION_STRING, .default_value = "reccobeat", .max = 64,
                .help = "The provider whose timeouts count; empty for all." }, true },
        [RF_SET_CRITERIA_REPEAT_HITS] = { "criteria", { .name = "repeat_hits", .type = RF_OPTION_REAL, .default_value = "50", .min = 0,
                .max = 100, .help = "Percentage of calls that the cache is to answer more of, in runs whose prompt came before." }, true },
        [RF_SET_CRITERIA_ERRORS] = { "criteria", { .name = "errors", .type = RF_OPTION_REAL, .default_value = "2", .min = 0, .max = 100,
                .help = "Percentage of calls that those without an answer are to stay below." }, true },
        [RF_SET_CRITERIA_WINDOW] = { "criteria", { .name = "window", .type = RF_OPTION_DURATION, .default_value = "24h", .min = 60 * SECOND,
                .max = (RF_STATS_HOURS - 1) * 3600 * SECOND, .help = "Over which the metrics judge the criteria." }, true },
        [RF_SET_WARM_PROMPTS] = { "warm", { .name = "prompts", .type = RF_OPTION_STRING, .max = 4096,
                .help = "Prompts to keep warm, separated by \"|\", asked for or not; further such lines of a file add to the first. See recflowctl "
                        "warm add." }, true, true },
        [RF_SET_WARM_SEEDS] = { "warm", { .name = "seeds", .type = RF_OPTION_STRING, .max = 4096,
                .help = "The same for seeds: artists, \"Artist - Title\", or tracks' URIs, separated by \"|\"; further lines add, too." }, true, true },
        [RF_SET_WARM_LEARN] = { "warm", { .name = "learn", .type = RF_OPTION_BOOL, .default_value = "yes",
                .help = "Whether what people ask for is counted, by the hour of the week, and kept warm where that pays." }, true },
        [RF_SET_WARM_BUDGET] = { "warm", { .name = "budget", .type = RF_OPTION_INTEGER, .default_value = "300", .min = 1, .max = 100000,
                .help = "Calls that one pass of \"recflowctl warm --due\" may make." }, true },
        [RF_SET_WARM_AHEAD] = { "warm", { .name = "ahead", .type = RF_OPTION_DURATION, .default_value = "20m", .min = 60 * SECOND,
                .max = 86400.0 * SECOND, .help = "What would end within this time is renewed; somewhat more than the time between two passes." }, true },
        [RF_SET_WARM_VALUE] = { "warm", { .name = "value", .type = RF_OPTION_REAL, .default_value = "0.4", .min = 0, .max = 100,
                .help = "Calls that are expected to be saved for each one spent, below which what was learned isn't kept warm." }, true },
        [RF_SET_PROFILE] = { "optimizations", { .name = "profile", .type = RF_OPTION_ENUM, .default_value = "full",
                .choices = "baseline|full", .help = "Sets the switches below that aren't given: baseline is off, full is on." }, true },
#define SWITCH(symbol, name_, phase, on, off) \
        [RF_SET_OPTIMIZATIONS + RF_OPT_##symbol] = { "optimizations", { .name = name_, .type = RF_OPTION_BOOL, \
                .help = "On: " on " Off: " off }, true },
        RF_OPTIMIZATION_LIST(SWITCH)
#undef SWITCH
};

int rf_setting_find(const char *section, const char *name)
{
        for (int i = 0; i < RF_SET_COUNT; i++)
                if (strcmp(rf_settings[i].section, section) == 0 && strcmp(rf_settings[i].option.name, name) == 0)
                        return i;
        return -1;
}

bool rf_setting_has_section(const char *section)
{
        for (int i = 0; i < RF_SET_COUNT; i++)
                if (strcmp(rf_settings[i].section, section) == 0)
                        return true;
        return false;
}

const char *rf_setting_label(enum rf_setting s)
{
        static char labels[RF_SET_COUNT][64];

        if (!labels[s][0])
                snprintf(labels[s], sizeof(labels[s]), "[%s] %s", rf_settings[s].section, rf_settings[s].option.name);
        return labels[s];
}

int rf_settings_sample(struct rf_buf *b)
{
        const char *section = "";
        int r = rf_buf_add_string(b, "# Everything that recflowd reads, with its defaults. See recflowd.conf(5).\n");

        for (int i = 0; i < RF_SET_COUNT && r >= 0; i++) {
                const struct rf_option *o = &rf_settings[i].option;
                _cleanup_buf_ struct rf_buf allowed = RF_BUF_INIT;

                if (strcmp(section, rf_settings[i].section) != 0)
                        r = rf_buf_addf(b, "\n[%s]\n", rf_settings[i].section);
                section = rf_settings[i].section;
                if (r >= 0)
                        r = rf_option_describe(o, &allowed);
                if (r >= 0)
                        r = rf_buf_addf(b, "# %s (%s%s)\n#%s = %s\n", o->help, allowed.data ? allowed.data : "",
                                        rf_settings[i].is_live ? "" : "; needs a restart", o->name, o->default_value ? o->default_value : "");
        }
        if (r >= 0)
                r = rf_buf_add_string(b, "\n# One section for each music service, asked in this order. Beside \"plugin\", \"transport\", "
                                         "\"api_url\" and \"enabled\" the\n# options are the plugin's own. Without any, the embedded provider answers, with "
                                         "invented music.\n#[provider mock]\n#plugin = mock.so\n");
        return r;
}
