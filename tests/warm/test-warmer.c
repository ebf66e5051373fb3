/* Whole passes of warming against the embedded provider, on the virtual clock. */
#include "test.h"

#include "flow_house.h"

#include "base/error.h"
#include "sched/sched.h"
#include "warm/warmer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define HOUR_US (3600 * USEC_PER_SEC)
#define MONDAY_US (1767571200ull * USEC_PER_SEC) /* 2026-01-05, midnight in UTC */

struct stage {
        struct house house;
        struct rf_warmer *warmer;
        struct rf_warmer_options options;
        int (*body)(struct stage *s);
        struct rf_warm_report report; /* of a pass in a coroutine of its own */
        bool has_passed;
};

static const struct rf_wish jazz = { .prompt = "rainy sunday jazz", .seed = 1 }, techno = { .prompt = "focus techno", .seed = 1 };

/* ---- People ---- */

struct visit {
        struct rf_footprint footprint;
        unsigned hits, misses, stale;
        uint64_t took_us;
};

static void observe(void *arg, const struct rf_call_record *record)
{
        struct visit *v = arg;

        rf_footprint_note(&v->footprint, record);
        if (record->error < 0) /* nobody is logged in: no user's own tracks */
                return;
        v->misses += record->cache == RF_CACHE_MISS;
        v->stale += record->cache == RF_CACHE_STALE;
        v->hits += record->cache != RF_CACHE_MISS;
}

static struct visit ask_for(struct stage *s, const struct rf_wish *wish)
{
        struct visit v = { 0 };
        struct rf_run_hooks hooks = { .client = 1, .deadline_us = RF_FOREVER, .calls = { .observe = observe, .observe_arg = &v } };
        struct rf_playlist *p = NULL;
        uint64_t began_us = rf_now_us();
        char message[256];

        assert_int_equal(rf_flow_recommend(&s->house.flow, wish, &hooks, &p, message, sizeof(message)), 0);
        rf_playlist_free(p);
        v.took_us = rf_now_us() - began_us;
        rf_warmer_used(s->warmer, wish, &v.footprint);
        return v;
}

static struct rf_warm_report pass(struct stage *s)
{
        struct rf_warm_report r;

        assert_int_equal(rf_warmer_run_due(s->warmer, &r), 0);
        return r;
}

/* ---- The stage ---- */

static int stage_main(void *arg)
{
        struct stage *s = arg;
        int r;

        rf_upstream_start(s->house.upstream);
        assert_int_equal(rf_warmer_start(s->warmer), 0);
        assert_int_equal(rf_warmer_configure(s->warmer, &s->options), 0);
        r = s->body(s);
        rf_warmer_stop(s->warmer);
        rf_upstream_stop(s->house.upstream);
        return r;
}

static void run_with(const struct house_options *house, const char *prompts, uint32_t calls_max, int (*body)(struct stage *s))
{
        struct stage s = { .options = { .learns = true, .due = { .ahead_us = HOUR_US / 3, .value_min = 0.4 }, .calls_max = calls_max,
                                        .prompts = prompts }, .body = body };
        struct rf_sched *sched;

        setenv("TZ", "UTC", 1);
        tzset();
        assert_int_equal(house_open(&s.house, house), 0);
        assert_int_equal(rf_warmer_new(&s.options, &s.house.flow, NULL, &s.warmer), 0);
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = MONDAY_US }, &sched), 0);
        assert_int_equal(rf_sched_run(sched, stage_main, &s), 0);
        rf_sched_free(sched);
        s.house.upstream = rf_upstream_free(s.house.upstream); /* it borrows the warmer's allowance */
        rf_warmer_free(s.warmer);
        house_close(&s.house);
}

static void run(const char *prompts, uint32_t calls_max, int (*body)(struct stage *s))
{
        run_with(&(struct house_options){ .latency = "200ms", .has_cache = true }, prompts, calls_max, body);
}

/* ---- Passes ---- */

