#include "test.h"

#include "base/error.h"
#include "base/random.h"
#include "observe/criteria.h"
#include "observe/openmetrics.h"
#include "observe/series.h"
#include "observe/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define NOON (1767268800 * SECOND) /* 2026-01-01 12:00 */

/* ---- Histograms ---- */

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static void buckets_follow_each_other_without_a_gap(void **state)
{
        (void)state;
        assert_int_equal(rf_histogram_bound_us(0), RF_HISTOGRAM_MIN_US);
        for (size_t i = 0; i < RF_HISTOGRAM_BUCKETS - 1; i++) {
                uint64_t end = rf_histogram_bound_us(i);

                assert_int_equal(rf_histogram_bucket(end), i);
                assert_int_equal(rf_histogram_bucket(end + 1), i + 1);
                /* the middle of a bucket is within the promise of all that it holds */
                if (i > 0)
                        assert_true((double)(end - rf_histogram_bound_us(i - 1)) / 2 <= RF_HISTOGRAM_ERROR * (double)rf_histogram_bound_us(i - 1));
        }
        assert_int_equal(rf_histogram_bound_us(RF_HISTOGRAM_BUCKETS - 2), RF_HISTOGRAM_MAX_US);
        assert_int_equal(rf_histogram_bound_us(RF_HISTOGRAM_BUCKETS - 1), UINT64_MAX);
        assert_int_equal(rf_histogram_bucket(UINT64_MAX), RF_HISTOGRAM_BUCKETS - 1);
        assert_int_equal(rf_histogram_bucket(0), 0);
}

static void quantiles_are_right_within_the_promised_error(void **state)
{
        enum { N = 20001 };
        static const double shares[] = { .001, .25, .5, .9, .95, .99, .999, 1 };
        uint64_t *values = calloc(N, sizeof(*values));
        struct rf_random random;
        struct rf_histogram h = { 0 };

        (void)state;
        rf_random_seed(&random, 7);
        for (size_t i = 0; i < N; i++) {
                double u = rf_random_unit(&random);

                values[i] = (uint64_t)(RF_HISTOGRAM_MIN_US * (1 + u * u * u * 900000)); /* 1 ms to 15 min */
                rf_histogram_add(&h, values[i]);
        }
        qsort(values, N, sizeof(*values), compare);
        for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
                double right = (double)values[(size_t)(shares[i] * N + .999999) - 1];
                double told = (double)rf_histogram_quantile_us(&h, shares[i]);

                assert_true(told > right * (1 - RF_HISTOGRAM_ERROR - 1e-9) && told < right * (1 + RF_HISTOGRAM_ERROR + 1e-9));
        }
        assert_int_equal(h.max_us, values[N - 1]);
        free(values);
}

static void a_merge_is_as_if_all_were_counted_in_one(void **state)
{
        struct rf_histogram all = { 0 }, odd = { 0 }, even = { 0 }, read = { 0 };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_reader rd;

        (void)state;
        for (uint64_t us = 1; us < 100000000000; us = us * 5 / 4 + 1) {
                rf_histogram_add(&all, us);
                rf_histogram_add(us % 2 ? &odd : &even, us);
        }
        rf_histogram_merge(&odd, &even);
        assert_memory_equal(&odd, &all, sizeof(all));
        assert_int_equal(rf_histogram_encode(&all, &b), 0);
        rd = (struct rf_reader){ .data = (const uint8_t *)b.data, .size = b.size };
        assert_int_equal(rf_histogram_decode(&rd, &read), 0);
        assert_memory_equal(&read, &all, sizeof(all));
        assert_true(b.size < 1200);
}

static void nothing_has_no_quantile_and_bounds_are_counted_exactly(void **state)
{
        struct rf_histogram h = { 0 };

        (void)state;
        assert_int_equal(rf_histogram_quantile_us(&h, .5), 0);
        rf_histogram_add(&h, 60 * SECOND);
        rf_histogram_add(&h, 60 * SECOND + 1);
        rf_histogram_add(&h, 20000 * SECOND);
        assert_int_equal(rf_histogram_count_until(&h, 60 * SECOND), 1);
        assert_int_equal(rf_histogram_count_until(&h, 90 * SECOND), 2);
        assert_int_equal(rf_histogram_quantile_us(&h, 1), 20000 * SECOND);
}

/* ---- Counting ---- */

static void run_for(struct rf_stats *s, uint64_t at, uint64_t us, uint64_t prompt)
{
        rf_stats_run(s, at, &(struct rf_run_fact){ .end = RF_RUN_END_DONE, .total_us = us, .step_us = { [1] = us }, .prompt_hash = prompt,
                                                   .hits = 3, .calls = 1 });
}

