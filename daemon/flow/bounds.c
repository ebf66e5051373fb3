#include "flow/bounds.h"

#include <math.h>

#include "base/macros.h"

#define UPPER .edge = RF_EDGE_UPPER
#define LOWER .edge = RF_EDGE_LOWER
#define ALSO .is_inclusive = true
#define YEARS .is_of_years = true
#define AMOUNTS .is_of_amounts = true

static const struct {
        const char *phrase;
        struct rf_bound bound;
} TABLE[] = {
        { "at most", { UPPER, ALSO, AMOUNTS } },        { "at least", { LOWER, ALSO, AMOUNTS } },
        { "no more than", { UPPER, ALSO, AMOUNTS } },   { "no less than", { LOWER, ALSO, AMOUNTS } },
        { "not more than", { UPPER, ALSO, AMOUNTS } },  { "not less than", { LOWER, ALSO, AMOUNTS } },
        { "more than", { LOWER, AMOUNTS } },            { "less than", { UPPER, AMOUNTS } },
        { "no fewer than", { LOWER, ALSO, AMOUNTS } },  { "not fewer than", { LOWER, ALSO, AMOUNTS } },
        { "fewer than", { UPPER, AMOUNTS } },           { "up to", { UPPER, ALSO, AMOUNTS, YEARS } },
        { "under", { UPPER, AMOUNTS } },                { "below", { UPPER, AMOUNTS } },
        { "over", { LOWER, AMOUNTS } },                 { "above", { LOWER, AMOUNTS } },
        { "not under", { LOWER, ALSO, AMOUNTS } },      { "not below", { LOWER, ALSO, AMOUNTS } },
        { "not over", { UPPER, ALSO, AMOUNTS } },       { "not above", { UPPER, ALSO, AMOUNTS } },
        { "max", { UPPER, ALSO, AMOUNTS } },            { "maximum", { UPPER, ALSO, AMOUNTS } },
        { "min", { LOWER, ALSO, AMOUNTS } },            { "minimum", { LOWER, ALSO, AMOUNTS } },
        { "faster than", { LOWER, AMOUNTS } },          { "slower than", { UPPER, AMOUNTS } },
        { "no faster than", { UPPER, ALSO, AMOUNTS } }, { "no slower than", { LOWER, ALSO, AMOUNTS } },
        { "not faster than", { UPPER, ALSO, AMOUNTS } }, { "not slower than", { LOWER, ALSO, AMOUNTS } },
        { "longer than", { LOWER, AMOUNTS } },          { "shorter than", { UPPER, AMOUNTS } },
        { "no longer than", { UPPER, ALSO, AMOUNTS } }, { "no shorter than", { LOWER, ALSO, AMOUNTS } },
        { "not longer than", { UPPER, ALSO, AMOUNTS } }, { "not shorter than", { LOWER, ALSO, AMOUNTS } },
        { "since", { LOWER, ALSO, YEARS } },            { "after", { LOWER, YEARS } },
        { "until", { UPPER, ALSO, YEARS } },            { "before", { UPPER, YEARS } },
        { "not before", { LOWER, ALSO, YEARS } },       { "not after", { UPPER, ALSO, YEARS } },
        { "newer than", { LOWER, YEARS } },             { "older than", { UPPER, YEARS } },
        { "no newer than", { UPPER, ALSO, YEARS } },    { "no older than", { LOWER, ALSO, YEARS } },
        { "not newer than", { UPPER, ALSO, YEARS } },   { "not older than", { LOWER, ALSO, YEARS } },
        { "no earlier than", { LOWER, ALSO, YEARS } },  { "no later than", { UPPER, ALSO, YEARS } },
        { "not earlier than", { LOWER, ALSO, YEARS } }, { "not later than", { UPPER, ALSO, YEARS } },
        { "later than", { LOWER, YEARS } },             { "earlier than", { UPPER, YEARS } },
};

size_t rf_bounds_take(struct rf_reading *rd, struct rf_bound *ret)
{
        size_t longest = 0;

        *ret = (struct rf_bound){ .edge = RF_EDGE_NONE };
        for (size_t i = 0; i < ARRAY_SIZE(TABLE); i++) {
                size_t words = rf_reading_matches(rd, TABLE[i].phrase);

                if (words > longest) {
                        longest = words;
                        *ret = TABLE[i].bound;
                }
        }
        /* "nothing over 120 bpm": 120 at most */
        if (longest > 0 && rd->negated && !rd->has_negated) {
                ret->edge = ret->edge == RF_EDGE_UPPER ? RF_EDGE_LOWER : RF_EDGE_UPPER;
                ret->is_inclusive = !ret->is_inclusive;
        }
        return longest;
}

double rf_bounds_whole(const struct rf_bound *b, double number)
{
        if (b->edge == RF_EDGE_UPPER)
                return b->is_inclusive ? floor(number) : ceil(number) - 1;
        if (b->edge == RF_EDGE_LOWER)
                return b->is_inclusive ? ceil(number) : floor(number) + 1;
        return number;
}

const char *rf_bounds_words(const struct rf_bound *b)
{
        return b->edge == RF_EDGE_UPPER ? "at most " : b->edge == RF_EDGE_LOWER ? "at least " : "";
}
