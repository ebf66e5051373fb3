#include "store/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "sched/sched.h"
#include "store/env.h"
#include "store/record.h"
#include "store/trouble.h"

enum { STATE_SCHEMA = 2, RECORD_VERSION = 1 };

static const char *const TABLE_NAMES[RF_TABLE_COUNT] = {
        [RF_TABLE_RUNS] = "runs", [RF_TABLE_LIMITS] = "limits", [RF_TABLE_TOKENS] = "tokens", [RF_TABLE_WARM] = "warm",
        [RF_TABLE_SAVES] = "saves", [RF_TABLE_STATS] = "stats", [RF_TABLE_USES] = "uses",
};

/*
 * From each version to the next. A change to what a table holds that an older version would misread takes one more: raise STATE_SCHEMA
 * and add the step that rewrites the records; all steps that a store needs run in one transaction at its opening.
 */
static const struct rf_env_step STEPS[] = {
        { 1, "the version stands in the file itself", NULL },
};

/* One write that waits for the next commit. */
struct write {
        struct rf_list link;
        enum rf_table table;
        MDB_val key, value; /* value without data: remove */
        int result;
        bool is_done;
        bool keeps, is_kept, replaced; /* as in struct rf_state_write */
};

struct rf_state {
        struct rf_env *env;
        struct rf_state_options options;
        MDB_dbi tables[RF_TABLE_COUNT];
        struct rf_list waiting;
        struct rf_waiters committed;
        bool is_committing;
        uint64_t corrupt;
        bool is_full; /* the last commit found no room in the map */
        char problem[RF_TROUBLE_SIZE]; /* "" if there is none */
        char explanation[RF_TROUBLE_SIZE];
};

/* The writes of one transaction. Used by a helper thread while their callers wait. */
struct batch {
        struct rf_state *state;
        struct rf_list writes;
};

static int open_tables(struct rf_state *s)
{
        MDB_txn *txn;
        int r = mdb_txn_begin(rf_env_mdb(s->env), NULL, 0, &txn);

        for (unsigned t = 0; t < RF_TABLE_COUNT && r == 0; t++) {
                if (!TABLE_NAMES[t])
                        continue;
                r = mdb_dbi_open(txn, TABLE_NAMES[t], MDB_CREATE, &s->tables[t]);
                if (r != 0)
                        mdb_txn_abort(txn);
        }
        if (r == 0)
                r = mdb_txn_commit(txn);
        return r == 0 ? 0 : rf_env_error(r);
}

const char *rf_state_table_name(enum rf_table table)
{
        return (size_t)table < RF_TABLE_COUNT ? TABLE_NAMES[table] : NULL;
}

