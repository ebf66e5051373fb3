/* A service that refuses above so many calls in a rolling window, and what it sees of us. */
#include "house.h"

enum { CALLS_MAX = 8192 };

struct limiter {
        uint64_t limit, window_us, latency_us;
        uint64_t n;
        uint64_t n_refused, n_early, blocked_until_us; /* calls during a block */
        uint16_t quota_after;
        struct rf_header after;
        char after_text[32];
};

static uint64_t times[CALLS_MAX]; /* of the calls that were accepted */

static uint64_t in_window(const struct limiter *l, uint64_t now_us, uint64_t *ret_oldest_us)
{
        uint64_t n = 0;

        for (uint64_t i = l->n; i > 0 && now_us - times[i - 1] < l->window_us; i--, n++)
                *ret_oldest_us = times[i - 1];
        return n;
}

static void limit(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        struct limiter *l = s->arg;
        uint64_t oldest_us = now_us, after_s;

        (void)request;
        ret->delay_us = l->latency_us;
        l->n_early += now_us < l->blocked_until_us;
        if (in_window(l, now_us, &oldest_us) < l->limit) {
                assert_true(l->n < CALLS_MAX);
                times[l->n++] = now_us;
                service_says(ret, 200, "found");
                return;
        }
        s->n_refused++;
        l->n_refused++;
        after_s = l->quota_after ? l->quota_after : (oldest_us + l->window_us - now_us + USEC_PER_SEC - 1) / USEC_PER_SEC;
        l->blocked_until_us = MAX(l->blocked_until_us, now_us + ret->delay_us + after_s * USEC_PER_SEC);
        snprintf(l->after_text, sizeof(l->after_text), "%llu", (unsigned long long)after_s);
        ret->headers[0] = (struct rf_header){ "Retry-After", l->after_text };
        ret->n_headers = 1;
        service_says(ret, 429, "Too many requests");
}

static struct limiter limiter;
static size_t n_callers;

struct asker {
        struct house *h;
        uint64_t client, n, done_us;
        unsigned n_failed;
};

/* Calls one after another, as a run does. */
static int ask(void *arg)
{
        struct asker *a = arg;
        char text[64];

        for (uint64_t i = 0; i < a->n; i++) {
                snprintf(text, sizeof(text), "%llu/%llu/%p", (unsigned long long)a->client, (unsigned long long)i, arg);
                a->n_failed += house_search_as(a->h, &(struct rf_caller){ .client = a->client, .deadline_us = rf_deadline_in(3600 * USEC_PER_SEC) },
                                               text, NULL) < 0;
        }
        a->done_us = rf_now_us();
        return 0;
}

static void ask_all(struct asker *a, size_t n)
{
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(rf_group_spawn(g, "asker", ask, &a[i]), 0);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
}

static int many_ask(struct house *h)
{
        static struct asker askers[100];
        uint64_t learned;

        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        for (unsigned round = 0; round < 4; round++) {
                for (size_t i = 0; i < n_callers; i++)
                        askers[i] = (struct asker){ .h = h, .client = i, .n = 400 / n_callers };
                ask_all(askers, n_callers);
                for (size_t i = 0; i < n_callers; i++)
                        assert_int_equal(askers[i].n_failed, 0);
                learned = limiter.n_refused;
                assert_true(learned <= 1); /* at most one, ever */
                assert_int_equal(limiter.n_early, 0);
        }
        assert_int_equal(limiter.n, 1600);
        print_message("# %zu callers, %llu in any %llu s: %llu refused, %.0f s\n", n_callers, (unsigned long long)limiter.limit,
                      (unsigned long long)(limiter.window_us / USEC_PER_SEC), (unsigned long long)limiter.n_refused,
                      (double)rf_now_us() / 1e6);
        return 0;
}

