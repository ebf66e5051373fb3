#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/random.h"
#include "flow/arc.h"
#include "flow/candidate.h"
#include "flow/cohesion.h"
#include "flow/constraints.h"
#include "flow/evaluate.h"
#include "flow/names.h"
#include "flow/optimum.h"
#include "flow/phases.h"
#include "flow/quality.h"
#include "flow/sequence.h"

static struct rf_features features(float energy, float valence, float tempo, int key)
{
        struct rf_features f = { 0 };

        f.has = RF_FEATURE_BIT(RF_FEATURE_ENERGY) | RF_FEATURE_BIT(RF_FEATURE_VALENCE) | RF_FEATURE_BIT(RF_FEATURE_TEMPO) |
                RF_FEATURE_BIT(RF_FEATURE_KEY) | RF_FEATURE_BIT(RF_FEATURE_MODE);
        f.value[RF_FEATURE_ENERGY] = energy;
        f.value[RF_FEATURE_VALENCE] = valence;
        f.value[RF_FEATURE_TEMPO] = tempo;
        f.value[RF_FEATURE_KEY] = (float)key;
        f.value[RF_FEATURE_MODE] = 1.f;
        return f;
}

static void names_compare_as_people_do(void **state)
{
        (void)state;
        assert_true(rf_name_key("Beyoncé") == rf_name_key("BEYONCE"));
        assert_true(rf_name_key("AC/DC") == rf_name_key("ac dc"));
        assert_true(rf_name_key("Beatles") != rf_name_key("Beagles"));
        assert_true(rf_name_key("!!!") == 0);
        assert_true(rf_name_key("Sinead O'Connor") == rf_name_key("Sin\u00e9ad O\u2019Connor"));
        assert_true(rf_name_equal("Sinead O'Connor", "Sin\u00e9ad O'Connor"));
        assert_true(rf_name_key("Guns N' Roses") == rf_name_key("guns n\u2019 roses"));
        assert_true(rf_name_similar("Miles Davis", "Miles Davies"));
        assert_false(rf_name_similar("Cure", "Pure"));
        assert_true(rf_title_key("Blue Train (2003 Remaster)", false) == rf_title_key("Blue Train", false));
        assert_true(rf_title_key("Song - Remastered 2011", false) == rf_title_key("Song", false));
        assert_true(rf_title_key("Song (feat. Someone)", false) == rf_title_key("song", false));
        assert_true(rf_title_key("Song (Live at Home)", false) != rf_title_key("Song", false));
        assert_true(rf_title_key("Song (Live at Home)", true) == rf_title_key("Song", true));
        assert_true(rf_title_key("(I Can't Get No) Satisfaction", true) != rf_title_key("Satisfaction", true));
        assert_true(rf_title_is_version("Song - Club Remix"));
        assert_true(rf_title_is_version("Song [Live]"));
        assert_false(rf_title_is_version("Live and Let Die"));
        assert_false(rf_title_is_version("Alive (Remastered)"));
}

static void cohesion_follows_the_tolerances(void **state)
{
        struct rf_brief b = { 0 };
        struct rf_features f = features(.5f, .5f, 100.f, 0);
        enum rf_feature worst;

        (void)state;
        assert_true(rf_cohesion(&b, &f) == RF_COHESION_UNKNOWN);
        b.targets[RF_FEATURE_ENERGY] = (struct rf_target){ .is_set = true, .low = .4f, .high = .6f, .weight = .8f };
        assert_true(rf_cohesion(&b, &f) == 1.f);
        f.value[RF_FEATURE_ENERGY] = .725f; /* half the tolerance outside */
        assert_true(fabsf(rf_cohesion(&b, &f) - .5f) < 1e-5f);
        b.targets[RF_FEATURE_VALENCE] = (struct rf_target){ .is_set = true, .low = .9f, .high = 1.f, .weight = .8f };
        assert_true(fabsf(rf_cohesion(&b, &f) - .25f) < 1e-5f);
        assert_false(rf_clashes(&b, &f, NULL));
        f.value[RF_FEATURE_ENERGY] = .95f;
        assert_true(rf_clashes(&b, &f, &worst));
        f.value[RF_FEATURE_ENERGY] = .5f;
        b.targets[RF_FEATURE_TEMPO] =
                (struct rf_target){ .is_set = true, .low = 60.f, .high = 62.f, .weight = .5f, .is_hard = true };
        assert_true(rf_clashes(&b, &f, &worst));
        assert_int_equal(worst, RF_FEATURE_VALENCE);
        f.has = 0;
        assert_true(fabsf(rf_cohesion(&b, &f) - RF_COHESION_UNKNOWN) < 1e-5f);
        assert_false(rf_clashes(&b, &f, NULL));
}

