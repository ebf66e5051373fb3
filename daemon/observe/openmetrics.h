/*
 * Figures, and how things are at this moment, as text that Prometheus reads: OpenMetrics 1.0, or the older text format 0.0.4. The
 * same families in both. Never yields.
 */
#pragma once

#include "observe/criteria.h"

enum rf_metrics_format { RF_METRICS_OPENMETRICS, RF_METRICS_TEXT };

/* How one provider is now. */
struct rf_metrics_provider {
        const char *name, *breaker; /* "closed", "half_open" or "open" */
        uint64_t in_flight, waiting, blocked_us;
        double concurrency_limit, pace_ratio;
        bool is_quota_exhausted;
        int64_t quota_left; /* calls that its known limit leaves for now; -1: not known */
};

struct rf_metrics {
        const struct rf_figures *figures;
        const char *const *step_names, *const *cache_names, *const *outcome_names; /* by number */
        size_t n_steps, n_cache_states, n_outcomes;
        const struct rf_judgement *judgements; /* by criterion */
        const struct rf_metrics_provider *providers;
        size_t n_providers;
        const char *version;
        uint64_t started_wall_us, runs_active, runs_waiting, clients, memory_bytes, cache_entries, cache_bytes, lost;
};

const char *rf_metrics_content_type(enum rf_metrics_format format);
int rf_metrics_write(const struct rf_metrics *m, enum rf_metrics_format format, struct rf_buf *b); /* -ENOMEM */