static int keeps(struct stage *s)
{
        struct rf_warm_report r = pass(s);
        uint64_t first, again;
        struct visit v;

        assert_true(r.due == 2 && r.warmed == 2 && r.calls > 10 && r.end == RF_WARM_DONE);
        v = ask_for(s, &jazz);
        assert_true(v.misses == 0 && v.hits > 5 && v.took_us == 0);
        assert_true(rf_warmer_stats(s->warmer).saved > 5);
        r = pass(s);
        assert_true(r.due == 0 && r.calls == 0);
        first = rf_warmer_stats(s->warmer).spent;
        for (unsigned i = 0; i < 16; i++) { /* artists' top tracks live for two hours, give or take a tenth; the rest for longer */
                assert_int_equal(rf_sleep_us(HOUR_US / 4), 0);
                assert_int_equal(pass(s).end, RF_WARM_DONE);
        }
        again = rf_warmer_stats(s->warmer).spent - first;
        assert_true(again > 0 && again < 2 * first); /* what is fresh still isn't asked for again */
        v = ask_for(s, &jazz);
        assert_true(v.misses == 0 && v.stale == 0);
        return 0;
}

static void what_is_configured_stays_warm(void **state)
{
        (void)state;
        run("rainy sunday jazz | focus techno", 1000, keeps);
}

/* Every morning at nine. */
static int learns(struct stage *s)
{
        for (unsigned day = 0; day < 4; day++) {
                assert_int_equal(rf_sleep_until((day * 24 + 9) * HOUR_US), 0);
                ask_for(s, &jazz);
        }
        assert_int_equal(rf_sleep_until((3 * 24 + 15) * HOUR_US), 0);
        assert_int_equal(pass(s).due, 0); /* in the afternoon nobody comes */
        for (unsigned quarter = 0; quarter < 4; quarter++) {
                assert_int_equal(rf_sleep_until((4 * 24 + 8) * HOUR_US + quarter * HOUR_US / 4), 0);
                assert_int_equal(pass(s).failed, 0);
        }
        assert_int_equal(rf_sleep_until((4 * 24 + 9) * HOUR_US), 0);
        assert_int_equal(ask_for(s, &jazz).misses, 0);
        assert_true(rf_warmer_stats(s->warmer).saved > 0);
        return 0;
}

static int learns_nothing(struct stage *s)
{
        s->options.learns = false;
        assert_int_equal(rf_warmer_configure(s->warmer, &s->options), 0);
        ask_for(s, &jazz);
        assert_int_equal(rf_warmer_stats(s->warmer).items, 0);
        return 0;
}

static void what_people_ask_for_every_day_is_warm_when_they_come(void **state)
{
        (void)state;
        run(NULL, 1000, learns);
        run(NULL, 1000, learns_nothing);
}

static int is_frugal(struct stage *s)
{
        struct rf_warm_report r = pass(s);

        assert_true(r.end == RF_WARM_DONE || (r.end == RF_WARM_BUDGET && r.calls == s->options.calls_max));
        assert_true(r.end == RF_WARM_BUDGET || s->options.calls_max > 12);
        assert_int_equal(rf_upstream_stats(s->house.upstream).attempts, r.calls);
        for (unsigned i = 0; i < 100 && r.end == RF_WARM_BUDGET; i++)
                r = pass(s);
        assert_int_equal(r.end, RF_WARM_DONE); /* a few at a time it gets there */
        assert_int_equal(ask_for(s, &jazz).misses, 0);
        return 0;
}

static int is_off(struct stage *s)
{
        struct rf_optimizations set = rf_optimizations_full();
        struct rf_warm_report r;

        rf_optimizations_set(&set, RF_OPT_PREWARM, false);
        rf_upstream_set_optimizations(s->house.upstream, &set);
        r = pass(s);
        assert_true(r.end == RF_WARM_OFF && r.due == 0 && r.warmed == 0 && r.calls == 0);
        assert_string_equal(rf_warm_end_name(r.end), "off");
        assert_int_equal(rf_upstream_stats(s->house.upstream).attempts, 0);
        set = rf_optimizations_full();
        rf_upstream_set_optimizations(s->house.upstream, &set);
        assert_true(pass(s).warmed > 0);
        return 0;
}

