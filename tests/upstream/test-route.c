/* Who is asked, in which way, and how often again. */
#include "house.h"

static uint16_t status; /* of alpha's answers */
static const char *body;

static void says_so(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        ret->delay_us = 100000;
        service_says(ret, status, body);
}

static void found(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        service_says(ret, 200, "found");
}

static void with_two(int (*body_)(struct house *h), void (*alpha)(struct service *, const struct rf_request *, uint64_t, struct rf_reply *))
{
        struct house h = { .options = house_options() };

        h.options.cache_enabled = false;
        h.options.breaker = (struct rf_breaker_options){ .failures = 3, .rate_percent = 50, .open_us = 30 * USEC_PER_SEC, .probes = 1,
                                                         .probe_us = 60 * USEC_PER_SEC };
        h.options.slow_percent = 90;
        house_open(&h);
        house_load(&h, "alpha", NULL);
        house_load(&h, "beta", NULL);
        house_service(&h, "alpha")->answer = alpha;
        house_service(&h, "beta")->answer = found;
        status = 200;
        body = "found";
        house_run(&h, 0, body_);
        house_close(&h);
        house_remove(&h);
}

static int in_order(struct house *h)
{
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "alpha");
        assert_int_equal(house_search(h, "elsewhere"), -RF_EUNSUPPORTED); /* a query that neither can do is no failure of theirs */
        assert_int_equal(house_service(h, "alpha")->n_calls, 1);
        assert_int_equal(house_service(h, "beta")->n_calls, 0);
        return 0;
}

static void the_first_that_can_is_asked(void **state)
{
        (void)state;
        with_two(in_order, says_so);
}

static int moves_on(struct house *h)
{
        status = 503;
        body = "down";
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "beta");
        assert_int_equal(house_service(h, "alpha")->n_calls, 3); /* it was tried again, as often as allowed; that opened its breaker */
        assert_int_equal(house_search(h, "b"), 0);
        assert_string_equal(h->last.provider, "beta");
        assert_int_equal(house_service(h, "alpha")->n_calls, 3); /* passed over */
        status = 200;
        body = "found";
        assert_int_equal(rf_sleep_us(31 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "c"), 0);
        assert_string_equal(h->last.provider, "alpha"); /* back in its place */
        return 0;
}

static void a_failing_one_is_passed_over_until_it_recovers(void **state)
{
        (void)state;
        with_two(moves_on, says_so);
}

static int is_limited(struct house *h)
{
        status = 429;
        body = "slow down";
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "beta");
        assert_int_equal(house_service(h, "alpha")->n_calls, 1); /* no waiting where somebody else can answer */
        assert_int_equal(house_search(h, "b"), 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 1);
        assert_true(rf_now_us() == 100000);
        return 0;
}

static void where_another_can_answer_a_limit_is_not_waited_for(void **state)
{
        (void)state;
        with_two(is_limited, says_so);
}

/* Refuses the first way, slowly, and does the second. */
static void knows_one_way(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)now_us;
        ret->delay_us = 100000;
        if (strcmp(request->path, "/second") == 0)
                service_says(ret, 200, "found");
        else
                service_says(ret, 403, "not for you");
}

struct seeker {
        struct house *h;
        char text[8], title[32];
        int result;
};

static int seek(void *arg)
{
        struct seeker *s = arg;

        s->result = house_search_as(s->h, &(struct rf_caller){ .deadline_us = RF_FOREVER }, s->text, s->title);
        return 0;
}

static int takes_the_other_way(struct house *h)
{
        static struct seeker seekers[10];
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < 10; i++) {
                seekers[i] = (struct seeker){ .h = h };
                snprintf(seekers[i].text, sizeof(seekers[i].text), "%zu", i);
                assert_int_equal(rf_group_spawn(g, "seeker", seek, &seekers[i]), 0);
        }
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        for (size_t i = 0; i < 10; i++) { /* all were refused at once, and none took the second way for refused */
                assert_int_equal(seekers[i].result, 0);
                assert_string_equal(seekers[i].title, "second");
        }
        assert_string_equal(h->last.provider, "alpha");
        assert_string_equal(h->last.endpoint, "GET /second"); /* the record names the way that was taken */
        assert_int_equal(house_service(h, "alpha")->n_calls, 20);
        assert_int_equal(house_search(h, "later"), 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 21); /* the first way isn't tried for a day */
        assert_int_equal(rf_sleep_us(25 * 3600ull * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "tomorrow"), 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 23);
        return 0;
}

