#include "fixture.h"

#include "upstream/key.h"

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

/* Runs a body in virtual time with the mock provider, with a cache if asked. */
static void with_mock(const char *const *options, bool cached, int (*body)(struct fixture *f))
{
        static struct run run;
        struct rf_sched *s;
        char notice[512];

        memset(&run, 0, sizeof(run));
        run.body = body;
        strcpy(directory, "/tmp/recflow-test-XXXXXX");
        assert_non_null(mkdtemp(directory));
        if (cached)
                assert_int_equal(rf_cache_open(&(struct rf_cache_options){ .directory = directory, .size_max = 16 << 20,
                                                                           .sync_interval_us = USEC_PER_SEC },
                                               &run.f.cache, notice, sizeof(notice)), 0);
        fixture_open(&run.f, options);
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1800000000 * USEC_PER_SEC }, &s), 0);
        assert_int_equal(rf_sched_run(s, run_body, &run), 0);
        rf_sched_free(s);
        fixture_close(&run.f);
        rf_cache_close(run.f.cache);
        assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct rf_query genre_search(uint32_t limit)
{
        return (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .limit = limit };
}

static int asks_twice(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(10);
        struct rf_answer *first, *second;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &first), 0);
        assert_int_equal(first->n_tracks, 10);
        assert_true(rf_now_us() == 200000);
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &second), 0);
        assert_true(rf_now_us() == 200000); /* from the cache */
        assert_int_equal(second->n_tracks, 10);
        for (size_t i = 0; i < 10; i++) {
                assert_string_equal(first->tracks[i].id, second->tracks[i].id);
                assert_string_equal(first->tracks[i].artists[0].name, second->tracks[i].artists[0].name);
                assert_int_equal(first->tracks[i].duration_ms, second->tracks[i].duration_ms);
                assert_int_equal(first->tracks[i].popularity, second->tracks[i].popularity);
        }
        assert_int_equal(f->n_records, 2);
        assert_int_equal(f->records[0].cache, RF_CACHE_MISS);
        assert_int_equal(f->records[0].attempts, 1);
        assert_true(f->records[0].upstream_us == 200000);
        assert_int_equal(f->records[1].cache, RF_CACHE_HIT);
        assert_int_equal(f->records[1].attempts, 0);
        rf_answer_unref(first);
        rf_answer_unref(second);
        assert_int_equal(rf_sleep_us(3 * 86400 * USEC_PER_SEC), 0); /* stale by now */
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &second), 0);
        assert_int_equal(f->records[2].cache, RF_CACHE_STALE); /* served at once, */
        rf_answer_unref(second);
        assert_int_equal(rf_sleep_us(USEC_PER_SEC), 0);
        assert_int_equal(rf_upstream_stats(f->upstream).refreshes, 1); /* and fetched anew behind our back */
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &second), 0);
        assert_int_equal(f->records[3].cache, RF_CACHE_HIT);
        rf_answer_unref(second);
        assert_int_equal(rf_upstream_stats(f->upstream).attempts, 2);
        assert_int_equal(rf_sleep_us(86400 * USEC_PER_SEC * 85 / 100), 0); /* fresh yet, but not for long */
        for (int i = 0; i < 3; i++) {
                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &second), 0);
                assert_int_equal(f->records[4 + i].cache, RF_CACHE_HIT);
                rf_answer_unref(second);
        }
        return 0;
}

static void an_answer_is_fetched_once_while_it_is_fresh(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "latency=200ms", NULL }, true, asks_twice);
}

