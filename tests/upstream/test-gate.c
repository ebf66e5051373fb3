#include "test.h"

#include "base/error.h"
#include "sched/sched.h"
#include "upstream/gate.h"

#include <errno.h>
#include <string.h>

#define SECOND ((uint64_t)USEC_PER_SEC)

static const uint64_t for_ever = RF_FOREVER;
static unsigned n_changes;

static void changed(void *arg)
{
        (void)arg;
        n_changes++;
}

static struct rf_gate *gate(double rate_per_s, double burst, uint32_t concurrency)
{
        struct rf_gate_options o = { .rate_per_s = rate_per_s, .burst = burst, .concurrency_floor = 1, .concurrency_max = concurrency,
                                     .changed = changed,
                                     .breaker = { .failures = 3, .rate_percent = 50, .open_us = 10 * SECOND, .probes = 1,
                                                  .probe_us = 20 * SECOND } };
        struct rf_gate *g;

        n_changes = 0;
        assert_int_equal(rf_gate_new(&o, &g), 0);
        return g;
}

/* One who wants through, holds its ticket for a while, and leaves with an outcome. */
struct visitor {
        struct rf_gate *g;
        uint64_t client, holds_us, deadline_us, needed_us, at_us;
        enum rf_priority priority;
        enum rf_outcome outcome;
        uint64_t retry_us;
        int result;
        unsigned order;
};

static unsigned n_through;

static int visit(void *arg)
{
        struct visitor *v = arg;
        uint64_t deadline_us = v->deadline_us ? v->deadline_us : RF_FOREVER;
        struct rf_ticket t;
        int r = rf_gate_enter(v->g, "api", &(struct rf_caller){ .client = v->client, .priority = v->priority }, &deadline_us, &t, &v->needed_us);

        v->result = r;
        v->at_us = rf_now_us();
        if (r < 0)
                return 0;
        v->order = n_through++;
        r = v->holds_us ? rf_sleep_us(v->holds_us) : 0;
        rf_gate_leave(v->g, &t, r < 0 ? RF_OUTCOME_CANCELLED : v->outcome, v->retry_us);
        return 0;
}

static void start(struct rf_group *group, struct visitor *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(rf_group_spawn(group, "visitor", visit, &v[i]), 0);
}

static void visit_all(struct visitor *v, size_t n)
{
        struct rf_group *group;

        n_through = 0;
        assert_int_equal(rf_group_new(RF_FOREVER, &group), 0);
        start(group, v, n);
        assert_int_equal(rf_group_join(group), 0);
        rf_group_free(group);
}

static void in_virtual_time(int (*body)(void *arg))
{
        struct rf_sched *s;

        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1800000000 * SECOND }, &s), 0);
        assert_int_equal(rf_sched_run(s, body, NULL), 0);
        rf_sched_free(s);
}

static int places(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 2);
        struct visitor v[5] = { 0 };

        (void)arg;
        for (size_t i = 0; i < 5; i++)
                v[i] = (struct visitor){ .g = g, .holds_us = SECOND };
        visit_all(v, 5);
        for (size_t i = 0; i < 5; i++)
                assert_true(v[i].at_us == i / 2 * SECOND);
        return 0;
}

static void no_more_than_so_many_are_under_way(void **state)
{
        (void)state;
        in_virtual_time(places);
}

static int first_burst(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(4, 5, 16);
        struct visitor v[7] = { 0 };

        (void)arg;
        for (size_t i = 0; i < 7; i++)
                v[i] = (struct visitor){ .g = g, .holds_us = SECOND };
        visit_all(v, 7);
        for (size_t i = 0; i < 5; i++)
                assert_true(v[i].at_us == 0);
        assert_true(v[5].at_us == SECOND / 4); /* explores, so that.. */
        assert_true(v[6].at_us == SECOND / 4 + SECOND); /* ..the next waits for what comes of it, and not for the pace alone */
        return 0;
}

