/*
 * The cache. Three tables: `entries` holds the records by key; `ages` the keys by a stamp of when they were last put or used, so that
 * the oldest can be found for eviction; `stamps` the stamp of each key. Uses are noted in memory and written with later puts, so that
 * a hit doesn't write.
 *
 * Eviction resists scans (a segmented LRU): stamps of entries that were read again after they were put have their highest bit set, so
 * that they sort behind all that were only put. Those go first; a read one goes only when it wasn't read for long.
 */
#include "store/cache.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "store/env.h"
#include "store/record.h"
#include "store/syncer.h"
#include "store/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA = 2, RECORD_VERSION = 1, TOUCHES_MAX = 1024, TOUCHES_PER_PUT = 16, EVICT_FEW = 2, EVICT_MANY = 64, KEY_BYTES = 16,
       SOFT_LIMIT_PERCENT = 75, HARD_LIMIT_PERCENT = 90 };

/* Fixed part of a record, before the payload. */
enum { HEADER_BYTES = 8 * 4 + 1 };

#define STAMP_READ (UINT64_C(1) << 63) /* of an entry that was read since it was first put */
#define READ_AGES_MAX 16u              /* as many stamps, times the number of entries, does having been read count */

struct rf_cache {
        struct rf_env *env;
        MDB_env *mdb;
        MDB_dbi entries, ages, stamps;
        MDB_txn *reader; /* reset between uses */
        struct rf_cache_options options;
        struct rf_cache_stats stats;
        uint64_t stamp;  /* last age handed out */
        struct touch {
                uint8_t key[KEY_BYTES];
        } touches[TOUCHES_MAX];
        size_t n_touches;
        char problem[RF_TROUBLE_SIZE]; /* "" if there is none */
        bool is_broken;
        struct rf_syncer *syncer;
};

/* ---- Opening ---- */

static void age_key(uint64_t stamp, uint8_t out[8])
{
        for (int i = 7; i >= 0; i--, stamp >>= 8)
                out[i] = (uint8_t)stamp;
}

/* 0 for what isn't one. */
static uint64_t stamp_of(const MDB_val *age)
{
        uint64_t stamp = 0;

        for (size_t i = 0; i < 8 && age->mv_size == 8; i++)
                stamp = stamp << 8 | ((const uint8_t *)age->mv_data)[i];
        return stamp;
}

static int open_tables(struct rf_cache *c)
{
        MDB_txn *txn;
        MDB_cursor *cursor;
        MDB_val key, value;
        uint8_t first_read[8];
        int r = mdb_txn_begin(c->mdb, NULL, 0, &txn);

        if (r != 0)
                return rf_env_error(r);
        if ((r = mdb_dbi_open(txn, "entries", MDB_CREATE, &c->entries)) != 0 ||
            (r = mdb_dbi_open(txn, "ages", MDB_CREATE, &c->ages)) != 0 ||
            (r = mdb_dbi_open(txn, "stamps", MDB_CREATE, &c->stamps)) != 0 || (r = mdb_cursor_open(txn, c->ages, &cursor)) != 0) {
                mdb_txn_abort(txn);
                return rf_env_error(r);
        }
        if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0)
                c->stamp = stamp_of(&key) & ~STAMP_READ;
        /* the last of those that were only put */
        age_key(STAMP_READ, first_read);
        key = (MDB_val){ sizeof(first_read), first_read };
        if (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0 && mdb_cursor_get(cursor, &key, &value, MDB_PREV) == 0)
                c->stamp = MAX(c->stamp, stamp_of(&key));
        mdb_cursor_close(cursor);
        r = mdb_txn_commit(txn);
        if (r == 0)
                r = mdb_txn_begin(c->mdb, NULL, MDB_RDONLY, &c->reader);
        if (r == 0)
                mdb_txn_reset(c->reader);
        return rf_env_error(r);
}

/* From each version to the next. */
static const struct rf_env_step STEPS[] = {
        { 1, "the version stands in the file itself", NULL },
};

