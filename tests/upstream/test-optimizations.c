/* Each switch of calls, on and off: calls and times, in virtual time. */
#include "fixture.h"

#include "upstream/old_limiter.h"

#include <errno.h>
#include <ftw.h>
#include <unistd.h>

#define SECOND USEC_PER_SEC
#define MINUTE (60 * USEC_PER_SEC)

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

struct run {
        struct fixture f;
        int (*body)(struct fixture *f);
};

static int run_body(void *arg)
{
        struct run *run = arg;
        int r = run->body(&run->f);

        rf_upstream_stop(run->f.upstream);
        return r;
}

/* Runs a body in virtual time from the beginning of a minute on, with one switch off, or with all on (RF_OPT_COUNT). */
static void with_off(enum rf_optimization off, const char *const *options, bool cached, int (*body)(struct fixture *f))
{
        static struct run run;
        struct rf_optimizations set = rf_optimizations_full();
        char directory[64] = "/tmp/recflow-test-XXXXXX", notice[512];
        struct rf_upstream_options o = { .concurrency = 8, .retries = 2, .seed = 1, .cache_enabled = cached, .refusal_us = 86400 * SECOND,
                                         .breaker = { .failures = 3, .rate_percent = 100, .open_us = 30 * SECOND, .probes = 1,
                                                      .probe_us = MINUTE } };
        struct rf_sched *s;

        memset(&run, 0, sizeof(run));
        run.body = body;
        assert_non_null(mkdtemp(directory));
        if (cached)
                assert_int_equal(rf_cache_open(&(struct rf_cache_options){ .directory = directory, .size_max = 16 << 20,
                                                                           .sync_interval_us = SECOND },
                                               &run.f.cache, notice, sizeof(notice)), 0);
        fixture_open(&run.f, options);
        rf_upstream_free(run.f.upstream);
        if (off < RF_OPT_COUNT) {
                o.optimizations_off = (uint64_t)1 << off;
                rf_optimizations_set(&set, off, false);
        }
        assert_int_equal(rf_upstream_new(&o, run.f.providers, run.f.cache, &run.f.upstream), 0);
        assert_true(rf_upstream_optimizations(run.f.upstream)->on == set.on);
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1800000000 * SECOND }, &s), 0);
        assert_int_equal(rf_sched_run(s, run_body, &run), 0);
        rf_sched_free(s);
        fixture_close(&run.f);
        rf_cache_close(run.f.cache);
        assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#define LATENCY (const char *const[]){ "latency=200ms", NULL }

static const char *ids[100];
static char texts[100][64];

/* Ids of the catalogue, without anything left behind in the figures. */
static void find_ids(struct fixture *f)
{
        struct rf_caller caller = { .deadline_us = RF_FOREVER };
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .limit = 100 };
        struct rf_answer *a;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        assert_int_equal(a->n_tracks, 100);
        for (size_t i = 0; i < 100; i++) {
                snprintf(texts[i], sizeof(texts[i]), "%s", a->tracks[i].id);
                ids[i] = texts[i];
        }
        rf_answer_unref(a);
}

static uint64_t attempts;

/* Attempts since the last time. */
static uint64_t new_attempts(const struct fixture *f)
{
        uint64_t now = rf_upstream_stats(f->upstream).attempts, before = attempts;

        attempts = now;
        return now - before;
}

static int look_up(struct fixture *f, enum rf_op op, size_t n)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = op, .ids = ids, .n_ids = n };
        struct rf_answer *a = NULL;
        int r = rf_upstream_call(f->upstream, &caller, &q, &a);

        rf_answer_unref(a);
        return r;
}

/* ---- Look-ups ---- */

static uint64_t took_us, made;

static int twelve_features(struct fixture *f)
{
        uint64_t began_us;

        attempts = 0;
        find_ids(f);
        (void)new_attempts(f);
        began_us = rf_now_us();
        assert_int_equal(look_up(f, RF_OP_AUDIO_FEATURES, 12), 0);
        took_us = rf_now_us() - began_us;
        made = new_attempts(f);
        return 0;
}

static void features_go_in_one_call_or_one_by_one_with_pauses(void **state)
{
        (void)state;
        with_off(RF_OPT_COUNT, LATENCY, false, twelve_features);
        assert_int_equal(made, 1);
        assert_int_equal(took_us, 200000);
        with_off(RF_OPT_BATCH_FEATURES, LATENCY, false, twelve_features);
        assert_int_equal(made, 12);
        assert_int_equal(took_us, 3 * 200000 + 2 * 1200000); /* 5, 5 and 2 */
}

static int hundred_details(struct fixture *f)
{
        uint64_t began_us;

        attempts = 0;
        find_ids(f);
        (void)new_attempts(f);
        began_us = rf_now_us();
        assert_int_equal(look_up(f, RF_OP_TRACKS, 100), 0);
        took_us = rf_now_us() - began_us;
        made = new_attempts(f);
        return 0;
}

