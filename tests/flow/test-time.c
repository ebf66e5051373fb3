/* What slow services and deadlines do to a run: on the virtual clock. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_house.h"
#include "provider/provider.h"
#include "sched/sched.h"

static const char *const PROMPTS[] = { "rainy sunday jazz", "party all night", "calm piano", "angry metal", "sunny reggae", "focus techno",
                                       "happy pop", "late night soul" };

/* The ids of a playlist, in their order. */
static char *recommend(const struct house *h, const char *prompt, uint64_t deadline_us, struct rf_playlist **ret)
{
        struct house_run run = { .house = h, .wish = { .prompt = prompt, .seed = 7 }, .deadline_us = deadline_us };
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(house_recommend(&run), 0);
        assert_int_equal(run.r, 0);
        for (size_t i = 0; i < run.playlist->n_tracks; i++)
                fprintf(f, "%s ", run.playlist->tracks[i].track.id);
        assert_int_equal(fclose(f), 0);
        if (ret)
                *ret = run.playlist;
        else
                rf_playlist_free(run.playlist);
        return text;
}

/* The daemon's process ends, its stores stay. */
static void restart(struct house *h)
{
        h->upstream = rf_upstream_free(h->upstream);
        assert_int_equal(rf_upstream_new(&(struct rf_upstream_options){ .concurrency = 64, .retries = 1, .refusal_us = 60 * USEC_PER_SEC, .seed = 1, .cache_enabled = true },
                                         h->providers, h->cache, &h->upstream), 0);
        h->flow.upstream = h->upstream;
}

static void the_same_answers_give_the_same_tracks_across_a_restart(void **state)
{
        char *first[ARRAY_SIZE(PROMPTS)];
        struct house h;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "6s", .has_cache = true }), 0);
        for (size_t i = 0; i < ARRAY_SIZE(PROMPTS); i++)
                first[i] = recommend(&h, PROMPTS[i], 0, NULL);
        for (unsigned life = 0; life < 2; life++) {
                for (size_t i = ARRAY_SIZE(PROMPTS); i-- > 0;) { /* in another order, so that others went before */
                        char *again = recommend(&h, PROMPTS[i], 0, NULL);

                        assert_string_equal(again, first[i]);
                        free(again);
                }
                restart(&h);
        }
        for (size_t i = 0; i < ARRAY_SIZE(PROMPTS); i++)
                free(first[i]);
        house_close(&h);
}

static void a_run_played_again_makes_as_many_passes(void **state)
{
        struct rf_wish wish = { .prompt = "happy pop", .seed = 7 };
        struct house h;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "6s", .has_cache = true }), 0);
        for (uint32_t passes = 0; passes < 3; passes++) {
                struct house_run run = { .house = &h, .wish = wish, .passes = &passes };

                assert_int_equal(house_recommend(&run), 0);
                assert_int_equal(run.r, 0);
                assert_int_equal(run.playlist->receipt.passes, passes);
                rf_playlist_free(run.playlist);
        }
        house_close(&h);
}

/* ---- Deadlines ---- */

static const struct rf_unmet *unmet(const struct rf_playlist *p, const char *wish)
{
        for (size_t i = 0; i < p->receipt.n_unmet; i++)
                if (strstr(p->receipt.unmet[i].wish, wish))
                        return &p->receipt.unmet[i];
        return NULL;
}

static uint32_t skipped(const struct rf_playlist *p, const char *what, const char *why)
{
        for (size_t i = 0; i < p->receipt.n_skipped; i++)
                if (strcmp(p->receipt.skipped[i].what, what) == 0 && strstr(p->receipt.skipped[i].why, why))
                        return p->receipt.skipped[i].count;
        return 0;
}

static uint32_t failures(const struct rf_playlist *p, enum rf_op op)
{
        for (size_t i = 0; i < p->receipt.n_by_operation; i++)
                if (strcmp(p->receipt.by_operation[i].operation, rf_op_name(op)) == 0)
                        return p->receipt.by_operation[i].failures;
        return 0;
}

/* Searches, then artists' tracks, then features, 7 s each: all of that fits, though not in each step's share. */
static void a_look_up_may_take_the_time_that_no_later_step_needs(void **state)
{
        struct rf_playlist *p;
        struct house h;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "7s" }), 0);
        free(recommend(&h, "happy pop", 30 * USEC_PER_SEC, &p));
        assert_true(p->n_tracks >= 15);
        assert_true(p->receipt.total_us > 20 * USEC_PER_SEC && p->receipt.total_us <= 30 * USEC_PER_SEC);
        assert_int_equal(failures(p, RF_OP_AUDIO_FEATURES), 0);
        assert_int_equal(skipped(p, "audio features of candidates", "given up"), 0);
        rf_playlist_free(p);
        house_close(&h);
}

static void what_was_asked_and_given_up_is_told_as_such(void **state)
{
        const struct rf_unmet *u;
        struct rf_playlist *p;
        struct house h;
        unsigned enough_s;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "7s" }), 0);
        free(recommend(&h, "happy pop", 18 * USEC_PER_SEC, &p)); /* searches end in their share, what follows doesn't */
        u = unmet(p, "an answer within 18.0 s");
        assert_non_null(u);
        assert_int_equal(sscanf(u->relaxation, "allow %u s: ", &enough_s), 1);
        assert_true(enough_s > 18 && enough_s < 36);
        assert_non_null(strstr(u->relaxation, "more tracks could be judged"));
        assert_true(failures(p, RF_OP_AUDIO_FEATURES) > 0);
        assert_true(skipped(p, "audio features of candidates", "given up at the deadline; ") > 0);
        assert_true(skipped(p, "audio features of chosen tracks", "given up at the deadline; ") > 0);
        assert_int_equal(skipped(p, "audio features of chosen tracks", "no provider knows"), 0);
        rf_playlist_free(p);
        free(recommend(&h, "happy pop", enough_s * USEC_PER_SEC, &p)); /* and that is enough */
        assert_int_equal(skipped(p, "audio features of candidates", "given up"), 0);
        rf_playlist_free(p);
        house_close(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_same_answers_give_the_same_tracks_across_a_restart),
                cmocka_unit_test(a_run_played_again_makes_as_many_passes),
                cmocka_unit_test(a_look_up_may_take_the_time_that_no_later_step_needs),
                cmocka_unit_test(what_was_asked_and_given_up_is_told_as_such),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
