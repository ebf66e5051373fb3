/*
 * What a run rests on: of each operation how many of its calls were answered, how long such answers are fresh, and when the first of
 * them ends to be. Plain data; never yields.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "upstream/upstream.h"

enum { RF_FOOTPRINT_PARTS = 2 * RF_OP_COUNT };

struct rf_footprint_part {
        uint8_t op;
        bool is_served_stale; /* after its end, while it's renewed; otherwise people have to wait */
        uint32_t calls;
        uint64_t life_us, ends_us; /* the shortest, and the first end; wall clock */
};

struct rf_footprint {
        size_t n;
        struct rf_footprint_part parts[RF_FOOTPRINT_PARTS];
};

/* Adds an answered call; others, and what isn't kept, say nothing. */
void rf_footprint_note(struct rf_footprint *f, const struct rf_call_record *record);

/* Takes over the kinds that are in `fresh`; of the others what was known stays. */
void rf_footprint_replace(struct rf_footprint *f, const struct rf_footprint *fresh);

uint32_t rf_footprint_calls(const struct rf_footprint *f, uint64_t from_us); /* of what is fresh longer than until `from_us` */
uint64_t rf_footprint_ends_us(const struct rf_footprint *f);                 /* of what ends first; 0 = nothing is in it */

int rf_footprint_encode(const struct rf_footprint *f, struct rf_buf *b);
int rf_footprint_decode(struct rf_reader *reader, struct rf_footprint *ret); /* -RF_ECORRUPT */
