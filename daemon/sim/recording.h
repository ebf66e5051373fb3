/* The first line of a recording: what was run. The embedded provider writes, and plays, the exchanges below it. */
#pragma once

#include "sim/arguments.h"

/* Begins the file of `a->record` anew. -errno with a sentence in `message`. */
int sim_recording_begin(const struct sim_arguments *a, const struct sim_stage *stage, char *message, size_t size);

/* What a recording says. */
struct sim_recording {
        const struct sim_model *model;
        const char *profile; /* static */
        struct rf_optimizations optimizations;
        uint64_t seed, deadline_us;
        bool is_unlearned;
        size_t prompt; /* number of the stage's */
};

/* -RF_ECONFIG, -errno with a sentence in `message`. */
int sim_recording_read(const char *path, const struct sim_stage *stage, struct sim_recording *ret, char *message, size_t size);
