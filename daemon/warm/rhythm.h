/*
 * When people ask for one thing: a count for each hour of the week in local time, which fades with a half-life of two weeks, so that
 * a habit is learned in two or three weeks and forgotten as fast. Times are wall clock, in microseconds. Pure functions.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { RF_RHYTHM_HOURS = 168 };

struct rf_rhythm {
        uint64_t since_us; /* of the first use; 0 = none yet */
        uint64_t faded_us; /* until when the counts have faded */
        float counts[RF_RHYTHM_HOURS];
};

void rf_rhythm_add(struct rf_rhythm *r, uint64_t now_us);

/*
 * How many uses are to be expected from `from_us` to `to_us`, asked at `now_us`: from what the hours themselves saw week by week, and,
 * the more the fewer weeks have been seen, from the same hours of all working days, or of both days of the weekend. Neighbouring hours
 * count for each other.
 */
double rf_rhythm_expect(const struct rf_rhythm *r, uint64_t now_us, uint64_t from_us, uint64_t to_us);

double rf_rhythm_total(const struct rf_rhythm *r, uint64_t now_us); /* all uses, faded */

int rf_rhythm_encode(const struct rf_rhythm *r, struct rf_buf *b);
int rf_rhythm_decode(struct rf_reader *reader, struct rf_rhythm *ret); /* -RF_ECORRUPT */
