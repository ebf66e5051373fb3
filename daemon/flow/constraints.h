/*
 * What a playlist must keep: count, duration, exclusions, explicit, tracks per artist, era. What can't be kept is named in the receipt
 * with the smallest relaxation. Pure functions over the pool; never yield.
 */
#pragma once

#include "flow/brief.h"
#include "flow/candidate.h"
#include "flow/receipt.h"

#define RF_DURATION_TOLERANCE .03 /* of the wished duration */

/* What is excluded, as keys of names; sorted. */
struct rf_exclusions {
        const uint64_t *artists; /* rf_name_key() */
        size_t n_artists;
        const uint64_t *genre_artists; /* artists of excluded genres */
        size_t n_genre_artists;
};

/* Marks what may not be chosen for reasons that don't depend on the mood; leaves marks of other kinds alone. */
void rf_constraints_filter(struct rf_pool *pool, const struct rf_brief *b, const struct rf_exclusions *x);

/* The chosen tracks: numbers in the pool, best first. */
struct rf_choice {
        size_t *tracks;
        size_t n;
        uint64_t duration_ms;
        double score;         /* summed */
        uint32_t capped;      /* left out because their artist had enough tracks */
};

void rf_choice_done(struct rf_choice *c);

/*
 * Chooses from the scored pool: the best that keep the cap per artist and count; then, where a duration is wished, exchanges tracks
 * until it is kept, for as little score as possible. The tracks of mentions get their share. A seed other than 0 decides among tracks of
 * nearly the same score. -ENOMEM.
 */
int rf_constraints_choose(const struct rf_pool *pool, const struct rf_brief *b, uint64_t seed, struct rf_choice *ret);

/* How many tracks would be chosen, were there so many of one artist and the era so many years wider. -ENOMEM. */
int rf_constraints_count(const struct rf_pool *pool, const struct rf_brief *b, uint32_t cap, unsigned wider, size_t *ret);
/* Whether a candidate would be of the era, were that so many years wider; not where its year is excluded or isn't known. */
bool rf_constraints_fits_wider(const struct rf_brief *b, const struct rf_candidate *c, unsigned wider);

/* Whether the choice keeps the wished duration (true if none is wished). */
bool rf_constraints_duration_kept(const struct rf_brief *b, uint64_t duration_ms);

/* Names in the receipt what the choice leaves unmet, and what was left out and why. */
void rf_constraints_report(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c,
                           struct rf_receipt_book *k);
