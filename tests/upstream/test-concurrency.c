#include "test.h"

#include "upstream/concurrency.h"

static unsigned fill(struct rf_concurrency *c)
{
        unsigned n = 0;

        for (; rf_concurrency_has_room(c); n++)
                rf_concurrency_begin(c);
        return n;
}

static void it_starts_at_the_ceiling_and_never_goes_below_the_floor(void **state)
{
        struct rf_concurrency c;

        (void)state;
        rf_concurrency_init(&c, 2, 8);
        assert_int_equal(fill(&c), 8);
        for (unsigned i = 0; i < 8; i++)
                rf_concurrency_end(&c, 0, 10, true); /* all of one storm: lowered once */
        assert_int_equal(fill(&c), 5);
        while (c.in_flight > 0)
                rf_concurrency_end(&c, 5, 11, true);
        for (uint64_t t = 20; t < 40; t += 2) {
                rf_concurrency_begin(&c);
                rf_concurrency_end(&c, t, t + 1, true);
        }
        assert_int_equal(fill(&c), 2);
}

static void what_goes_well_raises_it_again_while_it_is_what_holds_calls_back(void **state)
{
        struct rf_concurrency c;

        (void)state;
        rf_concurrency_init(&c, 1, 4);
        for (uint64_t t = 10; t < 40; t += 2) {
                rf_concurrency_begin(&c);
                rf_concurrency_end(&c, t, t + 1, true);
        }
        assert_int_equal((int)c.limit, 1);
        for (unsigned i = 0; i < 100; i++) {
                fill(&c);
                while (c.in_flight > 0)
                        rf_concurrency_end(&c, 50, 51, false);
        }
        assert_int_equal(fill(&c), 4);
        while (c.in_flight > 0)
                rf_concurrency_end(&c, 60, 61, true);
        for (unsigned i = 0; i < 100; i++) { /* one at a time proves nothing */
                rf_concurrency_begin(&c);
                rf_concurrency_end(&c, 70, 71, false);
        }
        assert_int_equal((int)c.limit, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_starts_at_the_ceiling_and_never_goes_below_the_floor),
                cmocka_unit_test(what_goes_well_raises_it_again_while_it_is_what_holds_calls_back),
        };

        return cmocka_run_group_tests_name("concurrency", tests, NULL, NULL);
}