static void fit_prefers_the_heart_of_the_wish(void **state)
{
        struct rf_brief b = { 0 };
        struct rf_features centre = features(.5f, .5f, 100.f, 0), edge = features(.7f, .5f, 100.f, 0),
                           outside = features(.9f, .5f, 100.f, 0);

        (void)state;
        b.targets[RF_FEATURE_ENERGY] = (struct rf_target){ .is_set = true, .low = .3f, .high = .7f, .weight = .8f };
        assert_true(rf_cohesion(&b, &centre) == rf_cohesion(&b, &edge));
        assert_true(rf_fit(&b, &centre) > rf_fit(&b, &edge));
        assert_true(rf_fit(&b, &edge) > rf_fit(&b, &outside));
        /* over 90 bpm: one tempo is as good as another */
        b.targets[RF_FEATURE_TEMPO] = (struct rf_target){ .is_set = true, .low = 90.f, .high = 250.f, .weight = 1.f, .is_hard = true };
        outside = centre;
        outside.value[RF_FEATURE_TEMPO] = 80.f;
        edge = centre;
        edge.value[RF_FEATURE_TEMPO] = 170.f;
        assert_true(rf_fit(&b, &edge) == rf_fit(&b, &centre));
        assert_true(rf_fit(&b, &centre) > rf_fit(&b, &outside));
}

/* ---- a pool of synthetic tracks ---- */

struct world {
        struct rf_answer *answer;
        struct rf_pool *pool;
};

struct made {
        const char *id, *title, *artist, *isrc;
        uint32_t duration_ms;
        uint16_t year;
        int8_t is_explicit;
        float energy;
};

static struct rf_answer *answer_of(const struct made *tracks, size_t n, const char *provider)
{
        struct rf_sink *s = NULL;
        struct rf_answer *a = NULL;

        assert_int_equal(rf_sink_new(provider, RF_OP_SEARCH_TRACKS, RF_ANSWER_RECORDS_MAX, &s), 0);
        for (size_t i = 0; i < n; i++) {
                struct rf_artist_ref artist = { .name = tracks[i].artist };
                struct rf_track t = { .id = tracks[i].id, .title = tracks[i].title, .artists = &artist, .n_artists = 1,
                                      .isrc = tracks[i].isrc, .duration_ms = tracks[i].duration_ms,
                                      .release_year = tracks[i].year, .popularity = 50, .is_explicit = tracks[i].is_explicit,
                                      .features = features(tracks[i].energy, .5f, 100.f, 0) };

                assert_int_equal(rf_sink_track(s, &t), 0);
        }
        assert_int_equal(rf_sink_finish(s, &a), 0);
        rf_sink_free(s);
        return a;
}

static int add(struct rf_pool *p, struct rf_answer *a, size_t i, float confidence)
{
        return rf_pool_add(p, &(struct rf_find){ .track = &a->tracks[i], .answer = a, .source = RF_SOURCE_SEED_BASED,
                                                 .confidence = confidence, .via = RF_VIA_GENRE }, NULL);
}

