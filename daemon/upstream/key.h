/* The cache key of a query: everything that can change the answer, in one order. Pure; never yields. */
#pragma once

#include <recflow/plugin.h>

#include "base/buf.h"

/*
 * Appends the key of `q` as asked of `provider`. Ids, seeds and negative seeds are sets: their order doesn't matter. `login`: whose the
 * answer is, as rf_authority_login(); 0: everybody's. -ENOMEM.
 */
int rf_query_key(const char *provider, uint64_t login, const struct rf_query *q, struct rf_buf *b);