static void nothing_is_warmed_while_the_switch_is_off(void **state)
{
        (void)state;
        run("rainy sunday jazz", 1000, is_off);
}

static void a_pass_makes_no_more_calls_than_it_may(void **state)
{
        (void)state;
        for (uint32_t calls_max = 1; calls_max < 50; calls_max++)
                run("rainy sunday jazz", calls_max, is_frugal);
}

/* ---- A service that refuses ---- */

static int is_refused(struct stage *s)
{
        struct rf_warm_report r = pass(s);
        uint64_t attempts = rf_upstream_stats(s->house.upstream).attempts;

        assert_true(r.end == RF_WARM_SERVICE && r.due == 2 && r.warmed == 0 && r.failed == 0 && attempts > 5);
        r = pass(s); /* it said for how long: until then it isn't asked */
        assert_true(r.end == RF_WARM_SERVICE && r.due == 1 && r.calls == 0);
        assert_int_equal(rf_upstream_stats(s->house.upstream).attempts, attempts);
        r = pass(s); /* and what needs it rests */
        assert_true(r.end == RF_WARM_DONE && r.due == 0 && r.calls == 0);
        for (unsigned i = 0; i < 100 && (r.end != RF_WARM_DONE || r.due == 0); i++) {
                assert_int_equal(rf_sleep_us(HOUR_US / 3), 0);
                r = pass(s);
        }
        assert_int_equal(r.end, RF_WARM_DONE);
        assert_int_equal(ask_for(s, &jazz).misses, 0);
        assert_int_equal(ask_for(s, &techno).misses, 0);
        return 0;
}

static void a_service_that_refuses_ends_the_pass(void **state)
{
        (void)state;
        run_with(&(struct house_options){ .latency = "200ms", .has_cache = true, .rate_limit = "20" }, "rainy sunday jazz | focus techno", 1000,
                 is_refused);
}

static int pass_of_a_client(void *arg)
{
        struct stage *s = arg;
        struct rf_warm_report r;

        assert_int_equal(rf_warmer_run_due(s->warmer, &r), -ECANCELED);
        return 0;
}

/* Which one a pass that ended at once has tried: its place in the list. */
static size_t tried_now(struct stage *s)
{
        _cleanup_free_ struct rf_warm_view *list = NULL;
        size_t n, tried = SIZE_MAX;

        assert_int_equal(rf_warmer_list(s->warmer, &list, &n), 0);
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++)
                if (list[i].item->tried_us == rf_wall_us()) {
                        assert_int_equal(tried, SIZE_MAX);
                        tried = i;
                }
        assert_int_not_equal(tried, SIZE_MAX);
        return tried;
}

/* No service is there for a day, and each pass ends at the first item. */
static int takes_turns(struct stage *s)
{
        size_t first[3];

        while (pass(s).calls > 0) /* until the breaker is open */
                assert_int_equal(rf_sleep_us(USEC_PER_SEC), 0);
        for (unsigned i = 0; i < 9; i++) {
                size_t tried;

                assert_int_equal(rf_sleep_us(HOUR_US / 2), 0); /* more than any of them rests */
                assert_true(pass(s).end == RF_WARM_SERVICE);
                tried = tried_now(s);
                if (i < 3)
                        first[i] = tried;
                assert_int_equal(tried, first[i % 3]);
        }
        assert_true(first[0] != first[1] && first[1] != first[2] && first[2] != first[0]);
        return 0;
}

static void whatever_is_due_has_its_turn_when_a_service_refuses(void **state)
{
        (void)state;
        run_with(&(struct house_options){ .latency = "200ms", .has_cache = true, .rate_limit = "1" },
                 "rainy sunday jazz | focus techno | calm piano", 1000, takes_turns);
}

