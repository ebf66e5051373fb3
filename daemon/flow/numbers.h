/* Numbers as people write them: "45", "1.5", "twenty five", "1h30" and what stands right behind the digits. Pure. Internal to flow/. */
#pragma once

#include "flow/reading.h"

struct rf_number {
        double value;
        const char *rest; /* of its last word: "min" of "45min"; "" behind a whole word */
        size_t words;
        bool is_word;     /* "twelve" */
};

/* Reads the number that begins so many words ahead; false if none does, or if it isn't below a million. */
bool rf_number_at(struct rf_reading *rd, size_t ahead, struct rf_number *ret);
