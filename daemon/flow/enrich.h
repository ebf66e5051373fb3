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
 * Features of the most promising of what was found first, one full call of them, while the rest is still being looked for (yields);
 * taken when everything is in the pool. -ECANCELED, -ENOMEM.
 */
struct rf_ahead;
int rf_enrich_ahead(struct rf_run *run, enum rf_step step, const struct rf_finds *finds, struct rf_ahead **ret);
int rf_enrich_take_ahead(struct rf_run *run, const struct rf_ahead *ahead);
struct rf_ahead *rf_enrich_ahead_free(struct rf_ahead *ahead);
DEFINE_CLEANUP(struct rf_ahead *, rf_enrich_ahead_free);