static void the_first_burst_goes_at_once_and_then_one_explores(void **state)
{
        (void)state;
        in_virtual_time(first_burst);
}

static int deadline(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(1, 1, 8);
        struct visitor v[4] = { 0 };

        (void)arg;
        for (size_t i = 0; i < 4; i++)
                v[i] = (struct visitor){ .g = g, .deadline_us = 2 * SECOND };
        visit_all(v, 4);
        assert_int_equal(v[0].result, 0);
        assert_int_equal(v[1].result, 0);
        assert_int_equal(v[2].result, -RF_ERATE); /* its turn would come when its time is over: it knows at once */
        assert_true(v[2].at_us == 0 && v[2].needed_us == 2 * SECOND);
        assert_int_equal(v[3].result, -RF_ERATE);
        assert_int_equal(rf_gate_stats(g).turned_away, 2);
        return 0;
}

static void who_cannot_make_it_is_told_at_once(void **state)
{
        (void)state;
        in_virtual_time(deadline);
}

static int refusal(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 2);
        struct visitor v[6] = { 0 };

        (void)arg;
        v[0] = (struct visitor){ .g = g, .holds_us = SECOND, .outcome = RF_OUTCOME_RATE, .retry_us = 10 * SECOND };
        v[1] = (struct visitor){ .g = g, .holds_us = 2 * SECOND }; /* under way when the refusal comes: no probe */
        for (size_t i = 2; i < 5; i++)
                v[i] = (struct visitor){ .g = g, .holds_us = SECOND };
        v[5] = (struct visitor){ .g = g, .deadline_us = 5 * SECOND };
        visit_all(v, 6);
        assert_int_equal(v[5].result, -RF_ERATE); /* queued, and told when the block came */
        assert_true(v[5].at_us == SECOND && v[5].needed_us == 10 * SECOND);
        assert_true(v[2].at_us == 11 * SECOND); /* the probe, alone */
        assert_true(v[3].at_us == 12 * SECOND && v[4].at_us == 12 * SECOND); /* it fared well */
        assert_int_equal(n_changes, 2);
        assert_int_equal(rf_gate_stats(g).refusals, 1);
        return 0;
}

static void a_refusal_stops_everyone_and_one_probe_ends_it(void **state)
{
        (void)state;
        in_virtual_time(refusal);
}

static int refused_probe(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(10, 4, 8);
        struct visitor v[4] = { 0 };
        double scale;

        (void)arg;
        v[0] = (struct visitor){ .g = g, .outcome = RF_OUTCOME_RATE, .retry_us = 10 * SECOND };
        visit_all(v, 1);
        scale = rf_gate_stats(g).scale;
        assert_true(scale < 1);
        v[0].holds_us = SECOND;
        v[1] = v[2] = v[3] = (struct visitor){ .g = g };
        visit_all(v, 4);
        assert_true(v[0].at_us == 10 * SECOND);
        assert_true(v[1].at_us == 21 * SECOND); /* refused again: another block, another probe, the same pace */
        assert_true(rf_gate_stats(g).scale >= scale);
        return 0;
}

static void a_refused_probe_prolongs_the_block_and_nothing_else(void **state)
{
        (void)state;
        in_virtual_time(refused_probe);
}

static int lost_probe(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 8);
        struct visitor v[2] = { { .g = g, .outcome = RF_OUTCOME_RATE, .retry_us = SECOND } };
        struct rf_group *group;

        (void)arg;
        visit_all(v, 1);
        v[0] = (struct visitor){ .g = g, .holds_us = 100 * SECOND };
        v[1] = (struct visitor){ .g = g };
        assert_int_equal(rf_group_new(RF_FOREVER, &group), 0);
        start(group, v, 1);
        assert_int_equal(rf_sleep_us(2 * SECOND), 0);
        assert_int_equal(rf_gate_stats(g).in_flight, 1);
        rf_group_free(group); /* cancels the probe */
        visit_all(v + 1, 1);
        assert_true(v[1].result == 0 && v[1].at_us == 2 * SECOND);
        return 0;
}

