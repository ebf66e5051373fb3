/* One simulated daemon: fresh providers, an empty cache, an upstream that has seen nothing. Nothing here yields. */
#pragma once

#include "flow/flow.h"
#include "sim/bound.h"
#include "sim/setup.h"
#include "sim/stage.h"

/* What a service refused before, which a daemon remembers for a day. */
struct sim_refusal {
        size_t provider;
        enum rf_op op;
        char reason[160];
};

struct sim_refusals {
        struct sim_refusal list[SIM_PROVIDERS_MAX * RF_OP_COUNT * 2];
        size_t n;
};

struct sim_house {
        const struct sim_stage *stage;
        const struct sim_setup *setup;
        struct rf_providers *providers;
        struct rf_upstream *upstream;
        struct rf_flow flow;
};

struct sim_house_options {
        struct rf_optimizations optimizations;
        uint64_t seed;
        const struct sim_refusals *refusals; /* known from the start; NULL: none */
        void (*observe)(void *arg, const struct rf_caller *caller, const struct rf_call_record *record);
        void *observe_arg;
        const struct rf_archive *archive; /* answers in place of services; NULL: none */
        struct rf_state *state; /* what was learned; NULL: nothing */
};

/* Empties the stage's cache. `setup` gets the seed and outlives the house. -RF_ECONFIG, -RF_EPLUGIN with a sentence. */
int sim_house_open(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_house_options *o, struct sim_house *ret,
                   char *message, size_t size);
void sim_house_close(struct sim_house *h);

/* From within the scheduler: what is refused now. */
void sim_house_refusals(const struct sim_house *h, struct sim_refusals *ret);
/* From within the scheduler, before the first call: refuses what is known to be refused. */
void sim_house_refuse(struct sim_house *h, const struct sim_refusals *refusals);

/* What was asked of the services so far. */
struct sim_counts {
        uint64_t attempts, refused; /* requests, and those of them that were answered 429 */
        uint64_t asked[SIM_PROVIDERS_MAX]; /* calls to each provider of the setup */
        uint64_t paused_us[RF_PAUSE_COUNT], limited_us; /* that the old policy spent waiting */
        uint64_t violations;        /* made while the client knew that it must stay away */
};
struct sim_counts sim_house_counts(const struct sim_house *h);

/* The pace that is configured for a provider; its name isn't filled in. */
struct sim_allowance sim_house_allowance(const struct sim_house *h, const char *provider);
