/* How many calls background work may make: what counts as one, and how it's told that there is none left. */
#include "house.h"

static void fails_twice(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)request;
        (void)now_us;
        ret->delay_us = 100000;
        service_says(ret, s->n_calls % 3 == 0 ? 200 : 503, "found");
}

static int with_allowance(struct house *h, struct rf_allowance *a, const char *text)
{
        return house_search_as(h, &(struct rf_caller){ .deadline_us = RF_FOREVER, .priority = RF_PRIORITY_BACKGROUND, .allowance = a }, text,
                               NULL);
}

static int retries(struct house *h)
{
        struct rf_allowance a = { .left = 5 };

        house_service(h, "alpha")->answer = fails_twice;
        assert_int_equal(with_allowance(h, &a, "first"), 0);
        assert_true(a.left == 2 && a.spent == 3);
        assert_int_equal(with_allowance(h, &a, "second"), 0); /* what was begun is ended */
        assert_true(a.left == 0 && a.spent == 6);
        assert_int_equal(with_allowance(h, &a, "third"), -RF_ELIMIT);
        assert_int_equal(house_service(h, "alpha")->n_calls, 6);
        assert_int_equal(with_allowance(h, &a, "first"), 0); /* the cache costs nothing */
        return 0;
}

static int batches(struct house *h)
{
        struct rf_allowance a = { .left = 0 };
        struct rf_caller caller = { .deadline_us = RF_FOREVER, .priority = RF_PRIORITY_BACKGROUND, .allowance = &a, .observe = house_observe,
                                    .observe_arg = h };
        struct rf_answer *answer = NULL;

        house_service(h, "alpha")->answer = fails_twice;
        assert_int_equal(rf_upstream_call(h->upstream, &caller, &(struct rf_query){ .op = RF_OP_TRACKS, .n_ids = 1,
                                                                                    .ids = (const char *[]){ "a" } }, &answer),
                         -RF_ELIMIT);
        assert_int_equal(h->last.error, -RF_ELIMIT);
        assert_true(h->last.attempts == 0 && a.spent == 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 0);
        return 0;
}

static void a_retry_costs_as_much_as_a_call(void **state)
{
        (void)state;
        house_with_alpha(retries);
}

static void a_batch_that_may_not_be_sent_is_told_as_refused(void **state)
{
        (void)state;
        house_with_alpha(batches);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_retry_costs_as_much_as_a_call),
                cmocka_unit_test(a_batch_that_may_not_be_sent_is_told_as_refused),
        };

        return cmocka_run_group_tests_name("allowance", tests, NULL, NULL);
}
