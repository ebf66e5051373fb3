#include "test.h"

#include "base/limits.h"
#include "base/macros.h"
#include "upstream/retry.h"

static void the_budget_is_a_fifth_of_the_calls_and_a_few(void **state)
{
        struct rf_retry_budget b;
        unsigned n = 0;

        (void)state;
        rf_retry_budget_init(&b);
        while (rf_retry_budget_spend(&b))
                n++;
        assert_int_equal(n, 10);
        for (unsigned i = 0; i < 50; i++)
                rf_retry_budget_earn(&b);
        for (n = 0; rf_retry_budget_spend(&b);)
                n++;
        assert_in_range(n, 9, 10);
        for (unsigned i = 0; i < 10000; i++)
                rf_retry_budget_earn(&b);
        for (n = 0; rf_retry_budget_spend(&b);)
                n++;
        assert_int_equal(n, RF_RETRIES_SAVED_MAX);
}

static void the_pause_doubles_up_to_a_bound_and_jitters_fully(void **state)
{
        (void)state;
        assert_true(rf_retry_backoff_us(1, 1.0) == 400000);
        assert_true(rf_retry_backoff_us(2, 1.0) == 800000);
        assert_true(rf_retry_backoff_us(3, .5) == 800000);
        assert_true(rf_retry_backoff_us(3, 0.0) == 0);
        assert_true(rf_retry_backoff_us(30, 1.0) == 10 * USEC_PER_SEC);
        assert_true(rf_retry_backoff_us(UINT32_MAX, 1.0) == 10 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_budget_is_a_fifth_of_the_calls_and_a_few),
                cmocka_unit_test(the_pause_doubles_up_to_a_bound_and_jitters_fully),
        };

        return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
