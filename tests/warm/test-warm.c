/* Habits, what runs rest on, what is due, and what is remembered: without a daemon. */
#include "test.h"

#include "base/error.h"
#include "base/limits.h"
#include "sched/sched.h"
#include "warm/due.h"
#include "warm/warm_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_US (3600 * USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)
#define WEEK_US (7 * DAY_US)
#define MONDAY_US (1767571200ull * USEC_PER_SEC) /* 2026-01-05, midnight in UTC */

static int use_utc(void **state)
{
        (void)state;
        setenv("TZ", "UTC", 1);
        tzset();
        return 0;
}

/* ---- Habits ---- */

/* On Mondays at nine, so many weeks long. */
static struct rf_rhythm mondays(unsigned weeks)
{
        struct rf_rhythm r = { 0 };

        for (unsigned i = 0; i < weeks; i++)
                rf_rhythm_add(&r, MONDAY_US + i * WEEK_US + 9 * HOUR_US + HOUR_US / 2);
        return r;
}

static double at(const struct rf_rhythm *r, uint64_t now_us, uint64_t from_us, unsigned hours)
{
        return rf_rhythm_expect(r, now_us, from_us, from_us + hours * HOUR_US);
}

static void mondays_habit_is_expected_on_monday(void **state)
{
        struct rf_rhythm r = mondays(6);
        uint64_t now_us = MONDAY_US + 6 * WEEK_US, tuesday_us = now_us + DAY_US;

        (void)state;
        assert_true(at(&r, now_us, now_us + 8 * HOUR_US, 4) > 0.5);
        assert_true(at(&r, now_us, now_us + 8 * HOUR_US, 4) > 3 * at(&r, now_us, tuesday_us + 8 * HOUR_US, 4));
        assert_true(at(&r, now_us, tuesday_us + 8 * HOUR_US, 4) > 0);
        assert_true(at(&r, now_us, now_us + 14 * HOUR_US, 4) == 0);
        assert_true(at(&r, now_us, now_us + 5 * DAY_US + 8 * HOUR_US, 4) == 0); /* a Saturday */
}

static void one_use_makes_no_habit(void **state)
{
        struct rf_rhythm r = mondays(1);
        uint64_t now_us = MONDAY_US + 10 * HOUR_US;

        (void)state;
        assert_true(at(&r, now_us, MONDAY_US + DAY_US + 8 * HOUR_US, 4) < 0.5);
        assert_true(at(&r, now_us, MONDAY_US + DAY_US + 8 * HOUR_US, 4) > 0.1);
}

static void what_isnt_used_any_more_is_forgotten(void **state)
{
        struct rf_rhythm r = mondays(8);
        uint64_t soon_us = MONDAY_US + 8 * WEEK_US, late_us = soon_us + 8 * WEEK_US;
        double soon = at(&r, soon_us, soon_us, 168), late = at(&r, late_us, late_us, 168);

        (void)state;
        assert_true(soon > 0.7 && soon < 1.5);
        assert_true(late < soon / 10);
        assert_true(rf_rhythm_total(&r, late_us) < rf_rhythm_total(&r, soon_us) / 10);
}

static void a_month_is_four_weeks(void **state)
{
        struct rf_rhythm r = mondays(6);
        uint64_t now_us = MONDAY_US + 6 * WEEK_US;
        double week = at(&r, now_us, now_us, 168), month = at(&r, now_us, now_us, 4 * 168), half = at(&r, now_us, now_us, 4 * 168 + 84);

        (void)state;
        assert_true(month > 3.99 * week && month < 4.01 * week && week > 0.5);
        assert_true(half > month && half < month + week);
}

/* ---- What is due ---- */

static struct rf_footprint rests_on(enum rf_op op, uint64_t life_us, uint64_t ends_us, bool is_served_stale, unsigned calls)
{
        struct rf_footprint f = { 0 };

        for (unsigned i = 0; i < calls; i++)
                rf_footprint_note(&f, &(struct rf_call_record){ .op = op, .n_records = 1, .life_us = life_us, .fresh_until_us = ends_us + i,
                                                                .is_served_stale = is_served_stale });
        return f;
}

static const struct rf_due_policy policy = { .ahead_us = HOUR_US / 3, .value_min = 0.4 };