static void batches_of_details_go_at_once_or_one_after_another(void **state)
{
        uint64_t n;

        (void)state;
        with_off(RF_OPT_COUNT, LATENCY, false, hundred_details);
        n = made;
        assert_true(n > 1);
        assert_int_equal(took_us, 200000);
        with_off(RF_OPT_BATCH_DETAILS, LATENCY, false, hundred_details);
        assert_int_equal(made, n);
        assert_int_equal(took_us, n * 200000);
}

/* ---- Sharing ---- */

static int one_of_three(void *arg)
{
        struct fixture *f = arg;
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .limit = 5 };
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        rf_answer_unref(a);
        return look_up(f, RF_OP_AUDIO_FEATURES, 3);
}

static int three_at_once(struct fixture *f)
{
        struct rf_group *g;

        attempts = 0;
        find_ids(f);
        (void)new_attempts(f);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(rf_group_spawn(g, "one", one_of_three, f), 0);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        made = new_attempts(f);
        return 0;
}

static void equal_calls_are_shared_or_each_caller_calls(void **state)
{
        (void)state;
        with_off(RF_OPT_COUNT, LATENCY, false, three_at_once);
        assert_int_equal(made, 2);
        with_off(RF_OPT_COALESCE, LATENCY, false, three_at_once);
        assert_int_equal(made, 6);
}

static int leaves_early(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_AUDIO_FEATURES, .ids = ids, .n_ids = 40 };
        struct rf_answer *a = NULL;

        find_ids(f);
        caller.deadline_us = rf_deadline_in(50000);
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -ETIMEDOUT);
        assert_int_equal(rf_sleep_us(5 * SECOND), 0); /* what was under way for it alone has ended, and is gone */
        assert_int_equal(rf_sched_stats(rf_sched_current()).coroutines, 1);
        return 0;
}

static void who_shares_nothing_may_leave_too(void **state)
{
        (void)state;
        with_off(RF_OPT_COALESCE, LATENCY, false, leaves_early);
        with_off(RF_OPT_BATCH_FEATURES, LATENCY, false, leaves_early);
}

/* ---- Life times ---- */

static enum rf_op aged_op;
static enum rf_cache_state seen;

static int asks_again_after_31_minutes(struct fixture *f)
{
        find_ids(f);
        if (aged_op == RF_OP_ARTIST_TOP_TRACKS) {
                struct rf_caller caller = { .deadline_us = RF_FOREVER };
                struct rf_query q = { .op = RF_OP_TRACKS, .ids = ids, .n_ids = 1 };
                struct rf_answer *a;

                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
                snprintf(texts[0], sizeof(texts[0]), "%s", a->tracks[0].artists[0].id);
                rf_answer_unref(a);
        }
        assert_int_equal(look_up(f, aged_op, 1), 0);
        assert_int_equal(rf_sleep_us(25 * MINUTE), 0);
        f->n_records = 0;
        assert_int_equal(look_up(f, aged_op, 1), 0);
        assert_int_equal(f->records[0].cache, RF_CACHE_HIT);
        assert_int_equal(rf_sleep_us(6 * MINUTE), 0);
        f->n_records = 0;
        assert_int_equal(look_up(f, aged_op, 1), 0);
        seen = f->records[0].cache;
        return 0;
}

static void life_times_are_the_operations_or_half_an_hour(void **state)
{
        (void)state;
        aged_op = RF_OP_ARTIST_TOP_TRACKS;
        with_off(RF_OPT_COUNT, NULL, true, asks_again_after_31_minutes);
        assert_int_equal(seen, RF_CACHE_HIT);
        with_off(RF_OPT_LONG_ARTIST_TTL, NULL, true, asks_again_after_31_minutes);
        assert_int_equal(seen, RF_CACHE_STALE);
        aged_op = RF_OP_TRACKS;
        with_off(RF_OPT_COUNT, NULL, true, asks_again_after_31_minutes);
        assert_int_equal(seen, RF_CACHE_HIT);
        with_off(RF_OPT_LONG_DETAILS_TTL, NULL, true, asks_again_after_31_minutes);
        assert_int_equal(seen, RF_CACHE_STALE);
}

static int asks_after_three_days(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .limit = 5 };
        struct rf_answer *a = NULL;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
                rf_answer_unref(a);
                assert_int_equal(rf_sleep_us(3 * 86400 * SECOND), 0);
        }
        seen = f->records[1].cache;
        made = rf_upstream_stats(f->upstream).refreshes;
        return 0;
}

static void old_answers_are_served_or_count_as_missing(void **state)
{
        (void)state;
        with_off(RF_OPT_COUNT, LATENCY, true, asks_after_three_days);
        assert_int_equal(seen, RF_CACHE_STALE);
        assert_int_equal(made, 1);
        with_off(RF_OPT_STALE_SERVING, LATENCY, true, asks_after_three_days);
        assert_int_equal(seen, RF_CACHE_MISS);
        assert_int_equal(made, 0);
}

/* ---- The breaker ---- */

