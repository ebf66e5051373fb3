#include "observe/criteria.h"

#include <string.h>

static const struct {
        const char *name;
        bool is_time, is_floor;
} CRITERIA[RF_CRITERION_COUNT] = {
        [RF_CRITERION_P50] = { "p50", true, false },
        [RF_CRITERION_P95] = { "p95", true, false },
        [RF_CRITERION_TIMEOUTS] = { "timeouts", false, false },
        [RF_CRITERION_REPEAT_HITS] = { "repeat_hits", false, true },
        [RF_CRITERION_ERRORS] = { "errors", false, false },
};

const char *rf_criterion_name(enum rf_criterion c)
{
        return CRITERIA[c].name;
}

bool rf_criterion_is_time(enum rf_criterion c)
{
        return CRITERIA[c].is_time;
}

bool rf_criterion_is_floor(enum rf_criterion c)
{
        return CRITERIA[c].is_floor;
}

const char *rf_criterion_state_name(enum rf_criterion_state s)
{
        static const char *const names[] = { [RF_CRITERION_MET] = "met", [RF_CRITERION_MISSED] = "missed",
                                             [RF_CRITERION_UNKNOWN] = "unknown" };

        return names[s];
}

static double share(uint64_t part, uint64_t whole)
{
        return whole > 0 ? (double)part / (double)whole : 0;
}

static double timeouts(const struct rf_criteria *c, const struct rf_figures *f, uint64_t *ret_n)
{
        uint64_t n_timeouts = 0, n = 0;

        for (size_t i = 0; i < f->n_endpoints; i++) {
                const struct rf_endpoint_figures *e = f->endpoints[i];

                if (c->timeouts_of && c->timeouts_of[0] && strcmp(c->timeouts_of, e->provider) != 0)
                        continue;
                n_timeouts += e->timeouts;
                n += rf_endpoint_attempts(e) - e->attempts[RF_OUTCOME_CANCELLED];
        }
        *ret_n = n;
        return share(n_timeouts, n);
}

static double errors(const struct rf_figures *f, uint64_t *ret_n)
{
        uint64_t n_errors = 0, n = 0;

        for (size_t i = 0; i < f->n_endpoints; i++) {
                n_errors += f->endpoints[i]->errors;
                n += f->endpoints[i]->calls;
        }
        *ret_n = n;
        return share(n_errors, n);
}

static double value_of(const struct rf_criteria *c, enum rf_criterion which, const struct rf_figures *f, uint64_t *ret_n)
{
        switch (which) {
        case RF_CRITERION_P50:
        case RF_CRITERION_P95:
                *ret_n = f->run_time.count;
                return (double)rf_histogram_quantile_us(&f->run_time, which == RF_CRITERION_P50 ? .5 : .95) / 1e6;
        case RF_CRITERION_TIMEOUTS:
                return timeouts(c, f, ret_n);
        case RF_CRITERION_REPEAT_HITS:
                *ret_n = f->repeat_calls;
                return share(f->repeat_hits, f->repeat_calls);
        default:
                return errors(f, ret_n);
        }
}

struct rf_judgement rf_criterion_judge(const struct rf_criteria *c, enum rf_criterion which, const struct rf_figures *f)
{
        struct rf_judgement j = { .state = RF_CRITERION_UNKNOWN, .limit = c->limits[which] };

        j.value = value_of(c, which, f, &j.n);
        if (j.n > 0)
                j.state = (CRITERIA[which].is_floor ? j.value > j.limit : j.value < j.limit) ? RF_CRITERION_MET : RF_CRITERION_MISSED;
        return j;
}
