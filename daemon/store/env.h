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

/*
 * How a store of schema `from` becomes one of `from` + 1. All steps that a store needs run in one transaction when it's opened: on a
 * failure nothing was changed. A step that isn't there can't be taken: such a store is refused (an expendable one is set aside).
 */
struct rf_env_step {
        uint32_t from;
        const char *what; /* for the log: "the schema stands in the store itself" */
        int (*run)(MDB_txn *txn, void *arg); /* 0, or one of LMDB's codes */
};

struct rf_env_options {
        const char *directory;
        const char *name;       /* of the file: "cache" */
        uint64_t size_max;      /* bytes of the map */
        unsigned databases;
        bool is_synced;         /* each commit reaches the disk before it returns */
        bool is_expendable;     /* unsynced: thrown away if the machine went down while it was open */
        uint32_t schema;        /* a higher one on disk is left alone: -RF_EFOREIGN; a lower one is upgraded */
        const struct rf_env_step *steps; /* from each schema that is understood to the next */
        size_t n_steps;
        void *step_arg;
        const char *boot_id_path; /* NULL = the kernel's */
};

/*
 * `notice` is a sentence if something was set aside or upgraded, else empty. -RF_EBUSY, -RF_EFOREIGN, -errno; `notice` then says what,
 * where, and what would help.
 */
int rf_env_open(const struct rf_env_options *o, struct rf_env **ret, char *notice, size_t notice_size);
/* Marks a clean stop, syncs, closes. */
struct rf_env *rf_env_close(struct rf_env *e);
DEFINE_CLEANUP(struct rf_env *, rf_env_close);

MDB_env *rf_env_mdb(struct rf_env *e);
/* Gives a full map the room that a removal needs, and takes it back. No transaction may be open. */
int rf_env_grow(struct rf_env *e, bool is_grown);
const char *rf_env_set_aside_path(const struct rf_env *e); /* "" if nothing was */
uint32_t rf_env_schema(const struct rf_env *e);
const char *rf_env_path(const struct rf_env *e); /* of the file */

/* LMDB's codes as ours. */
int rf_env_error(int mdb_code);