static void attempt(struct rf_stats *s, uint64_t at, const char *endpoint, enum rf_outcome outcome, bool is_timeout)
{
        rf_stats_attempt(s, at, &(struct rf_attempt_fact){ .provider = "reccobeat", .endpoint = endpoint, .outcome = outcome,
                                                           .is_timeout = is_timeout, .duration_us = SECOND, .in_flight = 4 });
}

static struct rf_figures *sum(struct rf_stats *s, uint64_t at, uint64_t since)
{
        struct rf_figures *f = NULL;
        uint64_t from;

        assert_int_equal(rf_stats_sum(s, at, since, &f, &from), 0);
        return f;
}

static uint64_t runs_since(struct rf_stats *s, uint64_t at, uint64_t since)
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = sum(s, at, since);

        assert_int_equal(f->run_time.count, f->runs[RF_RUN_END_DONE]);
        return f->runs[RF_RUN_END_DONE];
}

static void since_counts_what_is_young_enough(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        for (unsigned i = 0; i < 300; i++) /* one each minute, five hours long */
                run_for(s, NOON + i * MINUTE, 10 * SECOND, i + 1);
        assert_int_equal(runs_since(s, NOON + 299 * MINUTE, 0), 300);
        assert_int_equal(runs_since(s, NOON + 299 * MINUTE, 60 * MINUTE), 61); /* by whole minutes */
        assert_int_equal(runs_since(s, NOON + 299 * MINUTE, MINUTE), 2);
        assert_int_equal(runs_since(s, NOON + 299 * MINUTE, 120 * MINUTE), 121);
        assert_int_equal(runs_since(s, NOON + 299 * MINUTE, 3 * HOUR), 240); /* whole hours */
        /* much later only the sum over everything is left */
        assert_int_equal(runs_since(s, NOON + 8 * 24 * HOUR, HOUR), 0);
        assert_int_equal(runs_since(s, NOON + 8 * 24 * HOUR, 7 * 24 * HOUR), 0);
        assert_int_equal(runs_since(s, NOON + 8 * 24 * HOUR, 0), 300);
}

static void a_clock_that_is_set_back_loses_nothing_of_now(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        run_for(s, NOON, SECOND, 1);
        run_for(s, NOON - 24 * HOUR, SECOND, 2);
        run_for(s, NOON - 24 * HOUR + MINUTE, SECOND, 3);
        assert_int_equal(runs_since(s, NOON - 24 * HOUR + MINUTE, HOUR), 2);
        assert_int_equal(runs_since(s, NOON - 24 * HOUR + MINUTE, 0), 3);
}

static void repeats_are_runs_whose_prompt_came_before(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        run_for(s, NOON, SECOND, 11);
        run_for(s, NOON, SECOND, 12);
        run_for(s, NOON, SECOND, 11);
        f = sum(s, NOON, 0);
        assert_int_equal(f->repeats, 1);
        assert_int_equal(f->repeat_hits, 3);
        assert_int_equal(f->repeat_calls, 4);
}

static void endpoints_beyond_the_bound_are_counted_as_one(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        char name[32];

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        for (unsigned minute = 0; minute < 3; minute++)
                for (unsigned i = 0; i < RF_STATS_ENDPOINTS_MAX + 10; i++) {
                        snprintf(name, sizeof(name), "GET /%u", i);
                        attempt(s, NOON + minute * MINUTE, name, RF_OUTCOME_OK, false);
                }
        f = sum(s, NOON + 2 * MINUTE, 0);
        assert_int_equal(f->n_endpoints, RF_STATS_ENDPOINTS_MAX);
        assert_string_equal(f->endpoints[RF_STATS_ENDPOINTS_MAX - 1]->endpoint, "other");
        assert_int_equal(rf_endpoint_attempts(f->endpoints[RF_STATS_ENDPOINTS_MAX - 1]), 3 * 11);
        assert_int_equal(rf_endpoint_attempts(f->endpoints[0]), 3);
        assert_int_equal(rf_stats_lost(s), 0);
}

