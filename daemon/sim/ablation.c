#include "sim/ablation.h"

/* The same runs with one switch turned. */
static int try_one(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_plan *plan, struct rf_optimizations set,
                   enum rf_optimization o, const struct sim_result *without, struct sim_worth *ret, char *message, size_t size)
{
        struct sim_result with = { 0 };
        int r;

        rf_optimizations_set(&set, o, !rf_is_on(&set, o));
        r = sim_experiment_run(stage, setup, plan, set, &with, message, size);
        if (r < 0)
                return r;
        *ret = (struct sim_worth){ .p50_ms = with.time_ms.p50 - without->time_ms.p50, .p95_ms = with.time_ms.p95 - without->time_ms.p95,
                                   .calls = with.calls - without->calls, .cpu_ms = with.cpu_ms - without->cpu_ms };
        r = sim_result_difference(without, &with, SIM_QUALITY_NDCG, sim_prompts_count(stage->prompts), plan->seed, &ret->ndcg);
        sim_result_done(&with);
        return r;
}

int sim_ablation_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_plan *plan, struct rf_optimizations full,
                     struct rf_optimizations baseline, struct sim_ablation *ret, char *message, size_t size)
{
        int r = sim_experiment_run(stage, setup, plan, full, &ret->full, message, size);

        if (r >= 0)
                r = sim_experiment_run(stage, setup, plan, baseline, &ret->baseline, message, size);
        for (int o = 0; o < RF_OPT_COUNT && r >= 0; o++) {
                r = try_one(stage, setup, plan, full, (enum rf_optimization)o, &ret->full, &ret->off[o], message, size);
                if (r >= 0)
                        r = try_one(stage, setup, plan, baseline, (enum rf_optimization)o, &ret->baseline, &ret->on[o], message, size);
        }
        return r;
}

void sim_ablation_done(struct sim_ablation *a)
{
        sim_result_done(&a->full);
        sim_result_done(&a->baseline);
}
