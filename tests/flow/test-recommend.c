#include "test.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "control/encode.h"
#include "flow/names.h"
#include "flow_house.h"
#include "sched/sched.h"

static struct house house; /* with a cache, no latency: shared by the tests that don't change it */

static int open_house(void **state)
{
        (void)state;
        return house_open(&house, &(struct house_options){ .has_cache = true });
}

static int close_house(void **state)
{
        (void)state;
        house_close(&house);
        return 0;
}

static struct rf_playlist *recommend(const struct house *h, struct rf_wish wish)
{
        struct house_run run = { .house = h, .wish = wish };

        assert_int_equal(house_recommend(&run), 0);
        if (run.r < 0)
                print_message("# \"%s\": %s %s\n", wish.prompt, rf_strerror(run.r), run.message);
        assert_int_equal(run.r, 0);
        return run.playlist;
}

static bool is_unmet(const struct rf_playlist *p, const char *words)
{
        for (size_t i = 0; i < p->receipt.n_unmet; i++)
                if (strcasestr(p->receipt.unmet[i].wish, words) || strcasestr(p->receipt.unmet[i].why, words))
                        return true;
        return false;
}

static double mean_of(const struct rf_playlist *p, enum rf_feature f)
{
        double sum = 0.0, n = 0.0;

        for (size_t i = 0; i < p->n_tracks; i++)
                if (p->tracks[i].track.features.has & RF_FEATURE_BIT(f)) {
                        sum += (double)p->tracks[i].track.features.value[f];
                        n += 1.0;
                }
        return n > 0.0 ? sum / n : -1.0;
}

/* ---- What a person would expect of 30 prompts ---- */

static const struct expectation {
        const char *prompt;
        unsigned n_tracks;      /* exactly; 0 = 12..30 */
        unsigned minutes;       /* within 3 % */
        bool is_clean;
        unsigned from, to;      /* all years */
        enum rf_feature feature; /* whose mean lies between low and high, if high is set */
        double low, high;
        const char *unmet;      /* a word of what must be named */
} EXPECTED[] = {
        { .prompt = "rainy sunday jazz" },
        { .prompt = "happy pop songs" },
        { .prompt = "calm music to relax" },
        { .prompt = "sad and melancholic" },
        { .prompt = "energetic workout" },
        { .prompt = "party all night" },
        { .prompt = "music to focus while coding" },
        { .prompt = "falling asleep" },
        { .prompt = "romantic dinner" },
        { .prompt = "dark techno" },
        { .prompt = "dreamy shoegaze" },
        { .prompt = "angry metal" },
        { .prompt = "sunny reggae" },
        { .prompt = "epic soundtrack" },
        { .prompt = "uplifting house" },
        { .prompt = "Caribbean rhythms for vacation mode" },
        { .prompt = "nostalgic 80s", .from = 1980, .to = 1989 },
        { .prompt = "chill bossa nova, 45 minutes", .minutes = 45 },
        { .prompt = "10 calm piano pieces", .n_tracks = 10 },
        { .prompt = "an hour of upbeat funk", .minutes = 60 },
        { .prompt = "ambient without vocals for deep concentration", .feature = RF_FEATURE_INSTRUMENTALNESS, .low = .5, .high = 1.0 },
        { .prompt = "hip hop, nothing explicit", .is_clean = true },
        { .prompt = "not sad folk", .feature = RF_FEATURE_VALENCE, .low = .35, .high = 1.0 },
        { .prompt = "songs around 120 bpm", .feature = RF_FEATURE_TEMPO, .low = 110.0, .high = 130.0 },
        { .prompt = "something like Miles Davis", .unmet = "Miles Davis" },
        { .prompt = "xqzt blorpf wuggle", .unmet = "understood" },
        { .prompt = "☔️🎷" },
        { .prompt = "musique calme pour dormir", .feature = RF_FEATURE_ENERGY, .low = 0.0, .high = .45 },
        { .prompt = "fröhliche Musik zum Tanzen", .feature = RF_FEATURE_ENERGY, .low = .5, .high = 1.0 },
        { .prompt = "underground indie rock", .feature = RF_FEATURE_POPULARITY, .low = 0.0, .high = 50.0 },
};

static void check(const struct expectation *e, const struct rf_playlist *p)
{
        if (e->n_tracks)
                assert_int_equal(p->n_tracks, e->n_tracks);
        else if (!e->minutes)
                assert_in_range(p->n_tracks, 12, 30);
        if (e->minutes)
                assert_in_range(p->duration_ms, e->minutes * 58200u, e->minutes * 61800u);
        if (e->high > 0.0) {
                double mean = mean_of(p, e->feature);

                print_message("#   mean of feature %d: %.2f\n", e->feature, mean);
                assert_true(mean >= e->low && mean <= e->high);
        }
        if (e->unmet)
                assert_true(is_unmet(p, e->unmet));
        for (size_t i = 0; i < p->n_tracks; i++) {
                const struct rf_track *t = &p->tracks[i].track;

                if (e->is_clean)
                        assert_int_not_equal(t->is_explicit, 1);
                if (e->from && t->release_year)
                        assert_in_range(t->release_year, e->from, e->to);
                assert_non_null(p->tracks[i].reason);
                if (i > 0)
                        assert_string_not_equal(t->id, p->tracks[i - 1].track.id);
        }
}