static void a_refused_way_gives_place_to_the_second_for_all_at_once(void **state)
{
        (void)state;
        with_two(takes_the_other_way, knows_one_way);
}

static int refuse_second(struct house *h)
{
        struct rf_provider *p = rf_providers_find(h->providers, "alpha");

        rf_provider_refuse_way(p, RF_OP_SEARCH_TRACKS, 1, rf_wall_us() + 3600 * USEC_PER_SEC, "no");
        assert_int_equal(house_search(h, "a"), 0); /* has the first refused, which writes both down */
        assert_string_equal(h->last.provider, "beta");
        return rf_yield_until_idle();
}

static int has_both_refused(struct house *h)
{
        struct rf_provider *p = rf_providers_find(h->providers, "alpha");
        uint64_t until_us;
        const char *reason;

        assert_true(rf_provider_refused_way(p, RF_OP_SEARCH_TRACKS, 0, rf_wall_us(), &until_us, &reason));
        assert_string_equal(reason, "403 not for you");
        assert_true(rf_provider_refused_way(p, RF_OP_SEARCH_TRACKS, 1, rf_wall_us(), &until_us, &reason));
        assert_string_equal(reason, "no");
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "beta");
        assert_int_equal(house_service(h, "alpha")->n_calls, 0);
        return 0;
}

static int has_second_refused(struct house *h)
{
        struct rf_provider *p = rf_providers_find(h->providers, "alpha");
        uint64_t until_us;
        const char *reason;

        rf_provider_forgive(p);
        rf_provider_refuse_way(p, RF_OP_SEARCH_TRACKS, 1, rf_wall_us() + 3600 * USEC_PER_SEC, "no");
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "alpha"); /* whose first way isn't */
        assert_false(rf_provider_refused_way(p, RF_OP_SEARCH_TRACKS, 0, rf_wall_us(), &until_us, &reason));
        return 0;
}

static void refusals_come_back_to_the_way_they_were_of(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        h.options.cache_enabled = false;
        for (int i = 0; i < 3; i++) {
                house_open(&h);
                house_load(&h, "alpha", NULL);
                house_load(&h, "beta", NULL);
                house_service(&h, "alpha")->answer = i < 2 ? knows_one_way : found;
                house_service(&h, "beta")->answer = found;
                house_run(&h, (uint64_t)i * 60, i == 0 ? refuse_second : i == 1 ? has_both_refused : has_second_refused);
                house_close(&h);
        }
        house_remove(&h);
}

static int lasts_no_longer(struct house *h)
{
        const uint64_t hour = 3600 * USEC_PER_SEC, day = 24 * hour, now_us = rf_wall_us() + 2 * day;
        struct rf_provider *p = rf_providers_find(h->providers, "alpha");

        for (unsigned way = 0; way < 2; way++)
                rf_provider_refuse_way(p, RF_OP_SEARCH_TRACKS, way, now_us + hour, "no");
        assert_non_null(rf_provider_refusal(p, RF_OP_SEARCH_TRACKS, now_us));
        assert_non_null(rf_provider_refusal(p, RF_OP_SEARCH_TRACKS, now_us + hour / 2));
        /* half an hour is left of it, whatever the clock says */
        assert_non_null(rf_provider_refusal(p, RF_OP_SEARCH_TRACKS, now_us - day));
        assert_non_null(rf_provider_refusal(p, RF_OP_SEARCH_TRACKS, now_us - day + hour / 4));
        assert_null(rf_provider_refusal(p, RF_OP_SEARCH_TRACKS, now_us - day + hour / 2 + 1));
        return 0;
}

static void a_refusal_lasts_no_longer_for_a_clock_set_back(void **state)
{
        (void)state;
        with_two(lasts_no_longer, knows_one_way);
}

/* Words that no parser may see, around a status that counts. */
static void shouts(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        service_says(ret, 429, "\xff\xfe trop de requ\xeates");
}

