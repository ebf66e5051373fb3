/* What each switch is worth: off alone from the full profile, and on alone from the baseline. */
#pragma once

#include "sim/experiment.h"

struct sim_worth {
        double p50_ms, p95_ms, calls, cpu_ms; /* with the one switch turned, less without */
        struct sim_interval ndcg;
};

struct sim_ablation {
        struct sim_result full, baseline;
        struct sim_worth off[RF_OPT_COUNT], on[RF_OPT_COUNT];
};

int sim_ablation_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_plan *plan, struct rf_optimizations full,
                     struct rf_optimizations baseline, struct sim_ablation *ret, char *message, size_t size);
void sim_ablation_done(struct sim_ablation *a);