static void thirty_prompts_give_what_a_person_would_expect(void **state)
{
        double sum = 0.0, random = 0.0, popular = 0.0;
        unsigned n = 0;

        (void)state;
        assert_int_equal(ARRAY_SIZE(EXPECTED), 30);
        for (size_t i = 0; i < ARRAY_SIZE(EXPECTED); i++) {
                const struct expectation *e = &EXPECTED[i];
                const struct mock_taste *taste = mock_taste_of(e->prompt);
                struct rf_playlist *p = recommend(&house, (struct rf_wish){ .prompt = e->prompt, .seed = 1 });

                if (taste) {
                        double ours = house_playlist_ndcg(&house, taste, p), by_chance = house_random_ndcg(&house, taste, 20),
                               known = house_popular_ndcg(&house, taste, 20);

                        print_message("# %-46s %2zu tracks  nDCG@20 %.3f  random %.3f  popular %.3f  (%u passes, %u calls)\n", e->prompt,
                                      p->n_tracks, ours, by_chance, known, p->receipt.passes, p->receipt.calls);
                        sum += ours;
                        random += by_chance;
                        popular += known;
                        n++;
                        assert_true(ours > by_chance && ours > known);
                } else
                        print_message("# %-46s %2zu tracks  cohesion %u\n", e->prompt, p->n_tracks, p->receipt.quality.cohesion_milli);
                check(e, p);
                rf_playlist_free(p);
        }
        print_message("# mean nDCG@20 of %u prompts: %.3f (random %.3f, popularity only %.3f)\n", n, sum / n, random / n, popular / n);
        assert_int_equal(n, mock_n_prompts);
        assert_true(sum / n >= .85);
}

static void every_playlist_keeps_the_rules_of_its_brief(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(EXPECTED); i += 3) {
                struct rf_playlist *p = recommend(&house, (struct rf_wish){ .prompt = EXPECTED[i].prompt, .seed = 2, .no_explicit = true });
                const struct rf_quality *q = &p->receipt.quality;

                for (size_t a = 0; a < p->n_tracks; a++) {
                        size_t same = 0;

                        assert_int_not_equal(p->tracks[a].track.is_explicit, 1);
                        assert_false(!p->brief->allows_versions && rf_title_is_version(p->tracks[a].track.title));
                        for (size_t b = 0; b < p->n_tracks; b++)
                                same += strcmp(p->tracks[a].track.artists[0].name, p->tracks[b].track.artists[0].name) == 0;
                        assert_true(same <= p->brief->artist_cap);
                        if (a > 0 && p->n_tracks > 5)
                                assert_string_not_equal(p->tracks[a].track.artists[0].name, p->tracks[a - 1].track.artists[0].name);
                }
                assert_int_equal(p->tracks[0].phase, RF_PHASE_OPENING);
                assert_int_equal(p->tracks[p->n_tracks - 1].phase, RF_PHASE_CLOSURE);
                assert_true(q->coherence_milli > q->coherence_shuffled_milli);
                if (p->n_tracks > 8)
                        assert_true(q->arc_fit_milli >= 500);
                assert_true(q->ordering_gap_milli < 300);
                assert_true(p->receipt.n_by_operation > 0);
                rf_playlist_free(p);
        }
}

