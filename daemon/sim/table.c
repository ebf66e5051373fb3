#include "sim/table.h"

#include <math.h>
#include <string.h>

enum { LABEL_WIDTH = 22, COLUMN_WIDTH = 26 };

/* Milliseconds as a person would say them. */
static const char *time_text(double ms, char *buf, size_t size)
{
        if (fabs(ms) < 1000.0)
                snprintf(buf, size, "%.0f ms", ms);
        else if (fabs(ms) < 10000.0)
                snprintf(buf, size, "%.2f s", ms / 1e3);
        else
                snprintf(buf, size, "%.1f s", ms / 1e3);
        return buf;
}

static const char *value_text(enum sim_unit unit, double v, char *buf, size_t size)
{
        switch (unit) {
        case SIM_UNIT_NUMBER:
                snprintf(buf, size, "%.2f", v);
                break;
        case SIM_UNIT_PERCENT:
                snprintf(buf, size, "%.1f %%", v);
                break;
        case SIM_UNIT_MS:
                return time_text(v, buf, size);
        case SIM_UNIT_QUALITY:
                snprintf(buf, size, "%.3f", v);
                break;
        case SIM_UNIT_CPU:
                snprintf(buf, size, "%.1f ms", v);
                break;
        case SIM_UNIT_KIB:
                snprintf(buf, size, "%.1f KiB", v);
                break;
        }
        return buf;
}

static void print_label(FILE *f, const char *label)
{
        fprintf(f, "%-*s", LABEL_WIDTH, label);
}

static void print_spread(FILE *f, const struct sim_spread *s)
{
        char a[24], b[24], c[24], text[80];

        snprintf(text, sizeof(text), "%s/%s/%s", time_text(s->p50, a, sizeof(a)), time_text(s->p95, b, sizeof(b)),
                 time_text(s->p99, c, sizeof(c)));
        fprintf(f, "  %*s", COLUMN_WIDTH, text);
}

static void print_heading(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const struct sim_stage *stage)
{
        static const char *const cache[] = { [SIM_CACHE_COLD] = "cold", [SIM_CACHE_WARM] = "warm", [SIM_CACHE_REPEAT] = "repeated" };
        size_t runs = MAX(a->plan.runs, a->plan.concurrency);

        fprintf(f, "%s: %zu runs of %zu prompts, ", model->name, runs, MIN(runs, sim_prompts_count(stage->prompts)));
        if (a->plan.is_sequence)
                fputs("one after the other on one daemon", f);
        else
                fprintf(f, "%zu at once", a->plan.concurrency);
        fprintf(f, ", %s, seed %llu\n", cache[a->plan.cache], (unsigned long long)a->plan.seed);
}

void sim_table_print(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const struct sim_stage *stage,
                     const struct sim_column *columns, size_t n)
{
        char text[48];

        print_heading(f, a, model, stage);
        print_label(f, "");
        for (size_t i = 0; i < n; i++)
                fprintf(f, "  %*s", COLUMN_WIDTH, columns[i].name);
        fputc('\n', f);
        print_label(f, "time P50/P95/P99");
        for (size_t i = 0; i < n; i++)
                print_spread(f, &columns[i].result.time_ms);
        fputc('\n', f);
        for (unsigned s = 0; s < RF_STEP_COUNT; s++) {
                snprintf(text, sizeof(text), "  %s", rf_step_name((enum rf_step)s));
                print_label(f, text);
                for (size_t i = 0; i < n; i++)
                        print_spread(f, &columns[i].result.step_ms[s]);
                fputc('\n', f);
        }
        for (size_t m = 0; m < sim_n_measures; m++) {
                print_label(f, sim_measures[m].label);
                for (size_t i = 0; i < n; i++)
                        fprintf(f, "  %*s", COLUMN_WIDTH,
                                value_text(sim_measures[m].unit, sim_measure_of(&sim_measures[m], &columns[i].result), text, sizeof(text)));
                fputc('\n', f);
        }
}

int sim_table_print_difference(FILE *f, const struct sim_arguments *a, const struct sim_stage *stage, const struct sim_column *from,
                               const struct sim_column *to)
{
        fprintf(f, "%s less %s, paired by prompt (95 %% confidence):\n", to->name, from->name);
        for (size_t m = 0; m < sim_n_measures; m++) {
                struct sim_interval v;
                int r;

                if (sim_measures[m].quality == SIM_QUALITY_COUNT)
                        continue;
                r = sim_result_difference(&from->result, &to->result, sim_measures[m].quality, sim_prompts_count(stage->prompts),
                                          a->plan.seed, &v);
                if (r < 0)
                        return r;
                print_label(f, sim_measures[m].label);
                fprintf(f, "  %+.3f (%+.3f to %+.3f)\n", v.mean, v.low, v.high);
        }
        return 0;
}

/* ---- Ablation ---- */

static void print_worth(FILE *f, const struct sim_worth *w)
{
        char p50[24], p95[24];

        fprintf(f, "  %10s %10s %+8.1f  %+.3f (%+.3f to %+.3f)", time_text(w->p50_ms, p50, sizeof(p50)),
                time_text(w->p95_ms, p95, sizeof(p95)), w->calls, w->ndcg.mean, w->ndcg.low, w->ndcg.high);
}

static void print_worths(FILE *f, const char *heading, const struct sim_result *without, const struct sim_worth *worths)
{
        char p50[24], p95[24];

        fprintf(f, "%s: P50 %s, P95 %s, %.1f calls, nDCG@20 %.3f; what changes:\n", heading, time_text(without->time_ms.p50, p50, sizeof(p50)),
                time_text(without->time_ms.p95, p95, sizeof(p95)), without->calls, without->ndcg);
        fprintf(f, "%-*s  %10s %10s %8s  %s\n", LABEL_WIDTH, "", "P50", "P95", "calls", "nDCG@20 (95 % confidence)");
        for (int o = 0; o < RF_OPT_COUNT; o++) {
                print_label(f, rf_optimization_infos[o].name);
                print_worth(f, &worths[o]);
                fputc('\n', f);
        }
}

void sim_table_print_ablation(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const struct sim_ablation *ablation)
{
        fprintf(f, "%s: what each switch is worth, %zu runs each, seed %llu\n", model->name, MAX(a->plan.runs, a->plan.concurrency),
                (unsigned long long)a->plan.seed);
        print_worths(f, "Turned off alone from full", &ablation->full, ablation->off);
        print_worths(f, "Turned on alone from baseline", &ablation->baseline, ablation->on);
}
