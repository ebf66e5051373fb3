/* What is old is served at once and fetched anew behind the reader's back. */
#include "house.h"

static const char *body = "one";
static uint16_t status = 200;

static void says_so(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        ret->delay_us = USEC_PER_SEC;
        service_says(ret, status, body);
}

static int reads(struct house *h)
{
        struct service *s = house_service(h, "alpha");
        uint64_t began_us;

        s->answer = says_so;
        assert_int_equal(house_search(h, "a"), 0);
        assert_int_equal(rf_sleep_us(3300 * USEC_PER_SEC), 0);
        while (rf_upstream_stats(h->upstream).refreshes == 0) { /* the hour, give or take a tenth; in its last tenth it's renewed */
                began_us = rf_now_us();
                assert_int_equal(house_search(h, "a"), 0);
                assert_true(rf_now_us() == began_us && h->last.attempts == 0);
                assert_int_equal(rf_yield_until_idle(), 0);
                if (rf_upstream_stats(h->upstream).refreshes == 0)
                        assert_int_equal(rf_sleep_us(60 * USEC_PER_SEC), 0);
        }
        for (int i = 0; i < 10; i++)
                assert_int_equal(house_search(h, "a"), 0); /* one is under way: no other */
        assert_int_equal(rf_sleep_us(2 * USEC_PER_SEC), 0);
        assert_int_equal(s->n_calls, 2);
        assert_int_equal(house_search(h, "a"), 0);
        assert_int_equal(h->last.cache, RF_CACHE_HIT);
        assert_int_equal(rf_upstream_stats(h->upstream).refreshes, 1);
        assert_int_equal(rf_sleep_us(6000 * USEC_PER_SEC), 0);
        status = 503;
        began_us = rf_now_us();
        assert_int_equal(house_search(h, "a"), 0); /* stale */
        assert_int_equal(h->last.cache, RF_CACHE_STALE);
        assert_true(rf_now_us() == began_us);
        assert_int_equal(rf_sleep_us(60 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "a"), 0); /* and still there, though the renewal failed */
        return 0;
}

static void old_answers_cost_no_wait_and_are_renewed_once(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        house_open(&h);
        house_load(&h, "alpha", NULL);
        house_run(&h, 0, reads);
        house_close(&h);
        house_remove(&h);
}

static int is_empty(struct house *h)
{
        struct service *s = house_service(h, "alpha");

        s->answer = says_so;
        status = 200;
        body = "";
        assert_int_equal(house_search(h, "nothing"), 0);
        assert_int_equal(h->last.outcome, RF_OUTCOME_EMPTY);
        assert_int_equal(rf_sleep_us(500 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "nothing"), 0);
        assert_int_equal(h->last.cache, RF_CACHE_NEGATIVE);
        assert_int_equal(rf_sleep_us(200 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "nothing"), 0); /* an absence isn't served stale */
        assert_int_equal(h->last.cache, RF_CACHE_MISS);
        assert_int_equal(s->n_calls, 2);
        return 0;
}

static void absences_are_kept_for_a_shorter_time(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        house_open(&h);
        house_load(&h, "alpha", NULL);
        house_run(&h, 0, is_empty);
        house_close(&h);
        house_remove(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(old_answers_cost_no_wait_and_are_renewed_once),
                cmocka_unit_test(absences_are_kept_for_a_shorter_time),
        };

        return cmocka_run_group_tests_name("refresh", tests, NULL, NULL);
}
