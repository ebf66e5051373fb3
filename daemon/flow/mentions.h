/* What the prompt mentions: the artists and tracks named are looked for. Internal to flow/. */
#pragma once

#include "flow/run.h"

/*
 * Finds them (yields): tracks go into the pool, artists into the run's list; who isn't known is named in the receipt. A single name that
 * no artist has may be a title, and the other way round. -ECANCELED, -ENOMEM.
 */
int rf_mentions_gather(struct rf_run *run);

/* The query that a mention begins with. */
struct rf_query rf_mention_query(struct rf_run *run, const struct rf_mention *m);
