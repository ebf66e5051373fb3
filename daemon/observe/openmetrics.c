#include "observe/openmetrics.h"

#include <stdio.h>
#include <string.h>

enum { LABELS_SIZE = 512 };

/* What Prometheus needs of a histogram: bounds that people draw lines at. Each is a bound of ours, so that the counts are exact. */
static const struct {
        uint64_t us;
        const char *le;
} BOUNDS[] = {
        { 10000, "0.01" },    { 20000, "0.02" },    { 50000, "0.05" },    { 100000, "0.1" },    { 200000, "0.2" },    { 500000, "0.5" },
        { 1000000, "1.0" },   { 2000000, "2.0" },   { 5000000, "5.0" },   { 10000000, "10.0" }, { 20000000, "20.0" }, { 30000000, "30.0" },
        { 40000000, "40.0" }, { 60000000, "60.0" }, { 90000000, "90.0" }, { 120000000, "120.0" }, { 300000000, "300.0" },
};

/* The first failure is kept: looked at once, at the end. */
struct writer {
        struct rf_buf *b;
        const struct rf_metrics *m;
        enum rf_metrics_format format;
        const char *name; /* of the family */
        bool is_counter;
        int error;
};

enum type { COUNTER, GAUGE, HISTOGRAM, INFO };

#define WRITE(w, ...)                                                \
        do {                                                         \
                if ((w)->error >= 0)                                 \
                        (w)->error = rf_buf_addf((w)->b, __VA_ARGS__); \
        } while (0)

