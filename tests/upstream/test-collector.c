/* Single look-ups of many coroutines become few calls. */
#include "house.h"

static char seen[64][256]; /* the ids of each call */
static size_t n_seen;

/* Knows all ids but those that begin with "un"; one that begins with "bad" spoils its call. */
static void looks_up(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        char lines[256] = "", ids[256], *at = ids, *id;

        (void)s;
        (void)now_us;
        ret->delay_us = 100000;
        snprintf(ids, sizeof(ids), "%s", request->params[0].value);
        snprintf(seen[n_seen++], sizeof(seen[0]), "%s", ids);
        if (strstr(ids, "bad")) {
                service_says(ret, 400, "bad id");
                return;
        }
        while ((id = strsep(&at, ",")))
                if (strncmp(id, "un", 2) != 0)
                        snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s\n", id);
        service_says(ret, 200, lines);
}

struct wish {
        struct house *h;
        char id[16];
        uint64_t deadline_us;
        int result;
        size_t n_found;
};

static int look_up(void *arg)
{
        struct wish *w = arg;
        const char *ids[] = { w->id };
        struct rf_answer *a = NULL;

        w->result = rf_upstream_call(w->h->upstream, &(struct rf_caller){ .deadline_us = w->deadline_us },
                                     &(struct rf_query){ .op = RF_OP_TRACKS, .ids = ids, .n_ids = 1 }, &a);
        if (w->result >= 0) {
                w->n_found = a->n_tracks;
                if (a->n_tracks > 0)
                        assert_string_equal(a->tracks[0].id, w->id);
        }
        rf_answer_unref(a);
        return 0;
}

static struct rf_group *start(struct house *h, struct wish *w, const char *const *ids, size_t n)
{
        struct rf_group *g;

        house_service(h, "alpha")->answer = looks_up;
        n_seen = 0;
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 0; i < n; i++) {
                w[i].h = h;
                w[i].deadline_us = RF_FOREVER;
                if (ids)
                        snprintf(w[i].id, sizeof(w[i].id), "%s", ids[i]);
                else
                        snprintf(w[i].id, sizeof(w[i].id), "id%zu", i);
                assert_int_equal(rf_group_spawn(g, "wish", look_up, &w[i]), 0);
        }
        return g;
}

static int many_wish(struct house *h)
{
        static struct wish w[25];
        struct rf_group *g = start(h, w, NULL, 25);

        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_true(rf_now_us() == 100000); /* no wait was added */
        assert_int_equal(n_seen, 3);        /* ten in each */
        for (size_t i = 0; i < 25; i++)
                assert_true(w[i].result == 0 && w[i].n_found == 1);
        g = start(h, w, NULL, 25);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_int_equal(n_seen, 0); /* from the cache */
        return 0;
}

static int one_is_bad(struct house *h)
{
        static const char *const ids[] = { "a", "b", "unknown", "bad", "e", "f", "a" };
        static struct wish w[7];
        struct rf_group *g = start(h, w, ids, 7);

        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        for (size_t i = 0; i < 7; i++) {
                assert_int_equal(w[i].result, i == 3 ? -RF_EINVALIDCALL : 0);
                assert_int_equal(w[i].n_found, i == 2 || i == 3 ? 0 : 1);
        }
        assert_string_equal(seen[0], "a,b,unknown,bad,e,f"); /* an id that is asked for twice is one */
        return 0;
}

static int all_leave(struct house *h)
{
        static struct wish w[5];
        struct rf_group *g = start(h, w, NULL, 5);

        assert_int_equal(rf_sleep_us(10000), 0);
        assert_int_equal(n_seen, 1);
        rf_group_free(g);
        assert_int_equal(rf_yield_until_idle(), 0);
        assert_int_equal(rf_upstream_provider_stats(h->upstream, rf_providers_at(h->providers, 0)).in_flight, 0);
        assert_true(rf_now_us() == 10000);
        return 0;
}

static void single_lookups_share_full_batches_without_waiting(void **state)
{
        (void)state;
        house_with_alpha(many_wish);
}

static void one_bad_id_does_not_fail_its_neighbours(void **state)
{
        (void)state;
        house_with_alpha(one_is_bad);
}

static void the_last_to_leave_a_batch_cancels_it(void **state)
{
        (void)state;
        house_with_alpha(all_leave);
}

/* Fails the first time. */
static void fails_once(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret)
{
        if (n_seen > 0) {
                looks_up(s, request, now_us, ret);
                return;
        }
        snprintf(seen[n_seen++], sizeof(seen[0]), "%s", request->params[0].value);
        ret->delay_us = 100000;
        service_says(ret, 503, "down");
}

static int one_leaves(struct house *h)
{
        static const char *const ids[] = { "impatient" };
        static struct wish first[1], others[5];
        struct rf_group *leaving = start(h, first, ids, 1), *g = start(h, others, NULL, 5);

        house_service(h, "alpha")->answer = fails_once;
        assert_int_equal(rf_sleep_us(50000), 0);
        assert_int_equal(n_seen, 1);
        rf_group_free(leaving);
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        for (size_t i = 0; i < 5; i++)
                assert_true(others[i].result == 0 && others[i].n_found == 1);
        assert_int_equal(n_seen, 2);
        assert_string_equal(seen[0], "impatient,id0,id1,id2,id3,id4");
        assert_string_equal(seen[1], seen[0]); /* its id, too: the call is still the same */
        return 0;
}

static void a_batch_that_one_has_left_can_be_tried_again(void **state)
{
        (void)state;
        house_with_alpha(one_leaves);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(single_lookups_share_full_batches_without_waiting),
                cmocka_unit_test(one_bad_id_does_not_fail_its_neighbours),
                cmocka_unit_test(the_last_to_leave_a_batch_cancels_it),
                cmocka_unit_test(a_batch_that_one_has_left_can_be_tried_again),
        };

        return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}
