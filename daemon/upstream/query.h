/* Queries that outlive their caller. Pure; never yields. */
#pragma once

#include <recflow/plugin.h>

#include "base/arena.h"

/* A deep copy in the arena. -ENOMEM. */
int rf_query_copy(struct rf_arena *a, const struct rf_query *q, struct rf_query *ret);
