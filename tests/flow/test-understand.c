#include "test.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/random.h"
#include "flow/understand.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct rf_lexicon *lexicon;

static int load(void **state)
{
        char message[512];

        (void)state;
        if (rf_lexicon_load(TEST_SRCDIR "/data", &lexicon, message, sizeof(message)) < 0) {
                print_error("%s\n", message);
                return -1;
        }
        return 0;
}

static int unload(void **state)
{
        (void)state;
        lexicon = rf_lexicon_free(lexicon);
        return 0;
}

static struct rf_brief *understand(const char *prompt)
{
        struct rf_brief *b = NULL;

        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = prompt }, &b), 0);
        return b;
}

/* What a person would expect; 0 and NULL mean that the row doesn't say. */
static const struct expectation {
        const char *prompt;
        enum rf_brief_kind kind;
        const char *genre, *not_understood, *mention, *excluded;
        enum rf_feature feature;
        float at_least, at_most; /* the middle of the wished range of the feature */
        uint32_t n_tracks, duration_s;
        uint16_t year_from;
} table[] = {
        { "rainy sunday jazz", RF_KIND_GENRE_EXPLORATION, "jazz", NULL, NULL, NULL, RF_FEATURE_ENERGY, .05f, .45f, 0, 0, 0 },
        { "rainy sunday jazz, no vocals, 45 minutes", RF_KIND_GENRE_EXPLORATION, "jazz", NULL, NULL, NULL, RF_FEATURE_INSTRUMENTALNESS, .5f,
          1, 0, 2700, 0 },
        { "happy songs", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_VALENCE, .7f, 1, 0, 0, 0 },
        { "not sad", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_VALENCE, .5f, 1, 0, 0, 0 },
        { "very energetic workout", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, .8f, 1, 0, 0, 0 },
        { "20 songs for studying", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_INSTRUMENTALNESS, .7f, 1, 20, 0, 0 },
        { "an hour of techno", RF_KIND_GENRE_EXPLORATION, "techno", NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, 0, 0, 3600, 0 },
        { "half an hour of calm piano", RF_KIND_GENRE_EXPLORATION, "piano", NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .4f, 0, 1800, 0 },
        { "1h30 of party music", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_DANCEABILITY, .7f, 1, 0, 5400, 0 },
        { "80s synth-pop", RF_KIND_GENRE_EXPLORATION, "synth-pop", NULL, NULL, NULL, 0, 0, 0, 0, 0, 1980 },
        { "rock from 1975 to 1982", RF_KIND_GENRE_EXPLORATION, "rock", NULL, NULL, NULL, 0, 0, 0, 0, 0, 1975 },
        { "pop since 2010", RF_KIND_GENRE_EXPLORATION, "pop", NULL, NULL, NULL, 0, 0, 0, 0, 0, 2010 },
        { "nineties hip hop", RF_KIND_GENRE_EXPLORATION, "hip hop", NULL, NULL, NULL, 0, 0, 0, 0, 0, 1990 },
        { "running at 150 bpm", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_TEMPO, 150, 150, 0, 0, 0 },
        { "between 90 and 110 bpm", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_TEMPO, 100, 100, 0, 0, 0 },
        { "music like Miles Davis", RF_KIND_MOOD_VARIETY, NULL, NULL, "Miles Davis", NULL, 0, 0, 0, 0, 0, 0 },
        { "songs by Nina Simone", RF_KIND_ARTIST_FOCUS, NULL, NULL, "Nina Simone", NULL, 0, 0, 0, 0, 0, 0 },
        { "\"So What\" by Miles Davis", RF_KIND_SPECIFIC_TRACK_SIMILAR, NULL, NULL, "So What", NULL, 0, 0, 0, 0, 0, 0 },
        { "blues, nothing by Eric Clapton", RF_KIND_GENRE_EXPLORATION, "blues", NULL, NULL, "Eric Clapton", 0, 0, 0, 0, 0, 0 },
        { "like Radiohead but happier", RF_KIND_MOOD_VARIETY, NULL, NULL, "Radiohead", NULL, RF_FEATURE_VALENCE, .7f, 1, 0, 0, 0 },
        { "Caribbean rhythms for vacation mode", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_VALENCE, .6f, 1, 0, 0, 0 },
        { "enregetic gym mix", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, .8f, 1, 0, 0, 0 },
        { "música tranquila para estudiar", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .4f, 0, 0, 0 },
        { "fröhliche Musik zum Putzen", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_VALENCE, .7f, 1, 0, 0, 0 },
        { "musique douce pour dormir", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .3f, 0, 0, 0 },
        { "🎉", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_DANCEABILITY, .7f, 1, 0, 0, 0 },
        { "blorf wibble", RF_KIND_MOOD_VARIETY, NULL, "blorf", NULL, NULL, 0, 0, 0, 0, 0, 0 },
        { "jazz xyzzy please", RF_KIND_GENRE_EXPLORATION, "jazz", "xyzzy", NULL, NULL, 0, 0, 0, 0, 0, 0 },
        { "500 songs of soul", RF_KIND_GENRE_EXPLORATION, "soul", NULL, NULL, NULL, 0, 0, 0, 200, 0, 0 },
        /* less of it */
        { "less energetic", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .45f, 0, 0, 0 },
        { "less sad", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_VALENCE, .6f, 1, 0, 0, 0 },
        { "jazz, less vocals", RF_KIND_GENRE_EXPLORATION, "jazz", NULL, NULL, NULL, RF_FEATURE_INSTRUMENTALNESS, .6f, 1, 0, 0, 0 },
        { "less sad and more energetic", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, .8f, 1, 0, 0, 0 },
        { "pop, no hits", RF_KIND_GENRE_EXPLORATION, "pop", NULL, NULL, NULL, RF_FEATURE_POPULARITY, 0, 40, 0, 0, 0 },
        { "music not for a party", RF_KIND_MOOD_VARIETY, NULL, NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .45f, 0, 0, 0 },
        /* no slips, though one edit away from a word */
        { "cheesy songs", RF_KIND_MOOD_VARIETY, NULL, "cheesy", NULL, NULL, 0, 0, 0, 0, 0, 0 },
        { "pop that starts", RF_KIND_GENRE_EXPLORATION, "pop", "starts", NULL, NULL, 0, 0, 0, 0, 0, 0 },
        { "famous singers", RF_KIND_MOOD_VARIETY, NULL, "singers", NULL, NULL, 0, 0, 0, 0, 0, 0 },
        { "melow metall", RF_KIND_GENRE_EXPLORATION, "metal", NULL, NULL, NULL, RF_FEATURE_ENERGY, 0, .4f, 0, 0, 0 },
        { "\"unbalanced jazz", RF_KIND_GENRE_EXPLORATION, "jazz", "unbalanced", NULL, NULL, 0, 0, 0, 0, 0, 0 },
};

