/* The providers that the configuration names, loaded. */
#pragma once

#include "provider/provider.h"
#include "service/config.h"
#include "service/notices.h"

/* One that can't be loaded is a notice, and the others go on without it. They point into the configuration. -ENOMEM. Doesn't yield. */
int rf_plugins_open(const struct rf_config *c, struct rf_notices *notices, struct rf_providers **ret);
/*
 * Whether all of them could be loaded, and take their options as they are given; none is opened. -RF_ECONFIG with `ret_error`, -ENOMEM.
 * Doesn't yield.
 */
int rf_plugins_check(const struct rf_config *c, struct rf_config_error *ret_error);
