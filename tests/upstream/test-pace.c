#include "test.h"

#include "base/macros.h"
#include "upstream/pace.h"

#define SECOND ((uint64_t)USEC_PER_SEC)

/* Calls as fast as they may go, each answered at once, until `until_us`. */
static uint64_t run(struct rf_pace *p, uint64_t from_us, uint64_t until_us)
{
        uint64_t now_us = from_us, n = 0;

        while ((now_us = rf_pace_next(p, now_us)) < until_us) {
                rf_pace_answered(p, rf_pace_take(p, now_us), true);
                n++;
        }
        return n;
}

static void a_burst_goes_at_once_then_the_rate(void **state)
{
        struct rf_pace p;

        (void)state;
        rf_pace_init(&p, 2, 5);
        assert_int_equal(run(&p, 0, 1), 5);
        assert_true(rf_pace_next(&p, 0) == SECOND / 2);
        assert_true(rf_pace_nth(&p, 0, 3) == 2 * SECOND);
        assert_int_equal(run(&p, 0, 10 * SECOND + 1), 20);
        assert_int_equal(run(&p, 100 * SECOND, 100 * SECOND + 1), 5); /* saved up, and no more than the burst */
}

/* Kept to the call: all that the window holds at once, the next when the first has left it; a refusal lowers it. */
static void a_limit_that_is_known_is_kept_to_the_call(void **state)
{
        struct rf_pace p;
        uint64_t now_us = 5 * USEC_PER_SEC, first_us = now_us;

        (void)state;
        rf_pace_init(&p, 2, 6);
        rf_pace_know(&p, 10, USEC_PER_SEC);
        for (unsigned i = 0; i < 10; i++) {
                assert_true(rf_pace_next(&p, now_us) == now_us);
                assert_true(rf_pace_take(&p, now_us) == 0);
                now_us += 10000;
        }
        /* a fiftieth longer than the window, for what is on its way */
        assert_true(rf_pace_next(&p, now_us) == first_us + USEC_PER_SEC + USEC_PER_SEC / 50);
        assert_true(rf_pace_nth(&p, now_us, 1) == first_us + 10000 + USEC_PER_SEC + USEC_PER_SEC / 50);
        assert_true(rf_pace_nth(&p, now_us, 10) == first_us + 2 * (USEC_PER_SEC + USEC_PER_SEC / 50));
        now_us = first_us + USEC_PER_SEC + USEC_PER_SEC / 50;
        assert_true(rf_pace_next(&p, now_us) == now_us);
        assert_true(rf_pace_refused(&p, now_us, now_us));
        assert_true(rf_pace_next(&p, now_us) > now_us);
        rf_pace_rest(&p, now_us + 7 * USEC_PER_SEC);
        assert_true(rf_pace_next(&p, now_us) == now_us + 7 * USEC_PER_SEC);
}

static void no_rate_means_no_pace(void **state)
{
        struct rf_pace p;

        (void)state;
        rf_pace_init(&p, 0, 1);
        for (int i = 0; i < 1000; i++) {
                assert_true(rf_pace_next(&p, 7) == 7);
                assert_true(rf_pace_take(&p, 7) == 0);
        }
        assert_false(rf_pace_refused(&p, 7, 8));
        assert_true(rf_pace_next(&p, 8) == 8);
}

static void beyond_the_burst_calls_go_one_at_a_time_until_accepted(void **state)
{
        struct rf_pace p;
        uint64_t explored;

        (void)state;
        rf_pace_init(&p, 10, 3);
        for (int i = 0; i < 3; i++)
                assert_true(rf_pace_take(&p, 0) == 0); /* on trust */
        explored = rf_pace_take(&p, SECOND);
        assert_true(explored == 4);
        assert_true(rf_pace_next(&p, 2 * SECOND) == SECOND + RF_PACE_EXPLORE_US); /* not while that has no answer, */
        assert_true(rf_pace_next(&p, 4 * SECOND) == 4 * SECOND);                  /* but not for ever either */
        rf_pace_answered(&p, explored, true);
        assert_true(rf_pace_next(&p, 2 * SECOND) == 2 * SECOND);
        assert_true(rf_pace_take(&p, 29 * SECOND) == 5);
        assert_true(rf_pace_next(&p, 29 * SECOND + 100000) == 30 * SECOND); /* until the window holds no more than is proven */
        assert_true(rf_pace_take(&p, 31 * SECOND) == 0);
}