static void options_count_over_the_prompt(void **state)
{
        const char *excluded[1], *like[1];
        char by[200];
        size_t theirs = 0;
        struct rf_playlist *plain = recommend(&house, (struct rf_wish){ .prompt = "happy pop", .seed = 1 }), *p;

        (void)state;
        excluded[0] = plain->tracks[3].track.artists[0].name;
        p = recommend(&house, (struct rf_wish){ .prompt = "happy pop", .seed = 1, .n_tracks = 12, .exclude_artists = excluded,
                                                .n_exclude_artists = 1, .has_arc = true, .arc = RF_ARC_BUILD });
        assert_int_equal(p->n_tracks, 12);
        assert_true(p->receipt.quality.ordering_is_exact);
        assert_true(p->tracks[0].track.features.value[RF_FEATURE_ENERGY] < p->tracks[11].track.features.value[RF_FEATURE_ENERGY]);
        for (size_t i = 0; i < p->n_tracks; i++)
                assert_string_not_equal(p->tracks[i].track.artists[0].name, excluded[0]);
        rf_playlist_free(p);

        /* an artist to be like points a direction, and need not be heard */
        like[0] = plain->tracks[0].track.artists[0].name;
        p = recommend(&house, (struct rf_wish){ .prompt = "happy music", .seed = 1, .like = like, .n_like = 1 });
        assert_int_equal(p->receipt.n_unmet, 0);
        assert_int_equal(p->brief->n_mentions, 1);
        rf_playlist_free(p);

        /* "by" means it */
        snprintf(by, sizeof(by), "songs by \"%s\"", like[0]);
        p = recommend(&house, (struct rf_wish){ .prompt = by, .seed = 1 });
        for (size_t i = 0; i < p->n_tracks; i++)
                theirs += strcmp(p->tracks[i].track.artists[0].name, like[0]) == 0;
        print_message("# %s: %zu of %zu tracks are theirs\n", by, theirs, p->n_tracks);
        assert_true(theirs >= 10); /* as many as an artist of this world has recorded */
        rf_playlist_free(p);
        rf_playlist_free(plain);
}

static void what_cannot_be_kept_is_named_with_a_relaxation(void **state)
{
        struct rf_playlist *p = recommend(&house, (struct rf_wish){ .prompt = "calypso from 1990 to 1991 only, 100 tracks", .seed = 1,
                                                                    .n_tracks = 100 });
        bool has_relaxation = false;

        (void)state;
        assert_true(p->n_tracks < 100);
        assert_true(is_unmet(p, "100 tracks"));
        for (size_t i = 0; i < p->receipt.n_unmet; i++)
                has_relaxation |= p->receipt.unmet[i].relaxation != NULL;
        assert_true(has_relaxation);
        rf_playlist_free(p);
        /* what is beyond a limit is said as it was wished */
        p = recommend(&house, (struct rf_wish){ .prompt = "500 songs of calypso", .seed = 1 });
        assert_true(is_unmet(p, "500 tracks"));
        rf_playlist_free(p);
        p = recommend(&house, (struct rf_wish){ .prompt = "rock but not from the 90s", .seed = 1 });
        for (size_t i = 0; i < p->n_tracks; i++)
                assert_false(p->tracks[i].track.release_year >= 1990 && p->tracks[i].track.release_year <= 1999);
        rf_playlist_free(p);
        /* a whole day is more than a playlist holds */
        p = recommend(&house, (struct rf_wish){ .prompt = "ambient", .seed = 1, .duration_s = 86400 });
        assert_true(p->n_tracks <= RF_TRACKS_MAX);
        assert_true(p->receipt.n_unmet >= 1);
        rf_playlist_free(p);
}

static void bad_prompts_are_errors_with_a_reason(void **state)
{
        char *huge = malloc(10240);
        struct house_run empty = { .house = &house, .wish = { .prompt = "  " } }, big = { .house = &house }, bytes = { .house = &house };

        (void)state;
        memset(huge, 'a', 10239);
        huge[10239] = '\0';
        big.wish.prompt = huge;
        bytes.wish.prompt = "\xff\xfe jazz";
        assert_int_equal(house_recommend(&empty), 0);
        assert_int_equal(empty.r, -RF_EPROMPT);
        assert_int_equal(house_recommend(&big), 0);
        assert_int_equal(big.r, -RF_ELIMIT);
        assert_int_equal(house_recommend(&bytes), 0);
        assert_int_equal(bytes.r, -EINVAL);
        free(huge);
}

/* ---- Determinism ---- */

static void the_same_seed_gives_the_same_bytes_and_no_shuffle_changes_a_track(void **state)
{
        static const char *const prompts[] = { "rainy sunday jazz", "party all night", "calm piano, 30 minutes", "something like Miles Davis" };
        static const unsigned shuffles = 1000;
        struct house h;

        (void)state;
        /* a latency, so that completion order varies; no cache, so that each run is cold */
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "20ms" }), 0);
        for (size_t i = 0; i < ARRAY_SIZE(prompts); i++) {
                struct house_run first = { .house = &h, .wish = { .prompt = prompts[i], .seed = 42 } };
                struct house_run before = first;
                char *expected;

                /* the very first run learns that nobody is logged in */
                assert_int_equal(house_recommend(&before), 0);
                rf_playlist_free(before.playlist);
                assert_int_equal(house_recommend(&first), 0);
                assert_int_equal(first.r, 0);
                expected = house_tracks_text(first.playlist);
                for (unsigned s = 1 + (unsigned)i; s <= shuffles; s += ARRAY_SIZE(prompts)) {
                        struct house_run run = { .house = &h, .wish = { .prompt = prompts[i], .seed = 42 }, .shuffle_seed = s };
                        char *text;

                        assert_int_equal(house_recommend(&run), 0);
                        assert_int_equal(run.r, 0);
                        text = house_tracks_text(run.playlist);
                        assert_string_equal(text, expected);
                        assert_int_equal(run.playlist->receipt.calls, first.playlist->receipt.calls);
                        free(text);
                        rf_playlist_free(run.playlist);
                }
                free(expected);
                rf_playlist_free(first.playlist);
        }
        house_close(&h);
}