static void crowd(const char *const *options, struct limiter l, uint64_t expected)
{
        static const size_t crowds[] = { 1, 10, 100 };

        for (size_t i = 0; i < ARRAY_SIZE(crowds); i++) {
                struct house h = { .options = house_options() };

                h.options.cache_enabled = false;
                limiter = l;
                n_callers = crowds[i];
                house_open(&h);
                house_load(&h, "alpha", options);
                house_run(&h, 0, many_ask);
                assert_true(limiter.n_refused <= expected);
                house_close(&h);
                house_remove(&h);
        }
}

static void below_the_services_limit_nothing_is_ever_refused(void **state)
{
        (void)state;
        crowd((const char *const[]){ "rate=3.5", "burst=60", NULL },
              (struct limiter){ .limit = 180, .window_us = 30 * USEC_PER_SEC, .latency_us = 150000 }, 0);
        crowd((const char *const[]){ "rate=2", "burst=6", NULL },
              (struct limiter){ .limit = 10, .window_us = USEC_PER_SEC, .latency_us = 200000 }, 0);
}

static void a_lower_limit_is_found_with_one_refusal(void **state)
{
        (void)state;
        crowd((const char *const[]){ "rate=3.5", "burst=60", NULL },
              (struct limiter){ .limit = 60, .window_us = 30 * USEC_PER_SEC, .latency_us = 150000 }, 1);
        crowd((const char *const[]){ "rate=3.5", "burst=60", NULL },
              (struct limiter){ .limit = 100, .window_us = 30 * USEC_PER_SEC, .latency_us = 900000 }, 1);
        crowd((const char *const[]){ "rate=20", "burst=10", NULL },
              (struct limiter){ .limit = 200, .window_us = 30 * USEC_PER_SEC, .latency_us = 300000 }, 1);
}

/* ---- Fairness ---- */

static int shares(struct house *h)
{
        static struct asker askers[51];
        uint64_t began_us, lone_us;

        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        askers[0] = (struct asker){ .h = h, .client = 1, .n = 20 };
        ask_all(askers, 1);
        lone_us = askers[0].done_us;
        assert_int_equal(rf_sleep_us(60 * USEC_PER_SEC), 0);
        began_us = rf_now_us();
        for (size_t i = 0; i < 50; i++)
                askers[i] = (struct asker){ .h = h, .client = 7, .n = 20 };
        askers[50] = (struct asker){ .h = h, .client = 8, .n = 20 };
        ask_all(askers, 51);
        print_message("# a run alone %.1f s, beside 50 of another client %.1f s\n", (double)lone_us / 1e6,
                      (double)(askers[50].done_us - began_us) / 1e6);
        assert_true(askers[50].done_us - began_us <= 2 * lone_us); /* every other turn is its own */
        assert_true(askers[0].done_us - began_us > 30 * lone_us);
        return 0;
}

static void a_clients_many_runs_cost_another_at_most_half_the_pace(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        h.options.cache_enabled = false;
        limiter = (struct limiter){ .limit = 1000, .window_us = USEC_PER_SEC, .latency_us = 150000 };
        house_open(&h);
        house_load(&h, "alpha", (const char *const[]){ "rate=10", "burst=1", NULL });
        house_run(&h, 0, shares);
        house_close(&h);
        house_remove(&h);
}

struct one {
        struct house *h;
        struct rf_caller caller;
        const char *text; /* NULL: the look-up of an id */
        uint64_t done_us;
};

static int ask_once(void *arg)
{
        struct one *o = arg;
        const char *id = "shared";
        struct rf_answer *a = NULL;
        int r;

        o->caller.deadline_us = rf_deadline_in(3600 * USEC_PER_SEC);
        r = o->text ? house_search_as(o->h, &o->caller, o->text, NULL)
                    : rf_upstream_call(o->h->upstream, &o->caller, &(struct rf_query){ .op = RF_OP_TRACKS, .ids = &id, .n_ids = 1 }, &a);
        rf_answer_unref(a);
        assert_int_equal(r, 0);
        o->done_us = rf_now_us();
        return 0;
}

