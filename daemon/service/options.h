/*
 * The daemon's own options, each declared once: from this table come checking, --help, the manual page's list and the sample file.
 * Options of providers are declared by their plugins.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "upstream/optimizations.h"

enum rf_setting {
        RF_SET_SOCKET,
        RF_SET_SOCKET_MODE,
        RF_SET_ADMIN_GROUP,
        RF_SET_IDLE_EXIT,
        RF_SET_STATE_DIRECTORY,
        RF_SET_CACHE_DIRECTORY,
        RF_SET_PLUGIN_DIRECTORY,
        RF_SET_DATA_DIRECTORY,
        RF_SET_RUN_DEADLINE,
        RF_SET_RUNS_ACTIVE_MAX,
        RF_SET_RUNS_WAITING_MAX,
        RF_SET_RUNS_WAITING_PER_CLIENT_MAX,
        RF_SET_RUNS_KEPT_MAX,
        RF_SET_RUNS_KEPT_AGE,
        RF_SET_RUNS_STOP,
        RF_SET_RUNS_ANALYSIS,
        RF_SET_CLIENTS_MAX,
        RF_SET_CLIENTS_PER_USER_MAX,
        RF_SET_CACHE_ENABLED,
        RF_SET_CACHE_SIZE,
        RF_SET_CACHE_SYNC_INTERVAL,
        RF_SET_STATE_SIZE,
        RF_SET_UPSTREAM_CONCURRENCY,
        RF_SET_UPSTREAM_RETRIES,
        RF_SET_UPSTREAM_REFUSAL,
        RF_SET_UPSTREAM_BREAKER_FAILURES,
        RF_SET_UPSTREAM_BREAKER_OPEN,
        RF_SET_UPSTREAM_BREAKER_SLOW,
        RF_SET_UPSTREAM_SLOW,
        RF_SET_NET_PROXY,
        RF_SET_NET_CA_FILE,
        RF_SET_NET_CONNECT_TIMEOUT,
        RF_SET_NET_HTTP2,
        RF_SET_SAVE_BATCH,
        RF_SET_METRICS_LISTEN,
        RF_SET_CRITERIA_P50,
        RF_SET_CRITERIA_P95,
        RF_SET_CRITERIA_TIMEOUTS,
        RF_SET_CRITERIA_TIMEOUTS_OF,
        RF_SET_CRITERIA_REPEAT_HITS,
        RF_SET_CRITERIA_ERRORS,
        RF_SET_CRITERIA_WINDOW,
        RF_SET_WARM_PROMPTS,
        RF_SET_WARM_SEEDS,
        RF_SET_WARM_LEARN,
        RF_SET_WARM_BUDGET,
        RF_SET_WARM_AHEAD,
        RF_SET_WARM_VALUE,
        RF_SET_PROFILE,
        RF_SET_OPTIMIZATIONS, /* the first of the switches, in their own order */
        RF_SET_COUNT = RF_SET_OPTIMIZATIONS + RF_OPT_COUNT
};

struct rf_setting_info {
        const char *section;
        struct rf_option option;
        bool is_live; /* a reload brings it into effect; others need a restart */
        bool is_list; /* separated by "|": given again in a file, it adds to what that file said before */
};

extern const struct rf_setting_info rf_settings[RF_SET_COUNT];

/* -1 if there is none. */
int rf_setting_find(const char *section, const char *name);
bool rf_setting_has_section(const char *section);
/* "[cache] size": two sections may have options of the same name. Static. */
const char *rf_setting_label(enum rf_setting s);

/* Everything that may stand in the configuration file, with comments and defaults: a sample. -ENOMEM. */
int rf_settings_sample(struct rf_buf *b);