static bool is_mentioned(const struct rf_brief *b, const char *name)
{
        for (size_t i = 0; i < b->n_mentions; i++)
                if ((b->mentions[i].artist && strcmp(b->mentions[i].artist, name) == 0) ||
                    (b->mentions[i].track && strcmp(b->mentions[i].track, name) == 0))
                        return true;
        return false;
}

static const char *check(const struct rf_brief *b, const struct expectation *e)
{
        const struct rf_target *t = &b->targets[e->feature];
        float middle = (t->low + t->high) / 2;

        if (b->kind != e->kind)
                return rf_brief_kind_name(b->kind);
        if (e->genre && (b->n_genres == 0 || strcmp(b->genres[0].name, e->genre) != 0))
                return "genre";
        if (e->not_understood ? b->n_not_understood == 0 || strcmp(b->not_understood[0], e->not_understood) != 0 : b->n_not_understood > 0)
                return b->n_not_understood > 0 ? b->not_understood[0] : "everything was understood";
        if (e->mention ? !is_mentioned(b, e->mention) : b->n_mentions > 0)
                return "mention";
        if (e->excluded && (b->n_excluded_artists != 1 || strcmp(b->excluded_artists[0], e->excluded) != 0))
                return "excluded artist";
        if (e->at_most > 0 && (!t->is_set || middle < e->at_least || middle > e->at_most))
                return rf_feature_name(e->feature);
        if (e->n_tracks && b->n_tracks != e->n_tracks)
                return "number of tracks";
        if (b->duration_s != e->duration_s)
                return "duration";
        if (b->year_from != e->year_from)
                return "years";
        return NULL;
}

