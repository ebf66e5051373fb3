/*
 * libcurl reads the certificates when the first TLS connection begins, and keeps them. So one is begun, to a socket of our own that
 * hangs up as soon as it has been spoken to.
 */
#include "net/http.h"

#include "sched/sched.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define WARM_UP_US (2 * USEC_PER_SEC) /* at most */

static int wait_readable(int fd)
{
        struct rf_io *io;
        int r = rf_io_new(fd, &io);

        if (r < 0)
                return r;
        r = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
        rf_io_free(io);
        return r;
}

/* What is sent first comes after the certificates were read. */
static int hang_up(void *arg)
{
        const int *listener = arg;
        int fd, r = wait_readable(*listener);

        if (r < 0)
                return r;
        fd = accept4(*listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = wait_readable(fd);
        close(fd);
        return r < 0 ? r : 0;
}

static int begin(struct rf_http *h, int *listener, uint16_t port)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        struct rf_http_response response;
        char url[64];
        int r = rf_group_new(RF_FOREVER, &g);

        if (r >= 0)
                r = rf_group_spawn(g, "warm-up", hang_up, listener);
        if (r < 0)
                return r;
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
        r = rf_http_perform(h, &(struct rf_http_request){ .url = url, .timeout_us = WARM_UP_US, .is_direct = true }, &response);
        if (r == 0)
                rf_http_response_done(&response);
        return r;
}

int rf_http_warm_up(struct rf_http *h)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int r, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&address, size) < 0 || listen(fd, 1) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                r = -errno;
        else
                r = begin(h, &fd, ntohs(address.sin_port));
        close(fd);
        return r;
}