static int analyses_a_prompt(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_ANALYSE_PROMPT, .text = "rainy sunday jazz" };
        struct rf_answer *a, *again;
        char line[1024];
        FILE *guide = fopen(TEST_SRCDIR "/docs/writing-a-plugin.md", "re");
        bool is_documented = false;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        assert_non_null(a->analysis);
        assert_non_null(guide);
        while (fgets(line, sizeof(line), guide)) {
                line[strcspn(line, "\n")] = '\0';
                is_documented |= strcmp(line, a->analysis) == 0; /* the guide shows this very answer */
        }
        fclose(guide);
        if (!is_documented)
                fail_msg("the guide doesn't show %s", a->analysis);
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &again), 0);
        assert_int_equal(f->records[1].cache, RF_CACHE_HIT);
        assert_string_equal(a->analysis, again->analysis);
        rf_answer_unref(a);
        rf_answer_unref(again);
        return 0;
}

static void a_provider_may_analyse_the_prompt(void **state)
{
        (void)state;
        with_mock(NULL, true, analyses_a_prompt);
}

static int remembers_nothing_found(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_SEARCH_ARTISTS, .text = "Miles Davis" };
        struct rf_answer *a;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
                assert_true(rf_answer_is_empty(a));
                rf_answer_unref(a);
        }
        assert_int_equal(f->records[0].outcome, RF_OUTCOME_EMPTY);
        assert_int_equal(f->records[1].cache, RF_CACHE_NEGATIVE);
        return 0;
}

static void an_absence_is_remembered_too(void **state)
{
        (void)state;
        with_mock(NULL, true, remembers_nothing_found);
}

static int looks_up_many(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(100), features = { .op = RF_OP_AUDIO_FEATURES };
        struct rf_answer *tracks, *a, *again;
        const char *ids[100];

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &tracks), 0);
        assert_int_equal(tracks->n_tracks, 100);
        for (size_t i = 0; i < 100; i++)
                ids[i] = tracks->tracks[i].id;
        features.ids = ids;
        features.n_ids = 50;
        f->n_records = 0;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &features, &a), 0);
        assert_int_equal(f->n_records, 2); /* 40 and 10 */
        assert_in_range(a->n_features, 40, 50);
        for (size_t i = 1; i < a->n_features; i++) { /* in the order asked, though the service gives any */
                size_t x = 0, y = 0;

                while (strcmp(ids[x], a->features[i - 1].id) != 0)
                        x++;
                while (strcmp(ids[y], a->features[i].id) != 0)
                        y++;
                assert_true(x < y);
        }
        f->n_records = 0;
        features.n_ids = 100;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &features, &again), 0);
        assert_int_equal(f->n_records, 3); /* what the cache had; 40 and 10 new ones */
        assert_int_equal(f->records[0].cache, RF_CACHE_HIT);
        assert_int_equal(f->records[0].n_records, 50);
        rf_answer_unref(again);
        f->n_records = 0;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &features, &again), 0);
        assert_int_equal(f->n_records, 1); /* absences are known as well */
        rf_answer_unref(again);
        rf_answer_unref(a);
        rf_answer_unref(tracks);
        return 0;
}

static void ids_are_cached_one_by_one_and_fetched_in_batches(void **state)
{
        (void)state;
        with_mock(NULL, true, looks_up_many);
}

/* ---- Sharing ---- */

struct sharer {
        struct fixture *f;
        uint64_t deadline_us;
        struct rf_call_record record;
        int result;
};

static void keep_record(void *arg, const struct rf_call_record *record)
{
        ((struct sharer *)arg)->record = *record;
}

static int asks_as_one_of_many(void *arg)
{
        struct sharer *s = arg;
        struct rf_caller caller = { .deadline_us = s->deadline_us, .observe = keep_record, .observe_arg = s };
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        s->result = rf_upstream_call(s->f->upstream, &caller, &q, &a);
        rf_answer_unref(a);
        return 0;
}