int rf_cache_open(const struct rf_cache_options *o, struct rf_cache **ret, char *notice, size_t notice_size)
{
        struct rf_env_options env = { .directory = o->directory, .name = "cache", .size_max = o->size_max, .databases = 3,
                                      .is_expendable = true, .schema = SCHEMA, .steps = STEPS, .n_steps = ARRAY_SIZE(STEPS) };
        struct rf_cache *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->options = *o;
        r = rf_env_open(&env, &c->env, notice, notice_size);
        if (r < 0) {
                free(c);
                return r;
        }
        c->mdb = rf_env_mdb(c->env);
        r = open_tables(c);
        if (r >= 0)
                r = rf_syncer_new(c->mdb, c->options.sync_interval_us, &c->syncer);
        if (r < 0) {
                rf_cache_close(c);
                return r;
        }
        snprintf(c->stats.set_aside_path, sizeof(c->stats.set_aside_path), "%.255s", rf_env_set_aside_path(c->env));
        c->stats.set_aside = c->stats.set_aside_path[0] != '\0';
        *ret = c;
        return 0;
}

struct rf_cache *rf_cache_close(struct rf_cache *c)
{
        if (!c)
                return NULL;
        rf_syncer_free(c->syncer);
        if (c->reader)
                mdb_txn_abort(c->reader);
        rf_env_close(c->env);
        free(c);
        return NULL;
}

/* ---- Records ---- */

/* Keys of any length, as 128 bits. */
static void short_key(const void *key, size_t size, uint8_t out[KEY_BYTES])
{
        uint64_t a = rf_hash(key, size, 0), b = rf_hash(key, size, 0x9e3779b97f4a7c15u);

        memcpy(out, &a, 8);
        memcpy(out + 8, &b, 8);
}

/* Everything of a record but its value, which `ret_value` points at inside the map. */
static int read_record(const MDB_val *v, struct rf_cache_entry *e, const void **ret_value, size_t *ret_size)
{
        const void *payload;
        size_t size;
        struct rf_reader reader;
        uint8_t flags;
        int r = rf_record_unwrap(v->mv_data, v->mv_size, RECORD_VERSION, &payload, &size);

        if (r < 0)
                return r;
        reader = (struct rf_reader){ .data = payload, .size = size };
        if ((r = rf_reader_u64(&reader, &e->stored_us)) < 0 ||
            (r = rf_reader_u64(&reader, &e->fresh_until_us)) < 0 || (r = rf_reader_u64(&reader, &e->stale_until_us)) < 0 ||
            (r = rf_reader_u64(&reader, &e->error_until_us)) < 0 || (r = rf_reader_u8(&reader, &flags)) < 0)
                return r;
        e->is_negative = flags & 1;
        *ret_value = (const uint8_t *)payload + HEADER_BYTES;
        *ret_size = size - HEADER_BYTES;
        return 0;
}

static int write_record(struct rf_buf *b, const struct rf_cache_entry *e, const void *value, size_t size)
{
        _cleanup_buf_ struct rf_buf payload = RF_BUF_INIT;
        int r;

        if ((r = rf_buf_put_u64(&payload, e->stored_us)) < 0 ||
            (r = rf_buf_put_u64(&payload, e->fresh_until_us)) < 0 || (r = rf_buf_put_u64(&payload, e->stale_until_us)) < 0 ||
            (r = rf_buf_put_u64(&payload, e->error_until_us)) < 0 || (r = rf_buf_put_u8(&payload, e->is_negative)) < 0 ||
            (r = rf_buf_add(&payload, value, size)) < 0)
                return r;
        return rf_record_wrap(b, RECORD_VERSION, payload.data, payload.size);
}

/* Nobody knows how old an entry of the future is. */
static void set_clock(struct rf_cache_entry *e, uint64_t now_us)
{
        uint64_t back_us = e->stored_us > now_us ? e->stored_us - now_us : 0;

        if (back_us == 0)
                return;
        e->stored_us = now_us;
        e->fresh_until_us = MIN(e->fresh_until_us, now_us);
        e->stale_until_us -= MIN(e->stale_until_us, back_us);
        e->error_until_us -= MIN(e->error_until_us, back_us);
}

static uint64_t last_use(const struct rf_cache_entry *e)
{
        return MAX(MAX(e->fresh_until_us, e->stale_until_us), e->error_until_us);
}

/* ---- Reading ---- */

static int look_up(struct rf_cache *c, const uint8_t key[KEY_BYTES], MDB_val *ret)
{
        MDB_val k = { KEY_BYTES, (void *)key };
        int r = mdb_txn_renew(c->reader);

        if (r == 0)
                r = mdb_get(c->reader, c->entries, &k, ret);
        return rf_env_error(r);
}

