#include "flow/durations.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "flow/numbers.h"

#define HOUR_S 3600.0
#define MINUTE_S 60.0

static const char *const articles[] = { "a", "an", "ein", "eine", "einer", NULL };
static const char *const halves[] = { "half", "halbe", "halben", NULL };
static const char *const ands[] = { "and", "und", NULL };

static double seconds_in(const char *unit)
{
        static const char *const hours[] = { "h", "hr", "hour", "hours", "hrs", "stunde", "stunden", "hora", "horas", "heure", "heures", NULL };
        static const char *const minutes[] = { "min", "mins", "minute", "minutes", "m", "minuten", "minutos", NULL };

        return rf_is_one_of(unit, hours) ? HOUR_S : rf_is_one_of(unit, minutes) ? MINUTE_S : 0;
}

/* Words of "and a half", "and half". */
static size_t and_a_half_at(struct rf_reading *rd, size_t at)
{
        size_t words = rf_reading_is(rd, at, ands);

        if (words == 0)
                return 0;
        words += rf_reading_is(rd, at + words, articles);
        return rf_reading_is(rd, at + words, halves) ? words + 1 : 0;
}

/* "h30", "h30m" behind the hours of "1h30". */
static bool read_tail(const char *rest, double *ret_minutes)
{
        char *end;

        if (rest[0] != 'h' || !isdigit((unsigned char)rest[1]))
                return false;
        *ret_minutes = (double)strtoul(rest + 1, &end, 10);
        return *ret_minutes < 60 && (!*end || seconds_in(end) == MINUTE_S);
}

/* How many of a unit, up to where the unit stands: "an", "half an", "a half", "two", "two and a half". */
static size_t amount_at(struct rf_reading *rd, size_t at, struct rf_number *ret)
{
        size_t article = rf_reading_is(rd, at, articles), half, words;

        *ret = (struct rf_number){ .value = 1, .rest = "" };
        if (rf_reading_is(rd, at + article, halves)) {
                ret->value = .5;
                return article + 1 + (article ? 0 : rf_reading_is(rd, at + 1, articles));
        }
        if (article)
                return 1;
        if (!rf_number_at(rd, at, ret))
                return 0;
        words = ret->words;
        half = *ret->rest ? 0 : and_a_half_at(rd, at + words);
        ret->value += half ? .5 : 0;
        return words + half;
}

/* One amount of one unit. */
static size_t part_at(struct rf_reading *rd, size_t at, double *ret_s, double *ret_unit)
{
        struct rf_number n;
        size_t words = amount_at(rd, at, &n), half;
        const struct rf_token *t = rf_reading_at(rd, at + words);
        double minutes;

        if (words == 0)
                return 0;
        if (read_tail(n.rest, &minutes)) {
                *ret_unit = MINUTE_S; /* nothing smaller comes behind it */
                *ret_s = n.value * HOUR_S + minutes * MINUTE_S;
                return words;
        }
        *ret_unit = seconds_in(*n.rest ? n.rest : t ? t->folded : "");
        if (*ret_unit == 0)
                return 0;
        words += *n.rest ? 0 : 1;
        *ret_s = n.value * *ret_unit;
        half = and_a_half_at(rd, at + words);
        *ret_s += half ? *ret_unit / 2 : 0;
        return words + half;
}

size_t rf_duration_at(struct rf_reading *rd, size_t ahead, double *ret_s)
{
        double seconds = 0, unit, more, smaller;
        size_t words = part_at(rd, ahead, &seconds, &unit), joined, further;

        if (words == 0)
                return 0;
        *ret_s = seconds;
        if (unit != HOUR_S)
                return words;
        joined = rf_reading_is(rd, ahead + words, ands);
        further = part_at(rd, ahead + words + joined, &more, &smaller);
        if (further == 0 || smaller != MINUTE_S || more >= HOUR_S)
                return words;
        *ret_s += more;
        return words + joined + further;
}