static void a_recording_is_known_by_isrc_then_id_then_name_and_duration(void **state)
{
        const struct made a[] = {
                { "a1", "First Light", "Nora Vale", "AAAAA0000001", 200000, 2000, 0, .5f },
                { "a2", "First Light", "Nora Vale", "AAAAA0000001", 300000, 2000, 0, .5f }, /* same ISRC */
                { "a1", "Other Name", "Nora Vale", NULL, 100000, 2000, 0, .5f },            /* same id */
                { "a3", "first light (Remastered)", "NORA VALE", NULL, 202500, 2000, 0, .5f }, /* within 3 s */
                { "a4", "First Light", "Nora Vale", NULL, 210000, 2000, 0, .5f },           /* not within 3 s */
                { "a5", "First Light (Live)", "Nora Vale", NULL, 200000, 2000, 0, .5f },    /* another version */
        };
        const int expected[] = { 1, 0, 0, 0, 1, 1 };
        struct rf_answer *answer = answer_of(a, ARRAY_SIZE(a), "one"), *other = answer_of(a, 1, "two");
        struct rf_pool *p = rf_pool_new();

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                assert_int_equal(add(p, answer, i, .5f), expected[i]);
        assert_int_equal(add(p, other, 0, .9f), 0);
        assert_int_equal(rf_pool_size(p), 3);
        assert_int_equal(rf_pool_duplicates(p), 4);
        assert_true(rf_pool_at(p, 0)->confidence == .9f);
        assert_true(rf_pool_at(p, 2)->is_version);
        assert_true(rf_pool_at(p, 2)->song_key == rf_pool_at(p, 0)->song_key);
        rf_answer_unref(answer);
        rf_answer_unref(other);
        assert_string_equal(rf_pool_at(p, 0)->track.title, "First Light"); /* the pool keeps the answer */
        rf_pool_free(p);
}

/* `n` tracks of `artists` artists; durations from 2:00 to 5:00; energies over the whole range. */
static struct world world_new(size_t n, size_t artists, uint64_t seed)
{
        struct world w = { 0 };
        struct made *made = calloc(n, sizeof(*made));
        struct rf_random random;

        rf_random_seed(&random, seed);
        for (size_t i = 0; i < n; i++) {
                char *text = NULL;

                assert_true(asprintf(&text, "%03zu", i) > 0);
                made[i].id = text;
                assert_true(asprintf(&text, "Title %zu", i) > 0);
                made[i].title = text;
                assert_true(asprintf(&text, "Artist %zu", i % artists) > 0);
                made[i].artist = text;
                made[i].duration_ms = 120000 + rf_random_below(&random, 180000);
                made[i].year = (uint16_t)(1960 + rf_random_below(&random, 60));
                made[i].is_explicit = rf_random_below(&random, 10) == 0;
                made[i].energy = (float)rf_random_unit(&random);
        }
        w.answer = answer_of(made, n, "one");
        w.pool = rf_pool_new();
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(add(w.pool, w.answer, i, .5f), 1);
                free((void *)made[i].id);
                free((void *)made[i].title);
                free((void *)made[i].artist);
        }
        free(made);
        return w;
}

static void world_free(struct world *w)
{
        rf_answer_unref(w->answer);
        rf_pool_free(w->pool);
}

static struct rf_brief brief_of(uint32_t n_tracks)
{
        struct rf_brief b = { .n_tracks = n_tracks, .n_tracks_min = n_tracks / 2, .n_tracks_max = n_tracks * 2, .artist_cap = 2,
                              .explicit_allowed = 1, .quality_threshold = .7f };

        b.targets[RF_FEATURE_ENERGY] = (struct rf_target){ .is_set = true, .low = .2f, .high = .4f, .weight = .8f };
        return b;
}

static void exclusions_and_eras_are_kept_and_counted(void **state)
{
        struct world w = world_new(400, 50, 1);
        struct rf_brief b = brief_of(20);
        uint64_t excluded[] = { rf_name_key("artist 7") };
        struct rf_exclusions x = { .artists = excluded, .n_artists = 1 };
        struct rf_choice c = { 0 };
        struct rf_receipt_book *k = rf_receipt_book_new();
        struct rf_arena arena = { 0 };
        struct rf_receipt receipt;
        size_t per_artist[50] = { 0 };

        (void)state;
        b.explicit_allowed = 0;
        b.year_from = 1980;
        b.year_to = 1989;
        b.era_is_strict = true;
        rf_constraints_filter(w.pool, &b, &x);
        assert_int_equal(rf_evaluate_pool(w.pool, &b, &b), 0);
        assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
        assert_int_equal(c.n, 20);
        for (size_t i = 0; i < c.n; i++) {
                struct rf_candidate *t = rf_pool_at(w.pool, c.tracks[i]);

                assert_string_not_equal(t->track.artists[0].name, "Artist 7");
                assert_int_equal(t->track.is_explicit, 0);
                assert_in_range(t->track.release_year, 1980, 1989);
                assert_true(++per_artist[atoi(t->track.artists[0].name + 7)] <= 2);
        }
        rf_constraints_report(w.pool, &b, &c, k);
        assert_int_equal(rf_receipt_finish(k, &arena, &receipt), 0);
        assert_int_equal(receipt.n_unmet, 0);
        assert_true(receipt.n_skipped >= 3);
        rf_arena_done(&arena);
        rf_receipt_book_free(k);
        rf_choice_done(&c);
        world_free(&w);
}