static void prompts_mean_what_a_person_would_expect(void **state)
{
        size_t wrong = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct rf_brief *b = understand(table[i].prompt);
                const char *problem = check(b, &table[i]);

                if (problem) {
                        print_error("# \"%s\": %s\n", table[i].prompt, problem);
                        wrong++;
                }
                rf_brief_free(b);
        }
        assert_int_equal(wrong, 0);
}

/* ---- Numbers, years, comparators ---- */

static void say(char *buf, size_t size, const char *format, ...) _printf_(3, 4);
static void say(char *buf, size_t size, const char *format, ...)
{
        size_t n = strlen(buf);
        va_list ap;

        va_start(ap, format);
        vsnprintf(buf + n, size - n, format, ap);
        va_end(ap);
}

/* What of a brief is numbers, on one line; what wasn't said is left out. */
static const char *numbers_of(const struct rf_brief *b, char *buf, size_t size)
{
        const struct rf_target *t = &b->targets[RF_FEATURE_TEMPO];

        buf[0] = '\0';
        if (b->n_tracks_origin != RF_FROM_DEFAULT)
                say(buf, size, "%u tracks ", b->n_tracks);
        if (b->n_tracks_most || b->n_tracks_least)
                say(buf, size, "%u..%u tracks ", b->n_tracks_least, b->n_tracks_most);
        if (b->artist_cap_origin != RF_FROM_DEFAULT)
                say(buf, size, "%u each ", b->artist_cap);
        if (b->duration_s)
                say(buf, size, "%u s ", b->duration_s);
        if (t->is_set && t->is_hard)
                say(buf, size, "%.0f..%.0f bpm ", (double)t->low, (double)t->high);
        if (b->year_from || b->year_to)
                say(buf, size, "%u..%u ", b->year_from, b->year_to);
        for (size_t i = 0; i < b->n_excluded_years; i++)
                say(buf, size, "not %u..%u ", b->excluded_years[i].from, b->excluded_years[i].to);
        for (size_t i = 0; i < b->n_excluded_genres; i++)
                say(buf, size, "no %s ", b->excluded_genres[i]);
        for (size_t i = 0; i < b->n_excluded_artists; i++)
                say(buf, size, "no %s ", b->excluded_artists[i]);
        for (size_t i = 0; i < b->n_not_understood; i++)
                say(buf, size, "%s? ", b->not_understood[i]);
        if (buf[0])
                buf[strlen(buf) - 1] = '\0';
        return buf;
}