static void records_bring_everything_back_and_damage_is_refused(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL, *t = NULL;
        size_t refused = 0, tried = 0;

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        assert_int_equal(rf_stats_new(&t), 0);
        run_for(s, NOON, SECOND, 11);
        attempt(s, NOON + MINUTE, "GET /x", RF_OUTCOME_TRANSIENT, true);
        run_for(s, NOON + HOUR, 2 * SECOND, 12);
        assert_int_equal(rf_stats_close(s), 0);
        for (size_t i = 0; i < RF_STATS_RECORDS; i++) {
                _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

                if (!rf_stats_record_is_changed(s, i))
                        continue;
                assert_int_equal(rf_stats_record_encode(s, i, &b), 0);
                for (size_t cut = 0; cut < MIN(b.size, (size_t)40); cut++) {
                        tried++;
                        refused += rf_stats_record_decode(t, i, b.data, cut) == -RF_ECORRUPT;
                }
                assert_int_equal(rf_stats_record_decode(t, i, b.data, b.size), 0);
                b.data[0]++;
                assert_int_equal(rf_stats_record_decode(t, i, b.data, b.size), -RF_EFOREIGN);
        }
        assert_int_equal(refused, tried);
        assert_int_equal(runs_since(t, NOON + HOUR, 0), 2);
        assert_int_equal(runs_since(t, NOON + HOUR, 30 * MINUTE), 1);
        assert_int_equal(runs_since(t, NOON + HOUR, 24 * HOUR), 2);
        run_for(t, NOON + HOUR, SECOND, 11); /* prompts are known still */
        {
                _cleanup_(rf_figures_freep) struct rf_figures *f = sum(t, NOON + HOUR, 0);

                assert_int_equal(f->repeats, 1);
                assert_int_equal(f->endpoints[0]->timeouts, 1);
                assert_int_equal(rf_endpoint_wasted(f->endpoints[0]), 1);
        }
}

static void spoilt_records_are_read_without_harm(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;
        _cleanup_buf_ struct rf_buf total = RF_BUF_INIT;
        struct rf_random random;
        unsigned refused = 0;

        (void)state;
        rf_random_seed(&random, 3);
        assert_int_equal(rf_stats_new(&s), 0);
        for (unsigned i = 0; i < 20; i++) {
                run_for(s, NOON, i * SECOND, i + 1);
                attempt(s, NOON, i % 2 ? "GET /a" : "GET /b", RF_OUTCOME_OK, false);
        }
        assert_int_equal(rf_stats_close(s), 0);
        assert_int_equal(rf_stats_record_encode(s, 0, &total), 0);
        for (unsigned i = 0; i < 3000; i++) {
                _cleanup_(rf_stats_freep) struct rf_stats *t = NULL;
                _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
                size_t figures = total.size - 1 - 8 - RF_STATS_PROMPTS * 8;
                char *at = total.data + total.size - 1 - rf_random_below(&random, (uint32_t)figures), old = *at;
                uint64_t from_us;
                int r;

                *at = (char)rf_random_u64(&random);
                assert_int_equal(rf_stats_new(&t), 0);
                r = rf_stats_record_decode(t, 0, total.data, total.size);
                assert_true(r == 0 || r == -RF_ECORRUPT);
                refused += r < 0;
                attempt(t, NOON, "GET /c", RF_OUTCOME_OK, false);
                assert_int_equal(rf_stats_sum(t, NOON, 0, &f, &from_us), 0);
                *at = old;
        }
        assert_true(refused > 100);
}

/* ---- Criteria ---- */

static const struct rf_criteria criteria = { .limits = { 60, 90, .01, .5, .02 }, .timeouts_of = "reccobeat" };

static void criteria_are_met_missed_or_unknown(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;
        _cleanup_(rf_figures_freep) struct rf_figures *nothing = rf_figures_new(), *f = NULL;

        (void)state;
        for (unsigned i = 0; i < RF_CRITERION_COUNT; i++)
                assert_int_equal(rf_criterion_judge(&criteria, i, nothing).state, RF_CRITERION_UNKNOWN);
        assert_int_equal(rf_stats_new(&s), 0);
        for (unsigned i = 0; i < 94; i++)
                run_for(s, NOON, 50 * SECOND, 1000 + i);
        for (unsigned i = 0; i < 6; i++)
                run_for(s, NOON, 100 * SECOND, 5); /* the first isn't a repeat */
        for (unsigned i = 0; i < 99; i++)
                attempt(s, NOON, "GET /x", RF_OUTCOME_OK, false);
        attempt(s, NOON, "GET /y", RF_OUTCOME_TRANSIENT, true);
        attempt(s, NOON, "GET /y", RF_OUTCOME_CANCELLED, false); /* by us: says nothing of the service */
        for (unsigned i = 0; i < 100; i++)
                rf_stats_call(s, NOON, &(struct rf_call_fact){ .provider = "spotify", .endpoint = "GET /z", .is_error = i == 0, .step = 2 });
        f = sum(s, NOON, 0);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_P50, f).state, RF_CRITERION_MET);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_P95, f).state, RF_CRITERION_MISSED);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_TIMEOUTS, f).state, RF_CRITERION_MISSED); /* 1 % isn't below 1 % */
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_TIMEOUTS, f).n, 100);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_REPEAT_HITS, f).state, RF_CRITERION_MET);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_REPEAT_HITS, f).n, 20);
        assert_int_equal(rf_criterion_judge(&criteria, RF_CRITERION_ERRORS, f).state, RF_CRITERION_MET);
        assert_int_equal(f->steps[1].calls, 100);
        assert_int_equal(f->steps[1].errors, 1);
}

