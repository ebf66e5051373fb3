#include "store/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/macros.h"

#define NEARLY_FULL (256u << 10) /* bytes: so little left isn't enough for a transaction */

static const char *for_store(const char *name)
{
        return strcmp(name, "cache") == 0 ? "raise size in [cache]" : "raise size in [state], or lower kept_max in [runs]";
}

static void no_space(const char *name, const char *path, uint64_t used, uint64_t max, char *buf, size_t size)
{
        struct statvfs fs;

        if (max > 0 && used + NEARLY_FULL >= max)
                snprintf(buf, size, "the %s store %s has grown to its limit of %llu MiB; %s", name, path, (unsigned long long)(max >> 20),
                         for_store(name));
        else if (statvfs(path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > 64 * (uint64_t)NEARLY_FULL)
                snprintf(buf, size, "the %s store %s can't be written: no space was left for it; free some on that disk, or %s", name, path,
                         for_store(name));
        else
                snprintf(buf, size, "the %s store %s can't be written: the disk is full; free some space there, and it goes on by itself",
                         name, path);
}

const char *rf_trouble_text(const char *name, const char *path, uint64_t used, uint64_t max, int error, char buf[static RF_TROUBLE_SIZE])
{
        static const struct {
                int error;
                const char *advice;
        } advice[] = {
                { EROFS, "mount that file system for writing, or name another directory in [daemon]" },
                { EACCES, "give the directory to the daemon's user" },
                { EPERM, "give the directory to the daemon's user" },
                { EDQUOT, "the quota of the daemon's user is used up: free some space, and it goes on by itself" },
                { EFBIG, "the daemon may not write files so large (LimitFSIZE, ulimit -f)" },
                { EIO, "the disk reports an error: see the kernel's log, and restore a copy on a sound disk" },
                { EMFILE, "the daemon may not open more files (LimitNOFILE, ulimit -n)" },
                { ENOTRECOVERABLE, "it has to be opened anew: the daemon ends, and its next start goes on" },
                { RF_ECORRUPT, "stop the daemon; at the next start the file is checked, and set aside if need be" },
        };
        const char *what = "";

        if (error == -ENOSPC) {
                no_space(name, path, used, max, buf, RF_TROUBLE_SIZE);
                return buf;
        }
        for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
                if (advice[i].error == -error)
                        what = advice[i].advice;
        snprintf(buf, RF_TROUBLE_SIZE, "the %s store %s can't be used: %s%s%s", name, path, rf_strerror(error), what[0] ? "; " : "", what);
        return buf;
}
