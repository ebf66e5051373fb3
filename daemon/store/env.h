/*
 * One LMDB environment in a directory of its own: locked against a second process, checked before it is opened, set aside and made
 * anew if it can't be trusted. Only store/ uses this.
 */
#pragma once

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_env;

struct rf_env_options {
        const char *directory;
        const char *name;       /* of the file: "cache" */
        uint64_t size_max;      /* bytes of the map */
        unsigned databases;
        bool is_synced;         /* each commit reaches the disk before it returns */
        bool is_expendable;     /* unsynced: thrown away if the machine went down while it was open */
        uint32_t schema;        /* a higher one on disk is left alone: -RF_EFOREIGN */
        const char *boot_id_path; /* NULL = the kernel's */
};

/*
 * `notice` is a sentence if something was set aside, else empty. -RF_EBUSY, -RF_EFOREIGN, -errno; `notice` then says what and where.
 */
int rf_env_open(const struct rf_env_options *o, struct rf_env **ret, char *notice, size_t notice_size);
/* Marks a clean stop, syncs, closes. */
struct rf_env *rf_env_close(struct rf_env *e);
DEFINE_CLEANUP(struct rf_env *, rf_env_close);

MDB_env *rf_env_mdb(struct rf_env *e);
const char *rf_env_set_aside_path(const struct rf_env *e); /* "" if nothing was */

/* LMDB's codes as ours. */
int rf_env_error(int mdb_code);