/* What one of the crowd, or the background, has asked for: by others of a better place it is asked for again. */
static const struct rf_caller slow_callers[] = {
        { .client = 7, .rank = 1, .priority = RF_PRIORITY_BACKGROUND },
        { .client = 7, .rank = 1000, .priority = RF_PRIORITY_PERSON },
};
static struct rf_caller slow_caller;
static const char *shared_text;

static int joins_what_waits(struct house *h)
{
        static struct one crowd[50], first, own, joins;
        static char texts[50][16];
        struct rf_group *g;

        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        first = (struct one){ .h = h, .caller = slow_caller, .text = shared_text };
        own = (struct one){ .h = h, .caller = { .client = 9, .rank = 3 }, .text = "own" };
        joins = (struct one){ .h = h, .caller = { .client = 8, .rank = 2 }, .text = shared_text };
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < ARRAY_SIZE(crowd); i++) {
                snprintf(texts[i], sizeof(texts[i]), "text %zu", i);
                crowd[i] = (struct one){ .h = h, .caller = { .client = 7, .rank = 100 + i }, .text = texts[i] };
                assert_int_equal(rf_group_spawn(g, "crowd", ask_once, &crowd[i]), 0);
        }
        assert_int_equal(rf_group_spawn(g, "first", ask_once, &first), 0);
        assert_int_equal(rf_sleep_us(100000), 0);
        assert_int_equal(rf_group_spawn(g, "joins", ask_once, &joins), 0);
        assert_int_equal(rf_group_spawn(g, "own", ask_once, &own), 0);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_int_equal(limiter.n, 52); /* it was shared */
        assert_true(joins.done_us <= own.done_us && own.done_us <= 4 * USEC_PER_SEC);
        assert_int_equal(first.done_us, joins.done_us);
        return 0;
}

static void who_joins_a_waiting_call_brings_its_place_in_line(void **state)
{
        static const char *const texts[] = { "shared", NULL };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(slow_callers) * ARRAY_SIZE(texts); i++) {
                struct house h = { .options = house_options() };

                slow_caller = slow_callers[i % 2];
                shared_text = texts[i / 2];
                limiter = (struct limiter){ .limit = 1000, .window_us = USEC_PER_SEC, .latency_us = 100000 };
                house_open(&h);
                house_load(&h, "alpha", (const char *const[]){ "rate=1", "burst=1", NULL });
                house_run(&h, 0, joins_what_waits);
                house_close(&h);
                house_remove(&h);
        }
}

/* ---- Across restarts ---- */

static int uses_up_its_quota(struct house *h)
{
        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        assert_int_equal(house_search(h, "a"), 0);
        assert_int_equal(house_search(h, "b"), 0);
        assert_int_equal(house_search(h, "c"), -RF_EQUOTA);
        assert_int_equal(h->last.outcome, RF_OUTCOME_QUOTA);
        for (int i = 0; i < 10; i++)
                assert_int_equal(house_search(h, "d"), -RF_EQUOTA);
        assert_true(h->last.needed_us == 48925ull * USEC_PER_SEC && h->last.attempts == 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 3);
        return 0;
}

static int asks_nothing(struct house *h)
{
        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        for (int i = 0; i < 10; i++)
                assert_int_equal(house_search(h, "d"), -RF_EQUOTA);
        if (rf_wall_us() < (1800000000 + 3600) * (uint64_t)USEC_PER_SEC)
                assert_int_equal(house_search(h, "a"), 0); /* what is cached still is */
        assert_int_equal(house_service(h, "alpha")->n_calls, 0);
        return 0;
}

static int is_let_in_again(struct house *h)
{
        limiter = (struct limiter){ .limit = 100, .window_us = USEC_PER_SEC };
        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        assert_int_equal(house_search(h, "d"), 0);
        return 0;
}