/* How many tracks of one are in the other, too. */
static size_t common_tracks(const struct rf_playlist *a, const struct rf_playlist *b)
{
        size_t n = 0;

        for (size_t i = 0; i < a->n_tracks; i++)
                for (size_t k = 0; k < b->n_tracks; k++)
                        n += strcmp(a->tracks[i].track.id, b->tracks[k].track.id) == 0;
        return n;
}

static void another_seed_gives_some_other_tracks_as_good_from_the_same_answers(void **state)
{
        double plain_sum = 0.0, sum = 0.0;
        size_t tracks = 0, common = 0, n = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(EXPECTED); i++) {
                const struct mock_taste *taste = mock_taste_of(EXPECTED[i].prompt);
                struct rf_playlist *plain, *first, *second;

                if (!taste)
                        continue;
                plain = recommend(&house, (struct rf_wish){ .prompt = EXPECTED[i].prompt });
                first = recommend(&house, (struct rf_wish){ .prompt = EXPECTED[i].prompt, .seed = 3 });
                second = recommend(&house, (struct rf_wish){ .prompt = EXPECTED[i].prompt, .seed = 4 });
                print_message("# %-46s %2zu tracks, seeds share %2zu, with the best %2zu\n", EXPECTED[i].prompt, first->n_tracks,
                              common_tracks(first, second), common_tracks(first, plain));
                plain_sum += house_playlist_ndcg(&house, taste, plain);
                sum += (house_playlist_ndcg(&house, taste, first) + house_playlist_ndcg(&house, taste, second)) / 2.0;
                tracks += first->n_tracks;
                common += common_tracks(first, second);
                assert_true(common_tracks(first, second) < first->n_tracks);
                n++;
                check(&EXPECTED[i], first);
                check(&EXPECTED[i], second);
                assert_int_equal(first->receipt.calls, 0); /* another seed asks nobody anything */
                assert_int_equal(second->receipt.calls, 0);
                rf_playlist_free(plain);
                rf_playlist_free(first);
                rf_playlist_free(second);
        }
        print_message("# %zu of %zu tracks are the same; mean nDCG@20 %.3f, without a seed %.3f\n", common, tracks, sum / (double)n,
                      plain_sum / (double)n);
        assert_true(common * 2 > tracks); /* nearly as good, not any others */
        assert_true(sum > plain_sum - .03 * (double)n);
}

static char *whole_object(unsigned shuffle_seed)
{
        struct house h;
        struct house_run run = { .house = &h, .wish = { .prompt = "rainy sunday jazz, 45 minutes", .seed = 5 }, .shuffle_seed = shuffle_seed };
        json_t *j;
        char *text;

        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "35ms", .has_cache = true }), 0);
        assert_int_equal(house_recommend(&run), 0);
        assert_int_equal(run.r, 0);
        j = rf_encode_playlist(run.playlist, "run");
        assert_non_null(j);
        text = json_dumps(j, JSON_COMPACT);
        json_decref(j);
        rf_playlist_free(run.playlist);
        house_close(&h);
        return text;
}

static void in_virtual_time_the_whole_object_is_the_same_bytes(void **state)
{
        char *first = whole_object(0);

        (void)state;
        for (unsigned shuffle = 0; shuffle < 4; shuffle++) {
                char *again = whole_object(shuffle);

                assert_string_equal(again, first);
                free(again);
        }
        free(first);
}

/* ---- Weather ---- */

static void a_deadline_gives_the_best_so_far_and_names_what_was_cut(void **state)
{
        struct house h;
        struct house_run run = { .house = &h, .wish = { .prompt = "happy pop", .seed = 1 }, .deadline_us = 3 * USEC_PER_SEC };
        struct rf_optimizations slow = rf_optimizations_full();

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "900ms" }), 0);
        assert_int_equal(house_recommend(&run), 0);
        assert_int_equal(run.r, 0);
        assert_true(run.virtual_us <= 3 * USEC_PER_SEC);
        assert_true(run.playlist->n_tracks > 0);
        assert_true(is_unmet(run.playlist, "an answer within"));
        rf_playlist_free(run.playlist);
        /* nor do pauses between artists and calls, where the old policy has them, cost more than there is */
        rf_optimizations_set(&slow, RF_OPT_PARALLEL_ARTISTS, false);
        rf_optimizations_set(&slow, RF_OPT_NO_STAGGER, false);
        rf_upstream_set_optimizations(h.upstream, &slow);
        run = (struct house_run){ .house = &h, .wish = { .prompt = "happy pop", .seed = 2 }, .deadline_us = USEC_PER_SEC };
        assert_int_equal(house_recommend(&run), 0);
        assert_true(run.virtual_us <= USEC_PER_SEC + 100 * USEC_PER_MSEC);
        rf_playlist_free(run.playlist);
        /* where nothing was answered by then, that is what is said */
        run = (struct house_run){ .house = &h, .wish = { .prompt = "happy pop" }, .deadline_us = USEC_PER_SEC / 2 };
        assert_int_equal(house_recommend(&run), 0);
        assert_int_equal(run.r, -ETIMEDOUT);
        assert_string_equal(run.message, "no service has answered within the time that was given");
        house_close(&h);
}