static const struct {
        const char *prompt, *numbers;
} numbers[] = {
        /* years that are denied */
        { "rock but not from the 90s", "not 1990..1999" },
        { "no 80s pop", "not 1980..1989 no pop" },
        { "not eighties", "not 1980..1989" },
        { "rock, not the 80s or 90s", "not 1980..1989 not 1990..1999" },
        { "rock, nothing before 1980", "1980..0" },
        { "rock, nothing after 2000", "0..2000" },
        { "jazz, no older than 1960", "1960..0" },
        /* what only looks like a number of tracks */
        { "an upbeat set of songs", "set?" },
        { "one hit wonder songs", NULL },
        { "half jazz half rock songs", "half? half?" },
        { "one song", "1 tracks" },
        { "two calm piano songs", "2 tracks" },
        { "forty-five songs", "45 tracks" },
        { "10 calm piano tracks", "10 tracks" },
        /* tracks of one artist */
        { "jazz, at most 3 tracks per artist", "3 each" },
        { "one song per artist, jazz", "1 each" },
        { "jazz, 2 per artist, 30 songs", "30 tracks 2 each" },
        { "no more than 2 jazz songs by the same artist", "2 each" },
        /* durations */
        { "jazz, 1 hour 30 minutes", "5400 s" },
        { "2 hour 15 minute road trip", "8100 s" },
        { "1 hour and 5 minutes of jazz", "3900 s" },
        { "two and a half hours of ambient", "9000 s" },
        { "an hour and a half of jazz", "5400 s" },
        { "1.5 hours of jazz", "5400 s" },
        { "a two-hour jazz mix", "7200 s" },
        { "half an hour of jazz", "1800 s" },
        { "a half hour of jazz", "1800 s" },
        { "1h30 of jazz", "5400 s" },
        { "45min of jazz", "2700 s" },
        { "jazz without vocals 45 minutes", "2700 s" },
        /* several eras */
        { "70s and 80s rock", "1970..1989" },
        { "60s, 80s and 70s rock", "1960..1989" },
        { "rock from 1985 to 1995 or the 60s", "1960..1995 not 1970..1984" },
        { "1990-1995 rock", "1990..1995" },
        { "1990–95 rock", "1990..1995" },
        { "rock from the 70s to the 90s", "1970..1999" },
        { "rock between 1985 and 1995", "1985..1995" },
        { "rock since 1980, until 1985", "1980..1985" },
        { "60s or since 2010", "1960..0 not 1970..2009" },
        { "vintage 60s rock", "1960..1969" },
        { "60s classics", "1960..1969" },
        { "eighties and nineties", "1980..1999" },
        { "rock from 1985 onwards", "1985..0" },
        { "rock since 2000 until 1990", "2000..0 until? 1990?" },
        { "180 songs of jazz", "180 tracks" },
        { "2000 songs of jazz", "200 tracks" },
        /* comparators */
        { "no more than 10 jazz songs", "0..10 tracks" },
        { "at least 40 songs of jazz", "40..0 tracks" },
        { "fewer than 10 songs", "0..9 tracks" },
        { "jazz under 100 bpm", "0..100 bpm" },
        { "house over 125 bpm", "125..250 bpm" },
        { "house, not faster than 120 bpm", "0..120 bpm" },
        { "house, nothing over 120 bpm", "0..120 bpm" },
        { "house over 115 bpm, under 125 bpm", "115..125 bpm" },
        { "house 115-125 bpm", "115..125 bpm" },
        { "not 20 songs of rock", "20? songs?" },
        { "jazz, at most an hour", "3495 s" },
        { "jazz from the 20s", "1920..1929" },
        { "modern jazz from the 20s", "2020..2029" },
        { "pop from the 20s, no jazz", "2020..2029 no jazz" },
        { "K-pop from 2016 onwards", "2016..0" },
        { "zwei Stunden Techno", "7200 s" },
        { "eine halbe Stunde Jazz", "1800 s" },
        { "zwanzig Lieder zum Tanzen", "20 tracks" },
        { "30 songs under 4 minutes", "30 tracks" },
        /* names that are denied */
        { "jazz, nothing by miles davis", "no miles davis" },
        { "house, nothing by daft punk or the chemical brothers", "no daft punk no the chemical brothers" },
        { "nothing by queen for a party", "no queen" },
        { "nothing by abba and no pop", "no pop no abba" },
};

