#include "store/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

enum { SCHEMA_UNMARKED = 1 /* of stores that don't say */ };

static const char KEY[] = "schema";

static int look(MDB_txn *txn, uint32_t *ret)
{
        MDB_val key = { sizeof(KEY) - 1, (void *)KEY }, value;
        struct rf_reader reader;
        MDB_stat stat;
        MDB_dbi all, meta;
        int r = mdb_dbi_open(txn, NULL, 0, &all);

        if (r == 0)
                r = mdb_stat(txn, all, &stat);
        if (r != 0)
                return rf_env_error(r);
        *ret = stat.ms_entries > 0 ? SCHEMA_UNMARKED : 0;
        r = mdb_dbi_open(txn, "meta", 0, &meta);
        if (r == 0)
                r = mdb_get(txn, meta, &key, &value);
        if (r == MDB_NOTFOUND)
                return 0;
        if (r != 0)
                return rf_env_error(r);
        reader = (struct rf_reader){ .data = value.mv_data, .size = value.mv_size };
        return rf_reader_u32(&reader, ret) < 0 || *ret == 0 ? -RF_ECORRUPT : 0;
}

int rf_schema_read(MDB_env *mdb, uint32_t *ret)
{
        MDB_txn *txn;
        int r = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn);

        if (r != 0)
                return rf_env_error(r);
        r = look(txn, ret);
        mdb_txn_abort(txn);
        return r;
}

static const struct rf_env_step *find_step(const struct rf_env_options *o, uint32_t from)
{
        for (size_t i = 0; i < o->n_steps; i++)
                if (o->steps[i].from == from)
                        return &o->steps[i];
        return NULL;
}

static int write_schema(MDB_txn *txn, uint32_t schema)
{
        MDB_val key = { sizeof(KEY) - 1, (void *)KEY };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        MDB_dbi meta;
        int r = rf_buf_put_u32(&b, schema);

        if (r < 0)
                return r;
        r = mdb_dbi_open(txn, "meta", MDB_CREATE, &meta);
        if (r == 0)
                r = mdb_put(txn, meta, &key, &(MDB_val){ b.size, b.data }, 0);
        return rf_env_error(r);
}

static int take_steps(MDB_txn *txn, const struct rf_env_options *o, uint32_t found, const char *path, char *notice, size_t size)
{
        size_t at = (size_t)snprintf(notice, size, "%s was upgraded from version %u to %u", path, found, o->schema);
        int r;

        for (uint32_t from = found; from < o->schema; from++) {
                const struct rf_env_step *step = find_step(o, from);

                if (!step)
                        return -RF_EFOREIGN;
                r = step->run ? rf_env_error(step->run(txn, o->step_arg)) : 0;
                if (r < 0)
                        return r;
                if (at < size)
                        at += (size_t)snprintf(notice + at, size - at, "%s %s", from == found ? ":" : ";", step->what);
        }
        return 0;
}

int rf_schema_settle(MDB_env *mdb, const struct rf_env_options *o, uint32_t found, const char *path, char *notice, size_t notice_size)
{
        char text[512] = "";
        MDB_txn *txn;
        int r;

        if (found == o->schema)
                return 0;
        r = rf_env_error(mdb_txn_begin(mdb, NULL, 0, &txn));
        if (r < 0)
                return r;
        if (found > 0)
                r = take_steps(txn, o, found, path, text, sizeof(text));
        if (r >= 0)
                r = write_schema(txn, o->schema);
        if (r < 0) {
                mdb_txn_abort(txn);
                return r;
        }
        r = rf_env_error(mdb_txn_commit(txn));
        if (r >= 0 && text[0])
                snprintf(notice, notice_size, "%s", text);
        return r;
}