static void a_service_that_fails_now_and_then_still_gives_a_playlist(void **state)
{
        struct house h;
        struct house_run run = { .house = &h, .wish = { .prompt = "calm folk", .seed = 1 } };

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "50ms", .error_rate = "0.3" }), 0);
        assert_int_equal(house_recommend(&run), 0);
        assert_int_equal(run.r, 0);
        assert_true(run.playlist->n_tracks >= 10);
        rf_playlist_free(run.playlist);
        house_close(&h);
}

static void when_nobody_answers_the_reason_is_the_services(void **state)
{
        struct house h;
        struct house_run run = { .house = &h, .wish = { .prompt = "calm folk", .seed = 1 } };

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .error_rate = "1" }), 0);
        assert_int_equal(house_recommend(&run), 0);
        assert_true(run.r == -RF_EUPSTREAM || run.r == -RF_EUNSUPPORTED);
        assert_string_not_equal(run.message, "");
        house_close(&h);
}

static void without_some_operations_others_take_their_place(void **state)
{
        static const enum rf_op missing[] = { RF_OP_RECOMMENDATIONS, RF_OP_ARTIST_TOP_TRACKS, RF_OP_AUDIO_FEATURES, RF_OP_SEARCH_ARTISTS };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
                struct house h;
                struct rf_playlist *p;
                bool is_said = false;

                assert_int_equal(house_open(&h, &(struct house_options){ .has_cache = false }), 0);
                rf_provider_refuse(rf_providers_at(h.providers, 0), missing[i], UINT64_MAX, "refused by a test");
                p = recommend(&h, (struct rf_wish){ .prompt = "calm folk", .seed = 1 });
                assert_true(p->n_tracks >= 12);
                for (size_t k = 0; k < p->receipt.n_skipped; k++)
                        is_said |= strstr(p->receipt.skipped[k].why, "no provider offers") != NULL;
                assert_true(is_said == (missing[i] == RF_OP_RECOMMENDATIONS || missing[i] == RF_OP_AUDIO_FEATURES));
                if (missing[i] == RF_OP_AUDIO_FEATURES)
                        assert_int_equal(p->receipt.quality.cohesion_milli, 750);
                rf_playlist_free(p);
                house_close(&h);
        }
}

/* ---- Many at once, and what a run costs ---- */

struct crowd {
        struct house_run *runs;
        size_t n, done;
        size_t heap_start, heap_waiting;
};

static size_t heap_bytes(void)
{
        struct mallinfo2 m = mallinfo2();

        return m.uordblks + m.hblkhd;
}

static int one_of_many(void *arg)
{
        struct house_run *run = arg;
        struct rf_run_hooks hooks = { .client = (uint64_t)(uintptr_t)run, .deadline_us = RF_FOREVER };

        run->r = rf_flow_recommend(&run->house->flow, &run->wish, &hooks, &run->playlist, run->message, sizeof(run->message));
        return 0;
}

static int crowd_main(void *arg)
{
        struct crowd *c = arg;
        struct rf_group *g = NULL;
        int r = rf_group_new(RF_FOREVER, &g);

        c->heap_start = heap_bytes();
        for (size_t i = 0; i < c->n && r >= 0; i++)
                r = rf_group_spawn(g, "run", one_of_many, &c->runs[i]);
        /* in the middle of the waiting */
        if (r >= 0)
                r = rf_sleep_us(700 * USEC_PER_MSEC);
        c->heap_waiting = heap_bytes();
        if (r >= 0)
                r = rf_group_join(g);
        rf_group_free(g);
        rf_upstream_stop(c->runs[0].house->upstream);
        return r;
}

