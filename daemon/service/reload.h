/* What a new configuration would change, by name. */
#pragma once

#include "service/config.h"

struct rf_changes {
        const char *live[RF_SET_COUNT + 1], *restart[RF_SET_COUNT + 1]; /* static */
        size_t n_live, n_restart;
};

/*
 * Takes over what may change while the daemon runs from `fresh`, and names what is different. `switched` are the switches as they are
 * now: those that a client has set otherwise than configured go back, and so have changed, too. -ENOMEM.
 */
int rf_reload_take(struct rf_config *config, const struct rf_config *fresh, const struct rf_optimizations *switched, struct rf_changes *ret);

/* The switches as configured: the profile, then what is said of single ones. */
struct rf_optimizations rf_reload_optimizations(const struct rf_config *c);
