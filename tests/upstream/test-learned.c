#include "test.h"

#include "base/error.h"
#include "upstream/learned_record.h"

#include <string.h>

#define HOUR UINT64_C(3600000000)
#define DAY (24 * HOUR)
#define NOW (20000 * DAY)

static struct rf_learned_record example(void)
{
        struct rf_learned_record r = { .saved_us = NOW, .n_refusals = 1 };

        r.gate = (struct rf_gate_memory){ .blocked_until_us = NOW + HOUR, .is_quota = true, .scale = .5, .ceiling = .75,
                                          .ceiling_until_us = NOW + 2 * HOUR, .settled_us = NOW + HOUR / 4 };
        r.refusals[0] = (struct rf_learned_refusal){ .op = RF_OP_USER_TOP, .way = 1, .until_us = NOW + 3 * HOUR, .reason = "no" };
        return r;
}

static void assert_times(const struct rf_learned_record *r, uint64_t now_us)
{
        assert_true(r->gate.blocked_until_us == now_us + HOUR);
        assert_true(r->gate.ceiling_until_us == now_us + 2 * HOUR);
        assert_true(r->gate.settled_us == now_us + HOUR / 4);
        assert_true(r->refusals[0].until_us == now_us + 3 * HOUR);
}

static void a_record_comes_back_as_it_was_and_damage_is_seen(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        static struct rf_learned_record in, out;

        (void)state;
        in = example();
        assert_int_equal(rf_learned_record_encode(&in, &b), 0);
        assert_int_equal(rf_learned_record_decode(b.data, b.size, &out), 0);
        assert_times(&out, NOW);
        assert_true(out.gate.is_quota && out.n_refusals == 1 && out.refusals[0].way == 1 && out.refusals[0].op == RF_OP_USER_TOP);
        assert_string_equal(out.refusals[0].reason, "no");
        for (size_t i = 1; i < b.size; i++) /* whole refusals may be missing: they are a list */
                if (rf_learned_record_decode(b.data, i, &out) == 0)
                        assert_int_equal(out.n_refusals, 0);
        b.data[0] = 9;
        assert_int_equal(rf_learned_record_decode(b.data, b.size, &out), -RF_EFOREIGN);
}

static void the_version_without_a_clock_is_read(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_learned_record out;

        (void)state;
        assert_int_equal(rf_buf_put_u8(&b, 2), 0);
        assert_int_equal(rf_buf_put_u64(&b, NOW + HOUR), 0);
        assert_int_equal(rf_buf_put_u8(&b, 0), 0);
        assert_int_equal(rf_buf_put_float(&b, .5f), 0);
        assert_int_equal(rf_buf_put_float(&b, 1.f), 0);
        assert_int_equal(rf_buf_put_u64(&b, 0), 0);
        assert_int_equal(rf_learned_record_decode(b.data, b.size, &out), 0);
        assert_true(out.saved_us == 0 && out.gate.blocked_until_us == NOW + HOUR && out.gate.ceiling_until_us == 0);
}

static void a_block_lasts_no_longer_for_a_clock_set_back(void **state)
{
        struct rf_learned_record r = example();

        (void)state;
        rf_learned_record_set_clock(&r, NOW - DAY);
        assert_times(&r, NOW - DAY);
        assert_true(r.saved_us == NOW - DAY);
        r = example();
        rf_learned_record_set_clock(&r, NOW + HOUR / 2); /* time that passed isn't added */
        assert_times(&r, NOW);
        r = example();
        rf_learned_record_set_clock(&r, HOUR); /* before it all began */
        assert_times(&r, HOUR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_record_comes_back_as_it_was_and_damage_is_seen),
                cmocka_unit_test(the_version_without_a_clock_is_read),
                cmocka_unit_test(a_block_lasts_no_longer_for_a_clock_set_back),
        };

        return cmocka_run_group_tests_name("learned", tests, NULL, NULL);
}
