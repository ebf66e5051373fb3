#include "service/systemd.h"

#define SD_JOURNAL_SUPPRESS_LOCATION /* of our wrapper: it would always be the same */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

static bool is_ours(int fd, const char *name)
{
        static const char *const names[] = { "varlink", "recflowd.socket", "unknown", "connection" };

        if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, -1) <= 0)
                return false;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (!name || strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

int rf_systemd_sockets(int *ret_fds, size_t max)
{
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names), taken = 0;

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if ((size_t)taken < max && is_ours(fd, names ? names[i] : NULL) && fcntl(fd, F_SETFL, O_NONBLOCK) >= 0)
                        ret_fds[taken++] = fd;
                else
                        close(fd);
        }
        for (char **name = names; name && *name; name++)
                free(*name);
        free(names);
        return n < 0 ? n : n > 0 && taken == 0 ? -ENOTSOCK : taken;
}

bool rf_systemd_is_listening(int fd)
{
        return sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}

/* Nobody may be listening for these: that is no failure of ours. */

void rf_systemd_ready(const char *status)
{
        (void)sd_notifyf(0, "READY=1%s%s", status ? "\nSTATUS=" : "", status ? status : "");
}

void rf_systemd_reloading(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t); /* the protocol wants this clock */
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)t.tv_sec * 1000000ull + (unsigned long long)t.tv_nsec / 1000ull);
}

void rf_systemd_stopping(void)
{
        (void)sd_notify(0, "STOPPING=1");
}

void rf_systemd_alive(void)
{
        (void)sd_notify(0, "WATCHDOG=1");
}

uint64_t rf_systemd_watchdog_us(void)
{
        uint64_t us = 0;

        return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

bool rf_systemd_has_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        /* the variable is inherited by programs whose standard error was sent elsewhere */
        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
               st.st_dev == device && st.st_ino == inode;
}

int rf_systemd_journal(const char *const *fields, size_t n)
{
        struct iovec v[16];

        if (n > sizeof(v) / sizeof(*v))
                return -E2BIG;
        for (size_t i = 0; i < n; i++)
                v[i] = (struct iovec){ .iov_base = (char *)fields[i], .iov_len = strlen(fields[i]) };
        return sd_journal_sendv(v, (int)n);
}
