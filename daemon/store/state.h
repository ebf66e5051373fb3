/*
 * Durable state (LMDB environment `state`): what must survive kill -9 and power loss. Each write is synced to disk before its call
 * returns, off the loop, several callers' writes in one transaction. Tables are named; keys sort as bytes. Records carry version and
 * checksum.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

struct rf_state;

/* The tables. Values are on disk: never renumber. */
enum rf_table { RF_TABLE_RUNS = 0, RF_TABLE_LIMITS = 1, RF_TABLE_TOKENS = 2, RF_TABLE_WARM = 3, RF_TABLE_SAVES = 4,
                RF_TABLE_STATS = 5, RF_TABLE_USES = 6, RF_TABLE_COUNT };

struct rf_state_options {
        const char *directory; /* made with mode 0700 if missing */
        uint64_t size_max;     /* bytes of the map */
};

/* As rf_cache_open(): damaged files are set aside and said so. -RF_EBUSY, -RF_EFOREIGN for a newer schema (nothing is touched). */
int rf_state_open(const struct rf_state_options *o, struct rf_state **ret, char *notice, size_t notice_size);
struct rf_state *rf_state_close(struct rf_state *s); /* nobody may wait in put */
DEFINE_CLEANUP(struct rf_state *, rf_state_close);

/* Yields until the write is on disk (under the virtual clock: at once). Ignores cancellation. -ENOSPC when the map is full. */
int rf_state_put(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, const void *value, size_t size);
int rf_state_remove(struct rf_state *s, enum rf_table table, const void *key, size_t key_size); /* yields; 0 also if absent */

/* Don't yield. -ENOENT; a damaged record is -RF_ECORRUPT. */
int rf_state_get(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, struct rf_buf *ret_value);
/*
 * Calls `each` for the records of a table in the order of their keys (backwards if `newest_first`), until it returns non-zero; that
 * is returned. `each` may not call the store or yield.
 */
int rf_state_foreach(struct rf_state *s, enum rf_table table, bool newest_first,
                     int (*each)(void *arg, const void *key, size_t key_size, const void *value, size_t size), void *arg);
uint64_t rf_state_count(struct rf_state *s, enum rf_table table);
uint64_t rf_state_corrupt(const struct rf_state *s); /* damaged records seen */
uint64_t rf_state_bytes(struct rf_state *s); /* in use */
const char *rf_state_set_aside_path(const struct rf_state *s); /* "" if no damaged file was found at the start */
