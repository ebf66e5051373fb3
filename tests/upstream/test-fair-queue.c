#include "test.h"

#include "upstream/fair_queue.h"

static struct rf_fair_entry entries[64];

static void push(struct rf_fair_queue *q, size_t i, uint64_t client, enum rf_priority priority)
{
        rf_fair_queue_push(q, &entries[i], &(struct rf_caller){ .client = client, .priority = priority });
}

static size_t ahead(const struct rf_fair_queue *q, uint64_t client, uint64_t rank, enum rf_priority priority)
{
        return rf_fair_queue_ahead(q, &(struct rf_caller){ .client = client, .rank = rank, .priority = priority });
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
        assert_int_equal(ahead(&q, 2, 0, RF_PRIORITY_PERSON), 1);
        assert_int_equal(ahead(&q, 1, 0, RF_PRIORITY_PERSON), 5);
        push(&q, 10, 2, RF_PRIORITY_PERSON);
        push(&q, 11, 2, RF_PRIORITY_PERSON);
        assert_int_equal(ahead(&q, 2, 0, RF_PRIORITY_PERSON), 5); /* two of its own, three of the other's */
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
        assert_int_equal(ahead(&q, 2, 0, RF_PRIORITY_PERSON), 0);
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
        assert_int_equal(ahead(&q, 3, 0, RF_PRIORITY_PERSON), 2);
        assert_int_equal(ahead(&q, 3, 0, RF_PRIORITY_BACKGROUND), 3);
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

/* Three clients: 1 with its runs of the ranks 5 and 9, 2 with one of 7, and 3 with calls that are for none. */
static void runs_go_by_their_ranks(void **state)
{
        static const struct {
                uint64_t client, rank;
        } pushed[] = { { 1, 9 }, { 2, 7 }, { 1, 5 }, { 2, 7 }, { 1, 9 }, { 1, 5 }, { 3, 5 }, { 3, 5 } };
        static const size_t popped[] = { 2, 6, 5, 7, 1, 3, 0, 4 };
        struct rf_fair_queue q;

        (void)state;
        rf_fair_queue_init(&q);
        for (size_t i = 0; i < ARRAY_SIZE(pushed); i++)
                rf_fair_queue_push(&q, &entries[i], &(struct rf_caller){ .client = pushed[i].client, .rank = pushed[i].rank });
        assert_int_equal(ahead(&q, 4, 4, RF_PRIORITY_PERSON), 0);
        assert_int_equal(ahead(&q, 4, 5, RF_PRIORITY_PERSON), 2); /* a turn of each of the two that are of its rank */
        assert_int_equal(ahead(&q, 1, 5, RF_PRIORITY_PERSON), 4);
        assert_int_equal(ahead(&q, 4, 8, RF_PRIORITY_PERSON), 6);
        assert_int_equal(ahead(&q, 1, 9, RF_PRIORITY_PERSON), 8);
        assert_int_equal(ahead(&q, 4, 9, RF_PRIORITY_BACKGROUND), 8);
        for (size_t i = 0; i < ARRAY_SIZE(popped); i++)
                assert_int_equal(pop(&q), popped[i]);
        assert_int_equal(q.n, 0);
}

/* Whichever leaves, the others keep their order. */
static void ranks_stay_in_order_when_somebody_leaves(void **state)
{
        static const uint64_t ranks[] = { 4, 2, 3, 1, 5, 2 };
        struct rf_fair_queue q;

        (void)state;
        for (size_t leaver = 0; leaver < ARRAY_SIZE(ranks); leaver++) {
                uint64_t last = 0;
                size_t n = 0, i;

                rf_fair_queue_init(&q);
                for (i = 0; i < ARRAY_SIZE(ranks); i++)
                        rf_fair_queue_push(&q, &entries[i], &(struct rf_caller){ .client = i % 2, .rank = ranks[i] });
                rf_fair_queue_remove(&q, &entries[leaver]);
                for (; (i = pop(&q)) != 99; n++) {
                        assert_true(i != leaver && ranks[i] >= last);
                        last = ranks[i];
                }
                assert_int_equal(n, ARRAY_SIZE(ranks) - 1);
        }
}

static void a_clients_further_runs_are_of_later_rounds(void **state)
{
        struct rf_turn a[3], b, c;
        struct rf_turns t;

        (void)state;
        rf_turns_init(&t);
        assert_int_equal(rf_turns_lowest(&t), 0);
        for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                rf_turns_begin(&t, &a[i], 1);
        rf_turns_begin(&t, &b, 2);
        assert_true(a[0].rank < b.rank && b.rank < a[1].rank && a[1].rank < a[2].rank);
        assert_int_equal(rf_turns_lowest(&t), a[0].rank);
        rf_turns_end(&t, &a[0]);
        rf_turns_end(&t, &b);
        rf_turns_begin(&t, &c, 2); /* anew: of the round that is being served */
        assert_true(a[1].rank < c.rank && c.rank < a[2].rank);
        rf_turns_end(&t, &a[1]);
        assert_int_equal(rf_turns_lowest(&t), c.rank);
        rf_turns_end(&t, &c);
        rf_turns_end(&t, &a[2]);
        assert_int_equal(rf_turns_lowest(&t), 0);
}

static size_t n_seen;

static void see(struct rf_fair_entry *e, void *arg)
{
        (void)arg;
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
        rf_fair_queue_foreach(&q, see, NULL);
        assert_int_equal(n_seen, 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clients_take_turns_however_many_calls_one_has),
                cmocka_unit_test(who_comes_back_from_a_call_is_not_behind_who_never_left),
                cmocka_unit_test(people_go_before_background_work),
                cmocka_unit_test(whoever_leaves_keeps_nobody_elses_place),
                cmocka_unit_test(runs_go_by_their_ranks),
                cmocka_unit_test(ranks_stay_in_order_when_somebody_leaves),
                cmocka_unit_test(a_clients_further_runs_are_of_later_rounds),
                cmocka_unit_test(everyone_can_be_told),
        };

        return cmocka_run_group_tests_name("fair-queue", tests, NULL, NULL);
}
