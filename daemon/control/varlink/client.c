#include "control/varlink/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"

struct rf_varlink_client {
        int fd;
        struct rf_varlink_reader reader;
        struct rf_buf output;
};

int rf_varlink_client_connect(const char *path, struct rf_varlink_client **ret)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(rf_varlink_client_freep) struct rf_varlink_client *c = NULL;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->reader.message_max = RF_MESSAGE_MAX;
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0)
                return -errno;
        if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        *ret = TAKE_PTR(c);
        return 0;
}

struct rf_varlink_client *rf_varlink_client_free(struct rf_varlink_client *c)
{
        if (!c)
                return NULL;
        if (c->fd >= 0)
                close(c->fd);
        rf_varlink_reader_done(&c->reader);
        rf_buf_done(&c->output);
        free(c);
        return NULL;
}

int rf_varlink_client_send(struct rf_varlink_client *c, const char *method, const json_t *parameters, unsigned flags)
{
        size_t sent = 0;
        int r;

        rf_buf_clear(&c->output);
        r = rf_varlink_put_call(&c->output, method, parameters, flags);
        if (r < 0)
                return r;
        while (sent < c->output.size) {
                ssize_t n = send(c->fd, c->output.data + sent, c->output.size - sent, MSG_NOSIGNAL);

                if (n >= 0)
                        sent += (size_t)n;
                else if (errno != EINTR) /* half a call can't be taken back */
                        return errno == ECONNRESET ? -EPIPE : -errno;
        }
        return 0;
}

int rf_varlink_client_receive(struct rf_varlink_client *c, struct rf_varlink_message *ret)
{
        for (;;) {
                const char *text;
                char *room;
                size_t size;
                ssize_t n;
                int r = rf_varlink_reader_next(&c->reader, &text, &size);

                if (r < 0)
                        return r;
                if (r > 0)
                        return rf_varlink_parse_reply(text, size, ret, NULL);
                r = rf_varlink_reader_room(&c->reader, &room, &size);
                if (r < 0)
                        return r;
                n = recv(c->fd, room, size, 0);
                if (n < 0)
                        return errno == ECONNRESET ? -EPIPE : -errno;
                if (n == 0)
                        return -EPIPE;
                rf_varlink_reader_filled(&c->reader, (size_t)n);
        }
}