static void a_thousand_runs_at_once_are_all_correct(void **state)
{
        static const char *const prompts[] = { "rainy sunday jazz", "party all night", "calm piano", "angry metal", "sunny reggae" };
        enum { N = 1000 };
        struct crowd c = { .runs = calloc(N, sizeof(*c.runs)), .n = N };
        char *expected[ARRAY_SIZE(prompts)] = { NULL };
        struct rf_sched *s = NULL;
        struct rf_sched_stats stats;
        struct house h;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "200ms", .concurrency = 1000, .has_cache = true }), 0);
        for (size_t i = 0; i < N; i++)
                c.runs[i] = (struct house_run){ .house = &h, .wish = { .prompt = prompts[i % ARRAY_SIZE(prompts)], .seed = 7 } };
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1767225600ull * USEC_PER_SEC },
                                      &s), 0);
        assert_int_equal(rf_sched_run(s, crowd_main, &c), 0);
        stats = rf_sched_stats(s);
        rf_sched_free(s);
        for (size_t i = 0; i < N; i++) {
                char *text, **e = &expected[i % ARRAY_SIZE(prompts)];
                char *ids;
                size_t size = 0;
                FILE *f = open_memstream(&ids, &size);

                assert_int_equal(c.runs[i].r, 0);
                for (size_t t = 0; t < c.runs[i].playlist->n_tracks; t++)
                        fprintf(f, "%s\n", c.runs[i].playlist->tracks[t].track.id);
                fclose(f);
                text = ids;
                if (!*e)
                        *e = strdup(text);
                assert_string_equal(text, *e);
                free(text);
                rf_playlist_free(c.runs[i].playlist);
        }
        for (size_t i = 0; i < ARRAY_SIZE(prompts); i++)
                free(expected[i]);
        print_message("# 1000 runs at once: %zu coroutines at most, heap per waiting run %.1f KiB\n", stats.coroutines_peak,
                      c.heap_waiting > c.heap_start ? (double)(c.heap_waiting - c.heap_start) / N / 1024.0 : 0.0);
        free(c.runs);
        house_close(&h);
}

static void a_warm_run_takes_little_time_of_the_processor(void **state)
{
        uint64_t best = UINT64_MAX, cold = 0;
        struct house h;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .has_cache = true }), 0);
        for (unsigned k = 0; k < 8; k++) {
                struct house_run run = { .house = &h, .wish = { .prompt = "rainy sunday jazz", .seed = 1 } };

                assert_int_equal(house_recommend(&run), 0);
                assert_int_equal(run.r, 0);
                if (k == 0)
                        cold = run.cpu_us;
                else
                        best = MIN(best, run.cpu_us);
                if (k > 0)
                        assert_int_equal(run.playlist->receipt.calls, 0);
                rf_playlist_free(run.playlist);
        }
        print_message("# processor time of a run: %.1f ms cold (the service's side included), %.1f ms warm\n", (double)cold / 1000.0,
                      (double)best / 1000.0);
        house_close(&h);
        assert_true(best * 2 < cold); /* a ratio of the same run: machines differ, and are busy */
}

/* ---- Plan and order ---- */

struct planning {
        const struct house *house;
        struct rf_wish wish;
        struct rf_plan *plan;
        int r;
};

static int plan_main(void *arg)
{
        struct planning *p = arg;

        p->r = rf_flow_plan(&p->house->flow, &p->wish, &p->plan);
        rf_upstream_stop(p->house->upstream);
        return 0;
}

static struct rf_plan *plan(const struct house *h, struct rf_wish wish)
{
        struct planning p = { .house = h, .wish = wish };
        struct rf_sched *s = NULL;

        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true,
                                      .virtual_wall_us = 1767225600ull * USEC_PER_SEC }, &s), 0);
        assert_int_equal(rf_sched_run(s, plan_main, &p), 0);
        rf_sched_free(s);
        assert_int_equal(p.r, 0);
        return p.plan;
}

static void a_plan_calls_nobody_and_knows_what_is_cached(void **state)
{
        const struct rf_wish wish = { .prompt = "rainy sunday jazz", .seed = 1 };
        struct rf_plan *p;
        uint64_t calls;

        (void)state;
        rf_playlist_free(recommend(&house, wish));
        calls = rf_upstream_stats(house.upstream).calls;
        p = plan(&house, wish);
        assert_true(rf_upstream_stats(house.upstream).calls == calls);
        assert_true(p->n_items >= 3);
        assert_true(p->cached >= 2);
        assert_true(p->calls > p->cached);
        for (size_t i = 0; i < p->n_items; i++) {
                const struct rf_plan_item *item = &p->items[i];

                assert_string_equal(item->provider, "mock");
                assert_true(item->calls_min <= item->calls && item->calls <= item->calls_max);
                assert_true(item->is_estimate == (item->calls_min < item->calls_max));
                assert_true(item->op != RF_OP_RECOMMENDATIONS || (item->calls == 6 && item->calls_min == 0));
        }
        rf_plan_free(p);
}