static void numbers_mean_what_stands_around_them(void **state)
{
        char buf[512];
        size_t wrong = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                struct rf_brief *b = understand(numbers[i].prompt);
                const char *found = numbers_of(b, buf, sizeof(buf));

                if (numbers[i].numbers ? strcmp(found, numbers[i].numbers) != 0 : b->n_tracks_origin != RF_FROM_DEFAULT) {
                        print_error("# \"%s\": %s\n", numbers[i].prompt, found);
                        wrong++;
                }
                rf_brief_free(b);
        }
        assert_int_equal(wrong, 0);
}

/* ---- Names, denials, and what of them can't be kept ---- */

static const char *names_of(const struct rf_brief *b, char *buf, size_t size)
{
        buf[0] = '\0';
        for (size_t i = 0; i < b->n_mentions; i++)
                say(buf, size, "%s%s%s%s; ", b->mentions[i].is_seed_only ? "like " : "", b->mentions[i].artist ? b->mentions[i].artist : "",
                    b->mentions[i].track ? " - " : "", b->mentions[i].track ? b->mentions[i].track : "");
        for (size_t i = 0; i < b->n_excluded_artists; i++)
                say(buf, size, "no %s; ", b->excluded_artists[i]);
        for (size_t i = 0; i < b->n_excluded_genres; i++)
                say(buf, size, "no %s; ", b->excluded_genres[i]);
        for (size_t i = 0; i < b->n_left_out; i++)
                say(buf, size, "unmet %s; ", b->left_out[i].wish);
        for (int f = 0; f < RF_FEATURE_COUNT; f++)
                if (b->targets[f].is_set)
                        say(buf, size, "%s; ", rf_feature_name(f));
        if (b->duration_s)
                say(buf, size, "%u s; ", b->duration_s);
        for (size_t i = 0; i < b->n_not_understood; i++)
                say(buf, size, "%s?; ", b->not_understood[i]);
        if (buf[0])
                buf[strlen(buf) - 2] = '\0';
        return buf;
}

static const struct {
        const char *prompt, *names;
} named[] = {
        /* what is denied otherwise than by "no" */
        { "anything but country", "no country" },
        { "everything but metal", "no metal" },
        { "nothing but jazz", "" },
        { "I hate country", "no country" },
        { "pop, I don't like rap", "no hip hop" },
        { "pop but avoid techno", "no techno" },
        { "rock instead of pop", "no pop" },
        { "we hate jazz but love rock", "no jazz" },
        { "I love Nina Simone", "like Nina Simone" },
        { "hate", "acousticness; energy; valence" },
        { "exclude taylor swift", "no taylor swift" },
        { "exclude Taylor Swift and drake", "no Taylor Swift; no drake" },
        { "jazz, anything but Miles Davis", "no Miles Davis" },
        /* what can't be kept */
        { "jazz not in english, no saxophone", "unmet not english; unmet no saxophone" },
        { "no German songs", "unmet no German" },
        { "rock, no guitars", "unmet no guitars" },
        { "no christmas songs", "unmet no christmas" },
        { "house, no remixes", "" },
        { "songs shorter than 3 minutes", "unmet songs shorter than 3 minutes" },
        { "pop, no songs longer than 5 minutes", "unmet songs longer than 5 minutes" },
        /* without capitals */
        { "like ada yaraton", "like ada yaraton" },
        { "like nina simone and miles davis", "like nina simone; like miles davis" },
        { "songs by the rolling stones from the 70s", "the rolling stones" },
        { "like kings of leon", "like kings of leon" },
        { "similar to daft punk", "like daft punk" },
        { "something like jazz", "" },
        { "songs by female singers", "instrumentalness" },
        { "by the sea", "danceability; energy; valence" },
        { "I'd like something for my grandma", "grandma?" },
        { "sounds like a movie", "movie?" },
        /* with capitals */
        { "Radiohead", "Radiohead" },
        { "Radiohead songs", "Radiohead" },
        { "Radiohead, Muse and Coldplay", "Radiohead; Muse; Coldplay" },
        { "Björk", "Björk" },
        { "like Ólafur Arnalds", "like Ólafur Arnalds" },
        { "Simon & Garfunkel", "Simon & Garfunkel" },
        { "Earth, Wind & Fire", "Earth Wind & Fire" },
        { "Kings of Leon", "Kings of Leon" },
        { "The Beach Boys", "The Beach Boys" },
        { "some Beach Boys songs", "Beach Boys" },
        { "songs like Snow Patrol", "like Snow Patrol" },
        { "Florence and the Machine", "Florence and the Machine" },
        { "Miles Davis and John Coltrane", "Miles Davis; John Coltrane" },
        { "Rainy Sunday Jazz", "acousticness; energy; valence; tempo" },
        { "Create a playlist", "" },
        /* a track and who made it */
        { "like \"Signal of the Shadow\" by Ada Yaraton", "like Ada Yaraton - Signal of the Shadow" },
        { "songs similar to Bohemian Rhapsody by Queen", "like Queen - Bohemian Rhapsody" },
        { "like bohemian rhapsody by queen", "like queen - bohemian rhapsody" },
        /* nouns have a capital */
        { "Jazz für den Kindergeburtstag", "Kindergeburtstag?" },
        { "Lieder von Rammstein", "Rammstein" },
};