static void a_cancelled_probe_is_made_by_the_next(void **state)
{
        (void)state;
        in_virtual_time(lost_probe);
}

static int quota(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 8), *later = gate(0, 1, 8);
        struct visitor v[2] = { { .g = g, .outcome = RF_OUTCOME_QUOTA, .retry_us = 13749 * SECOND } };
        struct rf_gate_memory m;

        (void)arg;
        visit_all(v, 1);
        v[0] = (struct visitor){ .g = g, .deadline_us = 20000 * SECOND }; /* with all the time in the world */
        v[1] = (struct visitor){ .g = g };
        visit_all(v, 2);
        assert_true(v[0].result == -RF_EQUOTA && v[0].at_us == 0 && v[0].needed_us == 13749 * SECOND);
        assert_int_equal(v[1].result, -RF_EQUOTA);
        assert_true(rf_gate_stats(g).scale == 1); /* the pace had no part in it */
        m = rf_gate_remember(g);
        rf_gate_restore(later, &m);
        v[0] = (struct visitor){ .g = later };
        visit_all(v, 1);
        assert_int_equal(v[0].result, -RF_EQUOTA);
        assert_false(rf_gate_is_open(later, rf_now_us()));
        assert_int_equal(rf_sleep_us(13749 * SECOND), 0);
        assert_true(rf_gate_is_open(later, rf_now_us()));
        visit_all(v, 1);
        assert_int_equal(v[0].result, 0);
        assert_false(rf_gate_stats(later).is_quota);
        return 0;
}

static void a_quota_is_never_waited_for_and_remembered(void **state)
{
        (void)state;
        in_virtual_time(quota);
}

/* The time that the service named went by while nobody ran, and it isn't done refusing. */
static int restart_past_a_block(void *arg)
{
        static const enum rf_outcome kinds[] = { RF_OUTCOME_RATE, RF_OUTCOME_QUOTA };

        (void)arg;
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                _cleanup_(rf_gate_freep) struct rf_gate *before = gate(0, 1, 8), *idle = gate(0, 1, 8), *after = gate(0, 1, 8),
                                                        *last = gate(0, 1, 8);
                struct visitor v[20] = { { .g = before, .outcome = kinds[k], .retry_us = 100 * SECOND } };
                struct rf_gate_memory m;
                uint64_t now_us;

                visit_all(v, 1);
                m = rf_gate_remember(before);
                assert_int_equal(rf_sleep_us(200 * SECOND), 0);
                rf_gate_restore(idle, &m);
                assert_int_equal(rf_gate_stats(idle).blocked_us, 0);
                m = rf_gate_remember(idle); /* another restart, without a call in between, forgets nothing */
                assert_int_equal(rf_sleep_us(200 * SECOND), 0);
                rf_gate_restore(after, &m);
                now_us = rf_now_us();
                for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                        v[i] = (struct visitor){ .g = after, .holds_us = SECOND, .deadline_us = now_us + 50 * SECOND, .outcome = kinds[k],
                                                 .retry_us = 100 * SECOND };
                visit_all(v, ARRAY_SIZE(v));
                assert_int_equal(n_through, 1);
                m = rf_gate_remember(after);
                assert_int_equal(rf_sleep_us(200 * SECOND), 0);
                rf_gate_restore(last, &m);
                now_us = rf_now_us();
                for (size_t i = 0; i < 8; i++)
                        v[i] = (struct visitor){ .g = last, .holds_us = SECOND };
                visit_all(v, 8); /* one, and when it fared well the others */
                assert_true(n_through == 8 && v[0].at_us == now_us && v[1].at_us == now_us + SECOND && v[7].at_us == now_us + SECOND);
                assert_true(rf_gate_remember(last).blocked_until_us == 0 && !rf_gate_stats(last).is_quota);
        }
        return 0;
}

