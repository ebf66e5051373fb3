/*
 * The number of a store's layout. It stands in the store itself, in the table "meta", so that a file that was copied alone still says
 * what it is; stores of before that have schema 1. Only store/ uses this.
 */
#pragma once

#include "store/env.h"

/* What the store says: 0 for one without any table. -RF_ECORRUPT; others of rf_env_error(). Writes nothing. */
int rf_schema_read(MDB_env *mdb, uint32_t *ret);
/*
 * Brings a store from `found` to the schema of the options, in one transaction. `notice` then says so. -RF_EFOREIGN: a step is missing.
 */
int rf_schema_settle(MDB_env *mdb, const struct rf_env_options *o, uint32_t found, const char *path, char *notice, size_t notice_size);