/* ---- Text ---- */

static void write_metrics(const struct rf_figures *f, enum rf_metrics_format format, struct rf_buf *b)
{
        static const char *const steps[] = { "understand", "gather" }, *const states[] = { "miss", "hit" }, *const outcomes[] = { "ok" };
        static const struct rf_metrics_provider provider = { .name = "a\"b\\c\nd", .breaker = "open", .quota_left = -1, .pace_ratio = .5 };
        struct rf_judgement judgements[RF_CRITERION_COUNT];
        struct rf_metrics m = { .figures = f, .step_names = steps, .cache_names = states, .outcome_names = outcomes, .n_steps = 2,
                                .n_cache_states = 2, .n_outcomes = 1, .judgements = judgements, .providers = &provider, .n_providers = 1,
                                .version = "1" };

        for (unsigned i = 0; i < RF_CRITERION_COUNT; i++)
                judgements[i] = rf_criterion_judge(&criteria, i, f);
        assert_int_equal(rf_metrics_write(&m, format, b), 0);
}

static void assert_line(const struct rf_buf *b, const char *line)
{
        char wanted[256];

        snprintf(wanted, sizeof(wanted), "\n%s\n", line);
        if (!strstr(b->data, wanted))
                fail_msg("no line %s", line);
}

static void metrics_are_text_in_two_formats(void **state)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = NULL;
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        _cleanup_buf_ struct rf_buf open = RF_BUF_INIT, old = RF_BUF_INIT;

        (void)state;
        assert_int_equal(rf_stats_new(&s), 0);
        run_for(s, NOON, 60 * SECOND, 1);
        attempt(s, NOON, "GET /x", RF_OUTCOME_OK, false);
        f = sum(s, NOON, 0);
        write_metrics(f, RF_METRICS_OPENMETRICS, &open);
        write_metrics(f, RF_METRICS_TEXT, &old);
        assert_line(&open, "# TYPE recflow_runs counter");
        assert_line(&open, "recflow_runs_total{end=\"done\"} 1");
        assert_line(&open, "# UNIT recflow_run_duration_seconds seconds");
        assert_line(&open, "recflow_run_duration_seconds_bucket{le=\"40.0\"} 0");
        assert_line(&open, "recflow_run_duration_seconds_bucket{le=\"60.0\"} 1");
        assert_line(&open, "recflow_run_duration_seconds_sum 60.000000");
        assert_line(&open, "recflow_pace_ratio{provider=\"a\\\"b\\\\c\\nd\"} 0.5");
        assert_line(&open, "recflow_attempts_total{provider=\"reccobeat\",endpoint=\"GET /x\",outcome=\"ok\"} 1");
        assert_line(&open, "recflow_criterion_met{criterion=\"p95\"} 1");
        assert_null(strstr(open.data, "recflow_criterion_met{criterion=\"errors\"}"));
        assert_string_equal(open.data + open.size - 6, "# EOF\n");
        assert_line(&old, "# TYPE recflow_runs_total counter");
        assert_null(strstr(old.data, "# UNIT"));
        assert_null(strstr(old.data, "# EOF"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(buckets_follow_each_other_without_a_gap),
                cmocka_unit_test(quantiles_are_right_within_the_promised_error),
                cmocka_unit_test(a_merge_is_as_if_all_were_counted_in_one),
                cmocka_unit_test(nothing_has_no_quantile_and_bounds_are_counted_exactly),
                cmocka_unit_test(since_counts_what_is_young_enough),
                cmocka_unit_test(a_clock_that_is_set_back_loses_nothing_of_now),
                cmocka_unit_test(repeats_are_runs_whose_prompt_came_before),
                cmocka_unit_test(endpoints_beyond_the_bound_are_counted_as_one),
                cmocka_unit_test(records_bring_everything_back_and_damage_is_refused),
                cmocka_unit_test(spoilt_records_are_read_without_harm),
                cmocka_unit_test(criteria_are_met_missed_or_unknown),
                cmocka_unit_test(metrics_are_text_in_two_formats),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
