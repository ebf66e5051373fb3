#include "store/env.h"

#include "base/error.h"
#include "base/limits.h"
#include "store/meta.h"
#include "store/schema.h"
#include "store/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_ASIDE = 3, BOOT_ID_SIZE = 37, MARK_SIZE = 128,
       TRANSACTION_ROOM = 1 << 20 /* bytes for the pages that a transaction copies before it frees others */ };

struct rf_env {
        MDB_env *mdb;
        struct rf_env_options options;
        char directory[PATH_MAX / 4], path[PATH_MAX / 4 + 32], set_aside[PATH_MAX / 4 + 64], mark[PATH_MAX / 4 + 32];
        uint32_t mark_schema; /* what the mark says; 0 = nothing */
        int lock_fd;
};

_printf_(3, 4) static void say(char *notice, size_t size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(notice, size, format, ap);
        va_end(ap);
}

int rf_env_error(int code)
{
        switch (code) {
        case MDB_SUCCESS:
                return 0;
        case MDB_NOTFOUND:
                return -ENOENT;
        case MDB_KEYEXIST:
                return -EEXIST;
        case MDB_MAP_FULL:
        case MDB_TXN_FULL:
                return -ENOSPC;
        case MDB_VERSION_MISMATCH:
                return -RF_EFOREIGN;
        case MDB_PAGE_NOTFOUND:
        case MDB_CORRUPTED:
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
        case MDB_BAD_DBI:
                return -RF_ECORRUPT;
        case MDB_BAD_VALSIZE:
                return -EINVAL;
        case MDB_PANIC: /* after a write of the last page failed; opened anew, it is as it was before */
                return -ENOTRECOVERABLE;
        case MDB_READERS_FULL:
        case MDB_DBS_FULL:
                return -RF_ELIMIT;
        default:
                return code > 0 ? -code : -EIO;
        }
}

/* ---- The lock: one daemon per store ---- */

static int take_lock(struct rf_env *e, char *notice, size_t size)
{
        char path[sizeof(e->directory) + 64];

        snprintf(path, sizeof(path), "%s/%s.lock", e->directory, e->options.name);
        e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (e->lock_fd < 0)
                return -errno;
        if (flock(e->lock_fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK)
                        return -errno;
                say(notice, size, "%s: the store is in use by another recflowd", e->path);
                return -RF_EBUSY;
        }
        return 0;
}

/* ---- The mark: how it was left ---- */

/* "open SCHEMA BOOT-ID" while in use, "clean SCHEMA BOOT-ID" after a stop. */
static int read_boot_id(const struct rf_env *e, char id[BOOT_ID_SIZE])
{
        const char *path = e->options.boot_id_path ? e->options.boot_id_path : "/proc/sys/kernel/random/boot_id";
        FILE *f = fopen(path, "re");
        size_t n;

        id[0] = '\0';
        if (!f)
                return -errno;
        n = fread(id, 1, BOOT_ID_SIZE - 1, f);
        fclose(f);
        id[n] = '\0';
        id[strcspn(id, "\n")] = '\0';
        return id[0] ? 0 : -ENODATA;
}