static void a_refusal_lowers_once_for_all_that_were_under_way(void **state)
{
        struct rf_pace p;
        double scale;

        (void)state;
        rf_pace_init(&p, 2, 10); /* 70 in a window */
        assert_int_equal(run(&p, 0, 10 * SECOND), 29);
        assert_true(rf_pace_refused(&p, 9 * SECOND, 10 * SECOND));
        scale = p.scale;
        assert_true(scale > .34 && scale < .36); /* .85 of 29 in 70 */
        assert_false(rf_pace_refused(&p, 9 * SECOND, 11 * SECOND)); /* it went before that was known */
        assert_true(p.scale == scale);
        assert_true(rf_pace_refused(&p, 12 * SECOND, 13 * SECOND));
        assert_true(p.scale < scale * .71);
}

static void what_went_before_a_refusal_counts_with_what_follows(void **state)
{
        struct rf_pace p;

        (void)state;
        rf_pace_init(&p, 2, 20); /* 80 in a window */
        assert_int_equal(run(&p, 0, 1), 20);
        assert_true(rf_pace_refused(&p, 0, SECOND)); /* 20 were too many: at most 17 from now on */
        rf_pace_rest(&p, 5 * SECOND);
        assert_true(rf_pace_next(&p, 5 * SECOND) == 30 * SECOND); /* they still fill the window */
        assert_true(run(&p, 30 * SECOND, 60 * SECOND - 1) <= 17);
        assert_true(run(&p, 60 * SECOND, 90 * SECOND - 1) <= 17);
}

static void after_a_rest_there_is_no_burst(void **state)
{
        struct rf_pace p;

        (void)state;
        rf_pace_init(&p, 1, 20);
        rf_pace_rest(&p, 100 * SECOND);
        assert_int_equal(run(&p, 0, 100 * SECOND), 0);
        assert_int_equal(run(&p, 100 * SECOND, 100 * SECOND + 1), 1);
}

static void quiet_raises_it_to_just_below_what_was_refused_for_a_day(void **state)
{
        struct rf_pace p;
        uint64_t now_us = 10 * SECOND, day_us = RF_PACE_CEILING_US;

        (void)state;
        rf_pace_init(&p, 2, 10);
        assert_int_equal(run(&p, 0, now_us), 29);
        assert_true(rf_pace_refused(&p, now_us - 1, now_us));
        (void)rf_pace_next(&p, now_us + RF_PACE_QUIET_US - 1);
        assert_true(p.scale < .36);
        (void)rf_pace_next(&p, now_us + RF_PACE_QUIET_US);
        assert_true(p.scale > .38 && p.scale * 70 < 29);
        (void)rf_pace_next(&p, now_us + day_us - SECOND);
        assert_true(p.scale * 70 < 29);
        (void)rf_pace_next(&p, now_us + day_us + 10 * RF_PACE_QUIET_US);
        assert_true(p.scale == 1.0);
}

static void a_refusal_out_of_the_blue_is_forgotten_sooner(void **state)
{
        struct rf_pace p;

        (void)state;
        rf_pace_init(&p, 2, 10);
        assert_true(rf_pace_take(&p, 0) == 0);
        assert_true(rf_pace_refused(&p, 0, SECOND)); /* after one call: somebody else's calls, perhaps */
        assert_true(p.scale == RF_PACE_SCALE_MIN);
        (void)rf_pace_next(&p, SECOND + 10 * RF_PACE_QUIET_US);
        assert_true(p.scale == .25);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_burst_goes_at_once_then_the_rate),
                cmocka_unit_test(a_limit_that_is_known_is_kept_to_the_call),
                cmocka_unit_test(no_rate_means_no_pace),
                cmocka_unit_test(beyond_the_burst_calls_go_one_at_a_time_until_accepted),
                cmocka_unit_test(a_refusal_lowers_once_for_all_that_were_under_way),
                cmocka_unit_test(what_went_before_a_refusal_counts_with_what_follows),
                cmocka_unit_test(after_a_rest_there_is_no_burst),
                cmocka_unit_test(quiet_raises_it_to_just_below_what_was_refused_for_a_day),
                cmocka_unit_test(a_refusal_out_of_the_blue_is_forgotten_sooner),
        };

        return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