static int fails_twice(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .limit = 5 };
        struct rf_answer *a = NULL;

        for (int i = 0; i < 2; i++)
                assert_true(rf_upstream_call(f->upstream, &caller, &q, &a) < 0);
        made = f->records[1].attempts;
        if (made == 0) { /* open: switched off, it is so no longer */
                rf_upstream_set_optimizations(f->upstream, &(struct rf_optimizations){ 0 });
                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_EUPSTREAM);
                assert_int_equal(f->records[2].attempts, 3);
        }
        return 0;
}

static void the_breaker_opens_or_a_failing_service_is_asked_on(void **state)
{
        (void)state;
        with_off(RF_OPT_COUNT, (const char *const[]){ "error_rate=1", NULL }, false, fails_twice);
        assert_int_equal(made, 0);
        with_off(RF_OPT_CIRCUIT_BREAKER, (const char *const[]){ "error_rate=1", NULL }, false, fails_twice);
        assert_int_equal(made, 3);
}

/* ---- The limiter ---- */

static void the_old_limiter_sleeps_a_minute_from_the_oldest_call_and_does_not_look_again(void **state)
{
        struct rf_old_limiter l = { 0 };

        (void)state;
        for (uint64_t i = 0; i < 60; i++) {
                assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_TRACKS, 10 * MINUTE + (40 + i / 10) * SECOND), 0);
                rf_old_limiter_take(&l, RF_OP_TRACKS, 10 * MINUTE + (40 + i / 10) * SECOND);
        }
        /* the minute ends in 14 s: it waits for 54 */
        assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_ARTIST_ALBUMS, 10 * MINUTE + 46 * SECOND), 54 * SECOND);
        assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_SEARCH_TRACKS, 10 * MINUTE + 46 * SECOND), 0);
        assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_AUDIO_FEATURES, 10 * MINUTE + 46 * SECOND), 0);
        /* who comes in the next minute needn't wait, and goes before the sleeper */
        assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_ALBUM_TRACKS, 11 * MINUTE), 0);
        for (uint64_t i = 0; i < 60; i++)
                rf_old_limiter_take(&l, RF_OP_ALBUM_TRACKS, 11 * MINUTE);
        rf_old_limiter_take(&l, RF_OP_ARTIST_ALBUMS, 11 * MINUTE + 40 * SECOND);
        assert_int_equal(rf_old_limiter_wait_us(&l, RF_OP_TRACKS, 11 * MINUTE + 41 * SECOND), 19 * SECOND);
}

static int searches_61_times(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova" };
        struct rf_answer *a = NULL;

        assert_int_equal(rf_sleep_us(30 * SECOND), 0);
        for (q.limit = 1; q.limit <= 61; q.limit++) {
                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
                rf_answer_unref(a);
        }
        took_us = rf_now_us() - 30 * SECOND;
        made = f->records[60].pace_us;
        caller.deadline_us = rf_deadline_in(SECOND);
        q = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = "nobody" };
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        rf_answer_unref(a);
        return 0;
}

static void calls_are_paced_or_limited_by_the_minute(void **state)
{
        (void)state;
        with_off(RF_OPT_COUNT, LATENCY, false, searches_61_times);
        assert_int_equal(took_us, 61 * 200000);
        assert_int_equal(made, 0);
        with_off(RF_OPT_PACED_LIMITER, LATENCY, false, searches_61_times);
        assert_int_equal(took_us, 60 * SECOND + 200000); /* though the next minute had begun 30 s before */
        assert_int_equal(made, 48 * SECOND);
}

/* ---- The table ---- */

static void every_switch_has_a_name_of_its_own(void **state)
{
        struct rf_optimizations set;

        (void)state;
        for (int i = 0; i < RF_OPT_COUNT; i++)
                assert_int_equal(rf_optimization_find(rf_optimization_infos[i].name), i);
        assert_int_equal(rf_optimization_find("warp"), -1);
        assert_int_equal(rf_optimizations_profile("baseline", &set), 0);
        assert_true(set.on == 0);
        assert_int_equal(rf_optimizations_profile("full", &set), 0);
        rf_optimizations_set(&set, RF_OPT_COALESCE, false);
        assert_false(rf_is_on(&set, RF_OPT_COALESCE));
        assert_true(rf_is_on(&set, RF_OPT_LOCAL_ANALYSIS));
        assert_int_equal(rf_optimizations_profile("fast", &set), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(features_go_in_one_call_or_one_by_one_with_pauses),
                cmocka_unit_test(batches_of_details_go_at_once_or_one_after_another),
                cmocka_unit_test(equal_calls_are_shared_or_each_caller_calls),
                cmocka_unit_test(who_shares_nothing_may_leave_too),
                cmocka_unit_test(life_times_are_the_operations_or_half_an_hour),
                cmocka_unit_test(old_answers_are_served_or_count_as_missing),
                cmocka_unit_test(the_breaker_opens_or_a_failing_service_is_asked_on),
                cmocka_unit_test(the_old_limiter_sleeps_a_minute_from_the_oldest_call_and_does_not_look_again),
                cmocka_unit_test(calls_are_paced_or_limited_by_the_minute),
                cmocka_unit_test(every_switch_has_a_name_of_its_own),
        };

        return cmocka_run_group_tests_name("optimizations", tests, NULL, NULL);
}