static void a_wish_for_too_much_is_named_with_the_smallest_relaxation(void **state)
{
        struct world w = world_new(60, 50, 2);
        struct rf_brief b = brief_of(20);
        struct rf_choice c = { 0 };
        struct rf_receipt_book *k = rf_receipt_book_new();
        struct rf_arena arena = { 0 };
        struct rf_receipt receipt;
        unsigned years = 0;
        size_t inside = 0;

        (void)state;
        b.n_tracks_origin = RF_FROM_PROMPT;
        b.year_from = 1980;
        b.year_to = 1989;
        b.era_is_strict = true;
        for (size_t i = 0; i < RF_FEATURE_COUNT; i++)
                b.targets[i].is_set = false;
        rf_constraints_filter(w.pool, &b, &(struct rf_exclusions){ 0 });
        assert_int_equal(rf_evaluate_pool(w.pool, &b, &b), 0);
        assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
        assert_true(c.n < 20);
        rf_constraints_report(w.pool, &b, &c, k);
        assert_int_equal(rf_receipt_finish(k, &arena, &receipt), 0);
        assert_int_equal(receipt.n_unmet, 1);
        assert_string_equal(receipt.unmet[0].wish, "20 tracks");
        assert_int_equal(sscanf(receipt.unmet[0].relaxation, "widen the era by %u year", &years), 1);
        for (size_t i = 0; i < rf_pool_size(w.pool); i++) {
                unsigned year = rf_pool_at(w.pool, i)->track.release_year;

                inside += year >= 1980 - years && year <= 1989 + years;
        }
        assert_true(inside >= 20);
        rf_arena_done(&arena);
        rf_receipt_book_free(k);
        rf_choice_done(&c);
        world_free(&w);
}

/* Two dozen artists with 4 tracks each, all of one year but for every third, which is of the year before. */
static struct world world_of_few_artists(void)
{
        static struct made made[96];
        static char names[96][3][32];
        struct world w = { .pool = rf_pool_new() };

        for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
                snprintf(names[i][0], sizeof(names[i][0]), "id%zu", i);
                snprintf(names[i][1], sizeof(names[i][1]), "Title %zu", i);
                snprintf(names[i][2], sizeof(names[i][2]), "Artist %zu", i % 24);
                made[i] = (struct made){ names[i][0], names[i][1], names[i][2], NULL, 200000, i % 3 == 0 ? 1979 : 1980, 0, .3f };
        }
        w.answer = answer_of(made, ARRAY_SIZE(made), "mock");
        for (size_t i = 0; i < w.answer->n_tracks; i++)
                assert_true(add(w.pool, w.answer, i, .5f) >= 0);
        return w;
}