static void after_a_restart_past_a_block_one_probe_goes(void **state)
{
        (void)state;
        in_virtual_time(restart_past_a_block);
}

/* The service still counts what went before the restart. */
static int restart(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *before = gate(2, 5, 8), *after = gate(2, 5, 8), *at_rest = gate(2, 5, 8);
        struct visitor v[6] = { 0 };
        struct rf_gate_memory m;

        (void)arg;
        for (size_t i = 0; i < 6; i++)
                v[i] = (struct visitor){ .g = before };
        visit_all(v, 5);
        assert_true(v[4].at_us == 0);
        assert_int_equal(n_changes, 1); /* told once for all of them */
        m = rf_gate_remember(before);
        assert_int_equal(rf_sleep_until(SECOND), 0);
        rf_gate_restore(after, &m);
        m = rf_gate_remember(after); /* another restart, without a call in between, forgets nothing */
        rf_gate_restore(at_rest, &m);
        for (size_t i = 0; i < 6; i++)
                v[i] = (struct visitor){ .g = after };
        visit_all(v, 3);
        assert_true(v[0].at_us == SECOND + SECOND / 2 && v[1].at_us == 2 * SECOND && v[2].at_us == 2 * SECOND + SECOND / 2);
        assert_int_equal(rf_sleep_until(10 * SECOND), 0); /* long enough for the service to have forgotten */
        for (size_t i = 0; i < 6; i++)
                v[i] = (struct visitor){ .g = at_rest };
        visit_all(v, 6);
        assert_true(v[0].at_us == 10 * SECOND && v[4].at_us == 10 * SECOND && v[5].at_us == 10 * SECOND + SECOND / 2);
        return 0;
}

static void no_second_burst_goes_after_a_restart(void **state)
{
        (void)state;
        in_virtual_time(restart);
}

static int restart_at_a_known_limit(void *arg)
{
        struct rf_gate_options o = { .limit = 3, .window_us = 20 * SECOND, .concurrency_floor = 1, .concurrency_max = 8,
                                     .breaker = { .failures = 3, .rate_percent = 50, .open_us = 10 * SECOND, .probes = 1, .probe_us = SECOND } };
        _cleanup_(rf_gate_freep) struct rf_gate *before = NULL, *after = NULL;
        struct visitor v[3];
        struct rf_gate_memory m;

        (void)arg;
        assert_int_equal(rf_gate_new(&o, &before), 0);
        assert_int_equal(rf_gate_new(&o, &after), 0);
        v[0] = v[1] = v[2] = (struct visitor){ .g = before };
        visit_all(v, 3);
        m = rf_gate_remember(before);
        rf_gate_restore(after, &m);
        v[0] = (struct visitor){ .g = after };
        visit_all(v, 1);
        assert_true(v[0].result == 0 && v[0].at_us >= 20 * SECOND && v[0].at_us < 30 * SECOND);
        return 0;
}

static void a_known_limit_is_kept_across_a_restart(void **state)
{
        (void)state;
        in_virtual_time(restart_at_a_known_limit);
}

static int breaker(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 3);
        struct visitor v[8] = { 0 };

        (void)arg;
        for (size_t i = 0; i < 8; i++)
                v[i] = (struct visitor){ .g = g, .holds_us = SECOND, .outcome = RF_OUTCOME_TRANSIENT };
        visit_all(v, 7);
        for (size_t i = 4; i < 7; i++) { /* one got through between the failures; the rest of the line is sent away at once */
                assert_int_equal(v[i].result, -RF_EOPEN);
                assert_true(v[i].at_us == SECOND && v[i].needed_us == 10 * SECOND);
        }
        assert_int_equal(rf_sleep_until(5 * SECOND), 0);
        visit_all(v, 1);
        assert_true(v[0].result == -RF_EOPEN && v[0].needed_us == 6 * SECOND);
        assert_int_equal(rf_sleep_until(11 * SECOND), 0);
        for (size_t i = 0; i < 3; i++)
                v[i].outcome = RF_OUTCOME_OK;
        visit_all(v, 3);
        assert_int_equal(v[0].result, 0); /* the probe */
        assert_int_equal(v[1].result, -RF_EOPEN);
        visit_all(v, 3);
        assert_int_equal(v[2].result, 0);
        return 0;
}

