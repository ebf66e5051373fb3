/*
 * The bridge between services that don't share ids: candidates that one knows are found at another through their artist's name, then by
 * ISRC or title among that artist's tracks. Two calls for each artist, so it's for the few that matter. Internal to flow/.
 */
#pragma once

#include "flow/run.h"

struct rf_provider;

/*
 * Looks for candidates (numbers in the pool, the most wanted first) at `provider` (yields); what is found gets its id there. Each is
 * looked for once in a run, the tracks of at most RF_BRIDGE_ARTISTS_MAX artists in each call of this. -ECANCELED, -ENOMEM.
 */
#define RF_BRIDGE_ARTISTS_MAX 8u
int rf_bridge(struct rf_run *run, enum rf_step step, const struct rf_provider *provider, const size_t *candidates, size_t n);