static void only_a_relaxation_that_is_enough_is_told(void **state)
{
        /* a third of the artists is of 1979 alone; 16 artists with 4 tracks each are of 1980 */
        static const struct {
                uint32_t tracks, cap;
                enum rf_wish_origin cap_origin;
                const char *relaxation;
        } rows[] = {
                { 40, 2, RF_FROM_DEFAULT, "allow 3 tracks of one artist" },
                { 60, 2, RF_FROM_DEFAULT, "allow 4 tracks of one artist" },
                { 60, 1, RF_FROM_PROMPT, "allow 4 tracks of one artist" },
                { 90, 4, RF_FROM_DEFAULT, "widen the era by 1 year" },
                { 90, 2, RF_FROM_DEFAULT, "ask for 32 tracks" },
                { 150, 4, RF_FROM_DEFAULT, "ask for 64 tracks" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct world w = world_of_few_artists();
                struct rf_brief b = brief_of(rows[i].tracks);
                struct rf_choice c = { 0 };
                struct rf_receipt_book *k = rf_receipt_book_new();
                struct rf_arena arena = { 0 };
                struct rf_receipt receipt;

                b.n_tracks_origin = RF_FROM_PROMPT;
                b.artist_cap = rows[i].cap;
                b.artist_cap_origin = rows[i].cap_origin;
                b.year_from = b.year_to = 1980;
                b.era_is_strict = true;
                rf_constraints_filter(w.pool, &b, &(struct rf_exclusions){ 0 });
                assert_int_equal(rf_evaluate_pool(w.pool, &b, &b), 0);
                assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
                rf_constraints_report(w.pool, &b, &c, k);
                assert_int_equal(rf_receipt_finish(k, &arena, &receipt), 0);
                assert_int_equal(receipt.n_unmet, 1);
                assert_string_equal(receipt.unmet[0].relaxation, rows[i].relaxation);
                rf_arena_done(&arena);
                rf_receipt_book_free(k);
                rf_choice_done(&c);
                world_free(&w);
        }
}

static void excluded_years_stay_away_and_unknown_ones_are_told(void **state)
{
        const struct made made[] = {
                { "a", "First", "Nora Vale", NULL, 200000, 1985, 0, .3f },
                { "b", "Second", "Ida Holm", NULL, 200000, 1995, 0, .3f },
                { "c", "Third", "Lou Marsh", NULL, 200000, 0, 0, .3f },
        };
        struct rf_years years[] = { { 1990, 1999 } };
        struct world w = { .answer = answer_of(made, ARRAY_SIZE(made), "mock"), .pool = rf_pool_new() };
        struct rf_brief b = brief_of(3);
        struct rf_choice c = { 0 };
        struct rf_receipt_book *k = rf_receipt_book_new();
        struct rf_arena arena = { 0 };
        struct rf_receipt receipt;

        (void)state;
        b.excluded_years = years;
        b.n_excluded_years = 1;
        for (size_t i = 0; i < ARRAY_SIZE(made); i++)
                assert_true(add(w.pool, w.answer, i, .5f) >= 0);
        rf_constraints_filter(w.pool, &b, &(struct rf_exclusions){ 0 });
        assert_int_equal(rf_pool_at(w.pool, 0)->drop, RF_DROP_NONE);
        assert_int_equal(rf_pool_at(w.pool, 1)->drop, RF_DROP_ERA);
        assert_int_equal(rf_pool_at(w.pool, 2)->drop, RF_DROP_NONE);
        assert_int_equal(rf_evaluate_pool(w.pool, &b, &b), 0);
        assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
        rf_constraints_report(w.pool, &b, &c, k);
        assert_int_equal(rf_receipt_finish(k, &arena, &receipt), 0);
        assert_string_equal(receipt.unmet[receipt.n_unmet - 1].wish, "nothing of the years 1990 to 1999");
        rf_arena_done(&arena);
        rf_receipt_book_free(k);
        rf_choice_done(&c);
        world_free(&w);
}

static void durations_are_kept_within_three_percent_wherever_possible(void **state)
{
        static const uint32_t wished_s[] = { 300, 600, 1500, 2700, 3600, 7200, 20000 };
        struct world w = world_new(500, 250, 3);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wished_s); i++) {
                struct rf_brief b = brief_of(20);
                struct rf_choice c = { 0 };
                double fit = 0.0;

                b.duration_s = wished_s[i];
                b.duration_origin = RF_FROM_PROMPT;
                assert_int_equal(rf_evaluate_pool(w.pool, &b, &b), 0);
                assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
                for (size_t t = 0; t < c.n; t++)
                        fit += rf_pool_at(w.pool, c.tracks[t])->fit / (double)c.n;
                print_message("# %u s wished, %zu tracks of %.0f s, mean fit %.3f\n", wished_s[i], c.n,
                              (double)c.duration_ms / 1000.0, fit);
                assert_true(rf_constraints_duration_kept(&b, c.duration_ms));
                rf_choice_done(&c);
        }
        /* count and duration together */
        for (uint32_t n = 10; n <= 25; n += 5) {
                struct rf_brief b = brief_of(n);
                struct rf_choice c = { 0 };

                b.n_tracks_origin = RF_FROM_OPTION;
                b.duration_s = 3600;
                assert_int_equal(rf_constraints_choose(w.pool, &b, 0, &c), 0);
                assert_int_equal(c.n, n);
                assert_true(rf_constraints_duration_kept(&b, c.duration_ms) == (n > 10));
                rf_choice_done(&c);
        }
        world_free(&w);
}