static void names_and_denials_are_told_apart(void **state)
{
        char buf[512];
        size_t wrong = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
                struct rf_brief *b = understand(named[i].prompt);
                const char *found = names_of(b, buf, sizeof(buf));

                if (strcmp(found, named[i].names) != 0) {
                        print_error("# \"%s\": %s\n", named[i].prompt, found);
                        wrong++;
                }
                rf_brief_free(b);
        }
        assert_int_equal(wrong, 0);
}

static void what_is_beyond_a_limit_is_told(void **state)
{
        static const char *like[RF_MENTIONS_MAX + 40];
        static const char *exclude[RF_WISH_LIST_MAX];
        char prompt[4096] = "";
        struct rf_brief *b = understand("500 songs of jazz");

        (void)state;
        assert_int_equal(b->n_left_out, 1);
        assert_string_equal(b->left_out[0].wish, "500 tracks");
        assert_string_equal(b->left_out[0].relaxation, "ask for 200 tracks");
        rf_brief_free(b);
        b = understand("jazz for 100 hours");
        assert_int_equal(b->n_left_out, 1);
        assert_int_equal(b->duration_s, 86400);
        rf_brief_free(b);

        for (size_t i = 0; i < ARRAY_SIZE(like); i++)
                like[i] = "Someone";
        for (size_t i = 0; i < ARRAY_SIZE(exclude); i++)
                exclude[i] = "Nobody";
        /* as many terms as a brief holds, each of them an exclusion, and one more */
        for (size_t i = 0; i <= RF_BRIEF_TERMS_MAX; i++)
                say(prompt, sizeof(prompt), "nothing by Queen%zu, ", i);
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = prompt, .like = like, .n_like = ARRAY_SIZE(like),
                                                                   .exclude_artists = exclude, .n_exclude_artists = ARRAY_SIZE(exclude) }, &b), 0);
        assert_int_equal(b->n_mentions, RF_MENTIONS_MAX);
        assert_int_equal(b->n_left_out, RF_LEFT_OUT_MAX);
        assert_string_equal(b->left_out[0].wish, "Someone");
        assert_string_equal(b->left_out[RF_LEFT_OUT_MAX - 1].wish, "more");
        assert_int_equal(b->n_excluded_artists, RF_EXCLUSIONS_MAX);
        assert_string_equal(b->not_understood[b->n_not_understood - 1], "Queen64");
        rf_brief_free(b);
}