/* Begins a family. `unit` is what its name ends in; NULL: it has none. */
static void family(struct writer *w, const char *name, enum type type, const char *unit, const char *help)
{
        static const char *const types[] = { [COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram", [INFO] = "info" };
        bool is_open = w->format == RF_METRICS_OPENMETRICS;
        const char *suffix = is_open ? "" : type == COUNTER ? "_total" : type == INFO ? "_info" : "";

        w->name = name;
        w->is_counter = type == COUNTER;
        WRITE(w, "# HELP %s%s %s\n", name, suffix, help);
        WRITE(w, "# TYPE %s%s %s\n", name, suffix, !is_open && type == INFO ? "gauge" : types[type]);
        if (is_open && unit)
                WRITE(w, "# UNIT %s %s\n", name, unit);
}

/* Adds name="value" to a list of labels, escaped; what doesn't fit is cut off. */
static void label(char labels[static LABELS_SIZE], const char *name, const char *value)
{
        size_t n = strlen(labels);

        n += (size_t)snprintf(labels + n, LABELS_SIZE - n, "%s%s=\"", n > 0 ? "," : "", name);
        for (; *value && n < LABELS_SIZE - 4; value++) {
                if (*value == '"' || *value == '\\' || *value == '\n')
                        labels[n++] = '\\';
                labels[n++] = *value == '\n' ? 'n' : *value;
        }
        labels[n++] = '"';
        labels[n] = '\0';
}

static void sample(struct writer *w, const char *labels, double value)
{
        const char *suffix = w->is_counter ? "_total" : "";

        if (labels[0])
                WRITE(w, "%s%s{%s} %.17g\n", w->name, suffix, labels, value);
        else
                WRITE(w, "%s%s %.17g\n", w->name, suffix, value);
}

static void histogram(struct writer *w, const char *labels, const struct rf_histogram *h)
{
        const char *comma = labels[0] ? "," : "", *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";

        for (size_t i = 0; i < ARRAY_SIZE(BOUNDS); i++)
                WRITE(w, "%s_bucket{%s%sle=\"%s\"} %llu\n", w->name, labels, comma, BOUNDS[i].le,
                      (unsigned long long)rf_histogram_count_until(h, BOUNDS[i].us));
        WRITE(w, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", w->name, labels, comma, (unsigned long long)h->count);
        WRITE(w, "%s_sum%s%s%s %.6f\n", w->name, open, labels, close, (double)h->sum_us / 1e6);
        WRITE(w, "%s_count%s%s%s %llu\n", w->name, open, labels, close, (unsigned long long)h->count);
}

static void single(struct writer *w, const char *name, enum type type, const char *unit, const char *help, double value)
{
        family(w, name, type, unit, help);
        sample(w, "", value);
}

/* ---- Runs and steps ---- */

static void write_runs(struct writer *w)
{
        static const char *const ends[] = { [RF_RUN_END_DONE] = "done", [RF_RUN_END_FAILED] = "failed", [RF_RUN_END_CANCELLED] = "cancelled" };
        const struct rf_figures *f = w->m->figures;

        family(w, "recflow_runs", COUNTER, NULL, "Runs that ended, by how.");
        for (unsigned i = 0; i < RF_RUN_END_COUNT; i++) {
                char labels[LABELS_SIZE] = "";

                label(labels, "end", ends[i]);
                sample(w, labels, (double)f->runs[i]);
        }
        family(w, "recflow_run_duration_seconds", HISTOGRAM, "seconds", "Time of runs that were done, from the start of their work.");
        histogram(w, "", &f->run_time);
        single(w, "recflow_repeat_runs", COUNTER, NULL, "Runs that were done whose prompt came before.", (double)f->repeats);
        single(w, "recflow_repeat_calls", COUNTER, NULL, "Calls of those runs, answered by the cache or not.", (double)f->repeat_calls);
        single(w, "recflow_repeat_hits", COUNTER, NULL, "Calls of those runs that the cache answered.", (double)f->repeat_hits);
}

static uint64_t step_calls(const struct rf_step_figures *s)
{
        return s->calls;
}

static uint64_t step_errors(const struct rf_step_figures *s)
{
        return s->errors;
}

static uint64_t step_failed_runs(const struct rf_step_figures *s)
{
        return s->failed_runs;
}

static void write_steps(struct writer *w)
{
        static const struct {
                const char *name, *help;
                uint64_t (*value)(const struct rf_step_figures *s);
        } counters[] = {
                { "recflow_step_calls", "Calls made in each step of the runs.", step_calls },
                { "recflow_step_errors", "Those of them that gave no answer.", step_errors },
                { "recflow_step_failed_runs", "Runs that failed in the step.", step_failed_runs },
        };
        const struct rf_metrics *m = w->m;

        family(w, "recflow_step_duration_seconds", HISTOGRAM, "seconds", "Time of each step of the runs that were done.");
        for (size_t i = 0; i < m->n_steps; i++) {
                char labels[LABELS_SIZE] = "";

                label(labels, "step", m->step_names[i]);
                histogram(w, labels, &m->figures->steps[i].time);
        }
        for (size_t c = 0; c < ARRAY_SIZE(counters); c++) {
                family(w, counters[c].name, COUNTER, NULL, counters[c].help);
                for (size_t i = 0; i < m->n_steps; i++) {
                        char labels[LABELS_SIZE] = "";

                        label(labels, "step", m->step_names[i]);
                        sample(w, labels, (double)counters[c].value(&m->figures->steps[i]));
                }
        }
}

/* ---- Providers and endpoints ---- */

static void endpoint_labels(char labels[static LABELS_SIZE], const struct rf_endpoint_figures *e)
{
        labels[0] = '\0';
        label(labels, "provider", e->provider);
        label(labels, "endpoint", e->endpoint);
}

static uint64_t endpoint_errors(const struct rf_endpoint_figures *e)
{
        return e->errors;
}

static uint64_t endpoint_coalesced(const struct rf_endpoint_figures *e)
{
        return e->coalesced;
}

static uint64_t endpoint_timeouts(const struct rf_endpoint_figures *e)
{
        return e->timeouts;
}

static uint64_t endpoint_retries(const struct rf_endpoint_figures *e)
{
        return e->retries;
}

static void write_endpoint_counters(struct writer *w)
{
        static const struct {
                const char *name, *help;
                uint64_t (*value)(const struct rf_endpoint_figures *e);
        } counters[] = {
                { "recflow_call_errors", "Calls that gave no answer.", endpoint_errors },
                { "recflow_coalesced_calls", "Calls that shared another's request.", endpoint_coalesced },
                { "recflow_timeouts", "Requests without an answer in time.", endpoint_timeouts },
                { "recflow_retries", "Requests that repeated one that failed.", endpoint_retries },
                { "recflow_refusals", "Requests that were too many for the service (429).", rf_endpoint_refusals },
                { "recflow_wasted_attempts", "Requests that gave nobody an answer.", rf_endpoint_wasted },
        };
        const struct rf_figures *f = w->m->figures;
        char labels[LABELS_SIZE];

        for (size_t c = 0; c < ARRAY_SIZE(counters); c++) {
                family(w, counters[c].name, COUNTER, NULL, counters[c].help);
                for (size_t i = 0; i < f->n_endpoints; i++) {
                        endpoint_labels(labels, f->endpoints[i]);
                        sample(w, labels, (double)counters[c].value(f->endpoints[i]));
                }
        }
}

static void write_endpoints(struct writer *w)
{
        const struct rf_metrics *m = w->m;
        const struct rf_figures *f = m->figures;
        char labels[LABELS_SIZE];

        family(w, "recflow_calls", COUNTER, NULL, "Calls as the runs make them, by what the cache had.");
        for (size_t i = 0; i < f->n_endpoints; i++)
                for (size_t s = 0; s < m->n_cache_states; s++) {
                        endpoint_labels(labels, f->endpoints[i]);
                        label(labels, "cache", m->cache_names[s]);
                        sample(w, labels, (double)f->endpoints[i]->cache[s]);
                }
        family(w, "recflow_attempts", COUNTER, NULL, "Requests to the services, by outcome.");
        for (size_t i = 0; i < f->n_endpoints; i++)
                for (size_t o = 0; o < m->n_outcomes; o++) {
                        endpoint_labels(labels, f->endpoints[i]);
                        label(labels, "outcome", m->outcome_names[o]);
                        sample(w, labels, (double)f->endpoints[i]->attempts[o]);
                }
        family(w, "recflow_attempt_duration_seconds", HISTOGRAM, "seconds", "Time of requests to the services, also of those that failed.");
        for (size_t i = 0; i < f->n_endpoints; i++) {
                endpoint_labels(labels, f->endpoints[i]);
                histogram(w, labels, &f->endpoints[i]->time);
        }
        write_endpoint_counters(w);
}

static double provider_in_flight(const struct rf_metrics_provider *p)
{
        return (double)p->in_flight;
}

static double provider_concurrency_limit(const struct rf_metrics_provider *p)
{
        return p->concurrency_limit;
}

static double provider_waiting(const struct rf_metrics_provider *p)
{
        return (double)p->waiting;
}

static double provider_pace(const struct rf_metrics_provider *p)
{
        return p->pace_ratio;
}

static double provider_blocked(const struct rf_metrics_provider *p)
{
        return (double)p->blocked_us / 1e6;
}

static double provider_exhausted(const struct rf_metrics_provider *p)
{
        return p->is_quota_exhausted;
}

static double provider_quota_left(const struct rf_metrics_provider *p)
{
        return (double)p->quota_left;
}

static void write_breakers(struct writer *w)
{
        static const char *const states[] = { "closed", "half_open", "open" };

        family(w, "recflow_breaker_state", GAUGE, NULL, "1 for the state that the circuit breaker is in.");
        for (size_t i = 0; i < w->m->n_providers; i++)
                for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
                        char labels[LABELS_SIZE] = "";

                        label(labels, "provider", w->m->providers[i].name);
                        label(labels, "state", states[s]);
                        sample(w, labels, strcmp(states[s], w->m->providers[i].breaker) == 0);
                }
}

static void write_providers(struct writer *w)
{
        static const struct {
                const char *name, *unit, *help;
                double (*value)(const struct rf_metrics_provider *p);
        } gauges[] = {
                { "recflow_in_flight_attempts", NULL, "Requests under way.", provider_in_flight },
                { "recflow_concurrency_limit", NULL, "Requests that may be under way at once.", provider_concurrency_limit },
                { "recflow_waiting_calls", NULL, "Calls that wait for their turn.", provider_waiting },
                { "recflow_pace_ratio", "ratio", "The pace as a share of what is configured; less after refusals.", provider_pace },
                { "recflow_blocked_seconds", "seconds", "How long the service will still let nobody in.", provider_blocked },
                { "recflow_quota_exhausted", NULL, "1 while the long quota is used up.", provider_exhausted },
                { "recflow_quota_left_calls", "calls", "Calls left of a known limit.", provider_quota_left },
        };

        for (size_t g = 0; g < ARRAY_SIZE(gauges); g++) {
                family(w, gauges[g].name, GAUGE, gauges[g].unit, gauges[g].help);
                for (size_t i = 0; i < w->m->n_providers; i++) {
                        char labels[LABELS_SIZE] = "";

                        if (gauges[g].value == provider_quota_left && w->m->providers[i].quota_left < 0)
                                continue;
                        label(labels, "provider", w->m->providers[i].name);
                        sample(w, labels, gauges[g].value(&w->m->providers[i]));
                }
        }
        write_breakers(w);
}

/* ---- The whole ---- */

enum criterion_part { LIMIT, VALUE, MET };

static void write_criteria(struct writer *w)
{
        static const char *const names[] = { [LIMIT] = "recflow_criterion_limit", [VALUE] = "recflow_criterion_value",
                                             [MET] = "recflow_criterion_met" };
        static const char *const helps[] = { [LIMIT] = "Limit of each success criterion: seconds, or a share.",
                                             [VALUE] = "Its value over the configured window; none while there is nothing to judge by.",
                                             [MET] = "1 if it is met, 0 if it is missed." };

        for (unsigned part = LIMIT; part <= MET; part++) {
                family(w, names[part], GAUGE, NULL, helps[part]);
                for (unsigned i = 0; i < RF_CRITERION_COUNT; i++) {
                        const struct rf_judgement *j = &w->m->judgements[i];
                        char labels[LABELS_SIZE] = "";

                        if (part != LIMIT && j->state == RF_CRITERION_UNKNOWN)
                                continue;
                        label(labels, "criterion", rf_criterion_name(i));
                        sample(w, labels, part == LIMIT ? j->limit : part == VALUE ? j->value : j->state == RF_CRITERION_MET);
                }
        }
}

static void write_daemon(struct writer *w)
{
        const struct rf_metrics *m = w->m;
        char labels[LABELS_SIZE] = "";

        label(labels, "version", m->version);
        family(w, "recflow_build", INFO, NULL, "The daemon's version.");
        WRITE(w, "recflow_build_info{%s} 1\n", labels);
        single(w, "recflow_start_time_seconds", GAUGE, "seconds", "When the daemon was started, since 1970.", (double)m->started_wall_us / 1e6);
        single(w, "recflow_active_runs", GAUGE, NULL, "Runs under way.", (double)m->runs_active);
        single(w, "recflow_waiting_runs", GAUGE, NULL, "Runs that wait for their turn.", (double)m->runs_waiting);
        single(w, "recflow_clients", GAUGE, NULL, "Connections to the daemon's socket.", (double)m->clients);
        single(w, "recflow_resident_memory_bytes", GAUGE, "bytes", "Resident memory of the daemon.", (double)m->memory_bytes);
        single(w, "recflow_cache_entries", GAUGE, NULL, "Answers in the cache.", (double)m->cache_entries);
        single(w, "recflow_cache_used_bytes", GAUGE, "bytes", "Size of the cache.", (double)m->cache_bytes);
        single(w, "recflow_lost_events", COUNTER, NULL, "Events that weren't counted for want of memory.", (double)m->lost);
}

const char *rf_metrics_content_type(enum rf_metrics_format format)
{
        return format == RF_METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                : "text/plain; version=0.0.4; charset=utf-8";
}

int rf_metrics_write(const struct rf_metrics *m, enum rf_metrics_format format, struct rf_buf *b)
{
        struct writer w = { .b = b, .m = m, .format = format };

        write_daemon(&w);
        write_runs(&w);
        write_steps(&w);
        write_endpoints(&w);
        write_providers(&w);
        write_criteria(&w);
        if (format == RF_METRICS_OPENMETRICS)
                WRITE(&w, "# EOF\n");
        return w.error < 0 ? w.error : 0;
}