bool rf_cache_has_fresh(struct rf_cache *c, const void *key, size_t key_size, uint64_t now_us)
{
        struct rf_cache_entry e = { 0 };
        uint8_t k[KEY_BYTES];
        const void *value;
        size_t size;
        MDB_val v;
        bool fresh;

        short_key(key, key_size, k);
        fresh = look_up(c, k, &v) == 0 && read_record(&v, &e, &value, &size) == 0 && e.stored_us <= now_us &&
                e.fresh_until_us > now_us;
        mdb_txn_reset(c->reader);
        return fresh;
}

static void touch(struct rf_cache *c, const uint8_t key[KEY_BYTES])
{
        if (c->n_touches == TOUCHES_MAX)
                return; /* the next put writes them; until then the rest count as not used */
        memcpy(c->touches[c->n_touches++].key, key, KEY_BYTES);
}

static void count_hit(struct rf_cache *c, const struct rf_cache_entry *e, uint64_t now_us)
{
        if (e->fresh_until_us > now_us)
                c->stats.hits++;
        else
                c->stats.stale_hits++;
        if (e->is_negative)
                c->stats.negative_hits++;
}

int rf_cache_get(struct rf_cache *c, const void *key, size_t key_size, uint64_t now_us, struct rf_cache_entry *ret)
{
        struct rf_cache_entry e = { 0 };
        uint8_t k[KEY_BYTES];
        const void *value;
        size_t size;
        MDB_val v;
        int r;

        short_key(key, key_size, k);
        r = look_up(c, k, &v);
        if (r == 0)
                r = read_record(&v, &e, &value, &size);
        if (r == 0) {
                set_clock(&e, now_us);
                r = last_use(&e) > now_us ? rf_buf_add(&e.value, value, size) : -ESTALE;
        }
        mdb_txn_reset(c->reader);
        if (r == -RF_ECORRUPT || r == -RF_EFOREIGN || r == -ESTALE) {
                c->stats.corrupt += r != -ESTALE;
                c->stats.expired += r == -ESTALE;
                (void)rf_cache_remove(c, key, key_size); /* unusable either way; eviction finds it later */
                r = -ENOENT;
        }
        if (r < 0) {
                c->stats.misses++;
                return r;
        }
        count_hit(c, &e, now_us);
        touch(c, k);
        *ret = e;
        return 0;
}

/* ---- Writing ---- */

/* Deleting what isn't there is success. */
static int delete_key(MDB_txn *txn, MDB_dbi table, void *key, size_t size)
{
        int r = mdb_del(txn, table, &(MDB_val){ size, key }, NULL);

        return r == MDB_NOTFOUND ? 0 : rf_env_error(r);
}

/* Forgets when a key was used. */
static int drop_age(struct rf_cache *c, MDB_txn *txn, uint8_t key[KEY_BYTES])
{
        MDB_val stamp;
        uint8_t age[8];
        int r = mdb_get(txn, c->stamps, &(MDB_val){ KEY_BYTES, key }, &stamp);

        if (r == MDB_NOTFOUND)
                return 0;
        if (r != 0)
                return rf_env_error(r);
        if (stamp.mv_size != sizeof(age))
                return -RF_ECORRUPT;
        memcpy(age, stamp.mv_data, sizeof(age));
        r = delete_key(txn, c->ages, age, sizeof(age));
        return r < 0 ? r : delete_key(txn, c->stamps, key, KEY_BYTES);
}

/* Whether the entry was ever read. */
static bool was_read(struct rf_cache *c, MDB_txn *txn, uint8_t key[KEY_BYTES])
{
        MDB_val stamp;

        return mdb_get(txn, c->stamps, &(MDB_val){ KEY_BYTES, key }, &stamp) == 0 && (stamp_of(&stamp) & STAMP_READ);
}

/* The key was used just now: put, or `is_read`. */
static int renew_age(struct rf_cache *c, MDB_txn *txn, uint8_t key[KEY_BYTES], bool is_read)
{
        MDB_val k = { KEY_BYTES, key };
        uint8_t age[8];
        int r = drop_age(c, txn, key);

        if (r < 0)
                return r;
        age_key(++c->stamp | (is_read ? STAMP_READ : 0), age);
        r = mdb_put(txn, c->ages, &(MDB_val){ sizeof(age), age }, &k, 0);
        if (r == 0)
                r = mdb_put(txn, c->stamps, &k, &(MDB_val){ sizeof(age), age }, 0);
        return rf_env_error(r);
}

