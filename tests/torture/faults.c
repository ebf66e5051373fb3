/*
 * Preloaded into a daemon: lets chosen allocations, writes and syncs fail, as on a machine that is short of memory or whose disk is full
 * or sick. $RECFLOW_FAULTS lists what fails: "malloc:N:K" is the N-th allocation and the K - 1 after it, likewise "write" (to regular
 * files: ENOSPC) and "sync" (EIO). With $RECFLOW_FAULTS_READY counting begins once the daemon has said that it's ready. Each failure is
 * told on standard error; with $RECFLOW_FAULTS_TRACE also where it was.
 */
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum kind { MALLOC, WRITE, SYNC, KINDS };

static const struct {
        const char *name;
        int error;
} kinds[KINDS] = { { "malloc", ENOMEM }, { "write", ENOSPC }, { "sync", EIO } };

static struct {
        _Atomic uint64_t count;
        uint64_t first, after; /* those of first..after - 1 fail; 0: none */
} plan[KINDS];

static bool traces;
static _Atomic bool counts = true;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* A crash says where it was. */
static void crashed(int number)
{
        void *frames[24];

        backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
        signal(number, SIG_DFL);
        raise(number);
}

__attribute__((constructor)) static void read_plan(void)
{
        const char *text = getenv("RECFLOW_FAULTS");
        void *here[1];

        traces = getenv("RECFLOW_FAULTS_TRACE") != NULL;
        atomic_store(&counts, getenv("RECFLOW_FAULTS_READY") == NULL);
        (void)backtrace(here, 1); /* it loads its library the first time */
        signal(SIGSEGV, crashed);
        signal(SIGBUS, crashed);
        signal(SIGABRT, crashed);
        for (int k = 0; k < KINDS && text; k++) {
                const char *at = strstr(text, kinds[k].name);
                char *end = NULL;
                uint64_t first = at ? strtoull(at + strlen(kinds[k].name) + 1, &end, 10) : 0;

                if (first > 0) {
                        plan[k].first = atomic_load(&plan[k].count) + first;
                        plan[k].after = plan[k].first + (*end == ':' ? strtoull(end + 1, NULL, 10) : 1);
                }
        }
}

/* Without allocating. */
static void tell(enum kind k, uint64_t n)
{
        char line[96];
        void *frames[24];
        int length = snprintf(line, sizeof(line), "faults: %s %llu fails\n", kinds[k].name, (unsigned long long)n);

        (void)!syscall(SYS_write, STDERR_FILENO, line, (size_t)length);
        if (traces)
                backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
}

static bool fails(enum kind k)
{
        uint64_t n = atomic_load(&counts) ? atomic_fetch_add(&plan[k].count, 1) + 1 : 0;

        if (n < plan[k].first || n >= plan[k].after)
                return false;
        tell(k, n);
        errno = kinds[k].error;
        return true;
}

/* Pipes, sockets, counters and the log aren't the disk. */
static bool write_fails(int fd)
{
        struct stat st;

        if (fd <= STDERR_FILENO || fstat(fd, &st) < 0)
                return false;
        if (S_ISFIFO(st.st_mode)) /* what --ready-fd names: the only pipe that it writes to */
                atomic_store(&counts, true);
        return S_ISREG(st.st_mode) && fails(WRITE);
}

EXPORT void *malloc(size_t size)
{
        return fails(MALLOC) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
        return fails(MALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t size)
{
        return fails(MALLOC) ? NULL : __libc_realloc(p, size);
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
        if (fails(MALLOC))
                return ENOMEM;
        *ret = __libc_memalign(alignment, size);
        return *ret ? 0 : ENOMEM;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
        return write_fails(fd) ? -1 : syscall(SYS_write, fd, data, size);
}

EXPORT ssize_t writev(int fd, const struct iovec *vector, int n)
{
        return write_fails(fd) ? -1 : syscall(SYS_writev, fd, vector, n);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
        return write_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, data, size, at);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *vector, int n, off_t at)
{
        return write_fails(fd) ? -1 : syscall(SYS_pwritev, fd, vector, n, at, 0);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at);
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
        return pwrite(fd, data, size, at);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *vector, int n, off64_t at);
EXPORT ssize_t pwritev64(int fd, const struct iovec *vector, int n, off64_t at)
{
        return pwritev(fd, vector, n, at);
}

EXPORT int fsync(int fd)
{
        return fails(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
        return fails(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

EXPORT int msync(void *address, size_t size, int flags)
{
        return fails(SYNC) ? -1 : (int)syscall(SYS_msync, address, size, flags);
}
