#include "test.h"

#include "upstream/fair_queue.h"

static struct rf_fair_entry entries[64];

static void push(struct rf_fair_queue *q, size_t i, uint64_t client, enum rf_priority priority)
{
        rf_fair_queue_push(q, &entries[i], client, priority);
}

static size_t pop(struct rf_fair_queue *q)
{
        struct rf_fair_entry *e = rf_fair_queue_pop(q);

        return e ? (size_t)(e - entries) : 99;
}

static void clients_take_turns_however_many_calls_one_has(void **state)
{
        struct rf_fair_queue q;

        (void)state;
        rf_fair_queue_init(&q);
        for (size_t i = 0; i < 5; i++)
                push(&q, i, 1, RF_PRIORITY_PERSON);
        assert_int_equal(rf_fair_queue_ahead(&q, 2, RF_PRIORITY_PERSON), 1);
        assert_int_equal(rf_fair_queue_ahead(&q, 1, RF_PRIORITY_PERSON), 5);
        push(&q, 10, 2, RF_PRIORITY_PERSON);
        push(&q, 11, 2, RF_PRIORITY_PERSON);
        assert_int_equal(rf_fair_queue_ahead(&q, 2, RF_PRIORITY_PERSON), 5); /* two of its own, three of the other's */
        push(&q, 20, 3, RF_PRIORITY_PERSON);
        for (size_t i = 0; i < 8; i++)
                assert_int_equal(pop(&q), ((const size_t[]){ 0, 10, 20, 1, 11, 2, 3, 4 })[i]);
        assert_int_equal(pop(&q), 99);
        assert_int_equal(q.n, 0);
}

static void who_comes_back_from_a_call_is_not_behind_who_never_left(void **state)
{
        struct rf_fair_queue q;

        (void)state;
        rf_fair_queue_init(&q);
        for (size_t i = 0; i < 5; i++)
                push(&q, i, 1, RF_PRIORITY_PERSON);
        push(&q, 10, 2, RF_PRIORITY_PERSON);
        assert_int_equal(pop(&q), 0);
        assert_int_equal(pop(&q), 10);
        assert_int_equal(pop(&q), 1); /* client 2's call is under way */
        assert_int_equal(rf_fair_queue_ahead(&q, 2, RF_PRIORITY_PERSON), 0);
        push(&q, 11, 2, RF_PRIORITY_PERSON);
        push(&q, 20, 3, RF_PRIORITY_PERSON);
        assert_int_equal(pop(&q), 20); /* never had a turn */
        assert_int_equal(pop(&q), 11);
        assert_int_equal(pop(&q), 2);
}

static void people_go_before_background_work(void **state)
{
        struct rf_fair_queue q;

        (void)state;
        rf_fair_queue_init(&q);
        push(&q, 0, 1, RF_PRIORITY_BACKGROUND);
        push(&q, 1, 1, RF_PRIORITY_PERSON);
        push(&q, 2, 2, RF_PRIORITY_PERSON);
        assert_int_equal(rf_fair_queue_ahead(&q, 3, RF_PRIORITY_PERSON), 2);
        assert_int_equal(rf_fair_queue_ahead(&q, 3, RF_PRIORITY_BACKGROUND), 3);
        assert_int_equal(pop(&q), 1);
        assert_int_equal(pop(&q), 2);
        assert_int_equal(pop(&q), 0);
}

static void whoever_leaves_keeps_nobody_elses_place(void **state)
{
        struct rf_fair_queue q;

        (void)state;
        for (size_t leaver = 0; leaver < 6; leaver++) {
                size_t last[2] = { 0, 0 }, n = 0, i;

                rf_fair_queue_init(&q);
                for (i = 0; i < 6; i++)
                        push(&q, i, i / 3, RF_PRIORITY_PERSON); /* 0 1 2 of one client, 3 4 5 of another */
                rf_fair_queue_remove(&q, &entries[leaver]);
                rf_fair_queue_remove(&q, &entries[leaver]); /* harmless */
                assert_int_equal(q.n, 5);
                while ((i = pop(&q)) != 99) {
                        assert_int_not_equal(i, leaver);
                        assert_true(last[i / 3] <= i); /* in order within each client */
                        last[i / 3] = i;
                        n++;
                }
                assert_int_equal(n, 5);
        }
}

static size_t n_seen;

static void see(struct rf_fair_entry *e)
{
        n_seen += e->is_queued;
}

static void everyone_can_be_told(void **state)
{
        struct rf_fair_queue q;

        (void)state;
        rf_fair_queue_init(&q);
        for (size_t i = 0; i < 30; i++)
                push(&q, i, i % 4, i % 2 ? RF_PRIORITY_PERSON : RF_PRIORITY_BACKGROUND);
        n_seen = 0;
        rf_fair_queue_foreach(&q, see);
        assert_int_equal(n_seen, 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clients_take_turns_however_many_calls_one_has),
                cmocka_unit_test(who_comes_back_from_a_call_is_not_behind_who_never_left),
                cmocka_unit_test(people_go_before_background_work),
                cmocka_unit_test(whoever_leaves_keeps_nobody_elses_place),
                cmocka_unit_test(everyone_can_be_told),
        };

        return cmocka_run_group_tests_name("fair-queue", tests, NULL, NULL);
}