static int drop(struct rf_cache *c, MDB_txn *txn, uint8_t key[KEY_BYTES])
{
        int r = drop_age(c, txn, key);

        return r < 0 ? r : delete_key(txn, c->entries, key, KEY_BYTES);
}

static int insert(struct rf_cache *c, MDB_txn *txn, uint8_t key[KEY_BYTES], bool is_read, const struct rf_cache_entry *e)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = write_record(&b, e, e->value.data, e->value.size);

        if (r >= 0)
                r = rf_env_error(mdb_put(txn, c->entries, &(MDB_val){ KEY_BYTES, key }, &(MDB_val){ b.size, b.data }, 0));
        return r < 0 ? r : renew_age(c, txn, key, is_read);
}

/* Writes down a few of the uses noted since; no put takes long for it. */
static int write_touches(struct rf_cache *c, MDB_txn *txn)
{
        for (int n = 0; n < TOUCHES_PER_PUT && c->n_touches > 0; n++) {
                uint8_t *key = c->touches[c->n_touches - 1].key;
                MDB_val v;
                int r = mdb_get(txn, c->entries, &(MDB_val){ KEY_BYTES, key }, &v);

                if (r == 0)
                        r = renew_age(c, txn, key, true);
                else
                        r = r == MDB_NOTFOUND ? 0 : rf_env_error(r);
                if (r < 0)
                        return r;
                c->n_touches--;
        }
        return 0;
}

static uint64_t pages_used(struct rf_cache *c, MDB_txn *txn)
{
        const MDB_dbi tables[] = { c->entries, c->ages, c->stamps };
        uint64_t bytes = 0;

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                MDB_stat st;

                if (mdb_stat(txn, tables[i], &st) == 0)
                        bytes += (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * (uint64_t)st.ms_psize;
        }
        return bytes;
}

/* The key of the entry to drop next: the oldest that was only put, unless the oldest that was read wasn't read for very long. */
static int find_victim(struct rf_cache *c, MDB_txn *txn, uint64_t entries, uint8_t ret_key[KEY_BYTES])
{
        MDB_cursor *cursor;
        MDB_val age, key, read_age, read_key;
        uint8_t first_read[8];
        int r = mdb_cursor_open(txn, c->ages, &cursor);

        if (r != 0)
                return r;
        age_key(STAMP_READ, first_read);
        read_age = (MDB_val){ sizeof(first_read), first_read };
        r = mdb_cursor_get(cursor, &read_age, &read_key, MDB_SET_RANGE);
        if (r != 0 || c->stamp - (stamp_of(&read_age) & ~STAMP_READ) <= READ_AGES_MAX * entries)
                r = mdb_cursor_get(cursor, &age, &key, MDB_FIRST);
        else
                key = read_key;
        if (r == 0 && key.mv_size != KEY_BYTES)
                r = MDB_CORRUPTED;
        if (r == 0)
                memcpy(ret_key, key.mv_data, KEY_BYTES);
        mdb_cursor_close(cursor);
        return r;
}

/*
 * Above the soft limit each put drops a few of the oldest entries, which keeps the size: a page is only given back once its neighbours
 * can take what is left of it, so counting pages after each one would drop far too many. Above the hard limit, as many as it takes.
 */
static int evict(struct rf_cache *c, MDB_txn *txn)
{
        uint64_t percent = c->options.size_max / 100, used = pages_used(c, txn);
        int most = used > percent * HARD_LIMIT_PERCENT ? EVICT_MANY : used > percent * SOFT_LIMIT_PERCENT ? EVICT_FEW : 0;
        MDB_stat entries;

        for (int n = 0; n < most; n++) {
                uint8_t k[KEY_BYTES];
                int r = mdb_stat(txn, c->entries, &entries);

                if (r == 0)
                        r = find_victim(c, txn, entries.ms_entries, k);
                if (r == MDB_NOTFOUND)
                        return 0;
                r = r != 0 ? rf_env_error(r) : drop(c, txn, k);
                if (r < 0)
                        return r;
                c->stats.evictions++;
        }
        return 0;
}

