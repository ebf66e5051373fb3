/*
 * A copy of a store that somebody else may be writing to: of one moment, and without touching anything of theirs. Never yields.
 */
#pragma once

#include <stddef.h>

/*
 * Copies `NAME.mdb` of a directory into another, where it can be opened like any store. -ENOENT; -EBUSY: it changed under each of several
 * tries; -RF_ECORRUPT; -errno. `message` says what and where.
 */
int rf_store_snapshot(const char *directory, const char *name, const char *to_directory, char *message, size_t size);