static void renewed_is_what_ends_before_the_next_visit(void **state)
{
        struct rf_rhythm r = mondays(6);
        uint64_t monday_us = MONDAY_US + 6 * WEEK_US, eight_us = monday_us + 8 * HOUR_US;
        struct rf_footprint f = rests_on(RF_OP_AUDIO_FEATURES, DAY_US, eight_us, false, 5);
        struct rf_due due = rf_due_of(&policy, &r, &f, false, eight_us);

        (void)state;
        assert_true(due.is_due && due.calls == 5 && due.life_min_us == DAY_US && due.value > 0.4);
        f = rests_on(RF_OP_AUDIO_FEATURES, DAY_US, eight_us + HOUR_US, false, 5); /* fresh for longer than to the next look */
        assert_false(rf_due_of(&policy, &r, &f, false, eight_us).is_due);
        f = rests_on(RF_OP_AUDIO_FEATURES, DAY_US, monday_us, false, 5);
        assert_false(rf_due_of(&policy, &r, &f, false, monday_us).is_due); /* at midnight there is time still */
        assert_false(rf_due_of(&policy, &r, &f, false, monday_us + 2 * DAY_US).is_due); /* nobody comes on Wednesdays */
}

static void what_ends_before_anybody_comes_isnt_worth_a_call(void **state)
{
        struct rf_rhythm r = mondays(6);
        uint64_t five_us = MONDAY_US + 6 * WEEK_US + 5 * HOUR_US;
        struct rf_footprint f = rests_on(RF_OP_ARTIST_TOP_TRACKS, 2 * HOUR_US, five_us, false, 10);

        (void)state;
        assert_false(rf_due_of(&policy, &r, &f, false, five_us).is_due);
        assert_true(rf_due_of(&policy, &r, &f, false, five_us + 4 * HOUR_US).is_due);
        assert_true(rf_due_of(&policy, &r, &f, true, five_us).is_due); /* unless somebody wants it kept */
        f = rests_on(RF_OP_USER_TOP, policy.ahead_us, five_us, false, 1); /* would have ended before the next look */
        assert_false(rf_due_of(&policy, &r, &f, true, five_us).is_due);
}

static void what_is_served_stale_is_worth_less(void **state)
{
        struct rf_rhythm r = mondays(6);
        uint64_t eight_us = MONDAY_US + 6 * WEEK_US + 8 * HOUR_US;
        struct rf_footprint waits = rests_on(RF_OP_RECOMMENDATIONS, 6 * HOUR_US, eight_us, false, 5);
        struct rf_footprint stale = rests_on(RF_OP_RECOMMENDATIONS, 6 * HOUR_US, eight_us, true, 5);

        (void)state;
        assert_true(rf_due_of(&policy, &r, &waits, false, eight_us).is_due);
        assert_false(rf_due_of(&policy, &r, &stale, false, eight_us).is_due);
}

static void whatever_is_kept_and_unknown_is_due(void **state)
{
        struct rf_footprint none = { 0 };
        struct rf_rhythm never = { 0 };

        (void)state;
        assert_true(rf_due_of(&policy, &never, &none, true, MONDAY_US).is_due);
        assert_false(rf_due_of(&policy, &never, &none, false, MONDAY_US).is_due);
}

static void calls_without_an_answer_leave_no_print(void **state)
{
        struct rf_footprint f = { 0 };

        (void)state;
        rf_footprint_note(&f, &(struct rf_call_record){ .op = RF_OP_TRACKS, .error = -ETIMEDOUT, .life_us = 1, .fresh_until_us = 1 });
        rf_footprint_note(&f, &(struct rf_call_record){ .op = RF_OP_TRACKS });
        assert_int_equal(f.n, 0);
        assert_int_equal(rf_footprint_ends_us(&f), 0);
}

/* ---- What is remembered ---- */

struct shelf {
        char directory[64];
        struct rf_state *state;
        struct rf_warm_set *set;
        int (*body)(struct shelf *s);
};

static int shelf_main(void *arg)
{
        struct shelf *s = arg;
        char notice[256];
        int r;

        assert_int_equal(rf_state_open(&(struct rf_state_options){ .directory = s->directory, .size_max = 16 << 20 }, &s->state, notice,
                                       sizeof(notice)), 0);
        assert_int_equal(rf_warm_set_new(s->state, &s->set), 0);
        assert_int_equal(rf_warm_set_load(s->set), 0);
        r = s->body(s);
        s->set = rf_warm_set_free(s->set);
        s->state = rf_state_close(s->state);
        return r;
}

static void shelf_run(struct shelf *s, int (*body)(struct shelf *s))
{
        struct rf_sched *sched;

        if (!s->directory[0]) {
                strcpy(s->directory, "/tmp/recflow-test-XXXXXX");
                assert_non_null(mkdtemp(s->directory));
        }
        s->body = body;
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = MONDAY_US }, &sched), 0);
        assert_int_equal(rf_sched_run(sched, shelf_main, s), 0);
        rf_sched_free(sched);
}

static void shelf_remove(struct shelf *s)
{
        char command[96];

        snprintf(command, sizeof(command), "rm -r %s", s->directory);
        assert_int_equal(system(command), 0);
}

