#include "test.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "sim/nearest.h"
#include "sim/setup.h"
#include "sim/statistics.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* ---- Statistics ---- */

static void percentiles_lie_between_ranks(void **state)
{
        double five[] = { 50, 10, 40, 20, 30 }, one[] = { 7 };

        (void)state;
        NEAR(sim_percentile(five, 5, 50), 30);
        NEAR(sim_percentile(five, 5, 0), 10);
        NEAR(sim_percentile(five, 5, 100), 50);
        NEAR(sim_percentile(five, 5, 95), 48);
        NEAR(sim_percentile(one, 1, 99), 7);
        NEAR(sim_percentile(NULL, 0, 50), 0);
        NEAR(sim_mean(five, 5), 30);
        NEAR(sim_mean(NULL, 0), 0);
}

static void intervals_hold_the_mean_and_are_the_same_each_time(void **state)
{
        double differences[40];
        size_t subjects[40];
        struct sim_interval a, b, c;

        (void)state;
        for (size_t i = 0; i < 40; i++) {
                differences[i] = 0.1 + ((double)(i % 7) - 3) * 0.01;
                subjects[i] = i % 10;
        }
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 1, &a), 0);
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 1, &b), 0);
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 2, &c), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_true(a.low < a.mean && a.mean < a.high);
        assert_true(a.low > 0.05 && a.high < 0.15);
        assert_true(c.low != a.low || c.high != a.high);
}

static void many_runs_of_one_prompt_count_as_one(void **state)
{
        /* nine runs of one subject say no more than one: the mean is that of the subjects */
        double differences[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
        size_t subjects[10] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
        struct sim_interval v;

        (void)state;
        assert_int_equal(sim_paired_interval(differences, subjects, 10, 2, 1, &v), 0);
        NEAR(v.mean, 0.5);
        NEAR(v.low, 0.0);
        NEAR(v.high, 1.0);
}

/* ---- Names ---- */

static void the_nearest_name_is_offered_if_it_is_near(void **state)
{
        struct sim_nearest n = { 0 };
        char buf[160];

        (void)state;
        sim_nearest_offer(&n, "upstream.retrys", "upstream.refusal");
        sim_nearest_offer(&n, "upstream.retrys", "upstream.retries");
        sim_nearest_offer(&n, "upstream.retrys", "cache.size");
        assert_string_equal(sim_nearest_text(&n, "upstream.retrys", buf, sizeof(buf)), ", did you mean upstream.retries?");
        n = (struct sim_nearest){ 0 };
        sim_nearest_offer(&n, "xyzzy", "coalesce");
        assert_string_equal(sim_nearest_text(&n, "xyzzy", buf, sizeof(buf)), "");
}

static struct sim_setup *new_setup(void)
{
        struct sim_setup *s = NULL;
        char message[512] = "";

        assert_int_equal(sim_setup_new(sim_model_find("mock"), TEST_BUILDDIR "/.libs", &s, message, sizeof(message)), 0);
        return s;
}

static void overrides_set_what_they_name(void **state)
{
        struct sim_setup *s = new_setup();
        struct rf_optimizations set = rf_optimizations_full();
        const struct rf_provider_config *c;
        char message[512] = "";
        bool is_found = false;

        (void)state;
        assert_int_equal(sim_setup_get(s, RF_SET_UPSTREAM_RETRIES)->integer, 2);
        assert_int_equal(sim_setup_override(s, "upstream.retries=4", message, sizeof(message)), 0);
        assert_int_equal(sim_setup_get(s, RF_SET_UPSTREAM_RETRIES)->integer, 4);
        assert_int_equal(sim_setup_override(s, "optimizations.coalesce=off", message, sizeof(message)), 0);
        set = sim_setup_optimizations(s, set);
        assert_false(rf_is_on(&set, RF_OPT_COALESCE));
        assert_true(rf_is_on(&set, RF_OPT_PARALLEL_ARTISTS));
        assert_int_equal(sim_setup_override(s, "provider.mock.latency=3s", message, sizeof(message)), 0);
        c = sim_setup_provider(s, 0);
        for (size_t i = 0; i < c->n_options; i++)
                is_found |= strcmp(c->options[i].name, "latency") == 0 && strcmp(c->options[i].value, "3s") == 0;
        assert_true(is_found);
        sim_setup_free(s);
}

static void wrong_overrides_are_named(void **state)
{
        static const struct {
                const char *assignment, *words;
        } wrong[] = {
                { "upstream.retrys=3", "did you mean upstream.retries?" },
                { "optimizations.coalesc=on", "did you mean optimizations.coalesce?" },
                { "provider.mock.latenci=1s", "did you mean provider.mock.latency?" },
                { "provider.spotify.rate=1", "there is no option provider.spotify.rate" }, /* not in this model */
                { "upstream.retries=99", "0 to 5" },
                { "optimizations.coalesce=maybe", "yes or no" },
                { "provider.mock.latency=soon", "such as" },
                { "retries=3", "there is no option retries" },
                { "upstream.retries", "NAME=VALUE" },
                { "=3", "NAME=VALUE" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct sim_setup *s = new_setup();
                char message[512] = "";

                assert_int_equal(sim_setup_override(s, wrong[i].assignment, message, sizeof(message)), -RF_ECONFIG);
                if (!strstr(message, wrong[i].words))
                        print_message("# %s: %s\n", wrong[i].assignment, message);
                assert_non_null(strstr(message, wrong[i].words));
                sim_setup_free(s);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(percentiles_lie_between_ranks),
                cmocka_unit_test(intervals_hold_the_mean_and_are_the_same_each_time),
                cmocka_unit_test(many_runs_of_one_prompt_count_as_one),
                cmocka_unit_test(the_nearest_name_is_offered_if_it_is_near),
                cmocka_unit_test(overrides_set_what_they_name),
                cmocka_unit_test(wrong_overrides_are_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