static int hangs_up(struct stage *s)
{
        _cleanup_free_ struct rf_warm_view *list = NULL;
        struct rf_group *g;
        size_t n;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "pass", pass_of_a_client, s), 0);
        assert_int_equal(rf_sleep_us(300 * USEC_PER_MSEC), 0);
        rf_group_free(g);
        assert_int_equal(rf_warmer_list(s->warmer, &list, &n), 0);
        assert_true(n == 1 && list[0].due.is_due && list[0].item->tried_us == 0);
        assert_int_equal(pass(s).warmed, 1);
        return 0;
}

static void a_client_that_hangs_up_says_nothing_of_what_was_under_way(void **state)
{
        (void)state;
        run("rainy sunday jazz", 1000, hangs_up);
}

/* ---- Giving way ---- */

static int pass_alone(void *arg)
{
        struct stage *s = arg;

        s->report = pass(s);
        s->has_passed = true;
        return 0;
}

static int gives_way(struct stage *s)
{
        struct rf_group *g;
        struct rf_warm_report second;
        uint64_t attempts;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "pass", pass_alone, s), 0);
        assert_int_equal(rf_sleep_us(300 * USEC_PER_MSEC), 0);
        assert_false(s->has_passed);
        second = pass(s);
        assert_int_equal(second.end, RF_WARM_BUSY);
        attempts = rf_upstream_stats(s->house.upstream).attempts;
        assert_true(attempts > 0);
        ask_for(s, &techno);
        assert_true(s->has_passed); /* long before the person was served */
        assert_int_equal(s->report.end, RF_WARM_PERSON);
        assert_int_equal(rf_warmer_stats(s->warmer).interrupted, 1);
        rf_group_free(g);
        assert_int_equal(pass(s).end, RF_WARM_DONE); /* the next one goes on */
        assert_int_equal(ask_for(s, &jazz).misses, 0);
        return 0;
}

static void a_pass_stops_as_soon_as_a_person_waits(void **state)
{
        (void)state;
        run("rainy sunday jazz | calm piano", 1000, gives_way);
}

/* Whom the cache answers needs no service, and stops nobody. */
static int goes_on(struct stage *s)
{
        struct rf_group *g;

        ask_for(s, &techno);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "pass", pass_alone, s), 0);
        assert_int_equal(rf_sleep_us(300 * USEC_PER_MSEC), 0);
        assert_int_equal(ask_for(s, &techno).misses, 0);
        assert_int_equal(rf_group_join(g), 0);
        assert_int_equal(s->report.end, RF_WARM_DONE);
        rf_group_free(g);
        return 0;
}

static void a_person_whom_the_cache_answers_stops_no_pass(void **state)
{
        (void)state;
        run("rainy sunday jazz", 1000, goes_on);
}

/* The same music, asked for while it's being warmed: the calls under way are shared, and the person gets them. */
static int shares(struct stage *s)
{
        struct rf_group *g;
        struct visit v;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "pass", pass_alone, s), 0);
        assert_int_equal(rf_sleep_us(100 * USEC_PER_MSEC), 0);
        v = ask_for(s, &jazz);
        assert_true(v.misses > 0);
        assert_true(rf_upstream_stats(s->house.upstream).coalesced > 0);
        rf_group_free(g);
        return 0;
}

static void a_person_takes_over_what_is_under_way(void **state)
{
        (void)state;
        run("rainy sunday jazz", 1000, shares);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_configured_stays_warm),
                cmocka_unit_test(what_people_ask_for_every_day_is_warm_when_they_come),
                cmocka_unit_test(a_pass_makes_no_more_calls_than_it_may),
                cmocka_unit_test(nothing_is_warmed_while_the_switch_is_off),
                cmocka_unit_test(a_service_that_refuses_ends_the_pass),
                cmocka_unit_test(whatever_is_due_has_its_turn_when_a_service_refuses),
                cmocka_unit_test(a_client_that_hangs_up_says_nothing_of_what_was_under_way),
                cmocka_unit_test(a_pass_stops_as_soon_as_a_person_waits),
                cmocka_unit_test(a_person_whom_the_cache_answers_stops_no_pass),
                cmocka_unit_test(a_person_takes_over_what_is_under_way),
        };

        return cmocka_run_group_tests_name("warmer", tests, NULL, NULL);
}
