#include "store/snapshot.h"

#include "base/error.h"
#include "store/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The stores are opened without LMDB's table of readers, so that a reader of another process isn't waited for. But LMDB never writes to
 * a page of the newest commit, and none of the one before until the next but one has begun: if the newest commit is still the same after
 * the copying, then everything that belongs to it was copied whole.
 */
enum { TRIES = 20, COPY_STEP = 1 << 20 };

static int copy_bytes(int from, int to)
{
        static char buffer[COPY_STEP];
        off_t at = 0;
        ssize_t n;

        while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
                if (pwrite(to, buffer, (size_t)n, at) != n)
                        return errno ? -errno : -EIO;
                at += n;
        }
        return n < 0 ? -errno : 0;
}

static int copy(int from, int to)
{
        for (int i = 0; i < TRIES; i++) {
                struct rf_meta before, after;
                int r = rf_meta_read(from, &before);

                if (r >= 0 && ftruncate(to, 0) < 0)
                        r = -errno;
                if (r >= 0)
                        r = copy_bytes(from, to);
                if (r >= 0)
                        r = rf_meta_read(from, &after);
                if (r < 0 || before.newest_commit == after.newest_commit)
                        return r;
        }
        return -EBUSY;
}

int rf_store_snapshot(const char *directory, const char *name, const char *to_directory, char *message, size_t size)
{
        char path[PATH_MAX / 4], to_path[PATH_MAX / 4];
        int from, to, r;

        if (snprintf(path, sizeof(path), "%s/%s.mdb", directory, name) >= (int)sizeof(path) ||
            snprintf(to_path, sizeof(to_path), "%s/%s.mdb", to_directory, name) >= (int)sizeof(to_path))
                return -ENAMETOOLONG;
        from = open(path, O_RDONLY | O_CLOEXEC);
        r = from < 0 ? -errno : 0;
        to = r < 0 ? -1 : open(to_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (r >= 0)
                r = to < 0 ? -errno : copy(from, to);
        if (to >= 0)
                close(to);
        if (from >= 0)
                close(from);
        if (r < 0)
                snprintf(message, size, "%.300s: %s", path, r == -EBUSY ? "it changes all the time" : rf_strerror(r));
        return r;
}
