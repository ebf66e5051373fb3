/*
 * The cache of parsed answers (LMDB environment `cache`). May lose its last moments in a crash, never its integrity: records
 * carry version and checksum, files that can't be trusted are set aside and rebuilt. Opened unsynced; a helper thread syncs.
 * Nothing here yields, except where it says so. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

struct rf_cache;

struct rf_cache_options {
        const char *directory;   /* made with mode 0700 if missing */
        uint64_t size_max;       /* bytes of the map; eviction begins at 75 % */
        uint64_t sync_interval_us; /* at most so long until changes are on disk; synced off the loop */
        void (*broke)(void *arg);  /* as in struct rf_state_options */
        /* Nothing can be stored from now on, and what would help; NULL: it can again. Doesn't yield. */
        void (*trouble)(void *arg, const char *message);
        void *arg;
};

/* Life times of an entry, in wall-clock microseconds since 1970. */
struct rf_cache_entry {
        struct rf_buf value;      /* the payload; freed by the caller */
        uint64_t stored_us;
        uint64_t fresh_until_us;
        uint64_t stale_until_us;  /* may be served while it's being refreshed */
        uint64_t error_until_us;  /* may be served when the service fails */
        bool is_negative;         /* "there is nothing" */
};

struct rf_cache_stats {
        uint64_t entries, bytes_used, bytes_max;
        uint64_t hits, misses, stale_hits, negative_hits, puts, evictions, expired, corrupt, put_failures;
        uint64_t set_aside; /* damaged files set aside since start */
        char set_aside_path[256]; /* the latest; empty if none */
};

/*
 * Opens or creates. A damaged or foreign file, or one left by an unclean stop before the machine was last booted, is renamed to
 * `<name>.damaged-N` (N newest 3 kept) and a new one made; `notice` then says so in a sentence, else it's empty. -RF_EBUSY: another
 * process has it open.
 */
int rf_cache_open(const struct rf_cache_options *o, struct rf_cache **ret, char *notice, size_t notice_size);
/* Syncs and closes. */
struct rf_cache *rf_cache_close(struct rf_cache *c);
DEFINE_CLEANUP(struct rf_cache *, rf_cache_close);

/*
 * -ENOENT: nothing usable (absent, expired beyond every use, or damaged: such a record is dropped and counted). An entry of a time that
 * hasn't come yet (the clock was set back) isn't fresh, and its other times begin now.
 */
int rf_cache_get(struct rf_cache *c, const void *key, size_t key_size, uint64_t now_us, struct rf_cache_entry *ret);
/* Like get without copying, counting or touching: for dry runs. */
bool rf_cache_has_fresh(struct rf_cache *c, const void *key, size_t key_size, uint64_t now_us);
/* Stores or replaces; evicts when needed. A failure to store is counted and returned; nothing is damaged by it. */
int rf_cache_put(struct rf_cache *c, const void *key, size_t key_size, const struct rf_cache_entry *entry);
int rf_cache_remove(struct rf_cache *c, const void *key, size_t key_size);
/* Drops everything. */
int rf_cache_flush(struct rf_cache *c, uint64_t *ret_dropped);
struct rf_cache_stats rf_cache_stats(struct rf_cache *c);
const char *rf_cache_problem(const struct rf_cache *c); /* why nothing can be stored; NULL: it can */
