#include "control/varlink/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macros.h"

enum { BACKLOG = 512 };

struct place {
        char *message;
        size_t size;
};

static int say(const struct place *p, int r, const char *path, const char *what)
{
        snprintf(p->message, p->size, "%s: %s", path, what);
        return r;
}

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

/* Whether anybody answers there: 1, 0 (nobody; the file is stale or absent), or an error. */
static int probe(const struct sockaddr_un *address)
{
        _cleanup_(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
                return 1;
        return errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
}

int rf_socket_listen(const char *path, mode_t mode, int *ret_fd, char *message, size_t message_size)
{
        const struct place p = { message, message_size };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(close_fd) int fd = -1;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return say(&p, -ENAMETOOLONG, path, "the path of a socket has at most 107 bytes");
        strcpy(address.sun_path, path);
        r = probe(&address);
        if (r > 0)
                return say(&p, -RF_EBUSY, path, "another daemon answers at this socket; stop it, or choose another path");
        if (r == -EEXIST)
                return say(&p, r, path, "there is something else than a socket at this path");
        if (r < 0)
                return say(&p, r, path, rf_strerror(r));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return say(&p, -errno, path, rf_strerror(-errno));
        if (unlink(path) < 0 && errno != ENOENT)
                return say(&p, -errno, path, rf_strerror(-errno));
        /* nobody can connect before listen(), so that the mode is right before the first one does */
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0)
                return say(&p, -errno, path, rf_strerror(-errno));
        *ret_fd = TAKE_FD(fd);
        return 0;
}