static const char *const miles = "Miles Davis";
static const struct rf_wish jazz = { .prompt = "Rainy Sunday jazz" }, same_jazz = { .prompt = "rainy sunday, JAZZ!", .deadline_ms = 5 };
static const struct rf_wish calm = { .prompt = "calm piano" }, like_miles = { .prompt = "", .like = &miles, .n_like = 1 };

static struct rf_warm_item *item_of(struct shelf *s, const struct rf_wish *w)
{
        uint8_t key[RF_WARM_KEY_SIZE];

        assert_int_equal(rf_warm_key(w, key), 0);
        return rf_warm_set_find(s->set, key);
}

static int fills(struct shelf *s)
{
        struct rf_warm_item *i;

        assert_int_equal(rf_warm_set_add(s->set, &jazz), 1);
        assert_int_equal(rf_warm_set_add(s->set, &same_jazz), 0);
        assert_int_equal(rf_warm_set_add(s->set, &like_miles), 1);
        assert_int_equal(rf_warm_set_get(s->set, &calm, &i), 0);
        rf_rhythm_add(&i->rhythm, rf_wall_us());
        i->uses = 3;
        i->spent = 40;
        i->saved = 30;
        i->footprint = rests_on(RF_OP_TRACKS, DAY_US, MONDAY_US + DAY_US, true, 4);
        i->is_unsaved = true;
        assert_true(rf_warm_set_is_unsaved(s->set));
        assert_int_equal(rf_warm_set_save(s->set), 0);
        assert_false(rf_warm_set_is_unsaved(s->set));
        return 0;
}

static int finds(struct shelf *s)
{
        struct rf_warm_item *i = item_of(s, &calm);

        assert_int_equal(rf_warm_set_size(s->set), 3);
        assert_true(item_of(s, &same_jazz)->is_added && item_of(s, &same_jazz)->added_us == MONDAY_US);
        assert_string_equal(item_of(s, &like_miles)->wish->like[0], "Miles Davis");
        assert_non_null(i);
        assert_true(!i->is_added && i->uses == 3 && i->spent == 40 && i->saved == 30);
        assert_int_equal(rf_footprint_calls(&i->footprint, MONDAY_US), 4);
        assert_int_equal(rf_footprint_calls(&i->footprint, MONDAY_US + DAY_US), 0);
        assert_true(rf_rhythm_total(&i->rhythm, MONDAY_US) > 0.99);
        assert_int_equal(rf_warm_set_remove(s->set, &jazz), 0);
        assert_int_equal(rf_warm_set_remove(s->set, &jazz), -ENOENT);
        assert_int_equal(rf_warm_set_remove(s->set, &calm), 0);
        return 0;
}

static int finds_one(struct shelf *s)
{
        assert_int_equal(rf_warm_set_size(s->set), 1);
        assert_non_null(item_of(s, &like_miles));
        assert_int_equal(rf_warm_set_configure(s->set, " calm piano | rainy sunday jazz||", "Miles Davis|Nina Simone"), 0);
        assert_int_equal(rf_warm_set_size(s->set), 4);
        assert_int_equal(rf_warm_set_remove(s->set, &calm), -EPERM);
        assert_int_equal(rf_warm_set_remove(s->set, &like_miles), 0); /* added, too: it's the configuration's alone now */
        assert_int_equal(rf_warm_set_remove(s->set, &like_miles), -EPERM);
        assert_int_equal(rf_warm_set_configure(s->set, NULL, NULL), 0);
        assert_false(rf_warm_item_is_kept(item_of(s, &calm)));
        return 0;
}

/* The store has no room for a while. */
static int is_full(struct shelf *s)
{
        static const enum rf_table others[] = { RF_TABLE_RUNS, RF_TABLE_STATS, RF_TABLE_TOKENS, RF_TABLE_LIMITS };
        static char filler[65536];
        struct rf_warm_item *i;
        uint32_t n[ARRAY_SIZE(others)] = { 0 };

        assert_int_equal(rf_warm_set_get(s->set, &calm, &i), 0);
        i->uses = 3;
        i->is_unsaved = true;
        for (size_t t = 0; t < ARRAY_SIZE(others); t++) /* to the last page */
                for (size_t size = sizeof(filler); size > 0; size /= 2)
                        while (rf_state_put(s->state, others[t], &n[t], sizeof(n[t]), filler, size) == 0)
                                n[t]++;
        assert_int_equal(rf_warm_set_save(s->set), -ENOSPC);
        assert_true(rf_warm_set_is_unsaved(s->set));
        while (n[0]-- > 0)
                assert_int_equal(rf_state_remove(s->state, others[0], &n[0], sizeof(n[0])), 0);
        assert_int_equal(rf_warm_set_save(s->set), 0);
        assert_false(rf_warm_set_is_unsaved(s->set));
        assert_int_equal(rf_state_count(s->state, RF_TABLE_USES), 1);
        return 0;
}