static void as_many_eras_as_a_prompt_has_room_for(void **state)
{
        char prompt[4096] = "";
        struct rf_brief *b;

        (void)state;
        for (unsigned i = 0; i < RF_BRIEF_TERMS_MAX; i++)
                say(prompt, sizeof(prompt), "%u, ", 1950 + 2 * i);
        b = understand(prompt);
        assert_int_equal(b->year_from, 1950);
        assert_int_equal(b->year_to, 1950 + 2 * (RF_BRIEF_TERMS_MAX - 1));
        assert_int_equal(b->n_excluded_years, RF_BRIEF_TERMS_MAX - 1);
        assert_true(rf_brief_excludes_year(b, 1951) && !rf_brief_excludes_year(b, 1952));
        rf_brief_free(b);
}

static void what_can_be_read_of_nothing_is_an_error(void **state)
{
        struct rf_brief *b = NULL;
        char *long_prompt = malloc(10241);

        (void)state;
        memset(long_prompt, 'a', 10240);
        long_prompt[10240] = '\0';
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = "" }, &b), -RF_EPROMPT);
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = " \n\t" }, &b), -RF_EPROMPT);
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = long_prompt }, &b), -RF_ELIMIT);
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = "a\xff" "b" }, &b), -EINVAL);
        assert_null(b);
        free(long_prompt);
}

static void options_say_more_than_words(void **state)
{
        static const char *const like[] = { "Nina Simone", "Miles Davis - So What" }, *const exclude[] = { "Kenny G" };
        struct rf_brief *b = NULL;

        (void)state;
        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = "20 happy songs, build up", .n_tracks = 7, .has_arc = true,
                                                                   .arc = RF_ARC_PEAK, .no_explicit = true, .like = like, .n_like = 2,
                                                                   .exclude_artists = exclude, .n_exclude_artists = 1 }, &b), 0);
        assert_int_equal(b->n_tracks, 7);
        assert_int_equal(b->n_tracks_origin, RF_FROM_OPTION);
        assert_int_equal(b->arc, RF_ARC_PEAK);
        assert_int_equal(b->explicit_allowed, 0);
        assert_int_equal(b->n_mentions, 2);
        assert_string_equal(b->mentions[1].track, "So What");
        assert_string_equal(b->excluded_artists[0], "Kenny G");
        rf_brief_free(b);
}

static void the_lexicon_is_rich_and_its_mistakes_are_named(void **state)
{
        static const struct {
                const char *line, *message;
        } bad[] = {
                { "mood\thappy", "three fields" },
                { "moood\thappy\t", "unknown kind \"moood\"" },
                { "mood\thappy\tvalense=1", "unknown feature" },
                { "mood\thappy\tvalence=x", "needs a number" },
                { "mood\thappy\tvalence=.9:.1", "LOW" },
                { "mood\thappy\tspin:3", "unknown effect" },
                { "mood\thappy|happy\t", "there already" },
        };
        char directory[] = "/tmp/recflow-test-XXXXXX", path[128], genres[128];

        (void)state;
        assert_true(rf_lexicon_size(lexicon) >= 400);
        print_message("# %zu words and phrases\n", rf_lexicon_size(lexicon));
        assert_non_null(rf_lexicon_related_genres(lexicon, "bebop"));
        assert_null(rf_lexicon_related_genres(lexicon, "no such genre"));
        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/lexicon.tsv", directory);
        snprintf(genres, sizeof(genres), "%s/genres.tsv", directory);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct rf_lexicon *l = NULL;
                char message[512];
                FILE *f = fopen(genres, "w");

                fclose(f);
                f = fopen(path, "w");
                fprintf(f, "# a comment\n%s\n", bad[i].line);
                fclose(f);
                assert_int_equal(rf_lexicon_load(directory, &l, message, sizeof(message)), -RF_ECORRUPT);
                assert_null(l);
                assert_non_null(strstr(message, "lexicon.tsv:2: "));
                assert_non_null(strstr(message, bad[i].message));
        }
        unlink(path);
        unlink(genres);
        assert_int_equal(rmdir(directory), 0);
}

