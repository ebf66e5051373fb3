#include "flow/quantities.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"

static const char *const number_words[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                                            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
                                            "nineteen", "twenty" };

/* "45", "45min", "1h30": the number, and what stands right behind it. */
static bool read_number(const char *word, double *ret, const char **ret_rest)
{
        char *end;

        if (isdigit((unsigned char)word[0])) {
                *ret = strtod(word, &end);
                *ret_rest = end;
                return *ret < 1e6;
        }
        for (size_t i = 0; i < ARRAY_SIZE(number_words); i++)
                if (strcmp(word, number_words[i]) == 0) {
                        *ret = (double)i;
                        *ret_rest = "";
                        return true;
                }
        if (strcmp(word, "thirty") == 0 || strcmp(word, "an") == 0 || strcmp(word, "half") == 0) {
                *ret = word[0] == 't' ? 30 : word[0] == 'a' ? 1 : 0.5;
                *ret_rest = "";
                return true;
        }
        return false;
}

static double seconds_in(const char *unit)
{
        static const char *const hours[] = { "h", "hr", "hour", "hours", "hrs", "stunde", "stunden", "hora", "horas", "heure", "heures", NULL };
        static const char *const minutes[] = { "min", "mins", "minute", "minutes", "m", "minuten", "minutos", NULL };

        return rf_is_one_of(unit, hours) ? 3600 : rf_is_one_of(unit, minutes) ? 60 : 0;
}

static void wish_duration(struct rf_reading *rd, double seconds, size_t words)
{
        char meaning[32];

        if (seconds < 60 || seconds > 86400)
                seconds = CLAMP(seconds, 60.0, 86400.0);
        rd->b->duration_s = (uint32_t)seconds;
        rd->b->duration_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), "%u min", (unsigned)(seconds / 60));
        rf_reading_add_term(rd, RF_TERM_DURATION, words, meaning, false);
}

static void wish_count(struct rf_reading *rd, double count, size_t words)
{
        char meaning[48];

        rd->b->n_tracks = (uint32_t)CLAMP(count, 1.0, (double)RF_TRACKS_MAX);
        rd->b->n_tracks_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), count > RF_TRACKS_MAX ? "%u tracks, the most possible" : "%u tracks", rd->b->n_tracks);
        rf_reading_add_term(rd, RF_TERM_COUNT_WISH, words, meaning, false);
}

static void wish_tempo(struct rf_reading *rd, double low, double high, size_t words)
{
        struct rf_target t = { .is_set = true, .low = (float)low, .high = (float)high, .weight = 1, .is_hard = true };
        char meaning[48];

        snprintf(meaning, sizeof(meaning), low == high ? "%.0f bpm" : "%.0f to %.0f bpm", low, high);
        rd->b->targets[RF_FEATURE_TEMPO] = t;
        rf_reading_add_term(rd, RF_TERM_TEMPO, words, meaning, false);
}

/* "80s", "1980s", "90er", "1994": years. */
static bool take_years(struct rf_reading *rd, double v, const char *rest)
{
        static const char *const decades[] = { "s", "er", "ies", NULL };
        const struct rf_token *previous = rd->at > 0 ? &rd->t[rd->at - 1] : NULL;
        unsigned from = (unsigned)v, to = from;
        char meaning[32];

        if (rf_is_one_of(rest, decades)) {
                if (from < 100)
                        from += from < 30 ? 2000 : 1900;
                to = from + 9;
        } else if (*rest || from < 1900 || from > 2100)
                return false;
        if (previous && (strcmp(previous->folded, "since") == 0 || strcmp(previous->folded, "after") == 0))
                to = 0;
        else if (previous && (strcmp(previous->folded, "before") == 0 || strcmp(previous->folded, "until") == 0)) {
                to = from - 1;
                from = 0;
        } else if (previous && strcmp(previous->folded, "to") == 0 && rd->b->year_from > 0 && rd->b->year_from < from)
                from = rd->b->year_from;
        rd->b->year_from = (uint16_t)from;
        rd->b->year_to = (uint16_t)to;
        rd->b->era_is_strict = true;
        snprintf(meaning, sizeof(meaning), "%u-%u", from, to);
        rf_reading_add_term(rd, RF_TERM_ERA, 1, meaning, false);
        return true;
}

#define COUNTED_WITHIN 4u /* words from a number to what it counts */

bool rf_quantities_take(struct rf_reading *rd)
{
        static const char *const things[] = { "songs", "song", "tracks", "track", "titles", "tunes", "pieces", "lieder", "canciones",
                                              NULL };
        const struct rf_token *next = rf_reading_at(rd, 1), *unit = next, *after;
        const char *rest, *second;
        double v, w;
        size_t words = 2;

        if (!read_number(rf_reading_at(rd, 0)->folded, &v, &rest))
                return false;
        if (seconds_in(rest) > 0) {
                wish_duration(rd, v * seconds_in(rest), 1);
                return true;
        }
        if (rest[0] == 'h' && read_number(rest + 1, &w, &second)) {
                wish_duration(rd, v * 3600 + w * 60, 1);
                return true;
        }
        if (strcmp(rest, "bpm") == 0) {
                wish_tempo(rd, v, v, 1);
                return true;
        }
        if (take_years(rd, v, rest))
                return true;
        if (*rest || !next)
                return false;
        if (strcmp(next->folded, "an") == 0 || strcmp(next->folded, "a") == 0) { /* "half an hour" */
                unit = rf_reading_at(rd, 2);
                words = 3;
        }
        if (unit && seconds_in(unit->folded) > 0) {
                wish_duration(rd, v * seconds_in(unit->folded), words);
                return true;
        }
        if (strcmp(next->folded, "bpm") == 0) {
                wish_tempo(rd, v, v, 2);
                return true;
        }
        after = rf_reading_at(rd, 2);
        if ((strcmp(next->folded, "and") == 0 || strcmp(next->folded, "to") == 0) && after && rf_reading_at(rd, 3) &&
            read_number(after->folded, &w, &rest) && strcmp(rf_reading_at(rd, 3)->folded, "bpm") == 0 && v < w) {
                wish_tempo(rd, v, w, 4);
                return true;
        }
        if (rf_is_one_of(next->folded, things)) {
                wish_count(rd, v, 2);
                return true;
        }
        /* "10 calm piano tracks": the words between mean what they mean */
        for (size_t i = 2; i <= COUNTED_WITHIN && (after = rf_reading_at(rd, i)); i++)
                if (rf_is_one_of(after->folded, things)) {
                        wish_count(rd, v, 1);
                        return true;
                }
        return false;
}
