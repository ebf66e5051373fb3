#include "sim/json.h"

#include <math.h>

#include "provider/provider.h"

/* Six digits say all that there is to say, and read the same everywhere. */
static json_t *number(double v)
{
        return json_real(round(v * 1e6) / 1e6);
}

static json_t *spread(const struct sim_spread *s)
{
        return json_pack("{s:o, s:o, s:o}", "p50", number(s->p50), "p95", number(s->p95), "p99", number(s->p99));
}

static json_t *interval(const struct sim_interval *v)
{
        return json_pack("{s:o, s:o, s:o}", "mean", number(v->mean), "low", number(v->low), "high", number(v->high));
}

static json_t *requests(const struct sim_result *r)
{
        json_t *j = json_object();

        for (unsigned op = 0; op < RF_OP_COUNT; op++)
                if (r->requests[op] > 0)
                        json_object_set_new(j, rf_op_name((enum rf_op)op), number(r->requests[op]));
        return j;
}

static json_t *providers(const struct sim_result *r)
{
        json_t *j = json_object();

        for (size_t p = 0; p < SIM_PROVIDERS_MAX && r->to[p].name; p++)
                json_object_set_new(j, r->to[p].name,
                                    json_pack("{s:o, s:o, s:o}", "calls", number(r->to[p].calls), "timeout_percent",
                                              number(r->to[p].timeout_percent), "error_percent", number(r->to[p].error_percent)));
        return j;
}

json_t *sim_json_result(const struct sim_result *r)
{
        json_t *j = json_object(), *steps = json_object();

        for (unsigned s = 0; s < RF_STEP_COUNT; s++)
                json_object_set_new(steps, rf_step_name((enum rf_step)s), spread(&r->step_ms[s]));
        if (json_object_set_new(j, "runs", json_integer((json_int_t)r->n)) < 0 ||
            json_object_set_new(j, "time_ms", spread(&r->time_ms)) < 0 || json_object_set(j, "steps_ms", steps) < 0 ||
            json_object_set_new(j, "requests", requests(r)) < 0 || json_object_set_new(j, "providers", providers(r)) < 0 ||
            json_object_set_new(j, "violations", json_integer((json_int_t)r->totals.violations)) < 0) {
                json_decref(j);
                j = NULL;
        }
        for (size_t m = 0; m < sim_n_measures && j; m++)
                json_object_set_new(j, sim_measures[m].name, number(sim_measure_of(&sim_measures[m], r)));
        json_decref(steps);
        return j;
}

json_t *sim_json_difference(const struct sim_result *from, const struct sim_result *to, size_t n_prompts, uint64_t seed)
{
        json_t *j = json_object();

        for (size_t m = 0; m < sim_n_measures && j; m++) {
                struct sim_interval v;

                if (sim_measures[m].quality == SIM_QUALITY_COUNT)
                        continue;
                if (sim_result_difference(from, to, sim_measures[m].quality, n_prompts, seed, &v) < 0 ||
                    json_object_set_new(j, sim_measures[m].name, interval(&v)) < 0) {
                        json_decref(j);
                        j = NULL;
                }
        }
        return j;
}

static json_t *worths(const struct sim_worth *list)
{
        json_t *j = json_object();

        for (int o = 0; o < RF_OPT_COUNT; o++)
                json_object_set_new(j, rf_optimization_infos[o].name,
                                    json_pack("{s:o, s:o, s:o, s:o, s:o}", "p50_ms", number(list[o].p50_ms), "p95_ms", number(list[o].p95_ms),
                                              "calls", number(list[o].calls), "cpu_ms", number(list[o].cpu_ms), "ndcg",
                                              interval(&list[o].ndcg)));
        return j;
}

json_t *sim_json_ablation(const struct sim_ablation *a)
{
        return json_pack("{s:o, s:o, s:o, s:o}", "full", sim_json_result(&a->full), "off", worths(a->off), "baseline",
                         sim_json_result(&a->baseline), "on", worths(a->on));
}