/* ---- ordering ---- */

static void sounds_of(struct rf_sound *sounds, struct rf_features *f, size_t n, uint64_t seed)
{
        struct rf_random random;

        rf_random_seed(&random, seed);
        for (size_t i = 0; i < n; i++) {
                f[i] = features((float)rf_random_unit(&random), (float)rf_random_unit(&random),
                                60.f + (float)rf_random_unit(&random) * 120.f, (int)rf_random_below(&random, 12));
                f[i].value[RF_FEATURE_MODE] = (float)rf_random_below(&random, 2);
                sounds[i] = rf_sound_of(&f[i], 1 + rf_random_below(&random, (uint32_t)(n / 2 + 1)));
        }
}

static void keys_are_as_far_apart_as_on_the_camelot_wheel(void **state)
{
        struct rf_features c_major = features(.5f, .5f, 100.f, 0), g_major = features(.5f, .5f, 100.f, 7),
                           a_minor = features(.5f, .5f, 100.f, 9), f_sharp = features(.5f, .5f, 100.f, 6),
                           none = features(.5f, .5f, 100.f, -1);
        struct rf_sound c, g, a, fs, n;

        (void)state;
        a_minor.value[RF_FEATURE_MODE] = 0.f;
        c = rf_sound_of(&c_major, 0);
        g = rf_sound_of(&g_major, 0);
        a = rf_sound_of(&a_minor, 0);
        fs = rf_sound_of(&f_sharp, 0);
        n = rf_sound_of(&none, 0);
        assert_int_equal(rf_key_steps(&c, &c), 0);
        assert_int_equal(rf_key_steps(&c, &g), 1);
        assert_int_equal(rf_key_steps(&c, &a), 1);
        assert_int_equal(rf_key_steps(&c, &fs), 6);
        assert_int_equal(rf_key_steps(&fs, &a), 7);
        assert_true(rf_key_steps(&c, &n) < 0);
}

static void half_and_double_time_are_nearly_the_same_tempo(void **state)
{
        struct rf_features slow = features(.5f, .5f, 70.f, 0), twice = features(.5f, .5f, 140.f, 0), odd = features(.5f, .5f, 100.f, 0);
        struct rf_sound a = rf_sound_of(&slow, 0), b = rf_sound_of(&twice, 0), c = rf_sound_of(&odd, 0);

        (void)state;
        assert_true(rf_sound_distance(&a, &b) < rf_sound_distance(&a, &c));
        assert_true(rf_sound_distance(&a, &a) == 0.f);
}

/* All orders of up to 8 tracks, the slow way. */
static double cheapest_by_trying_all(const struct rf_sequence *s, size_t *order, size_t at)
{
        double best = INFINITY;

        if (at == s->n)
                return rf_sequence_cost(s, order);
        for (size_t i = at; i < s->n; i++) {
                size_t t = order[at];

                order[at] = order[i];
                order[i] = t;
                best = fmin(best, cheapest_by_trying_all(s, order, at + 1));
                order[i] = order[at];
                order[at] = t;
        }
        return best;
}

static void the_exact_order_is_the_cheapest_of_all_orders(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed <= 8; seed++) {
                struct rf_sound sounds[7];
                struct rf_features f[7];
                struct rf_sequence *s = NULL;
                size_t order[7], all[7] = { 0, 1, 2, 3, 4, 5, 6 };

                sounds_of(sounds, f, 7, seed);
                assert_int_equal(rf_sequence_new(sounds, 7, (enum rf_arc)(seed % 4), &s), 0);
                assert_int_equal(rf_optimum_exact(s, order), 0);
                assert_true(fabs(rf_sequence_cost(s, order) - cheapest_by_trying_all(s, all, 0)) < 1e-4);
                rf_sequence_free(s);
        }
}

