/* What the methods work with. Made by service/; everything outlives the server. */
#pragma once

#include <sys/types.h>

#include "control/observer.h"
#include "control/runs.h"
#include "control/saves.h"
#include "control/varlink/server.h"
#include "flow/flow.h"
#include "provider/provider.h"
#include "store/cache.h"
#include "store/state.h"
#include "upstream/upstream.h"
#include "warm/warmer.h"

/* What a reload did. Lists are the reloader's, valid until its next call. */
struct rf_reload {
        const char *const *changed, *const *restart;
        size_t n_changed, n_restart;
        char file[256], message[512]; /* -RF_ECONFIG: where, and what would be right */
        unsigned line;
};

struct rf_control {
        const struct rf_flow *flow;
        struct rf_warmer *warmer;
        struct rf_runs *runs;
        struct rf_saves *saves;
        struct rf_providers *providers;
        struct rf_upstream *upstream;
        struct rf_observer *observer;
        struct rf_cache *cache; /* NULL: switched off */
        struct rf_state *state;
        struct rf_varlink_server *server;
        const char *version;
        const char *cache_path, *state_path;
        uint64_t cache_max, state_max; /* bytes */
        uint64_t started_wall_us, started_us;
        uint32_t runs_active_max, runs_waiting_max;
        bool has_admin_group;
        gid_t admin_group;
        struct rf_optimizations optimizations; /* as configured */
        const char *const *notices; /* what a person should know */
        size_t n_notices;
        int (*reload)(void *arg, struct rf_reload *ret); /* -RF_ECONFIG; doesn't yield */
        void *reload_arg;
};

/* Resident memory of the process; 0 if it can't be told. */
uint64_t rf_memory_bytes(void);

/* Root, the daemon's own user, or a member of the group that the configuration names. */
bool rf_may_administer(const struct rf_control *c, struct rf_varlink_call *call);

/* Adds the interfaces io.recflow.workflow and io.recflow.admin to the server. */
int rf_control_add(struct rf_control *c, char *message, size_t message_size);
