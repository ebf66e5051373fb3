#include "test.h"

#include "../plugins/mock/genres.h"
#include "../plugins/mock/moods.h"
#include "../plugins/mock/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct mock_world *world;
static double made_in_ms;

static double cpu_ms(void)
{
        return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static int make(void **state)
{
        double before = cpu_ms();

        (void)state;
        if (mock_world_new(1, &world) < 0)
                return -1;
        made_in_ms = cpu_ms() - before;
        return 0;
}

static int unmake(void **state)
{
        (void)state;
        world = mock_world_free(world);
        return 0;
}

static void the_world_has_its_shape(void **state)
{
        size_t features = 0, isrcs = 0, live = 0, remixes = 0, again = 0, explicits = 0;

        (void)state;
        print_message("# world made in %.1f ms of CPU\n", made_in_ms);
        assert_true(mock_n_genres >= 60);
        for (size_t i = 0; i < MOCK_TRACKS; i++) {
                const struct mock_track *t = &world->tracks[i];

                features += t->has_features;
                isrcs += t->has_isrc;
                live += t->version == MOCK_LIVE;
                remixes += t->version == MOCK_REMIX;
                again += t->version == MOCK_RERELEASE;
                explicits += t->is_explicit;
                assert_int_equal(strlen(t->id), 22);
                assert_int_equal(strlen(t->uuid), 36);
                assert_int_equal(strlen(t->isrc), 12);
                assert_true(t->title[0] && t->year >= 1900 && t->duration_ms >= 60000);
                assert_ptr_equal(mock_world_find_track(world, t->id), t);
                assert_ptr_equal(mock_world_find_track(world, t->uuid), t);
        }
        assert_in_range(features, MOCK_TRACKS * 90 / 100, MOCK_TRACKS * 94 / 100);
        assert_in_range(isrcs, MOCK_TRACKS * 90 / 100, MOCK_TRACKS * 97 / 100);
        assert_in_range(live, MOCK_TRACKS * 2 / 100, MOCK_TRACKS * 5 / 100);
        assert_in_range(remixes, MOCK_TRACKS * 1 / 100, MOCK_TRACKS * 4 / 100);
        assert_in_range(again, MOCK_TRACKS * 1 / 100, MOCK_TRACKS * 4 / 100);
        assert_in_range(explicits, MOCK_TRACKS * 4 / 100, MOCK_TRACKS * 15 / 100);
}

static void the_same_seed_makes_the_same_world(void **state)
{
        struct mock_world *again, *other;

        (void)state;
        assert_int_equal(mock_world_new(1, &again), 0);
        assert_int_equal(mock_world_new(2, &other), 0);
        assert_true(mock_world_fingerprint(again) == mock_world_fingerprint(world));
        assert_true(mock_world_fingerprint(other) != mock_world_fingerprint(world));
        mock_world_free(again);
        mock_world_free(other);
}

static double correlation(int a, int b)
{
        double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = MOCK_TRACKS;

        for (size_t i = 0; i < MOCK_TRACKS; i++) {
                double x = (double)world->tracks[i].feature[a], y = (double)world->tracks[i].feature[b];

                sa += x;
                sb += y;
                saa += x * x;
                sbb += y * y;
                sab += x * y;
        }
        return (n * sab - sa * sb) / sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

static void features_are_correlated_as_in_real_music(void **state)
{
        (void)state;
        assert_true(correlation(2, 9) > 0.6);  /* energy, loudness */
        assert_true(correlation(2, 0) < -0.5); /* energy, acousticness */
        assert_true(correlation(1, 6) > 0.3);  /* danceability, valence */
}

/* A mood must be audible: of the twenty tracks nearest to its centre, most carry its label. */
static void moods_can_be_heard(void **state)
{
        size_t right = 0;

        (void)state;
        for (size_t m = 0; m < mock_n_moods; m++) {
                const struct mock_mood *mood = &mock_moods[m];
                const unsigned char centre[] = { mood->acoustic, mood->dance, mood->energy, mood->instrumental, mood->valence };
                static const int index[] = { 0, 1, 2, 3, 6 };
                double nearest[20];
                size_t number[20], n = 0;

                for (size_t i = 0; i < MOCK_TRACKS; i++) {
                        double d = 0;
                        size_t at;

                        for (int f = 0; f < 5; f++)
                                if (centre[f] != 255) {
                                        double delta = (double)world->tracks[i].feature[index[f]] - centre[f] / 100.0;

                                        d += delta * delta;
                                }
                        if (n == 20 && d >= nearest[19])
                                continue;
                        at = n < 20 ? n++ : 19;
                        while (at > 0 && nearest[at - 1] > d) {
                                nearest[at] = nearest[at - 1];
                                number[at] = number[at - 1];
                                at--;
                        }
                        nearest[at] = d;
                        number[at] = i;
                }
                for (size_t i = 0; i < n; i++)
                        right += world->tracks[number[i]].mood == m;
        }
        print_message("# %zu of %zu nearest tracks carry the mood's label\n", right, 20 * mock_n_moods);
        assert_true(right >= 20 * mock_n_moods * 75 / 100);
}

static void versions_point_at_their_original(void **state)
{
        (void)state;
        for (size_t i = 0; i < MOCK_TRACKS; i++) {
                const struct mock_track *t = &world->tracks[i], *o = &world->tracks[t->original];

                assert_int_equal(o->version, MOCK_ORIGINAL);
                if (t->version == MOCK_RERELEASE)
                        assert_string_equal(t->isrc, o->isrc);
                if (t->version == MOCK_LIVE)
                        assert_non_null(strstr(t->title, " - Live at "));
                if (t->version == MOCK_REMIX)
                        assert_non_null(strstr(t->title, " Remix"));
        }
}

static void search_finds_what_is_there_and_nothing_else(void **state)
{
        uint32_t found[10];
        char typo[128];

        (void)state;
        for (size_t i = 0; i < MOCK_ARTISTS; i += 37) {
                assert_true(mock_search_artists(world, world->artists[i].name, found, 10) > 0);
                assert_string_equal(world->artists[found[0]].folded, world->artists[i].folded);
                snprintf(typo, sizeof(typo), "%sx", world->artists[i].name);
                assert_true(mock_search_artists(world, typo, found, 10) > 0);
        }
        assert_int_equal(mock_search_artists(world, "Miles Davis", found, 10), 0);
        assert_int_equal(mock_search_artists(world, "", found, 10), 0);
        assert_int_equal(mock_search_tracks(world, world->tracks[99].title, world->artists[world->tracks[99].artist].name, found, 10) > 0, 1);
}

static void relevance_is_graded(void **state)
{
        const struct mock_track *t = &world->tracks[0];

        (void)state;
        assert_true(mock_world_relevance(t, mock_moods[t->mood].name, mock_genres[t->genre].name) == 1.0);
        assert_true(mock_world_relevance(t, NULL, NULL) == 1.0);
        assert_true(mock_world_relevance(t, "no such mood", NULL) == 0.0);
        assert_true(mock_mood_nearness((size_t)mock_mood_find("happy"), (size_t)mock_mood_find("sunny")) > 0.3);
        assert_true(mock_mood_nearness((size_t)mock_mood_find("happy"), (size_t)mock_mood_find("dark")) == 0.0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_world_has_its_shape),
                cmocka_unit_test(the_same_seed_makes_the_same_world),
                cmocka_unit_test(features_are_correlated_as_in_real_music),
                cmocka_unit_test(moods_can_be_heard),
                cmocka_unit_test(versions_point_at_their_original),
                cmocka_unit_test(search_finds_what_is_there_and_nothing_else),
                cmocka_unit_test(relevance_is_graded),
        };

        return cmocka_run_group_tests_name("world", tests, make, unmake);
}