static void after_a_quota_refusal_no_call_is_made_across_restarts(void **state)
{
        static int (*const bodies[])(struct house *) = { uses_up_its_quota, asks_nothing, asks_nothing, is_let_in_again };
        static const uint64_t times_s[] = { 0, 600, 48900, 49000 };
        struct house h = { .options = house_options() };

        (void)state;
        limiter = (struct limiter){ .limit = 2, .window_us = 86400 * USEC_PER_SEC, .quota_after = 48925 };
        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                house_open(&h);
                house_load(&h, "alpha", NULL);
                house_run(&h, times_s[i], bodies[i]);
                house_close(&h);
        }
        house_remove(&h);
}

static int is_refused(struct house *h)
{
        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        assert_int_equal(house_search(h, "a"), -RF_EQUOTA);
        assert_int_equal(house_service(h, "alpha")->n_calls, 1);
        return 0;
}

/* Forty at once, each something else. */
static int is_still_refused(struct house *h)
{
        static struct asker askers[40];

        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
                askers[i] = (struct asker){ .h = h, .client = i, .n = 1 };
        ask_all(askers, ARRAY_SIZE(askers));
        assert_int_equal(house_service(h, "alpha")->n_calls, 1); /* the probe */
        return 0;
}

static void a_restart_past_the_end_of_a_quota_costs_one_call(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        limiter = (struct limiter){ .window_us = 86400 * USEC_PER_SEC, .latency_us = 100000, .quota_after = 13749 };
        for (unsigned run = 0; run < 3; run++) {
                house_open(&h);
                house_load(&h, "alpha", (const char *const[]){ "rate=3.5", "burst=60", NULL });
                house_run(&h, run * 13800, run == 0 ? is_refused : is_still_refused);
                house_close(&h);
        }
        house_remove(&h);
}

static int learns_a_pace(struct house *h)
{
        static struct asker asker;

        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        asker = (struct asker){ .h = h, .n = 100 };
        ask_all(&asker, 1);
        assert_int_equal(limiter.n_refused, 1);
        limiter.n_refused = 0;
        return 0;
}

static int keeps_its_pace(struct house *h)
{
        static struct asker asker;

        limiter.n = 0;
        house_service(h, "alpha")->answer = limit;
        house_service(h, "alpha")->arg = &limiter;
        assert_true(rf_upstream_provider_stats(h->upstream, rf_providers_at(h->providers, 0)).pace_scale < .6);
        asker = (struct asker){ .h = h, .n = 2000 };
        ask_all(&asker, 1);
        assert_int_equal(limiter.n_refused, 0);
        return 0;
}

static void a_learned_pace_survives_a_restart(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        h.options.cache_enabled = false;
        limiter = (struct limiter){ .limit = 60, .window_us = 30 * USEC_PER_SEC, .latency_us = 100000 };
        house_open(&h);
        house_load(&h, "alpha", (const char *const[]){ "rate=4", "burst=20", NULL });
        house_run(&h, 0, learns_a_pace);
        house_close(&h);
        house_open(&h);
        house_load(&h, "alpha", (const char *const[]){ "rate=4", "burst=20", NULL });
        house_run(&h, 1000, keeps_its_pace);
        house_close(&h);
        house_remove(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(below_the_services_limit_nothing_is_ever_refused),
                cmocka_unit_test(a_lower_limit_is_found_with_one_refusal),
                cmocka_unit_test(a_clients_many_runs_cost_another_at_most_half_the_pace),
                cmocka_unit_test(who_joins_a_waiting_call_brings_its_place_in_line),
                cmocka_unit_test(after_a_quota_refusal_no_call_is_made_across_restarts),
                cmocka_unit_test(a_restart_past_the_end_of_a_quota_costs_one_call),
                cmocka_unit_test(a_learned_pace_survives_a_restart),
        };

        return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
