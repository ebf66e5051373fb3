#include "redirect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "ctl.h"

/* Browsers connect ahead and send nothing: several connections at once, each with little time. */
enum { CONNECTIONS_MAX = 16, CONNECTION_MS = 10000 };

struct connection {
        int fd; /* -1: free */
        uint64_t until_ms;
        size_t n;
        char request[REDIRECT_REQUEST_MAX + 1];
};

static uint64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- Addresses ---- */

static int hex(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One value of a query, decoded. False: too long, or what no service sends. */
static bool decode(const char *s, size_t n, char *ret)
{
        size_t at = 0;

        for (size_t i = 0; i < n; i++) {
                char c = s[i] == '+' ? ' ' : s[i];

                if (c == '%') {
                        if (i + 2 >= n || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
                                return false;
                        c = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
                        i += 2;
                }
                if (c == '\0' || at + 1 >= REDIRECT_TEXT_MAX)
                        return false;
                ret[at++] = c;
        }
        ret[at] = '\0';
        return true;
}

bool redirect_parse(const char *address, struct redirect *ret)
{
        const char *query = strchr(address, '?');
        size_t end;

        *ret = (struct redirect){ 0 };
        query = query ? query + 1 : address;
        end = strcspn(query, "# \t\r\n");
        for (size_t at = 0; at < end;) {
                size_t n = strcspn(query + at, "&# \t\r\n"), name = strcspn(query + at, "=&# \t\r\n");
                char *to = NULL;

                if (name == 5 && strncmp(query + at, "state", 5) == 0)
                        to = ret->state;
                else if (name == 4 && strncmp(query + at, "code", 4) == 0)
                        to = ret->code;
                else if (name == 5 && strncmp(query + at, "error", 5) == 0)
                        to = ret->error;
                if (to && name < n && !decode(query + at + name + 1, n - name - 1, to))
                        return false;
                at += n + 1;
        }
        return ret->code[0] || ret->error[0];
}

/* ---- Answers ---- */

static const char *reason_of(unsigned status)
{
        return status == 200 ? "OK" : status == 404 ? "Not Found" : status == 405 ? "Method Not Allowed" : status == 431 ?
               "Request Header Fields Too Large" : "Bad Request";
}

void redirect_answer(int fd, unsigned status, const char *title, const char *text)
{
        char page[1024], head[256];
        int n = snprintf(page, sizeof(page),
                         "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>recflow</title>\n"
                         "<body style=\"font:1.2em/1.5 sans-serif;max-width:32em;margin:4em auto;padding:0 1em\">\n<h1>%s</h1>\n<p>%s</p>\n",
                         title, text);
        int m = snprintf(head, sizeof(head),
                         "HTTP/1.1 %u %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nCache-Control: no-store\r\n"
                         "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
                         status, reason_of(status), n);

        /* a browser that doesn't read its page has its own reasons: nothing depends on it */
        if (send(fd, head, (size_t)m, MSG_NOSIGNAL | MSG_MORE) == m)
                (void)!send(fd, page, (size_t)n, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        close(fd);
}

/* Whether the request brings the login back. Others are answered here, and their connection is closed. */
static bool serve(struct connection *c, const char *state, struct redirect *ret)
{
        char *target = strchr(c->request, ' '), *end = target ? strchr(target + 1, ' ') : NULL;
        size_t path = strlen(REDIRECT_PATH);
        int fd = c->fd;

        c->fd = -1;
        if (!end || strncmp(end, " HTTP/1.", 8) != 0) {
                redirect_answer(fd, 400, "Not understood", "This isn't an HTTP request.");
                return false;
        }
        *end = '\0';
        target++;
        if (strncmp(c->request, "GET ", 4) != 0)
                redirect_answer(fd, 405, "Not allowed", "Only GET is.");
        else if (strncmp(target, REDIRECT_PATH, path) != 0 || (target[path] != '?' && target[path] != '\0'))
                redirect_answer(fd, 404, "Nothing here", "recflowctl waits here for a login to come back.");
        else if (!redirect_parse(target, ret) || strcmp(ret->state, state) != 0)
                redirect_answer(fd, 400, "Not this login", "This isn't the login that was begun; recflowctl still waits for it.");
        else {
                c->fd = fd;
                return true;
        }
        return false;
}

/* ---- Waiting ---- */

int redirect_listen(unsigned port, unsigned *ret_port)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, r;

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, CONNECTIONS_MAX) < 0 ||
            getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
                r = -errno;
                close(fd);
                return r;
        }
        *ret_port = ntohs(a.sin_port);
        return fd;
}

