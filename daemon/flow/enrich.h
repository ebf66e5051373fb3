/* Features and details of candidates, looked up in batches. Internal to flow/. */
#pragma once

#include "flow/finds.h"
#include "flow/run.h"

/* Looks up the features of candidates that lack them and are still in, the most promising first (yields). No candidate is asked for twice. -ECANCELED, -ENOMEM. */
int rf_enrich_features(struct rf_run *run, enum rf_step step);

/* Looks up details of those of the best candidates that lack a duration (yields). -ECANCELED, -ENOMEM. */
int rf_enrich_details(struct rf_run *run, enum rf_step step);

/* How many of n candidates are worth a look at a time. */
size_t rf_enrich_worth(const struct rf_run *run, size_t n);
/* The same in a pass of generation, after gathering had its look. */
size_t rf_enrich_worth_later(const struct rf_run *run, size_t n);

/* Features and, if wished, details (yields). */
int rf_enrich(struct rf_run *run, enum rf_step step, bool with_details);

/*
 * Features of the most promising of what was found first, one full call of them, while the rest is still being looked for. Made, and freed
 * (which yields until its call is given up), by the run's own coroutine. -ECANCELED, -ENOMEM.
 */
struct rf_ahead;
int rf_enrich_ahead_new(struct rf_run *run, enum rf_step step, struct rf_ahead **ret);
/* The call goes off, from any coroutine; doesn't wait for it. Once at most. */
int rf_enrich_ahead_begin(struct rf_ahead *ahead, const struct rf_finds *finds);
/* Everything is in the pool: what was asked for ahead isn't asked for again, and the next rf_enrich_features() waits for it with the rest. */
void rf_enrich_ahead_expect(struct rf_run *run, struct rf_ahead *ahead);
struct rf_ahead *rf_enrich_ahead_free(struct rf_ahead *ahead);
DEFINE_CLEANUP(struct rf_ahead *, rf_enrich_ahead_free);