int rf_state_open(const struct rf_state_options *o, struct rf_state **ret, char *notice, size_t notice_size)
{
        struct rf_env_options env = { .directory = o->directory, .name = "state", .size_max = o->size_max, .databases = RF_TABLE_COUNT,
                                      .is_synced = true, .schema = STATE_SCHEMA, .steps = STEPS, .n_steps = ARRAY_SIZE(STEPS) };
        _cleanup_(rf_state_closep) struct rf_state *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->options = *o;
        rf_list_init(&s->waiting);
        rf_waiters_init(&s->committed);
        r = rf_env_open(&env, &s->env, notice, notice_size);
        if (r >= 0)
                r = open_tables(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct rf_state *rf_state_close(struct rf_state *s)
{
        if (s) {
                rf_env_close(s->env);
                free(s);
        }
        return NULL;
}

/* ---- Trouble ---- */

const char *rf_state_explain(struct rf_state *s, int error)
{
        return rf_trouble_text("state", rf_env_path(s->env), rf_state_is_full(s) ? s->options.size_max : 0, s->options.size_max, error,
                               s->explanation);
}

/* Says so once when nothing can be read or written any more. */
static int look_at_result(struct rf_state *s, int r)
{
        void (*broke)(void *arg) = s->options.broke;

        if (r == -ENOTRECOVERABLE && broke) {
                s->options.broke = NULL;
                broke(s->options.arg);
        }
        return r;
}

/* How a commit went: what is new is said. */
static void note(struct rf_state *s, int result)
{
        bool is_in_trouble = result < 0 && result != -EINVAL && result != -ENOMEM;

        (void)look_at_result(s, result);
        if (is_in_trouble == (s->problem[0] != '\0'))
                return;
        snprintf(s->problem, sizeof(s->problem), "%s", is_in_trouble ? rf_state_explain(s, result) : "");
        if (s->options.trouble && result != -ENOTRECOVERABLE) /* that was said */
                s->options.trouble(s->options.arg, is_in_trouble ? s->problem : NULL);
}

const char *rf_state_problem(const struct rf_state *s)
{
        return s->problem[0] ? s->problem : NULL;
}

/* ---- Writing ---- */

static int apply(struct rf_state *s, MDB_txn *txn, struct write *w)
{
        MDB_val value = w->value;
        int r;

        if (w->value.mv_data) {
                r = mdb_put(txn, s->tables[w->table], &w->key, &value, MDB_NOOVERWRITE);
                w->is_kept = r == MDB_KEYEXIST && w->keeps;
                w->replaced = r == MDB_KEYEXIST && !w->keeps;
                if (w->replaced)
                        r = mdb_put(txn, s->tables[w->table], &w->key, &w->value, 0);
                return w->is_kept ? 0 : r;
        }
        r = mdb_del(txn, s->tables[w->table], &w->key, NULL);
        return r == MDB_NOTFOUND ? 0 : r;
}

static int apply_all(struct batch *b, MDB_txn *txn)
{
        int r = 0;

        rf_list_foreach(&b->writes, w, struct write, link)
                if (r == 0)
                        r = apply(b->state, txn, w);
        if (r == 0)
                return mdb_txn_commit(txn);
        mdb_txn_abort(txn);
        return r;
}

/* On a helper thread: one transaction. */
static int commit(void *arg)
{
        struct batch *b = arg;
        MDB_txn *txn;
        int r = mdb_txn_begin(rf_env_mdb(b->state->env), NULL, 0, &txn);

        if (r == 0)
                r = apply_all(b, txn);
        b->state->is_full = r == MDB_MAP_FULL;
        return rf_env_error(r);
}

static void move_all(struct rf_list *from, struct rf_list *to)
{
        while (!rf_list_is_empty(from)) {
                struct rf_list *l = from->next;

                rf_list_remove(l);
                rf_list_append(to, l);
        }
}

/* Off the loop. Where the map is full and something is removed, there is room for that. */
static int commit_off_loop(struct rf_state *s, struct batch *b)
{
        bool removes = false;
        int r = rf_offload(commit, b);

        rf_list_foreach(&b->writes, w, struct write, link)
                removes |= !w->value.mv_data;
        if (r != -ENOSPC || !removes || !rf_state_is_full(s))
                return r;
        r = rf_env_grow(s->env, true);
        if (r >= 0)
                r = rf_offload(commit, b);
        (void)rf_env_grow(s->env, false); /* at worst it stays a little larger until the next start */
        return r;
}

static void finish(struct rf_list *writes, int result)
{
        while (!rf_list_is_empty(writes)) {
                struct write *w = rf_list_first(writes, struct write, link);

                rf_list_remove(&w->link);
                w->result = result;
                w->is_done = true;
        }
}

/*
 * Commits what is waiting, in one transaction; where that fails, each alone, so that one too many doesn't fail the others. A reader on
 * the loop never sees more than one commit pass by (the environment has no table of readers): each is begun from the loop.
 */
static void commit_waiting(struct rf_state *s)
{
        struct batch all = { .state = s };
        int r;

        rf_list_init(&all.writes);
        move_all(&s->waiting, &all.writes);
        s->is_committing = true;
        r = commit_off_loop(s, &all);
        note(s, r);
        while (r < 0 && !rf_list_is_empty(&all.writes)) {
                struct batch one = { .state = s };
                struct rf_list *first = all.writes.next;

                rf_list_init(&one.writes);
                rf_list_remove(first);
                rf_list_append(&one.writes, first);
                r = commit_off_loop(s, &one);
                note(s, r);
                finish(&one.writes, r);
                r = -1;
        }
        finish(&all.writes, 0);
        s->is_committing = false;
        rf_wake_all(&s->committed);
}

/* The first of those who wait commits for all of them; those who come meanwhile are the next batch. */
static int write_through(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, const struct rf_buf *record)
{
        _cleanup_free_ struct write *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->table = table;
        w->key = (MDB_val){ key_size, (void *)key };
        if (record)
                w->value = (MDB_val){ record->size, record->data };
        rf_list_append(&s->waiting, &w->link);
        while (!w->is_done) {
                if (s->is_committing)
                        rf_wait_through(&s->committed);
                else
                        commit_waiting(s);
        }
        return w->result;
}

int rf_state_put(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, const void *value, size_t size)
{
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT;
        int r;

        if (key_size == 0 || key_size > RF_STORE_KEY_MAX)
                return -EINVAL;
        r = rf_record_wrap(&record, RECORD_VERSION, value, size);
        return r < 0 ? r : write_through(s, table, key, key_size, &record);
}

int rf_state_remove(struct rf_state *s, enum rf_table table, const void *key, size_t key_size)
{
        return write_through(s, table, key, key_size, NULL);
}

/* The writes of others wait meanwhile; they are the next batch. */
static int commit_all(struct rf_state *s, struct write *list, size_t n)
{
        struct batch batch = { .state = s };
        int r;

        rf_list_init(&batch.writes);
        for (size_t i = 0; i < n; i++)
                rf_list_append(&batch.writes, &list[i].link);
        while (s->is_committing)
                rf_wait_through(&s->committed);
        s->is_committing = true;
        r = rf_offload(commit, &batch);
        note(s, r);
        s->is_committing = false;
        rf_wake_all(&s->committed);
        return r;
}

int rf_state_put_all(struct rf_state *s, struct rf_state_write *writes, size_t n)
{
        struct rf_buf *records = calloc(MAX(n, (size_t)1), sizeof(*records));
        struct write *list = calloc(MAX(n, (size_t)1), sizeof(*list));
        int r = records && list ? 0 : -ENOMEM;

        for (size_t i = 0; i < n && r >= 0; i++) {
                r = writes[i].key_size == 0 || writes[i].key_size > RF_STORE_KEY_MAX ? -EINVAL :
                    rf_record_wrap(&records[i], RECORD_VERSION, writes[i].value, writes[i].size);
                list[i] = (struct write){ .table = writes[i].table, .keeps = writes[i].keeps,
                                          .key = { writes[i].key_size, (void *)writes[i].key }, .value = { records[i].size, records[i].data } };
        }
        if (r >= 0 && n > 0)
                r = commit_all(s, list, n);
        for (size_t i = 0; i < n && records && list; i++) {
                writes[i].is_kept = list[i].is_kept;
                writes[i].replaced = list[i].replaced;
                rf_buf_done(&records[i]);
        }
        free(records);
        free(list);
        return r;
}

/* ---- Reading ---- */

static int begin_read(struct rf_state *s, MDB_txn **ret)
{
        int r = mdb_txn_begin(rf_env_mdb(s->env), NULL, MDB_RDONLY, ret);

        return look_at_result(s, rf_env_error(r));
}

static int unwrap(struct rf_state *s, const MDB_val *value, const void **ret, size_t *ret_size)
{
        int r = rf_record_unwrap(value->mv_data, value->mv_size, RECORD_VERSION, ret, ret_size);

        if (r == -RF_ECORRUPT)
                s->corrupt++;
        return r;
}

int rf_state_get(struct rf_state *s, enum rf_table table, const void *key, size_t key_size, struct rf_buf *ret_value)
{
        MDB_val k = { key_size, (void *)key }, v;
        const void *payload;
        MDB_txn *txn;
        size_t size;
        int r = begin_read(s, &txn);

        if (r < 0)
                return r;
        r = mdb_get(txn, s->tables[table], &k, &v);
        r = r == MDB_NOTFOUND ? -ENOENT : r != 0 ? rf_env_error(r) : unwrap(s, &v, &payload, &size);
        if (r >= 0)
                r = rf_buf_add(ret_value, payload, size);
        mdb_txn_abort(txn);
        return r;
}

int rf_state_foreach(struct rf_state *s, enum rf_table table, bool newest_first,
                     int (*each)(void *arg, const void *key, size_t key_size, const void *value, size_t size), void *arg)
{
        MDB_cursor *cursor = NULL;
        MDB_val k, v;
        MDB_txn *txn;
        int r = begin_read(s, &txn), e;

        if (r < 0)
                return r;
        e = mdb_cursor_open(txn, s->tables[table], &cursor);
        if (e == 0)
                e = mdb_cursor_get(cursor, &k, &v, newest_first ? MDB_LAST : MDB_FIRST);
        while (e == 0 && r == 0) {
                const void *payload;
                size_t size;

                /* a damaged record is counted, and the others are still there */
                if (unwrap(s, &v, &payload, &size) >= 0)
                        r = each(arg, k.mv_data, k.mv_size, payload, size);
                if (r == 0)
                        e = mdb_cursor_get(cursor, &k, &v, newest_first ? MDB_PREV : MDB_NEXT);
        }
        if (cursor)
                mdb_cursor_close(cursor);
        mdb_txn_abort(txn);
        return r != 0 || e == 0 || e == MDB_NOTFOUND ? r : rf_env_error(e);
}

int rf_state_next(struct rf_state *s, enum rf_table table, const void *after, size_t after_size, struct rf_buf *ret_key,
                  struct rf_buf *ret_value)
{
        MDB_val k = { after_size, (void *)after }, v;
        MDB_cursor *cursor = NULL;
        const void *payload;
        MDB_txn *txn;
        size_t size;
        int r = begin_read(s, &txn), e;

        if (r < 0)
                return r;
        e = mdb_cursor_open(txn, s->tables[table], &cursor);
        if (e == 0)
                e = mdb_cursor_get(cursor, &k, &v, after_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
        if (e == 0 && after_size > 0 && k.mv_size == after_size && memcmp(k.mv_data, after, after_size) == 0)
                e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
        r = rf_env_error(e);
        if (r >= 0)
                r = rf_buf_add(ret_key, k.mv_data, k.mv_size);
        if (r >= 0)
                r = unwrap(s, &v, &payload, &size);
        if (r >= 0)
                r = rf_buf_add(ret_value, payload, size);
        if (cursor)
                mdb_cursor_close(cursor);
        mdb_txn_abort(txn);
        return r;
}

uint64_t rf_state_count(struct rf_state *s, enum rf_table table)
{
        MDB_stat stat = { 0 };
        MDB_txn *txn;

        if (!TABLE_NAMES[table] || begin_read(s, &txn) < 0)
                return 0;
        if (mdb_stat(txn, s->tables[table], &stat) != 0)
                stat.ms_entries = 0;
        mdb_txn_abort(txn);
        return stat.ms_entries;
}

uint64_t rf_state_corrupt(const struct rf_state *s)
{
        return s->corrupt;
}

uint64_t rf_state_bytes(struct rf_state *s)
{
        MDB_envinfo info;
        MDB_stat stat;

        if (mdb_env_info(rf_env_mdb(s->env), &info) != 0 || mdb_env_stat(rf_env_mdb(s->env), &stat) != 0)
                return 0;
        return (info.me_last_pgno + 1) * stat.ms_psize;
}

uint32_t rf_state_schema(const struct rf_state *s)
{
        return rf_env_schema(s->env);
}

bool rf_state_is_full(const struct rf_state *s)
{
        return s->is_full;
}

const char *rf_state_set_aside_path(const struct rf_state *s)
{
        return rf_env_set_aside_path(s->env);
}
