#include "flow/eras.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "flow/counted.h"
#include "flow/grammar.h"
#include "flow/numbers.h"

#define OPEN_ABOVE 9999u /* while reading; in the brief it's 0 */
#define YEAR_MIN 1900u
#define YEAR_MAX 2100u

static const char *const articles[] = { "the", NULL };

/* ---- The wished years: ranges apart from each other, the oldest first ---- */

static void merge(struct rf_reading *rd)
{
        struct rf_years *y = rd->wished;
        size_t n = 0;

        for (size_t i = 1; i < rd->n_wished; i++)
                for (size_t k = i; k > 0 && y[k].from < y[k - 1].from; k--) {
                        struct rf_years swapped = y[k];

                        y[k] = y[k - 1];
                        y[k - 1] = swapped;
                }
        for (size_t i = 1; i < rd->n_wished; i++)
                if (y[i].from <= y[n].to + 1)
                        y[n].to = MAX(y[n].to, y[i].to);
                else
                        y[++n] = y[i];
        rd->n_wished = rd->n_wished > 0 ? n + 1 : 0;
}

static bool is_half_open(const struct rf_years *y)
{
        return y->from == 0 || y->to == OPEN_ABOVE;
}

/* "since 1980, until 1985": both edges hold. False if nothing would be left. */
static bool narrow(struct rf_reading *rd, struct rf_years by)
{
        struct rf_years left[RF_BRIEF_TERMS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < rd->n_wished; i++) {
                struct rf_years y = { MAX(rd->wished[i].from, by.from), MIN(rd->wished[i].to, by.to) };

                if (y.from <= y.to)
                        left[n++] = y;
        }
        if (n == 0)
                return false;
        memcpy(rd->wished, left, n * sizeof(*left));
        rd->n_wished = n;
        return true;
}

/* "60s or since 2010": the one or the other. */
static bool is_alternative(const struct rf_reading *rd)
{
        static const char *const ors[] = { "or", "oder", "o", "ou", NULL };
        static const char *const between[] = { "from", "in", "the", NULL };
        size_t at = rd->at;

        while (at > 0 && rf_is_one_of(rd->t[at - 1].folded, between))
                at--;
        return at > 0 && rf_is_one_of(rd->t[at - 1].folded, ors);
}

/* What is said strictly counts more than what is said softly, whichever comes first. False: it contradicts what was said before. */
static bool wish(struct rf_reading *rd, struct rf_years y, bool is_strict)
{
        bool narrows = is_half_open(&y);

        if (rd->n_wished > 0 && rd->b->era_is_strict && !is_strict)
                return true;
        if (!rd->b->era_is_strict && is_strict)
                rd->n_wished = 0;
        rd->b->era_is_strict |= is_strict;
        for (size_t i = 0; i < rd->n_wished; i++)
                narrows |= is_half_open(&rd->wished[i]);
        if (rd->n_wished > 0 && narrows && !is_alternative(rd))
                return narrow(rd, y);
        if (rd->n_wished == RF_BRIEF_TERMS_MAX)
                return false;
        rd->wished[rd->n_wished++] = y;
        merge(rd);
        return true;
}

static bool exclude(struct rf_reading *rd, struct rf_years y)
{
        struct rf_brief *b = rd->b;

        if (b->n_excluded_years == RF_BRIEF_TERMS_MAX)
                return false;
        b->excluded_years[b->n_excluded_years++] = (struct rf_years){ y.from, y.to == OPEN_ABOVE ? 0 : y.to };
        return true;
}

static bool take(struct rf_reading *rd, struct rf_years y, bool is_strict)
{
        return rd->negated ? exclude(rd, y) : wish(rd, y, is_strict);
}

void rf_eras_take_phrase(struct rf_reading *rd, uint16_t from, uint16_t to)
{
        bool is_decade = to == from + 9 && from % 10 == 0;

        take(rd, (struct rf_years){ from, to }, is_decade);
}

void rf_eras_finish(struct rf_reading *rd)
{
        struct rf_brief *b = rd->b;

        if (rd->n_wished == 0)
                return;
        b->year_from = rd->wished[0].from;
        b->year_to = rd->wished[rd->n_wished - 1].to;
        if (b->year_to == OPEN_ABOVE)
                b->year_to = 0;
        for (size_t i = 1; i < rd->n_wished && b->era_is_strict; i++)
                b->excluded_years[b->n_excluded_years++] =
                        (struct rf_years){ (uint16_t)(rd->wished[i - 1].to + 1), (uint16_t)(rd->wished[i].from - 1) };
}

/* ---- Reading them ---- */

