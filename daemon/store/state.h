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

enum { RF_STATE_EXPLANATION_SIZE = 512 };

/* The tables. Values are on disk: never renumber. */
enum rf_table { RF_TABLE_RUNS = 0, RF_TABLE_LIMITS = 1, RF_TABLE_TOKENS = 2, RF_TABLE_WARM = 3, RF_TABLE_SAVES = 4, RF_TABLE_STATS = 5,
                RF_TABLE_USES = 6, RF_TABLE_COUNT };

/* NULL for a number that no table has. A new table takes the next number and a name; how it's exported: control/state_form.h. */
const char *rf_state_table_name(enum rf_table table);

struct rf_state_options {
        const char *directory; /* made with mode 0700 if missing */
        uint64_t size_max;     /* bytes of the map */
        /* Nothing can be read or written any more until it's opened anew: once, when that shows. May be NULL. Doesn't yield. */
        void (*broke)(void *arg);
        /* Writes fail from now on, and what would help; NULL: they don't any more. May be NULL. Doesn't yield. */
        void (*trouble)(void *arg, const char *message);
        void *arg; /* of both */
};

/*
 * As rf_cache_open(): damaged files are set aside and said so; an older store is upgraded and said so. -RF_EBUSY, -RF_EFOREIGN for a
 * newer schema (nothing is touched).
 */
int rf_state_open(const struct rf_state_options *o, struct rf_state **ret, char *notice, size_t notice_size);
struct rf_state *rf_state_close(struct rf_state *s); /* nobody may wait in put */
DEFINE_CLEANUP(struct rf_state *, rf_state_close);

/* Yields until the write is on disk (under the virtual clock: at once). Ignores cancellation. -ENOSPC when the map is full. */
int rf_state_put(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, const void *value, size_t size);
int rf_state_remove(struct rf_state *s, enum rf_table table, const void *key, size_t key_size); /* yields; 0 also if absent */

/* One write of several. */
struct rf_state_write {
        enum rf_table table;
        const void *key, *value;
        size_t key_size, size;
        bool keeps;    /* one that is there stays as it is */
        bool is_kept;  /* set: so it was */
        bool replaced; /* set: there was one */
};
/* All of them in one transaction, or none (yields; the memory stays in place). -ENOSPC and others, as put. */
int rf_state_put_all(struct rf_state *s, struct rf_state_write *writes, size_t n);

/* Don't yield. -ENOENT; a damaged record is -RF_ECORRUPT. */
int rf_state_get(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, struct rf_buf *ret_value);
/*
 * Calls `each` for the records of a table in the order of their keys (backwards if `newest_first`), until it returns non-zero; that
 * is returned. `each` may not call the store or yield.
 */
int rf_state_foreach(struct rf_state *s, enum rf_table table, bool newest_first,
                     int (*each)(void *arg, const void *key, size_t key_size, const void *value, size_t size), void *arg);
/*
 * The first record whose key is greater than `after` (size 0: the first of all), appended to empty buffers: to go through a table with
 * yields in between. -ENOENT: no more; -RF_ECORRUPT or -RF_EFOREIGN: a damaged record, whose key is in `ret_key`.
 */
int rf_state_next(struct rf_state *s, enum rf_table table, const void *after, size_t after_size, struct rf_buf *ret_key,
                  struct rf_buf *ret_value);
uint64_t rf_state_count(struct rf_state *s, enum rf_table table);
uint64_t rf_state_corrupt(const struct rf_state *s); /* damaged records seen */
uint64_t rf_state_bytes(struct rf_state *s); /* in use */
uint32_t rf_state_schema(const struct rf_state *s);
/* Whether the last write failed for its own limit, not the disk's. */
bool rf_state_is_full(const struct rf_state *s);
/* What a failed write means and what would help. Valid until the next call. */
const char *rf_state_explain(struct rf_state *s, int error);
const char *rf_state_problem(const struct rf_state *s); /* why nothing can be written; NULL: it can */
const char *rf_state_set_aside_path(const struct rf_state *s); /* "" if no damaged file was found at the start */