static void local_search_comes_close_to_the_optimum_and_bounds_hold(void **state)
{
        double worst = 0.0, worst_bound = 0.0;

        (void)state;
        for (uint64_t seed = 1; seed <= 12; seed++) {
                struct rf_sound sounds[RF_ORDER_EXACT_MAX];
                struct rf_features f[RF_ORDER_EXACT_MAX];
                struct rf_sequence *s = NULL;
                size_t exact[RF_ORDER_EXACT_MAX], searched[RF_ORDER_EXACT_MAX], n = RF_ORDER_EXACT_MAX;
                double optimum, found, bound;

                sounds_of(sounds, f, n, seed);
                assert_int_equal(rf_sequence_new(sounds, n, (enum rf_arc)(seed % 4), &s), 0);
                assert_int_equal(rf_optimum_exact(s, exact), 0);
                assert_int_equal(rf_phases_deal(sounds, n, (enum rf_arc)(seed % 4), searched), 0);
                assert_int_equal(rf_sequence_improve(s, seed, searched), 0);
                optimum = rf_sequence_cost(s, exact);
                found = rf_sequence_cost(s, searched);
                assert_int_equal(rf_optimum_bound(s, found, &bound), 0);
                assert_true(found >= optimum - 1e-4);
                assert_true(bound <= optimum + 1e-4);
                worst = fmax(worst, found / optimum - 1.0);
                worst_bound = fmax(worst_bound, 1.0 - bound / optimum);
                rf_sequence_free(s);
        }
        print_message("# local search at most %.1f %% over the optimum; bound at most %.1f %% under it\n", worst * 100.0,
                      worst_bound * 100.0);
        assert_true(worst < .02);
        assert_true(worst_bound < .25);
}

static void orders_are_whole_deterministic_and_better_than_shuffled(void **state)
{
        static const size_t sizes[] = { 1, 2, 3, 5, 13, 20, 25, 60, 200, 500 };

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
                size_t n = sizes[k];
                struct rf_sound *sounds = calloc(n, sizeof(*sounds)), *ordered = calloc(n, sizeof(*ordered));
                struct rf_features *f = calloc(n, sizeof(*f)), *g = calloc(n, sizeof(*g));
                size_t *a = calloc(n, sizeof(*a)), *b = calloc(n, sizeof(*b));
                bool *seen = calloc(n, sizeof(*seen));
                struct rf_sequence_result r1, r2;
                struct rf_quality q;

                sounds_of(sounds, f, n, n);
                assert_int_equal(rf_sequence_order(sounds, n, RF_ARC_PEAK, 7, false, a, &r1), 0);
                assert_int_equal(rf_sequence_order(sounds, n, RF_ARC_PEAK, 7, false, b, &r2), 0);
                assert_memory_equal(a, b, n * sizeof(*a));
                for (size_t i = 0; i < n; i++) {
                        assert_false(seen[a[i]]);
                        seen[a[i]] = true;
                        ordered[i] = sounds[a[i]];
                        g[i] = f[a[i]];
                        if (n > 12 && i > 0)
                                assert_true(ordered[i].artist != ordered[i - 1].artist);
                }
                assert_true(r1.bound <= r1.cost + 1e-9);
                assert_int_equal(rf_quality_measure(&(struct rf_quality_input){ .sounds = ordered, .features = g, .n = n,
                                                    .arc = RF_ARC_PEAK, .seed = 1, .ordering = r1 }, &q), 0);
                print_message("# %zu tracks: cost %.2f, bound %.2f, gap %u, coherence %u (shuffled %u), arc fit %u\n", n, r1.cost,
                              r1.bound, q.ordering_gap_milli, q.coherence_milli, q.coherence_shuffled_milli, q.arc_fit_milli);
                if (n > 3) {
                        assert_true(q.coherence_milli > q.coherence_shuffled_milli);
                        assert_true(q.arc_fit_milli > 700);
                }
                free(sounds);
                free(ordered);
                free(f);
                free(g);
                free(a);
                free(b);
                free(seen);
        }
}