static void what_could_not_be_written_is_written_later(void **state)
{
        struct shelf s = { 0 };

        (void)state;
        shelf_run(&s, is_full);
        shelf_remove(&s);
}

static void the_set_survives_a_restart(void **state)
{
        struct shelf s = { 0 };

        (void)state;
        shelf_run(&s, fills);
        shelf_run(&s, finds);
        shelf_run(&s, finds_one);
        shelf_remove(&s);
}

static int overflows(struct shelf *s)
{
        struct rf_warm_item *i;
        char prompt[32];

        assert_int_equal(rf_warm_set_add(s->set, &jazz), 1);
        assert_int_equal(rf_warm_set_get(s->set, &calm, &i), 0);
        rf_rhythm_add(&i->rhythm, rf_wall_us());
        for (unsigned n = 0; n < RF_WARM_ITEMS_MAX + 10; n++) {
                snprintf(prompt, sizeof(prompt), "prompt %u", n);
                assert_int_equal(rf_warm_set_get(s->set, &(struct rf_wish){ .prompt = prompt }, &i), 0);
                i->is_unsaved = true;
        }
        assert_int_equal(rf_warm_set_size(s->set), RF_WARM_ITEMS_MAX);
        assert_non_null(item_of(s, &jazz)); /* somebody wants it kept */
        assert_non_null(item_of(s, &calm)); /* used most */
        assert_null(item_of(s, &(struct rf_wish){ .prompt = "prompt 0" }));
        assert_int_equal(rf_warm_set_save(s->set), 0);
        assert_true(rf_state_count(s->state, RF_TABLE_USES) <= RF_WARM_ITEMS_MAX);
        for (unsigned n = 1; n < RF_WARM_KEPT_MAX; n++) {
                snprintf(prompt, sizeof(prompt), "kept %u", n);
                assert_int_equal(rf_warm_set_add(s->set, &(struct rf_wish){ .prompt = prompt }), 1);
        }
        assert_int_equal(rf_warm_set_add(s->set, &like_miles), -RF_ELIMIT);
        assert_int_equal(rf_warm_set_configure(s->set, "one|two", NULL), -RF_ELIMIT);
        return 0;
}

static void the_set_is_bounded(void **state)
{
        struct shelf s = { 0 };

        (void)state;
        shelf_run(&s, overflows);
        shelf_remove(&s);
}

static void a_damaged_record_is_no_item(void **state)
{
        _cleanup_(rf_warm_item_freep) struct rf_warm_item *i = NULL, *copy = NULL;
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        uint8_t key[RF_WARM_KEY_SIZE];

        (void)state;
        assert_int_equal(rf_warm_key(&jazz, key), 0);
        assert_int_equal(rf_warm_item_new(&jazz, key, &i), 0);
        i->rhythm = mondays(2);
        i->renewed = rests_on(RF_OP_TRACKS, DAY_US, MONDAY_US, false, 2);
        assert_int_equal(rf_warm_item_encode(i, &b), 0);
        for (size_t n = 0; n < b.size; n++)
                assert_true(rf_warm_item_decode(b.data, n, key, &copy) < 0);
        assert_int_equal(rf_warm_item_decode(b.data, b.size, key, &copy), 0);
        assert_memory_equal(&copy->rhythm, &i->rhythm, sizeof(copy->rhythm));
        assert_int_equal(copy->renewed.parts[0].calls, 2);
        b.data[0] = 9;
        assert_int_equal(rf_warm_item_decode(b.data, b.size, key, &copy), -RF_EFOREIGN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mondays_habit_is_expected_on_monday),
                cmocka_unit_test(one_use_makes_no_habit),
                cmocka_unit_test(what_isnt_used_any_more_is_forgotten),
                cmocka_unit_test(a_month_is_four_weeks),
                cmocka_unit_test(renewed_is_what_ends_before_the_next_visit),
                cmocka_unit_test(what_ends_before_anybody_comes_isnt_worth_a_call),
                cmocka_unit_test(what_is_served_stale_is_worth_less),
                cmocka_unit_test(whatever_is_kept_and_unknown_is_due),
                cmocka_unit_test(calls_without_an_answer_leave_no_print),
                cmocka_unit_test(the_set_survives_a_restart),
                cmocka_unit_test(what_could_not_be_written_is_written_later),
                cmocka_unit_test(the_set_is_bounded),
                cmocka_unit_test(a_damaged_record_is_no_item),
        };

        return cmocka_run_group_tests_name("warm", tests, use_utc, NULL);
}