static int asks_at_once(struct fixture *f)
{
        static struct sharer sharers[100];
        struct rf_group *g, *impatient;
        size_t shared = 0;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &impatient), 0);
        for (size_t i = 0; i < 100; i++) {
                sharers[i] = (struct sharer){ .f = f, .deadline_us = i % 10 == 3 ? 50000 : RF_FOREVER };
                /* the first to ask, who starts the work, is among those who give up */
                assert_int_equal(rf_group_spawn(i % 10 == 0 ? impatient : g, "sharer", asks_as_one_of_many, &sharers[i]), 0);
        }
        assert_int_equal(rf_sleep_us(10000), 0);
        rf_group_cancel(impatient);
        assert_int_equal(rf_group_join(impatient), 0);
        assert_int_equal(rf_group_join(g), 0);
        for (size_t i = 0; i < 100; i++) {
                assert_int_equal(sharers[i].result, i % 10 == 0 ? -ECANCELED : i % 10 == 3 ? -ETIMEDOUT : 0);
                shared += sharers[i].record.coalesced;
        }
        assert_int_equal(shared, 99);
        assert_int_equal(rf_upstream_stats(f->upstream).attempts, 1);
        assert_true(rf_now_us() == 200000);
        rf_group_free(g);
        rf_group_free(impatient);
        return 0;
}

static void equal_calls_in_flight_are_one_and_anyone_may_leave(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "latency=200ms", NULL }, false, asks_at_once);
}

static int all_leave(struct fixture *f)
{
        struct sharer sharers[5] = { 0 };
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < 5; i++) {
                sharers[i] = (struct sharer){ .f = f, .deadline_us = RF_FOREVER };
                assert_int_equal(rf_group_spawn(g, "sharer", asks_as_one_of_many, &sharers[i]), 0);
        }
        assert_int_equal(rf_sleep_us(10000), 0);
        rf_group_free(g);
        assert_true(rf_now_us() == 10000); /* nobody waited for the service */
        assert_int_equal(rf_sched_stats(rf_sched_current()).coroutines, 1);
        assert_int_equal(rf_upstream_provider_stats(f->upstream, rf_providers_at(f->providers, 0)).in_flight, 0);
        return 0;
}

static void the_last_to_leave_cancels_the_call(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "latency=200ms", NULL }, false, all_leave);
}

/* ---- Failures ---- */

static int fails_always(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_EUPSTREAM);
        assert_null(a);
        assert_int_equal(f->records[0].attempts, 3);
        assert_int_equal(f->records[0].status, 503);
        assert_true(rf_now_us() > 0 && rf_now_us() < 2 * USEC_PER_SEC); /* the pauses between */
        return 0;
}

static void transient_failures_are_retried_a_bounded_number_of_times(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "error_rate=1", NULL }, false, fails_always);
}

static int is_cut(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_EMALFORMED);
        return 0;
}

static void a_cut_answer_is_called_malformed(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "malformed_rate=1", NULL }, false, is_cut);
}

static int hangs(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_EUPSTREAM);
        assert_true(rf_now_us() >= 3 * 30 * USEC_PER_SEC); /* each attempt its timeout */
        caller.deadline_us = rf_deadline_in(5 * USEC_PER_SEC);
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -ETIMEDOUT);
        return 0;
}

static void a_hung_service_costs_its_timeout_or_the_callers_deadline(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "hang_rate=1", NULL }, false, hangs);
}

static int is_limited(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        rf_answer_unref(a);
        caller.deadline_us = rf_deadline_in(5 * USEC_PER_SEC);
        q.limit = 6;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_ERATE);
        assert_int_equal(f->records[1].attempts, 1); /* not asked again at once */
        assert_int_equal(f->records[1].status, 429);
        assert_true(f->records[1].needed_us == 30 * USEC_PER_SEC); /* which it says instead of waiting in vain */
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_ERATE);
        assert_int_equal(f->records[2].attempts, 0); /* not asked at all */
        assert_true(rf_now_us() == 0);
        caller.deadline_us = RF_FOREVER;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0); /* who has the time waits */
        assert_int_equal(f->records[3].attempts, 1);
        assert_true(f->records[3].pace_us == 30 * USEC_PER_SEC);
        assert_true(rf_now_us() == 30 * USEC_PER_SEC);
        rf_answer_unref(a);
        return 0;
}

