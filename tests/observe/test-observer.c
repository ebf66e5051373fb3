#include "test.h"

#include "base/error.h"
#include "control/observer.h"
#include "sched/sched.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char directory[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int make_directory(void **state)
{
        (void)state;
        strcpy(directory, "/tmp/recflow-test-XXXXXX");
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
        (void)state;
        return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* One life of a daemon, on the virtual clock. */
struct life {
        struct rf_state *state;
        struct rf_observer *observer;
        size_t damaged, n_slow;
        int (*body)(struct life *l);
};

static void note_slow(void *arg, const struct rf_attempt_record *record)
{
        struct life *l = arg;

        assert_string_equal(record->target, "GET /track?ids=1");
        l->n_slow++;
}

static int live_main(void *arg)
{
        struct life *l = arg;
        int r = rf_observer_start(l->observer, &l->damaged);

        assert_int_equal(r, 0);
        r = l->body(l);
        rf_observer_stop(l->observer);
        return r;
}

static void live(struct life *l, uint64_t wall_us, int (*body)(struct life *l))
{
        struct rf_sched_options clock = { .virtual_clock = true, .virtual_wall_us = wall_us };
        struct rf_sched *s = NULL;
        char notice[512];

        *l = (struct life){ .body = body };
        assert_int_equal(rf_state_open(&(struct rf_state_options){ .directory = directory, .size_max = 16u << 20 }, &l->state, notice,
                                       sizeof(notice)), 0);
        assert_int_equal(rf_observer_new(&(struct rf_observer_options){ .state = l->state, .slow_us = 20 * USEC_PER_SEC, .slow = note_slow,
                                                                        .slow_arg = l }, &l->observer), 0);
        assert_int_equal(rf_sched_new(&clock, &s), 0);
        assert_int_equal(rf_sched_run(s, live_main, l), 0);
        rf_sched_free(s);
        rf_observer_free(l->observer);
        rf_state_close(l->state);
}

static void attempt(struct life *l, uint64_t duration_us)
{
        rf_observer_attempt(l->observer, &(struct rf_attempt_record){ .provider = "reccobeat", .endpoint = "GET /track",
                                                                      .target = "GET /track?ids=1", .duration_us = duration_us, .number = 1 });
}

static uint64_t attempts(struct life *l)
{
        struct rf_figures *f;
        uint64_t from_us, n;

        assert_int_equal(rf_stats_sum(rf_observer_stats(l->observer), rf_wall_us(), 0, &f, &from_us), 0);
        n = f->n_endpoints > 0 ? rf_endpoint_attempts(f->endpoints[0]) : 0;
        rf_figures_free(f);
        return n;
}

#define START_US (1767225600ull * USEC_PER_SEC)

static int count_one(struct life *l)
{
        attempt(l, USEC_PER_SEC);
        assert_int_equal(rf_state_count(l->state, RF_TABLE_STATS), 0);
        assert_int_equal(rf_sleep_us(61 * USEC_PER_SEC), 0);
        assert_int_equal(rf_state_count(l->state, RF_TABLE_STATS), 3); /* the sum, a minute, an hour */
        attempt(l, USEC_PER_SEC);
        return 0;
}

static int find_two(struct life *l)
{
        assert_int_equal(l->damaged, 0);
        assert_int_equal(attempts(l), 2);
        return 0;
}

static void figures_are_kept_each_minute_and_at_the_stop(void **state)
{
        struct life l;

        (void)state;
        live(&l, START_US, count_one);
        live(&l, START_US + 3600 * USEC_PER_SEC, find_two);
}

static int spoil(struct life *l)
{
        attempt(l, USEC_PER_SEC);
        rf_observer_stop(l->observer);
        return rf_state_put(l->state, RF_TABLE_STATS, "total", 5, "\1nonsense", 9);
}

static int find_none(struct life *l)
{
        assert_int_equal(l->damaged, 1);
        assert_int_equal(attempts(l), 0);
        attempt(l, USEC_PER_SEC);
        return 0;
}

static int find_one(struct life *l)
{
        assert_int_equal(l->damaged, 0);
        assert_int_equal(attempts(l), 1);
        return 0;
}

static void a_damaged_record_is_told_and_counting_starts_anew(void **state)
{
        struct life l;

        (void)state;
        live(&l, START_US, spoil);
        live(&l, START_US, find_none);
        live(&l, START_US, find_one);
}

static int be_slow(struct life *l)
{
        attempt(l, 20 * USEC_PER_SEC);
        assert_int_equal(l->n_slow, 0);
        attempt(l, 20 * USEC_PER_SEC + 1);
        assert_int_equal(l->n_slow, 1);
        return 0;
}

static void slow_requests_are_handed_out(void **state)
{
        struct life l;

        (void)state;
        live(&l, START_US, be_slow);
}

static int fail_variously(struct life *l)
{
        static const int errors[] = { 0, -RF_EUPSTREAM, -ENOTSUP, -RF_ELIMIT, -ECANCELED, -RF_ELOGIN };
        const struct rf_caller caller = { .step = 1 };
        struct rf_figures *f;
        uint64_t from_us;

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                rf_observer_call(l->observer, &caller, &(struct rf_call_record){ .provider = "embedded", .endpoint = "GET /me/top",
                                                                                 .error = errors[i] });
        assert_int_equal(rf_stats_sum(rf_observer_stats(l->observer), rf_wall_us(), 0, &f, &from_us), 0);
        assert_int_equal(f->n_endpoints, 1);
        assert_int_equal(f->endpoints[0]->errors, 1);
        assert_int_equal(f->endpoints[0]->calls, 4);
        rf_figures_free(f);
        return 0;
}

static void only_failures_of_services_are_errors(void **state)
{
        struct life l;

        (void)state;
        live(&l, START_US, fail_variously);
}

static int unmoved(struct life *l)
{
        return rf_sleep_us(3600 * USEC_PER_SEC) < 0 || rf_state_count(l->state, RF_TABLE_STATS) > 0;
}

static void nothing_is_written_while_nothing_happens(void **state)
{
        struct life l;

        (void)state;
        live(&l, START_US, unmoved);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
        const struct CMUnitTest tests[] = {
                CASE(figures_are_kept_each_minute_and_at_the_stop),
                CASE(a_damaged_record_is_told_and_counting_starts_anew),
                CASE(slow_requests_are_handed_out),
                CASE(only_failures_of_services_are_errors),
                CASE(nothing_is_written_while_nothing_happens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