static int write_mark(struct rf_env *e, const char *word)
{
        char id[BOOT_ID_SIZE], text[MARK_SIZE];
        int fd, n, r = 0;

        if (read_boot_id(e, id) < 0)
                snprintf(id, sizeof(id), "unknown");
        n = snprintf(text, sizeof(text), "%s %u %s\n", word, e->options.schema, id);
        fd = open(e->mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (write(fd, text, (size_t)n) != n || fsync(fd) < 0)
                r = errno ? -errno : -EIO;
        close(fd);
        return r;
}

/* 1: can't be trusted, with the reason in `why`; 0: fine or new. */
static int judge_mark(struct rf_env *e, char *why, size_t size)
{
        char word[16], mark_id[BOOT_ID_SIZE], id[BOOT_ID_SIZE];
        unsigned schema;
        FILE *f = fopen(e->mark, "re");
        int n;

        if (!f)
                return 0;
        n = fscanf(f, "%15s %u %36s", word, &schema, mark_id);
        fclose(f);
        if (n != 3)
                return 0; /* the mark itself was cut off: the file's own checks decide */
        e->mark_schema = schema;
        if (schema > e->options.schema || !e->options.is_expendable || strcmp(word, "open") != 0)
                return 0;
        if (read_boot_id(e, id) < 0 || strcmp(id, mark_id) == 0)
                return 0; /* only the process ended: what the kernel had is all there */
        say(why, size, "the machine went down while it was in use");
        return 1;
}

/* ---- The file ---- */

/* Whether LMDB may be let at the file. 1: damaged or foreign. */
static int judge_file(struct rf_env *e, char *why, size_t size)
{
        int fd = open(e->path, O_RDONLY | O_CLOEXEC), r = 0;
        struct rf_meta meta;
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (st.st_size > 0)
                r = rf_meta_read(fd, &meta);
        if (r == -RF_ECORRUPT) {
                say(why, size, "it isn't a store, or its first pages are damaged");
                r = 1;
        } else if (r == 0 && st.st_size > 0 && MIN(meta.last_page[0], meta.last_page[1]) >= (uint64_t)st.st_size / meta.page_size) {
                say(why, size, "it is cut off");
                r = 1;
        }
        close(fd);
        return r;
}

/* Moves the file to the next free `NAME.damaged-N`; the oldest beyond the newest few are removed. */
static int set_aside(struct rf_env *e, const char *why, char *notice, size_t size)
{
        unsigned n = 1;

        do
                snprintf(e->set_aside, sizeof(e->set_aside), "%s.damaged-%u", e->path, n);
        while (access(e->set_aside, F_OK) == 0 && ++n < 1000000);
        if (rename(e->path, e->set_aside) < 0 && errno != ENOENT)
                return -errno;
        say(notice, size, "%s was not usable (%s): set aside as %s, and a new one made", e->path, why, e->set_aside);
        if (n > KEPT_ASIDE) {
                char oldest[sizeof(e->set_aside)];

                snprintf(oldest, sizeof(oldest), "%s.damaged-%u", e->path, n - KEPT_ASIDE);
                if (unlink(oldest) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int open_mdb(struct rf_env *e)
{
        unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | MDB_NOSUBDIR | MDB_NOLOCK | (e->options.is_synced ? 0 : MDB_NOSYNC);
        int r = mdb_env_create(&e->mdb);

        if (r != 0)
                return rf_env_error(r);
        if ((r = mdb_env_set_mapsize(e->mdb, e->options.size_max + TRANSACTION_ROOM)) != 0 ||
            (r = mdb_env_set_maxdbs(e->mdb, e->options.databases + 1)) != 0 ||
            (r = mdb_env_open(e->mdb, e->path, flags, 0600)) != 0) {
                mdb_env_close(e->mdb);
                e->mdb = NULL;
                return rf_env_error(r);
        }
        return 0;
}

/* Of a newer recflow: left alone. */
static int refuse_newer(const struct rf_env *e, uint32_t found, char *notice, size_t size)
{
        say(notice, size, "%s was written by a newer version of recflow (its version is %u, this one understands up to %u); it is left as "
                          "it is. Install that version again, or move %s away to begin with an empty one%s", e->path, found,
            e->options.schema, e->directory,
            e->options.is_expendable ? "" : " (what \"recflowctl state export\" of the newer one wrote can be imported)");
        return -RF_EFOREIGN;
}

static int remake(struct rf_env *e, const char *why, char *notice, size_t size)
{
        int r;

        mdb_env_close(e->mdb);
        e->mdb = NULL;
        r = set_aside(e, why, notice, size);
        return r < 0 ? r : open_mdb(e);
}

/* A store that doesn't say it itself is of before version 2, unless its mark says otherwise. */
static int read_schema(struct rf_env *e, uint32_t *ret)
{
        int r = rf_schema_read(e->mdb, ret);

        if (r >= 0 && *ret == 1 && e->mark_schema > 1)
                *ret = e->mark_schema;
        return r;
}

/* Refuses what is newer, upgrades what is older, and says in a new one what it is. */
static int settle_schema(struct rf_env *e, char *notice, size_t size)
{
        uint32_t found = 0;
        int r = read_schema(e, &found);

        if (r >= 0 && found > e->options.schema)
                return refuse_newer(e, found, notice, size);
        if (r >= 0)
                r = rf_schema_settle(e->mdb, &e->options, found, e->path, notice, size);
        if (r == -RF_ECORRUPT || (r == -RF_EFOREIGN && e->options.is_expendable)) {
                r = remake(e, r == -RF_ECORRUPT ? rf_strerror(r) : "it is too old to be upgraded", notice, size);
                if (r >= 0)
                        r = rf_schema_settle(e->mdb, &e->options, 0, e->path, notice, size);
        }
        if (r == -RF_EFOREIGN)
                say(notice, size, "%s has version %u, which this version of recflow no longer reads; it is left as it is. A version of "
                                  "recflow between the two upgrades it", e->path, found);
        return r;
}

static int open_checked(struct rf_env *e, char *notice, size_t size)
{
        char why[160] = "";
        int r = judge_mark(e, why, sizeof(why));

        if (r == 0)
                r = judge_file(e, why, sizeof(why));
        if (r < 0)
                return r;
        if (r > 0 && (r = set_aside(e, why, notice, size)) < 0)
                return r;
        r = open_mdb(e);
        if (r == -RF_ECORRUPT || r == -RF_EFOREIGN) {
                r = set_aside(e, rf_strerror(r), notice, size);
                if (r >= 0)
                        r = open_mdb(e);
        }
        if (r >= 0)
                r = settle_schema(e, notice, size);
        if (r >= 0)
                r = write_mark(e, "open");
        return r;
}

int rf_env_open(const struct rf_env_options *o, struct rf_env **ret, char *notice, size_t notice_size)
{
        struct rf_env *e = calloc(1, sizeof(*e));
        int r;

        notice[0] = '\0';
        if (!e)
                return -ENOMEM;
        e->options = *o;
        e->lock_fd = -1;
        if ((size_t)snprintf(e->directory, sizeof(e->directory), "%s", o->directory) >= sizeof(e->directory)) {
                free(e);
                return -ENAMETOOLONG;
        }
        snprintf(e->path, sizeof(e->path), "%s/%s.mdb", e->directory, o->name);
        snprintf(e->mark, sizeof(e->mark), "%s/%s.mark", e->directory, o->name);
        if (mkdir(e->directory, 0700) < 0 && errno != EEXIST)
                r = -errno;
        else
                r = take_lock(e, notice, notice_size);
        if (r >= 0)
                r = open_checked(e, notice, notice_size);
        if (r < 0) {
                if (!notice[0]) {
                        char text[RF_TROUBLE_SIZE];

                        say(notice, notice_size, "%s", rf_trouble_text(o->name, e->path, 0, 0, r, text));
                }
                if (e->mdb)
                        mdb_env_close(e->mdb);
                if (e->lock_fd >= 0)
                        close(e->lock_fd);
                free(e);
                return r;
        }
        *ret = e;
        return 0;
}

struct rf_env *rf_env_close(struct rf_env *e)
{
        if (!e)
                return NULL;
        /* without the mark the next start is only more careful */
        if (mdb_env_sync(e->mdb, 1) == 0)
                (void)write_mark(e, "clean");
        mdb_env_close(e->mdb);
        close(e->lock_fd);
        free(e);
        return NULL;
}

MDB_env *rf_env_mdb(struct rf_env *e)
{
        return e->mdb;
}

int rf_env_grow(struct rf_env *e, bool is_grown)
{
        return rf_env_error(mdb_env_set_mapsize(e->mdb, e->options.size_max + (is_grown ? 2u : 1u) * (uint64_t)TRANSACTION_ROOM));
}

uint32_t rf_env_schema(const struct rf_env *e)
{
        return e->options.schema;
}

const char *rf_env_path(const struct rf_env *e)
{
        return e->path;
}

const char *rf_env_set_aside_path(const struct rf_env *e)
{
        return e->set_aside;
}
