/* Comparators before a number: "at most", "under", "not faster than", "since". One table; pure. Internal to flow/. */
#pragma once

#include "flow/reading.h"

enum rf_edge { RF_EDGE_NONE, RF_EDGE_LOWER, RF_EDGE_UPPER };

struct rf_bound {
        enum rf_edge edge;  /* which side of what is wished the number is */
        bool is_inclusive;  /* the number itself is wished, too */
        bool is_of_years;   /* of a year it may be said; */
        bool is_of_amounts; /* of a count, a duration, a tempo */
};

/* The comparator here, the other way round behind a negation ("nothing before"); returns of how many words it is, 0 for none. */
size_t rf_bounds_take(struct rf_reading *rd, struct rf_bound *ret);
/* The whole number at the edge: "under 10" is 9 at most. */
double rf_bounds_whole(const struct rf_bound *b, double number);
/* "at most ", "at least ", "": for the meaning of a term. */
const char *rf_bounds_words(const struct rf_bound *b);
