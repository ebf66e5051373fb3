/*
 * The receipt of a run while it is being written. Strings are copied. Running out of memory is remembered and reported once, by
 * rf_receipt_finish(), so that accounting never gets in the way. Never yields.
 */
#pragma once

#include "flow/playlist.h"
#include "upstream/upstream.h"

struct rf_receipt_book;

struct rf_receipt_book *rf_receipt_book_new(void); /* NULL when out of memory */
struct rf_receipt_book *rf_receipt_book_free(struct rf_receipt_book *k);
DEFINE_CLEANUP(struct rf_receipt_book *, rf_receipt_book_free);

/* Counts of the same `what` and `why` are added up. */
void rf_receipt_skip(struct rf_receipt_book *k, const char *what, const char *why, uint32_t count);
/* A wish is named once: a later reason for the same wish is left out. `relaxation` may be NULL. */
void rf_receipt_unmet(struct rf_receipt_book *k, const char *wish, const char *why, const char *relaxation);
/* What one call did; goes into the totals of its step and its operation. */
void rf_receipt_call(struct rf_receipt_book *k, enum rf_step step, const struct rf_call_record *record);
/* Adds time to a step. */
void rf_receipt_time(struct rf_receipt_book *k, enum rf_step step, uint64_t us);
uint32_t rf_receipt_calls(const struct rf_receipt_book *k); /* made so far */

/* Copies everything into `arena`; `quality`, `passes` and `total_us` are the caller's to set. -ENOMEM. */
int rf_receipt_finish(const struct rf_receipt_book *k, struct rf_arena *arena, struct rf_receipt *ret);