static void nonsense_is_harmless_and_the_same_each_time(void **state)
{
        static const char *const words[] = { "no", "like", "by", "very", "\"", "80s", "20", "songs", "but", "Jazz", "sad", "bpm", "and", ",",
                                             "half", "an", "hour", "at", "most", "over", "1990-95", "-", "per", "artist", "nothing", "the", "since", "before", "1.5", "forty", "less", "&", "of", "exclude", "I hate", "Björk", "anything but", "Beach", "🎉", "é", "1h30", "to", "between", "X", "(", "99999999999999999999" };
        struct rf_random r;

        (void)state;
        rf_random_seed(&r, 9);
        for (int i = 0; i < 3000; i++) {
                struct rf_brief *a, *b;
                char prompt[512] = "";

                for (uint32_t n = 1 + rf_random_below(&r, 30); n > 0; n--)
                        snprintf(prompt + strlen(prompt), sizeof(prompt) - strlen(prompt), "%s ", words[rf_random_below(&r, ARRAY_SIZE(words))]);
                if (rf_understand(lexicon, &(struct rf_wish){ .prompt = prompt }, &a) < 0)
                        continue;
                b = understand(prompt);
                assert_int_equal(a->n_terms, b->n_terms);
                assert_int_equal(a->n_not_understood, b->n_not_understood);
                for (int f = 0; f < RF_FEATURE_COUNT; f++)
                        assert_true(!a->targets[f].is_set || a->targets[f].low <= a->targets[f].high);
                rf_brief_free(a);
                rf_brief_free(b);
        }
}

static void understanding_takes_microseconds(void **state)
{
        clock_t before = clock();

        (void)state;
        for (int i = 0; i < 1000; i++)
                rf_brief_free(understand("like Miles Davis but happier, no vocals, 45 minutes of rainy sunday jazz from the 60s"));
        print_message("# %.1f us for a prompt\n", (double)(clock() - before) * 1e6 / CLOCKS_PER_SEC / 1000);
}

static void a_wish_survives_being_stored(void **state)
{
        static const char *const like[] = { "a", "b" };
        struct rf_wish w = { .prompt = "jazz", .n_tracks = 3, .seed = 77, .like = like, .n_like = 2, .has_arc = true, .arc = RF_ARC_BUILD,
                             .strict = true };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_wish *copy, *back = NULL;

        (void)state;
        assert_int_equal(rf_wish_copy(&w, &copy), 0);
        assert_int_equal(rf_wish_encode(copy, &b), 0);
        assert_int_equal(rf_wish_decode(b.data, b.size, &back), 0);
        assert_string_equal(back->prompt, "jazz");
        assert_string_equal(back->like[1], "b");
        assert_true(back->seed == 77 && back->has_arc && back->arc == RF_ARC_BUILD && back->strict && !back->no_explicit);
        rf_wish_free(back);
        rf_wish_free(copy);
        for (size_t cut = 0; cut < b.size; cut++)
                assert_true(rf_wish_decode(b.data, cut, &back) < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(prompts_mean_what_a_person_would_expect),
                cmocka_unit_test(numbers_mean_what_stands_around_them),
                cmocka_unit_test(names_and_denials_are_told_apart),
                cmocka_unit_test(what_is_beyond_a_limit_is_told),
                cmocka_unit_test(as_many_eras_as_a_prompt_has_room_for),
                cmocka_unit_test(what_can_be_read_of_nothing_is_an_error),
                cmocka_unit_test(options_say_more_than_words),
                cmocka_unit_test(the_lexicon_is_rich_and_its_mistakes_are_named),
                cmocka_unit_test(nonsense_is_harmless_and_the_same_each_time),
                cmocka_unit_test(understanding_takes_microseconds),
                cmocka_unit_test(a_wish_survives_being_stored),
        };

        return cmocka_run_group_tests_name("understand", tests, load, unload);
}
