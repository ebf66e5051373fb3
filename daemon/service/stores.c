#include "service/stores.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "service/messages.h"
#include "service/reports.h"

/* Everything that was accepted is on disk, and a new start finds it there. */
static void store_broke(void *is_broken)
{
        rf_log(RF_LOG_ERROR, "a write to the disk failed so that a store has to be opened anew: the daemon ends, and the next start goes on");
        *(bool *)is_broken = true;
        kill(getpid(), SIGTERM);
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

static const struct rf_log_fields set_aside = { .message_id = RF_MESSAGE_SET_ASIDE };

static int open_state(const struct rf_config *c, struct rf_notices *notices, bool *is_broken, struct rf_state **ret)
{
        struct rf_state_options o = { .directory = rf_config_get(c, RF_SET_STATE_DIRECTORY)->string,
                                      .size_max = (uint64_t)rf_config_get(c, RF_SET_STATE_SIZE)->integer,
                                      .broke = store_broke, .trouble = state_trouble, .arg = is_broken };
        char message[1024] = "";
        int r = rf_state_open(&o, ret, message, sizeof(message));

        if (r < 0)
                return rf_report_failure(r, RF_MESSAGE_STORE, message);
        if (message[0])
                rf_notices_add(notices, &set_aside, message);
        return 0;
}

/* What it holds can be had again: recflow works without, if need be. */
static int open_cache(const struct rf_config *c, struct rf_notices *notices, bool *is_broken, struct rf_cache **ret)
{
        struct rf_cache_options o = { .directory = rf_config_get(c, RF_SET_CACHE_DIRECTORY)->string,
                                      .size_max = (uint64_t)rf_config_get(c, RF_SET_CACHE_SIZE)->integer,
                                      .sync_interval_us = (uint64_t)rf_config_get(c, RF_SET_CACHE_SYNC_INTERVAL)->integer,
                                      .broke = store_broke, .trouble = cache_trouble, .arg = is_broken };
        char message[512] = "", text[600];
        int r = rf_cache_open(&o, ret, message, sizeof(message));

        if (r == -RF_EBUSY || r == -RF_EFOREIGN || r == -ENOMEM)
                return rf_report_failure(r, RF_MESSAGE_STORE, message);
        if (r < 0) {
                snprintf(text, sizeof(text), "%s; recflow works without a cache", message[0] ? message : rf_strerror(r));
                rf_notices_add(notices, &(struct rf_log_fields){ .message_id = RF_MESSAGE_STORE, .error = r }, text);
        } else if (message[0])
                rf_notices_add(notices, &set_aside, message);
        return 0;
}

int rf_stores_open(const struct rf_config *c, struct rf_notices *notices, bool *is_broken, struct rf_state **ret_state,
                   struct rf_cache **ret_cache)
{
        int r = open_state(c, notices, is_broken, ret_state);

        if (r >= 0 && rf_config_get(c, RF_SET_CACHE_ENABLED)->integer)
                r = open_cache(c, notices, is_broken, ret_cache);
        return r;
}