/* The place of the connection that has the least time left is taken if all are in use. */
static void take_in(int listener, struct connection *connections)
{
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct connection *c = connections;

        if (fd < 0)
                return;
        for (size_t i = 0; i < CONNECTIONS_MAX && c->fd >= 0; i++)
                if (connections[i].fd < 0 || connections[i].until_ms < c->until_ms)
                        c = &connections[i];
        if (c->fd >= 0)
                close(c->fd);
        c->fd = fd;
        c->n = 0;
        c->until_ms = now_ms() + CONNECTION_MS;
}

/* Reads what has come. True: the login is back. */
static bool read_some(struct connection *c, const char *state, struct redirect *ret)
{
        ssize_t n = recv(c->fd, c->request + c->n, REDIRECT_REQUEST_MAX - c->n, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0) {
                close(c->fd);
                c->fd = -1;
                return false;
        }
        c->n += (size_t)n;
        c->request[c->n] = '\0';
        if (strstr(c->request, "\r\n\r\n") || strstr(c->request, "\n\n"))
                return serve(c, state, ret);
        if (c->n == REDIRECT_REQUEST_MAX) {
                redirect_answer(c->fd, 431, "Too long", "The request's head is longer than 8192 bytes.");
                c->fd = -1;
        }
        return false;
}

/* Waits for something to happen at one of them. 0, or -EINTR, -errno. Signals come in only while it waits, so that none is missed. */
static int wait_for_any(int listener, struct connection *connections, uint64_t until_ms, struct pollfd *fds)
{
        uint64_t now = now_ms(), wait_ms = until_ms > now ? until_ms - now : 0;
        struct timespec t;
        sigset_t blocked, old;
        int n;

        fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
                struct connection *c = &connections[i];

                if (c->fd >= 0 && c->until_ms <= now) {
                        close(c->fd);
                        c->fd = -1;
                }
                if (c->fd >= 0)
                        wait_ms = MIN(wait_ms, c->until_ms - now);
                fds[i + 1] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
        }
        t = (struct timespec){ .tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000 };
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGINT);
        sigaddset(&blocked, SIGTERM);
        sigprocmask(SIG_BLOCK, &blocked, &old);
        n = ctl_interrupts() ? -1 : ppoll(fds, CONNECTIONS_MAX + 1, &t, &old);
        if (n < 0)
                n = ctl_interrupts() ? -EINTR : errno == EINTR ? 0 : -errno;
        sigprocmask(SIG_SETMASK, &old, NULL);
        return MIN(n, 0);
}

int redirect_wait(int listener, const char *state, uint64_t timeout_ms, struct redirect *ret, int *ret_fd)
{
        struct connection *connections = calloc(CONNECTIONS_MAX, sizeof(*connections));
        struct pollfd fds[CONNECTIONS_MAX + 1];
        uint64_t until_ms = now_ms() + timeout_ms;
        bool is_back = false;
        int r = connections ? 0 : -ENOMEM;

        for (size_t i = 0; i < CONNECTIONS_MAX && connections; i++)
                connections[i].fd = -1;
        while (r == 0 && !is_back) {
                if (now_ms() >= until_ms) {
                        r = -ETIMEDOUT;
                        break;
                }
                r = wait_for_any(listener, connections, until_ms, fds);
                for (size_t i = 0; i < CONNECTIONS_MAX && r == 0 && !is_back; i++)
                        if (connections[i].fd >= 0 && connections[i].fd == fds[i + 1].fd && fds[i + 1].revents) {
                                is_back = read_some(&connections[i], state, ret);
                                if (is_back) {
                                        *ret_fd = connections[i].fd;
                                        connections[i].fd = -1;
                                }
                        }
                if (r == 0 && !is_back && (fds[0].revents & POLLIN))
                        take_in(listener, connections);
        }
        for (size_t i = 0; i < CONNECTIONS_MAX && connections; i++)
                if (connections[i].fd >= 0)
                        close(connections[i].fd);
        free(connections);
        return r;
}