static int hears_it(struct house *h)
{
        assert_int_equal(house_search(h, "a"), 0);
        assert_string_equal(h->last.provider, "beta");
        assert_int_equal(house_service(h, "alpha")->n_calls, 1);
        assert_true(rf_upstream_provider_stats(h->upstream, rf_providers_at(h->providers, 0)).blocked_us == 5 * USEC_PER_SEC);
        return 0;
}

static void a_429_is_a_429_whatever_its_words(void **state)
{
        (void)state;
        with_two(hears_it, shouts);
}

static int writes(struct house *h)
{
        struct rf_caller caller = { .deadline_us = RF_FOREVER };
        struct rf_answer *a = NULL;

        status = 503;
        body = "down";
        assert_int_equal(rf_upstream_call(h->upstream, &caller, &(struct rf_query){ .op = RF_OP_CREATE_PLAYLIST, .text = "x" }, &a), 0);
        assert_int_equal(house_service(h, "alpha")->n_calls, 1);
        rf_answer_unref(a);
        return 0;
}

static void a_write_is_not_tried_again(void **state)
{
        (void)state;
        with_two(writes, says_so);
}

static void hangs(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        ret->fault = RF_FAULT_HANG;
}

static int hurries(struct house *h)
{
        for (int i = 0; i < 10; i++) {
                char text[8];

                snprintf(text, sizeof(text), "%d", i);
                assert_true(house_search_as(h, &(struct rf_caller){ .deadline_us = rf_deadline_in(200000) }, text, NULL) < 0);
        }
        assert_string_equal(rf_upstream_provider_stats(h->upstream, rf_providers_at(h->providers, 0)).breaker, "closed");
        return 0;
}

static void a_callers_hurry_is_no_failure_of_the_service(void **state)
{
        (void)state;
        with_two(hurries, hangs);
}

static uint64_t delay_us;

static void takes_its_time(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        (void)s;
        (void)request;
        (void)now_us;
        ret->delay_us = delay_us;
        service_says(ret, 200, "found");
}

/* How many of so many calls alpha answers. */
static int search_many(struct house *h, int from, int n)
{
        char text[16];
        int by_alpha = 0;

        for (int i = from; i < from + n; i++) {
                snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(house_search(h, text), 0);
                by_alpha += strcmp(h->last.provider, "alpha") == 0;
        }
        return by_alpha;
}

static int becomes_slow(struct house *h)
{
        const struct rf_provider *alpha = rf_providers_at(h->providers, 0);

        delay_us = 8900 * USEC_PER_MSEC; /* of the ten seconds that its calls have */
        assert_int_equal(search_many(h, 0, 40), 40);
        delay_us = 9100 * USEC_PER_MSEC;
        assert_int_equal(search_many(h, 40, 10), 10); /* half of the last twenty */
        assert_string_equal(rf_upstream_provider_stats(h->upstream, alpha).breaker, "closed");
        assert_int_equal(search_many(h, 50, 10), 1);
        assert_string_equal(rf_upstream_provider_stats(h->upstream, alpha).breaker, "open");
        assert_int_equal(rf_sleep_us(31 * USEC_PER_SEC), 0);
        assert_int_equal(search_many(h, 60, 1), 1); /* an answer to the probe, late or not, closes it again */
        assert_string_equal(rf_upstream_provider_stats(h->upstream, alpha).breaker, "closed");
        return 0;
}

static void one_that_answers_at_the_last_moment_is_passed_over_for_a_while(void **state)
{
        (void)state;
        with_two(becomes_slow, takes_its_time);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_that_can_is_asked),
                cmocka_unit_test(a_failing_one_is_passed_over_until_it_recovers),
                cmocka_unit_test(where_another_can_answer_a_limit_is_not_waited_for),
                cmocka_unit_test(a_refusal_lasts_no_longer_for_a_clock_set_back),
                cmocka_unit_test(a_refused_way_gives_place_to_the_second_for_all_at_once),
                cmocka_unit_test(refusals_come_back_to_the_way_they_were_of),
                cmocka_unit_test(a_429_is_a_429_whatever_its_words),
                cmocka_unit_test(a_write_is_not_tried_again),
                cmocka_unit_test(a_callers_hurry_is_no_failure_of_the_service),
                cmocka_unit_test(one_that_answers_at_the_last_moment_is_passed_over_for_a_while),
        };

        return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