static void a_rate_limit_is_waited_for_or_told_at_once(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "rate_limit=1", NULL }, false, is_limited);
}

static int needs_a_login(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = { .op = RF_OP_USER_TOP };
        struct rf_answer *a = NULL;

        assert_true(rf_upstream_can(f->upstream, RF_OP_USER_TOP));
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_ELOGIN);
        assert_false(rf_upstream_can(f->upstream, RF_OP_USER_TOP)); /* remembered */
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), -RF_EUNSUPPORTED);
        assert_int_equal(rf_sleep_us(25 * 3600 * USEC_PER_SEC), 0);
        assert_true(rf_upstream_can(f->upstream, RF_OP_USER_TOP)); /* for a day */
        return 0;
}

static void a_refusal_is_remembered_for_a_while(void **state)
{
        (void)state;
        with_mock(NULL, false, needs_a_login);
}

static int survives_with_stale(struct fixture *f)
{
        struct rf_caller caller = fixture_caller(f);
        struct rf_query q = genre_search(5);
        struct rf_answer *a = NULL;

        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        rf_answer_unref(a);
        q.limit = 6; /* uses up the window */
        caller.deadline_us = rf_deadline_in(10 * 86400 * USEC_PER_SEC + USEC_PER_SEC);
        assert_int_equal(rf_sleep_us(10 * 86400 * USEC_PER_SEC), 0);
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        rf_answer_unref(a);
        q.limit = 5;
        assert_int_equal(rf_upstream_call(f->upstream, &caller, &q, &a), 0);
        assert_int_equal(a->n_tracks, 5);
        assert_int_equal(f->records[2].cache, RF_CACHE_STALE_ERROR);
        assert_int_equal(f->records[2].outcome, RF_OUTCOME_RATE);
        rf_answer_unref(a);
        return 0;
}

static void a_stale_answer_helps_out_when_the_service_refuses(void **state)
{
        (void)state;
        with_mock((const char *const[]){ "rate_limit=1", "rate_window=1h", NULL }, true, survives_with_stale);
}

static void a_key_does_not_depend_on_the_order_of_ids(void **state)
{
        static const char *const forward[] = { "a", "b", "c" }, *const backward[] = { "c", "b", "a" };
        struct rf_query q = { .op = RF_OP_TRACKS, .ids = forward, .n_ids = 3 };
        _cleanup_buf_ struct rf_buf x = RF_BUF_INIT, y = RF_BUF_INIT, z = RF_BUF_INIT;

        (void)state;
        assert_int_equal(rf_query_key("p", 0, &q, &x), 0);
        q.ids = backward;
        assert_int_equal(rf_query_key("p", 0, &q, &y), 0);
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
        q.limit = 1;
        assert_int_equal(rf_query_key("p", 0, &q, &z), 0);
        assert_true(x.size != z.size || memcmp(x.data, z.data, x.size) != 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_is_fetched_once_while_it_is_fresh),
                cmocka_unit_test(a_provider_may_analyse_the_prompt),
                cmocka_unit_test(an_absence_is_remembered_too),
                cmocka_unit_test(ids_are_cached_one_by_one_and_fetched_in_batches),
                cmocka_unit_test(equal_calls_in_flight_are_one_and_anyone_may_leave),
                cmocka_unit_test(the_last_to_leave_cancels_the_call),
                cmocka_unit_test(transient_failures_are_retried_a_bounded_number_of_times),
                cmocka_unit_test(a_cut_answer_is_called_malformed),
                cmocka_unit_test(a_hung_service_costs_its_timeout_or_the_callers_deadline),
                cmocka_unit_test(a_rate_limit_is_waited_for_or_told_at_once),
                cmocka_unit_test(a_refusal_is_remembered_for_a_while),
                cmocka_unit_test(a_stale_answer_helps_out_when_the_service_refuses),
                cmocka_unit_test(a_key_does_not_depend_on_the_order_of_ids),
        };

        return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
