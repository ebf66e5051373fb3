#include "test.h"

#include "base/error.h"
#include "upstream/breaker.h"

static const struct rf_breaker_options options = { .failures = 3, .rate_percent = 50, .slow_us = 1000, .open_us = 10000, .probes = 1,
                                                   .probe_us = 20000 };

static int enter(struct rf_breaker *b, uint64_t now_us, struct rf_pass *p)
{
        uint64_t retry_us = 0;
        int r = rf_breaker_enter(b, now_us, p, &retry_us);

        if (r < 0)
                assert_true(retry_us > 0);
        return r;
}

static void call(struct rf_breaker *b, uint64_t now_us, uint64_t took_us, enum rf_pass_result result)
{
        struct rf_pass p;

        assert_int_equal(enter(b, now_us, &p), 0);
        rf_breaker_done(b, now_us + took_us, &p, result);
}

static void failures_in_a_row_open_it(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = NULL;
        struct rf_pass p;
        uint64_t retry_us;

        (void)state;
        assert_int_equal(rf_breaker_new(&options, &b), 0);
        call(b, 0, 1, RF_PASS_FAILURE);
        call(b, 0, 1, RF_PASS_FAILURE);
        call(b, 0, 1, RF_PASS_SUCCESS); /* breaks the row */
        call(b, 0, 1, RF_PASS_FAILURE);
        call(b, 0, 1, RF_PASS_NEUTRAL); /* doesn't */
        call(b, 0, 1, RF_PASS_FAILURE);
        assert_int_equal(rf_breaker_state(b, 1), RF_BREAKER_CLOSED);
        call(b, 0, 1, RF_PASS_FAILURE);
        assert_int_equal(rf_breaker_state(b, 1), RF_BREAKER_OPEN);
        assert_int_equal(rf_breaker_enter(b, 4001, &p, &retry_us), -RF_EOPEN);
        assert_true(retry_us == 6000);
        assert_true(rf_breaker_times_opened(b) == 1);
}

static void a_rate_of_failures_or_of_slow_calls_opens_it(void **state)
{
        for (int slow = 0; slow < 2; slow++) {
                _cleanup_(rf_breaker_freep) struct rf_breaker *b = NULL;

                (void)state;
                assert_int_equal(rf_breaker_new(&options, &b), 0);
                for (unsigned i = 0; i < RF_BREAKER_WINDOW; i++) { /* two of three, never three in a row */
                        bool is_bad = i % 3 > 0;

                        assert_int_equal(rf_breaker_state(b, 0), RF_BREAKER_CLOSED);
                        call(b, 0, is_bad && slow ? 1001 : 1000, is_bad && !slow ? RF_PASS_FAILURE : RF_PASS_SUCCESS);
                }
                assert_int_equal(rf_breaker_state(b, 0), RF_BREAKER_OPEN);
        }
}

static struct rf_breaker *opened(void)
{
        struct rf_breaker *b;

        assert_int_equal(rf_breaker_new(&options, &b), 0);
        for (int i = 0; i < 3; i++)
                call(b, 0, 0, RF_PASS_FAILURE);
        return b;
}

static void half_open_lets_a_probe_through_and_obeys_it(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = opened();
        struct rf_pass p, q;

        (void)state;
        assert_int_equal(enter(b, 9999, &p), -RF_EOPEN);
        assert_int_equal(rf_breaker_state(b, 10000), RF_BREAKER_HALF_OPEN);
        assert_int_equal(enter(b, 10000, &p), 0);
        assert_int_equal(enter(b, 10001, &q), -RF_EOPEN); /* one at a time */
        rf_breaker_done(b, 10002, &p, RF_PASS_FAILURE);
        assert_int_equal(rf_breaker_state(b, 10002), RF_BREAKER_OPEN); /* anew */
        assert_int_equal(enter(b, 20001, &p), -RF_EOPEN);
        assert_int_equal(enter(b, 20002, &p), 0);
        rf_breaker_done(b, 20003, &p, RF_PASS_SUCCESS);
        assert_int_equal(rf_breaker_state(b, 20003), RF_BREAKER_CLOSED);
        assert_int_equal(enter(b, 20003, &p), 0);
        assert_int_equal(enter(b, 20003, &q), 0);
}

static void a_cancelled_probe_gives_its_place_to_the_next(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = opened();
        struct rf_pass p, q;

        (void)state;
        assert_int_equal(enter(b, 10000, &p), 0);
        rf_breaker_done(b, 10001, &p, RF_PASS_NEUTRAL);
        assert_int_equal(rf_breaker_state(b, 10001), RF_BREAKER_HALF_OPEN);
        assert_int_equal(enter(b, 10001, &q), 0);
        rf_breaker_done(b, 10001, &p, RF_PASS_NEUTRAL); /* twice is harmless */
        assert_int_equal(enter(b, 10001, &p), -RF_EOPEN);
}

static void a_lost_probe_does_not_keep_it_shut_for_ever(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = opened();
        struct rf_pass lost, p;

        (void)state;
        assert_int_equal(enter(b, 10000, &lost), 0);
        assert_int_equal(enter(b, 29999, &p), -RF_EOPEN);
        assert_int_equal(enter(b, 30000, &p), 0);
}

static void late_answers_of_an_older_generation_count_for_nothing(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = NULL;
        struct rf_pass late[4], p;

        (void)state;
        assert_int_equal(rf_breaker_new(&options, &b), 0);
        for (int i = 0; i < 4; i++)
                assert_int_equal(enter(b, 0, &late[i]), 0);
        for (int i = 0; i < 3; i++)
                call(b, 0, 0, RF_PASS_FAILURE);
        rf_breaker_done(b, 5000, &late[0], RF_PASS_SUCCESS);
        assert_int_equal(rf_breaker_state(b, 5000), RF_BREAKER_OPEN); /* it says nothing of now */
        assert_int_equal(enter(b, 10000, &p), 0);
        rf_breaker_done(b, 10001, &p, RF_PASS_SUCCESS);
        for (int i = 1; i < 4; i++)
                rf_breaker_done(b, 10002, &late[i], RF_PASS_FAILURE);
        assert_int_equal(rf_breaker_state(b, 10002), RF_BREAKER_CLOSED);
}

static void without_options_it_never_opens(void **state)
{
        _cleanup_(rf_breaker_freep) struct rf_breaker *b = NULL;

        (void)state;
        assert_int_equal(rf_breaker_new(&(struct rf_breaker_options){ 0 }, &b), 0);
        for (int i = 0; i < 100; i++)
                call(b, 0, 0, RF_PASS_FAILURE);
        assert_int_equal(rf_breaker_state(b, 0), RF_BREAKER_CLOSED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(failures_in_a_row_open_it),
                cmocka_unit_test(a_rate_of_failures_or_of_slow_calls_opens_it),
                cmocka_unit_test(half_open_lets_a_probe_through_and_obeys_it),
                cmocka_unit_test(a_cancelled_probe_gives_its_place_to_the_next),
                cmocka_unit_test(a_lost_probe_does_not_keep_it_shut_for_ever),
                cmocka_unit_test(late_answers_of_an_older_generation_count_for_nothing),
                cmocka_unit_test(without_options_it_never_opens),
        };

        return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
