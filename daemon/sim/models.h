/*
 * The models: named weathers over the simulated services, and the daemon that lives in them (its providers in order, with the options
 * that an administrator would have set).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "provider/provider.h"

enum { SIM_PROVIDERS_MAX = 4, SIM_PROVIDER_OPTIONS_MAX = 8 };

/* Calls that a service accepts in any window. */
struct sim_limit {
        const char *provider;
        uint32_t calls;
        uint64_t window_us;
};

struct sim_model {
        const char *name;
        const char *help; /* for people */
        struct {
                const char *name, *plugin, *transport; /* plugin NULL: that of the name */
                struct {
                        const char *name, *value;
                } options[SIM_PROVIDER_OPTIONS_MAX];
        } providers[SIM_PROVIDERS_MAX]; /* in the order in which they are opened and asked; the transport of others first */
        struct sim_limit limits[2];
};

extern const struct sim_model sim_models[];
extern const size_t sim_n_models;

const struct sim_model *sim_model_find(const char *name); /* NULL */
