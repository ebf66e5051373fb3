/* What to tell a person of a store that can't be used. Never yields. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RF_TROUBLE_SIZE = 512 };

/*
 * A sentence: which store, where it is, what is wrong, and what would help. `path` is the store's file, `name` "state" or "cache"; a
 * `used` that has reached `max` tells a store that is full from a disk that is. Returns `buf`.
 */
const char *rf_trouble_text(const char *name, const char *path, uint64_t used, uint64_t max, int error, char buf[static RF_TROUBLE_SIZE]);