/* Ends a write transaction; the handle is gone either way. */
static int finish(struct rf_cache *c, MDB_txn *txn, int r)
{
        if (r < 0) {
                mdb_txn_abort(txn);
                return r;
        }
        r = rf_env_error(mdb_txn_commit(txn));
        if (r == 0)
                rf_syncer_mark(c->syncer);
        return r;
}

/* Says so once when nothing can be read or written any more. */
static int look_at_result(struct rf_cache *c, int r)
{
        if (r == -ENOTRECOVERABLE && !c->is_broken) {
                c->is_broken = true;
                if (c->options.broke)
                        c->options.broke(c->options.arg);
        }
        return r;
}

/* How a put went: what is new is said. */
static void note(struct rf_cache *c, int result)
{
        bool is_in_trouble = result < 0 && result != -ENOMEM;
        MDB_envinfo info = { 0 };
        MDB_stat stat = { 0 };

        if (is_in_trouble == (c->problem[0] != '\0'))
                return;
        c->problem[0] = '\0';
        if (is_in_trouble) {
                (void)mdb_env_info(c->mdb, &info); /* at worst the sentence is less exact */
                (void)mdb_env_stat(c->mdb, &stat);
                rf_trouble_text("cache", rf_env_path(c->env), (info.me_last_pgno + 1) * stat.ms_psize, c->options.size_max, result, c->problem);
        }
        if (c->options.trouble && result != -ENOTRECOVERABLE) /* that was said */
                c->options.trouble(c->options.arg, is_in_trouble ? c->problem : NULL);
}

const char *rf_cache_problem(const struct rf_cache *c)
{
        return c->problem[0] ? c->problem : NULL;
}

int rf_cache_put(struct rf_cache *c, const void *key, size_t key_size, const struct rf_cache_entry *entry)
{
        uint8_t k[KEY_BYTES];
        MDB_txn *txn;
        int r;

        if (entry->value.size > RF_CACHE_VALUE_MAX)
                return -RF_ELIMIT;
        short_key(key, key_size, k);
        r = look_at_result(c, rf_env_error(mdb_txn_begin(c->mdb, NULL, 0, &txn)));
        if (r == 0) {
                bool is_read;

                r = write_touches(c, txn);
                is_read = was_read(c, txn, k); /* fetched anew, it's as dear as before */
                if (r >= 0)
                        r = drop(c, txn, k);
                if (r >= 0)
                        r = evict(c, txn);
                if (r >= 0)
                        r = insert(c, txn, k, is_read, entry);
                r = finish(c, txn, r);
        }
        if (r < 0) {
                c->stats.put_failures++;
                c->n_touches = 0; /* whatever the trouble was, it isn't tried again with the next put */
        } else
                c->stats.puts++;
        note(c, r);
        return r;
}

int rf_cache_remove(struct rf_cache *c, const void *key, size_t key_size)
{
        uint8_t k[KEY_BYTES];
        MDB_txn *txn;
        int r;

        short_key(key, key_size, k);
        r = rf_env_error(mdb_txn_begin(c->mdb, NULL, 0, &txn));
        return r < 0 ? r : finish(c, txn, drop(c, txn, k));
}

int rf_cache_flush(struct rf_cache *c, uint64_t *ret_dropped)
{
        MDB_stat stat;
        MDB_txn *txn;
        int r = mdb_txn_begin(c->mdb, NULL, 0, &txn);

        if (r != 0)
                return rf_env_error(r);
        if ((r = mdb_stat(txn, c->entries, &stat)) == 0 && (r = mdb_drop(txn, c->entries, 0)) == 0 &&
            (r = mdb_drop(txn, c->ages, 0)) == 0)
                r = mdb_drop(txn, c->stamps, 0);
        r = finish(c, txn, rf_env_error(r));
        if (r < 0)
                return r;
        c->n_touches = 0;
        *ret_dropped = stat.ms_entries;
        return 0;
}

struct rf_cache_stats rf_cache_stats(struct rf_cache *c)
{
        struct rf_cache_stats stats = c->stats;
        MDB_stat entries;

        stats.bytes_max = c->options.size_max;
        if (mdb_txn_renew(c->reader) == 0) {
                if (mdb_stat(c->reader, c->entries, &entries) == 0)
                        stats.entries = entries.ms_entries;
                stats.bytes_used = pages_used(c, c->reader);
                mdb_txn_reset(c->reader);
        }
        return stats;
}
