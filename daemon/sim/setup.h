/*
 * A daemon that is to be simulated: its settings, its providers and its switches, each known by the name that it has in the
 * configuration file: "upstream.retries", "provider.reccobeat.rate", "optimizations.coalesce"; and "limiter.rate" (burst, concurrency)
 * for the option of that name of every service.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdint.h>

#include "service/config.h"
#include "service/options.h"
#include "sim/models.h"
#include "upstream/optimizations.h"

struct sim_setup;

/* The daemon's defaults and what the model sets. -ENOMEM; -RF_EPLUGIN with a sentence in `message`. */
int sim_setup_new(const struct sim_model *model, const char *plugin_directory, struct sim_setup **ret, char *message, size_t size);
struct sim_setup *sim_setup_free(struct sim_setup *s);
DEFINE_CLEANUP(struct sim_setup *, sim_setup_free);

/*
 * That of a daemon's own configuration, which outlives it. Nobody stands in for its providers' services. -ENOMEM; -RF_ECONFIG,
 * -RF_EPLUGIN with a sentence.
 */
int sim_setup_new_of(const struct rf_config *c, const char *plugin_directory, struct sim_setup **ret, char *message, size_t size);

/* "NAME=VALUE". -RF_ECONFIG with a sentence that names what would be right. */
int sim_setup_override(struct sim_setup *s, const char *assignment, char *message, size_t size);

const struct sim_model *sim_setup_model(const struct sim_setup *s); /* NULL: it is of a configuration */
const struct rf_value *sim_setup_get(const struct sim_setup *s, enum rf_setting setting);
size_t sim_setup_n_providers(const struct sim_setup *s);
const struct rf_provider_config *sim_setup_provider(const struct sim_setup *s, size_t i);
bool sim_setup_is_transport(const struct sim_setup *s, size_t i); /* it only stands in for the others' services */
/* The least time in which a provider can be asked so often, under the limits that the daemon keeps to (its own pace, or the service's
 * limit where that is configured): what may go at once is free. 0: it may at once, or isn't limited. */
uint64_t sim_setup_least_us(const struct sim_setup *s, size_t i, uint64_t calls);
/* A set of switches as the overrides want it. */
struct rf_optimizations sim_setup_optimizations(const struct sim_setup *s, struct rf_optimizations set);
/* Exchanges are recorded in a file, or answered from it. -ENOMEM. */
int sim_setup_tape(struct sim_setup *s, const char *path, bool plays);
/* Gives the weather its seed. Models without a weather have none. -ENOMEM. */
int sim_setup_seed(struct sim_setup *s, uint64_t seed);