/* Calls and time of what comes lie within the plan's bounds, and the time is at most three times what is usual, and a third at least. */
static void a_plan_bounds_what_the_run_takes(void **state)
{
        static const struct {
                const char *prompt;
                uint32_t n_tracks;
        } cases[] = { { "happy pop", 0 }, { "rainy sunday jazz", 0 }, { "upbeat 80s synth-pop", 0 }, { "calm piano", 0 }, { "party", 0 },
                      { "songs for a long drive", 0 }, { "chill bossa nova, 45 minutes", 0 }, { "hidden gems of soul", 0 },
                      { "epic soundtrack", 0 }, { "something like Miles Davis", 0 }, { "frobnicate", 0 }, { "dark and angry", 60 },
                      { "ambient sleep, 3 hours", 0 }, { "sad folk", 3 }, { "deep focus for coding", 200 } };
        struct house h;
        unsigned near = 0;

        (void)state;
        assert_int_equal(house_open(&h, &(struct house_options){ .latency = "400ms" }), 0);
        /* it learns how long each operation takes */
        rf_playlist_free(recommend(&h, (struct rf_wish){ .prompt = "obscure indie rock", .seed = 1 }));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct house_run run = { .house = &h, .wish = { .prompt = cases[i].prompt, .n_tracks = cases[i].n_tracks, .seed = 1 } };
                struct rf_plan *p = plan(&h, run.wish);
                uint32_t calls;

                assert_int_equal(house_recommend(&run), 0);
                assert_int_equal(run.r, 0);
                calls = run.playlist->receipt.calls;
                print_message("# %s: %u to %u calls, %u as a rule; %u were made\n", cases[i].prompt, p->calls_min, p->calls_max, p->calls, calls);
                assert_in_range(calls, p->calls_min, p->calls_max);
                assert_in_range(p->calls, p->calls_min, p->calls_max);
                assert_in_range(run.virtual_us, p->expected_min_us, p->expected_max_us);
                assert_in_range(run.virtual_us, p->expected_us / 3, p->expected_us * 3);
                near += calls <= p->calls + p->calls / 4 && calls >= p->calls - p->calls / 4;
                rf_playlist_free(run.playlist);
                rf_plan_free(p);
        }
        house_close(&h);
        assert_true(near >= ARRAY_SIZE(cases) / 2);
}

/* With all optimisations off everything is made anew in each pass, one after the other. */
static void a_plan_knows_the_switches(void **state)
{
        struct rf_optimizations full = rf_optimizations_full(), none = { 0 };
        struct house_run run = { .house = &house, .wish = { .prompt = "calm piano", .seed = 1 } };
        struct rf_plan *p;

        (void)state;
        for (unsigned i = 0; i < RF_OPT_COUNT; i++)
                rf_optimizations_set(&none, (enum rf_optimization)i, i == RF_OPT_LOCAL_ANALYSIS);
        rf_upstream_set_optimizations(house.upstream, &none);
        p = plan(&house, run.wish);
        assert_int_equal(house_recommend(&run), 0);
        rf_upstream_set_optimizations(house.upstream, &full);
        assert_int_equal(run.r, 0);
        print_message("# %u to %u calls; %u were made\n", p->calls_min, p->calls_max, run.playlist->receipt.calls + run.playlist->receipt.cache_hits);
        assert_in_range(run.playlist->receipt.calls + run.playlist->receipt.cache_hits, p->calls_min, p->calls_max);
        rf_playlist_free(run.playlist);
        rf_plan_free(p);
}

/* A provider that reads prompts has its say; local analysis off costs a call for each judgement, and changes nothing else. */
static void prompts_may_be_read_by_a_provider(void **state)
{
        struct rf_optimizations all = rf_optimizations_full(), without = all;
        struct rf_playlist *local, *read, *judged;
        const struct rf_wish wish = { .prompt = "uplifting house", .seed = 1 };

        (void)state;
        local = recommend(&house, wish);
        house.flow.asks_model = true;
        read = recommend(&house, wish);
        house.flow.asks_model = false;
        rf_optimizations_set(&without, RF_OPT_LOCAL_ANALYSIS, false);
        rf_upstream_set_optimizations(house.upstream, &without);
        judged = recommend(&house, wish);
        rf_upstream_set_optimizations(house.upstream, &all);
        assert_int_equal(local->receipt.steps[RF_STEP_UNDERSTAND].calls, 0);
        assert_int_equal(read->receipt.steps[RF_STEP_UNDERSTAND].calls, 2);
        assert_int_equal(judged->receipt.steps[RF_STEP_UNDERSTAND].calls + judged->receipt.steps[RF_STEP_UNDERSTAND].cache_hits, 3);
        assert_true(judged->receipt.steps[RF_STEP_GATHER].calls >= 6);
        assert_true(judged->receipt.steps[RF_STEP_ORDER].calls == 2 || judged->receipt.ordering_was_skipped);
        /* the provider's mood counts: it isn't the lexicon's */
        assert_true(read->brief->targets[RF_FEATURE_ENERGY].is_set);
        assert_true(read->brief->targets[RF_FEATURE_ENERGY].low != local->brief->targets[RF_FEATURE_ENERGY].low);
        rf_playlist_free(local);
        rf_playlist_free(read);
        rf_playlist_free(judged);
}