static void an_open_breaker_keeps_nobody_waiting(void **state)
{
        (void)state;
        in_virtual_time(breaker);
}

static int turns(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(1, 1, 8);
        static struct visitor v[23];
        uint64_t lone_us = 2 * SECOND; /* three calls of a lone client: at 0, 1, 2 s */

        (void)arg;
        for (size_t i = 0; i < 23; i++) {
                v[i] = (struct visitor){ .g = g, .client = i < 20 ? 1 : 2, .deadline_us = 1000 * SECOND };
                if (i == 0)
                        v[i].priority = RF_PRIORITY_BACKGROUND;
        }
        visit_all(v, 23);
        assert_int_equal(v[0].order, 0); /* came when nobody was there */
        for (size_t i = 20; i < 23; i++)
                assert_true(v[i].at_us <= 2 * (i - 20 + 1) * SECOND);
        assert_true(v[22].at_us <= 3 * lone_us);
        assert_int_equal(rf_gate_stats(g).waiting, 0);
        v[1].priority = RF_PRIORITY_BACKGROUND;
        assert_int_equal(rf_sleep_us(100 * SECOND), 0);
        visit_all(v, 5);
        assert_true(v[1].order == 4);
        return 0;
}

static void clients_take_turns_and_people_come_first(void **state)
{
        (void)state;
        in_virtual_time(turns);
}

static int late(void *arg)
{
        _cleanup_(rf_gate_freep) struct rf_gate *g = gate(0, 1, 8);
        struct rf_ticket first, second;
        uint64_t needed_us;

        (void)arg;
        assert_int_equal(rf_gate_enter(g, "api", &(struct rf_caller){ .client = 1 }, &for_ever, &first, &needed_us), 0);
        assert_int_equal(rf_gate_enter(g, "api", &(struct rf_caller){ .client = 1 }, &for_ever, &second, &needed_us), 0);
        assert_true(rf_gate_may_send(g));
        rf_gate_leave(g, &first, RF_OUTCOME_RATE, SECOND);
        assert_false(rf_gate_may_send(g)); /* it has leave, but that was before */
        rf_gate_leave(g, &second, RF_OUTCOME_CANCELLED, 0);
        return 0;
}

static void leave_given_before_a_refusal_is_void(void **state)
{
        (void)state;
        in_virtual_time(late);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_more_than_so_many_are_under_way),
                cmocka_unit_test(the_first_burst_goes_at_once_and_then_one_explores),
                cmocka_unit_test(who_cannot_make_it_is_told_at_once),
                cmocka_unit_test(a_refusal_stops_everyone_and_one_probe_ends_it),
                cmocka_unit_test(a_refused_probe_prolongs_the_block_and_nothing_else),
                cmocka_unit_test(a_cancelled_probe_is_made_by_the_next),
                cmocka_unit_test(a_quota_is_never_waited_for_and_remembered),
                cmocka_unit_test(after_a_restart_past_a_block_one_probe_goes),
                cmocka_unit_test(no_second_burst_goes_after_a_restart),
                cmocka_unit_test(a_known_limit_is_kept_across_a_restart),
                cmocka_unit_test(an_open_breaker_keeps_nobody_waiting),
                cmocka_unit_test(clients_take_turns_and_people_come_first),
                cmocka_unit_test(leave_given_before_a_refusal_is_void),
        };

        return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
