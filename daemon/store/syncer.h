/*
 * Brings the changes of an environment to disk now and then, on a thread of its own, so that neither the loop nor each write waits for the
 * disk. Never yields.
 */
#pragma once

#include <lmdb.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_syncer;

/* `interval_us`: at most so long after a change. `mdb` outlives it. */
int rf_syncer_new(MDB_env *mdb, uint64_t interval_us, struct rf_syncer **ret);
struct rf_syncer *rf_syncer_free(struct rf_syncer *s); /* waits for a sync that is under way */
DEFINE_CLEANUP(struct rf_syncer *, rf_syncer_free);

/* Something was changed. */
void rf_syncer_mark(struct rf_syncer *s);