/* What isn't known makes no playlist more diverse. */
static void diversity_is_of_tracks_whose_sound_is_known(void **state)
{
        struct rf_sound sounds[4] = { { .artist = 1 }, { .artist = 2 }, { .artist = 3 }, { .artist = 4 } };
        struct rf_features f[4] = { { 0 } };
        struct rf_quality two, four;

        (void)state;
        for (size_t i = 0; i < 2; i++) { /* the other two are unknown */
                f[i].has = RF_FEATURE_BIT(RF_FEATURE_ENERGY);
                f[i].value[RF_FEATURE_ENERGY] = .5f + .1f * (float)i;
        }
        assert_int_equal(rf_quality_measure(&(struct rf_quality_input){ .sounds = sounds, .features = f, .n = 2, .seed = 1 }, &two), 0);
        assert_int_equal(rf_quality_measure(&(struct rf_quality_input){ .sounds = sounds, .features = f, .n = 4, .seed = 1 }, &four), 0);
        assert_int_equal(two.diversity_milli, 550); /* half of it different artists, the other the energies */
        assert_int_equal(four.diversity_milli, two.diversity_milli);
}

static void phases_go_from_opening_to_closure_and_follow_the_arc(void **state)
{
        struct rf_sound sounds[24];
        struct rf_features f[24];
        size_t order[24];
        double first = 0.0, last = 0.0;

        (void)state;
        for (size_t n = 1; n <= 30; n++)
                for (size_t i = 1; i < n; i++)
                        assert_true(rf_phase_at(i, n) >= rf_phase_at(i - 1, n));
        assert_int_equal(rf_phase_at(0, 20), RF_PHASE_OPENING);
        assert_int_equal(rf_phase_at(19, 20), RF_PHASE_CLOSURE);
        sounds_of(sounds, f, 24, 5);
        assert_int_equal(rf_phases_deal(sounds, 24, RF_ARC_BUILD, order), 0);
        for (size_t i = 0; i < 8; i++) {
                first += (double)sounds[order[i]].energy;
                last += (double)sounds[order[23 - i]].energy;
        }
        assert_true(last > first + 2.0);
        assert_int_equal(rf_phases_deal(sounds, 24, RF_ARC_WIND_DOWN, order), 0);
        assert_true(sounds[order[0]].energy > sounds[order[23]].energy);
}

static void arc_fit_tells_a_followed_arc_from_its_opposite(void **state)
{
        float up[20], down[20];

        (void)state;
        for (size_t i = 0; i < 20; i++) {
                up[i] = (float)i / 20.f;
                down[19 - i] = up[i];
        }
        assert_true(rf_arc_fit(RF_ARC_BUILD, up, 20) > .99f);
        assert_true(rf_arc_fit(RF_ARC_BUILD, down, 20) < .05f);
        assert_true(rf_arc_fit(RF_ARC_WIND_DOWN, down, 20) > .99f);
        assert_true(rf_arc_fit(RF_ARC_STEADY, up, 20) < .05f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_compare_as_people_do),
                cmocka_unit_test(cohesion_follows_the_tolerances),
                cmocka_unit_test(fit_prefers_the_heart_of_the_wish),
                cmocka_unit_test(a_recording_is_known_by_isrc_then_id_then_name_and_duration),
                cmocka_unit_test(exclusions_and_eras_are_kept_and_counted),
                cmocka_unit_test(a_wish_for_too_much_is_named_with_the_smallest_relaxation),
                cmocka_unit_test(only_a_relaxation_that_is_enough_is_told),
                cmocka_unit_test(excluded_years_stay_away_and_unknown_ones_are_told),
                cmocka_unit_test(durations_are_kept_within_three_percent_wherever_possible),
                cmocka_unit_test(keys_are_as_far_apart_as_on_the_camelot_wheel),
                cmocka_unit_test(half_and_double_time_are_nearly_the_same_tempo),
                cmocka_unit_test(the_exact_order_is_the_cheapest_of_all_orders),
                cmocka_unit_test(local_search_comes_close_to_the_optimum_and_bounds_hold),
                cmocka_unit_test(orders_are_whole_deterministic_and_better_than_shuffled),
                cmocka_unit_test(diversity_is_of_tracks_whose_sound_is_known),
                cmocka_unit_test(phases_go_from_opening_to_closure_and_follow_the_arc),
                cmocka_unit_test(arc_fit_tells_a_followed_arc_from_its_opposite),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
