#include "sim/week_table.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { LABEL_WIDTH = 34, COLUMN_WIDTH = 12 };
enum unit { COUNT, MS, PERCENT, QUALITY };

static const struct row {
        const char *label, *name;
        enum unit unit;
        size_t offset;
        bool is_integer;
} ROWS[] = {
#define ROW(label_, member, unit_) { label_, #member, unit_, offsetof(struct sim_week_result, member), \
                                     __builtin_types_compatible_p(__typeof__(((struct sim_week_result *)0)->member), uint64_t) || \
                                     __builtin_types_compatible_p(__typeof__(((struct sim_week_result *)0)->member), size_t) }
        ROW("requests", requests, COUNT),
        ROW("  of them repeated", repeated, COUNT),
        ROW("time P50", p50_ms, MS),
        ROW("time P95", p95_ms, MS),
        ROW("time P99", p99_ms, MS),
        ROW("time P95 of repeated requests", repeated_p95_ms, MS),
        ROW("hit rate on repeated requests", request_hit_percent, PERCENT),
        ROW("  of their calls", hit_percent, PERCENT),
        ROW("  of their calls, fresh", fresh_percent, PERCENT),
        ROW("failed runs", failed_percent, PERCENT),
        ROW("nDCG@20", ndcg, QUALITY),
        ROW("calls to services", calls, COUNT),
        ROW("  of them for warming", warming, COUNT),
        ROW("runs of warming", warmed, COUNT),
        ROW("passes that gave way to a person", interrupted, COUNT),
#undef ROW
};

static double value(const struct row *row, const struct sim_week_result *r)
{
        const char *at = (const char *)r + row->offset;
        uint64_t n;
        double v;

        if (row->is_integer) {
                memcpy(&n, at, sizeof(n));
                return (double)n;
        }
        memcpy(&v, at, sizeof(v));
        return v;
}

static void print_value(FILE *f, enum unit unit, double v)
{
        char text[32];

        if (unit == COUNT)
                snprintf(text, sizeof(text), "%.0f", v);
        else if (unit == PERCENT)
                snprintf(text, sizeof(text), "%.1f %%", v);
        else if (unit == QUALITY)
                snprintf(text, sizeof(text), "%.3f", v);
        else if (v < 1000)
                snprintf(text, sizeof(text), "%.0f ms", v);
        else
                snprintf(text, sizeof(text), "%.2f s", v / 1e3);
        fprintf(f, "  %*s", COLUMN_WIDTH, text);
}

static double ratio(const struct sim_week_result *without, const struct sim_week_result *with)
{
        return without->calls > 0 ? (double)with->calls / (double)without->calls : 0.0;
}

/* Calls made for warming, for each that wasn't made otherwise. */
static double price(const struct sim_week_result *without, const struct sim_week_result *with)
{
        double saved = (double)without->calls - (double)(with->calls - with->warming);

        return saved > 0 ? (double)with->warming / saved : 0.0;
}

void sim_week_print(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const char *profile,
                    const struct sim_week_result *without, const struct sim_week_result *with)
{
        fprintf(f, "%s: week %d of requests to one daemon, %zu a week, %s, seed %llu\n", model->name, SIM_WEEKS, a->plan.runs, profile,
                (unsigned long long)a->plan.seed);
        fprintf(f, "%-*s  %*s  %*s\n", LABEL_WIDTH, "", COLUMN_WIDTH, "not warmed", COLUMN_WIDTH, "warmed");
        for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
                fprintf(f, "%-*s", LABEL_WIDTH, ROWS[i].label);
                print_value(f, ROWS[i].unit, value(&ROWS[i], without));
                print_value(f, ROWS[i].unit, value(&ROWS[i], with));
                fputc('\n', f);
        }
        fprintf(f, "%-*s  %*s  %*.2f\n", LABEL_WIDTH, "times the calls", COLUMN_WIDTH, "", COLUMN_WIDTH, ratio(without, with));
        fprintf(f, "%-*s  %*s  %*.2f\n\n", LABEL_WIDTH, "calls spent for each call saved", COLUMN_WIDTH, "", COLUMN_WIDTH,
                price(without, with));
}

static json_t *column(const struct sim_week_result *r)
{
        json_t *j = json_object();

        for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
                json_object_set_new(j, ROWS[i].name, json_real(round(value(&ROWS[i], r) * 1e6) / 1e6));
        return j;
}

json_t *sim_week_json(const struct sim_model *model, const char *profile, const struct sim_week_result *without,
                      const struct sim_week_result *with)
{
        return json_pack("{s:s, s:s, s:o, s:o, s:f, s:f}", "model", model->name, "profile", profile, "not_warmed", column(without), "warmed",
                         column(with), "times_the_calls", ratio(without, with), "spent_per_saved", price(without, with));
}
