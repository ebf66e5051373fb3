/*
 * Figures by time: a ring of equally long stretches of wall-clock time, each kept in its stored form. A stretch takes the place of the
 * one that lies a whole round before it, or, after the clock was set back, of one that is still to come. Never yields.
 */
#pragma once

#include "observe/figures.h"

struct rf_series;

int rf_series_new(uint64_t width_us, size_t n_slots, struct rf_series **ret);
struct rf_series *rf_series_free(struct rf_series *s);
DEFINE_CLEANUP(struct rf_series *, rf_series_free);

/* Adds to the stretch that a time lies in. -ENOMEM: nothing is changed. */
int rf_series_add(struct rf_series *s, uint64_t wall_us, const struct rf_figures *f);
/* Adds up what overlaps `from_us` to `until_us`. `ret_from_us`: when the first stretch that counts begins. -ENOMEM. */
int rf_series_sum(const struct rf_series *s, uint64_t from_us, uint64_t until_us, struct rf_figures *to, uint64_t *ret_from_us);

/* ---- For keeping it, slot by slot ---- */

bool rf_series_is_changed(const struct rf_series *s, size_t slot); /* since it was read or marked last */
void rf_series_mark(struct rf_series *s, size_t slot, bool is_changed);
int rf_series_encode(const struct rf_series *s, size_t slot, struct rf_buf *b); /* -ENOMEM */
/* -RF_ECORRUPT: nothing is changed. */
int rf_series_decode(struct rf_series *s, size_t slot, struct rf_reader *r);