struct ordering {
        const struct rf_order_item *items;
        size_t n;
        struct rf_playlist *playlist;
        size_t *order;
        int r;
};

static int order_main(void *arg)
{
        struct ordering *o = arg;
        struct rf_run_hooks hooks = { .deadline_us = RF_FOREVER };

        o->r = rf_flow_order(&house.flow, o->items, o->n, RF_ARC_WIND_DOWN, 3, &hooks, &o->playlist, &o->order);
        rf_upstream_stop(house.upstream);
        return 0;
}

static void ordering_given_tracks_loses_none_and_follows_the_arc(void **state)
{
        struct rf_playlist *p = recommend(&house, (struct rf_wish){ .prompt = "party all night", .seed = 1, .n_tracks = 14 });
        struct rf_order_item items[16] = { 0 };
        struct ordering o = { .items = items, .n = 16 };
        struct rf_sched *s = NULL;
        bool seen[16] = { false };
        double first = 0.0, last = 0.0;

        (void)state;
        for (size_t i = 0; i < 14; i++) {
                const struct rf_track *t = &p->tracks[i].track;

                if (i % 3 == 0)
                        items[i].uri = t->uri;
                else if (i % 3 == 1 && t->isrc)
                        items[i].isrc = t->isrc;
                else {
                        items[i].title = t->title;
                        items[i].artist = t->artists[0].name;
                }
        }
        items[14] = (struct rf_order_item){ .title = "Nobody Knows This", .artist = "Nobody At All" };
        items[15] = items[0]; /* the same track twice stays twice */
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true,
                                      .virtual_wall_us = 1767225600ull * USEC_PER_SEC }, &s), 0);
        assert_int_equal(rf_sched_run(s, order_main, &o), 0);
        rf_sched_free(s);
        assert_int_equal(o.r, 0);
        assert_int_equal(o.playlist->n_tracks, 16);
        for (size_t i = 0; i < 16; i++) {
                assert_in_range(o.order[i], 0, 15);
                assert_false(seen[o.order[i]]);
                seen[o.order[i]] = true;
                if (o.order[i] == 14)
                        assert_string_equal(o.playlist->tracks[i].track.title, "Nobody Knows This");
                if (o.order[i] != 14 && o.order[i] % 3 == 0 && o.order[i] < 14)
                        assert_string_equal(o.playlist->tracks[i].track.uri, items[o.order[i]].uri);
        }
        for (size_t i = 0; i < 5; i++) {
                first += (double)o.playlist->tracks[i].track.features.value[RF_FEATURE_ENERGY];
                last += (double)o.playlist->tracks[15 - i].track.features.value[RF_FEATURE_ENERGY];
        }
        assert_true(first > last);
        free(o.order);
        rf_playlist_free(o.playlist);
        rf_playlist_free(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(thirty_prompts_give_what_a_person_would_expect),
                cmocka_unit_test(every_playlist_keeps_the_rules_of_its_brief),
                cmocka_unit_test(options_count_over_the_prompt),
                cmocka_unit_test(what_cannot_be_kept_is_named_with_a_relaxation),
                cmocka_unit_test(bad_prompts_are_errors_with_a_reason),
                cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_no_shuffle_changes_a_track),
                cmocka_unit_test(another_seed_gives_some_other_tracks_as_good_from_the_same_answers),
                cmocka_unit_test(in_virtual_time_the_whole_object_is_the_same_bytes),
                cmocka_unit_test(a_deadline_gives_the_best_so_far_and_names_what_was_cut),
                cmocka_unit_test(a_service_that_fails_now_and_then_still_gives_a_playlist),
                cmocka_unit_test(when_nobody_answers_the_reason_is_the_services),
                cmocka_unit_test(without_some_operations_others_take_their_place),
                cmocka_unit_test(a_thousand_runs_at_once_are_all_correct),
                cmocka_unit_test(a_warm_run_takes_little_time_of_the_processor),
                cmocka_unit_test(a_plan_calls_nobody_and_knows_what_is_cached),
                cmocka_unit_test(a_plan_bounds_what_the_run_takes),
                cmocka_unit_test(a_plan_knows_the_switches),
                cmocka_unit_test(prompts_may_be_read_by_a_provider),
                cmocka_unit_test(ordering_given_tracks_loses_none_and_follows_the_arc),
        };

        /* some of them alone, under valgrind: TEST_FILTER='*thousand*' */
        cmocka_set_test_filter(getenv("TEST_FILTER"));
        return cmocka_run_group_tests(tests, open_house, close_house);
}