/* "20s" are those of our century, unless it's music that had its youth in the last one's, and nothing says that it's new. */
static bool is_of_old(const struct rf_reading *rd)
{
        static const char *const old[] = { "jazz", "swing", "blues", "ragtime", "dixieland", "charleston", "roaring", "gramophone",
                                           "flapper", "vaudeville", NULL };
        static const char *const young[] = { "modern", "new", "newest", "latest", "recent", "contemporary", "current", "electro", "nu", NULL };
        bool is_old = false;

        for (size_t i = 0; i < rd->n; i++) {
                if (rf_is_one_of(rd->t[i].folded, young))
                        return false;
                is_old |= rf_is_one_of(rd->t[i].folded, old) && (i == 0 || !rf_is_negation(rd->t[i - 1].folded));
        }
        return is_old;
}

/* One year or decade. `after`: the range's first year, of which "95" takes the century. */
static bool years_at(struct rf_reading *rd, size_t at, unsigned after, struct rf_years *ret, bool *ret_is_bare)
{
        static const char *const decades[] = { "s", "er", "ies", NULL };
        struct rf_number n;
        unsigned year;

        if (!rf_number_at(rd, at, &n) || n.is_word || n.value > YEAR_MAX || floor(n.value) != n.value)
                return false;
        year = (unsigned)n.value;
        *ret_is_bare = !*n.rest;
        if (rf_is_one_of(n.rest, decades) && year % 10 == 0) {
                if (year < 100)
                        year += year >= 30 || (year == 20 && is_of_old(rd)) ? 1900 : 2000;
                *ret = (struct rf_years){ (uint16_t)year, (uint16_t)(year + 9) };
                return year >= YEAR_MIN;
        }
        if (*n.rest)
                return false;
        if (after > 0 && year < 100 && rf_reading_at(rd, at)->is_joined)
                year += after / 100 * 100;
        *ret = (struct rf_years){ (uint16_t)year, (uint16_t)year };
        return year >= YEAR_MIN;
}

/* "to the 90s", "-1995", "and 1995" of "between 1985 and 1995": how many words more, and up to where. */
static size_t end_at(struct rf_reading *rd, size_t at, unsigned after, uint16_t *ret_to)
{
        static const char *const tos[] = { "to", "until", "till", "through", "thru", "bis", NULL };
        static const char *const ands[] = { "and", NULL };
        const struct rf_token *next = rf_reading_at(rd, at);
        struct rf_years y;
        size_t words;
        bool is_bare;

        if (!next || next->begins_clause)
                return 0;
        words = rf_reading_is(rd, at, tos);
        if (words == 0 && rd->at > 0 && strcmp(rd->t[rd->at - 1].folded, "between") == 0)
                words = rf_reading_is(rd, at, ands);
        if (words == 0 && !next->is_joined)
                return 0;
        words += rf_reading_is(rd, at + words, articles);
        if (!years_at(rd, at + words, after, &y, &is_bare) || y.to < after)
                return 0;
        *ret_to = y.to;
        return words + 1;
}

static struct rf_years bounded(const struct rf_bound *bound, struct rf_years y)
{
        if (bound->edge == RF_EDGE_LOWER)
                return (struct rf_years){ bound->is_inclusive ? y.from : (uint16_t)(y.to + 1), OPEN_ABOVE };
        if (bound->edge == RF_EDGE_UPPER)
                return (struct rf_years){ 0, bound->is_inclusive ? y.to : (uint16_t)(y.from - 1) };
        return y;
}

static const char *meaning_of(const struct rf_years *y, char *buf, size_t size)
{
        if (y->to == OPEN_ABOVE)
                snprintf(buf, size, "since %u", y->from);
        else if (y->from == 0)
                snprintf(buf, size, "until %u", y->to);
        else
                snprintf(buf, size, "%u-%u", y->from, y->to);
        return buf;
}

bool rf_eras_take(struct rf_reading *rd, const struct rf_bound *bound, size_t at)
{
        static const char *const onwards[] = { "on", "onwards", "onward", NULL };
        struct rf_bound edge = *bound;
        struct rf_years y;
        size_t words = at + rf_reading_is(rd, at, articles);
        char meaning[32];
        bool is_bare, is_taken;

        if (bound->edge == RF_EDGE_NONE)
                words = at; /* "the" alone is no part of it */
        if ((bound->edge != RF_EDGE_NONE && !bound->is_of_years) || !years_at(rd, words, 0, &y, &is_bare))
                return false;
        words++;
        /* "2000 songs" are a number of songs */
        if (is_bare && bound->edge == RF_EDGE_NONE && rf_counted_at(rd, words))
                return false;
        if (bound->edge == RF_EDGE_NONE && rf_reading_is(rd, words, onwards)) {
                edge = (struct rf_bound){ .edge = RF_EDGE_LOWER, .is_inclusive = true };
                words++;
        } else if (bound->edge == RF_EDGE_NONE)
                words += end_at(rd, words, y.from, &y.to);
        y = bounded(&edge, y);
        is_taken = take(rd, y, true);
        if (is_taken)
                rf_reading_add_term(rd, RF_TERM_ERA, words, meaning_of(&y, meaning, sizeof(meaning)), false);
        else
                rf_reading_leave(rd, words);
        return true;
}
