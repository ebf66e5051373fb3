/* The daemon's stores: opened as the configuration says, and what becomes of them told in the log. */
#pragma once

#include "service/config.h"
#include "service/notices.h"
#include "store/cache.h"
#include "store/state.h"

/*
 * Failures are logged. `ret_cache` stays as it is where there is to be no cache, or none can be had. When a store can't be used any more
 * until it's opened anew, `is_broken` is set and the daemon asked to end, so that its next start goes on. Doesn't yield.
 */
int rf_stores_open(const struct rf_config *c, struct rf_notices *notices, bool *is_broken, struct rf_state **ret_state,
                   struct rf_cache **ret_cache);
