/* The command line. */
#pragma once

#include "sim/experiment.h"

enum { SIM_MODELS_MAX = 16, SIM_PROFILES_MAX = 2, SIM_OVERRIDES_MAX = 64 };

struct sim_arguments {
        const struct sim_model *models[SIM_MODELS_MAX];
        size_t n_models;
        const char *profiles[SIM_PROFILES_MAX];
        size_t n_profiles;
        struct sim_plan plan;
        uint64_t on, off;       /* switches turned on and off in every profile: bit N is that of N */
        const char *overrides[SIM_OVERRIDES_MAX];
        size_t n_overrides;
        const char *prompts;
        bool is_distinct;       /* each run has a prompt of its own */
        const char *record, *replay; /* files; NULL: none. `replay` may be a daemon's run instead: */
        bool replays_run;
        const char *state_directory, *cache_directory, *config; /* of that daemon; NULL: as it is configured by default */
        const char *plugin_directory, *data_directory; /* NULL: not given, and `replays_run` */
        bool is_json, is_ablation, is_week;
        enum { SIM_RUN, SIM_HELP, SIM_VERSION } action;
};

/* -EINVAL: a sentence in `message` names the argument and what is allowed. Strings point into `argv`, which is changed. */
int sim_arguments_parse(int argc, char **argv, struct sim_arguments *ret, char *message, size_t size);
void sim_arguments_help(FILE *f);
