#include "rude_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 512, REQUEST_MAX = 65536 };

static int listener = -1;
static pthread_t acceptor, threads[CONNECTIONS_MAX];
static unsigned n_threads;
static atomic_uint connections, requests, hangups;
static atomic_bool stops;

unsigned rude_server_connections(void)
{
        return connections;
}

unsigned rude_server_requests(void)
{
        return requests;
}

unsigned rude_server_hangups(void)
{
        return hangups;
}

static bool send_all(int fd, const void *data, size_t size)
{
        const char *at = data;

        while (size > 0) {
                ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

                if (n <= 0)
                        return false;
                at += n;
                size -= (size_t)n;
        }
        return true;
}

static bool send_text(int fd, const char *text)
{
        return send_all(fd, text, strlen(text));
}

static bool answer(int fd, unsigned status, const char *headers, const char *body)
{
        char head[1024];

        snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n", status, strlen(body), headers);
        return send_text(fd, head) && send_text(fd, body);
}

/* Waits until the client has gone, or the test is over. */
static void await_hangup(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

        while (!stops) {
                char c;

                if (poll(&p, 1, 20) > 0 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0) {
                        hangups++;
                        return;
                }
        }
}

static void drip(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLRDHUP };

        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while (!stops) {
                if (poll(&p, 1, 100) > 0 || !send_text(fd, "x")) {
                        hangups++;
                        return;
                }
        }
}

static void huge(int fd)
{
        char *block = calloc(1, 1 << 20);

        send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 100; i++)
                if (!send_text(fd, "100000\r\n") || !send_all(fd, block, 1 << 20) || !send_text(fd, "\r\n")) {
                        hangups++;
                        break;
                }
        free(block);
}

static void many_headers(int fd)
{
        send_text(fd, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 10000; i++) {
                char line[64];

                snprintf(line, sizeof(line), "X-Header-%d: value\r\n", i);
                if (!send_text(fd, line)) {
                        hangups++;
                        return;
                }
        }
}

static void long_header(int fd)
{
        send_text(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
        for (int i = 0; i < 1000; i++)
                if (!send_text(fd, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"))
                        return;
}

static void deep(int fd)
{
        enum { LEVELS = 5000 };
        static char body[2 * LEVELS + 1];

        memset(body, '[', LEVELS);
        memset(body + LEVELS, ']', LEVELS);
        body[2 * LEVELS] = '\0';
        answer(fd, 200, "", body);
}

/* A refusal of which the headers are whole and the body isn't. */
static void refuse_in_part(int fd, bool hangs)
{
        send_text(fd, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 763\r\nContent-Length: 60\r\n\r\n{\"err");
        if (hangs)
                await_hangup(fd);
}

/* Whether the connection stays open. */
static bool serve(int fd, const char *path, const char *request)
{
        const char *body = strstr(request, "\r\n\r\n") + 4;

        if (strcmp(path, "/ok") == 0)
                return answer(fd, 200, "X-Hello: world\r\n", "fine");
        if (strncmp(path, "http://", 7) == 0) /* as a proxy is asked */
                return answer(fd, 200, "", "by proxy");
        if (strcmp(path, "/echo") == 0)
                return answer(fd, 200, "", body);
        if (strncmp(path, "/status/", 8) == 0)
                return answer(fd, (unsigned)atoi(path + 8), "Retry-After: 7\r\n", "as you wish");
        if (strcmp(path, "/redirect-file") == 0)
                return answer(fd, 302, "Location: file:///etc/passwd\r\n", "");
        if (strcmp(path, "/redirect-private") == 0)
                return answer(fd, 302, "Location: http://10.0.0.1/\r\n", "");
        if (strcmp(path, "/close") == 0)
                answer(fd, 200, "", "fine");
        else if (strcmp(path, "/drip") == 0)
                drip(fd);
        else if (strcmp(path, "/huge") == 0)
                huge(fd);
        else if (strcmp(path, "/json-truncated") == 0)
                answer(fd, 200, "", "{\"content\":[{\"id\":\"a\",\"name\":\"An Art");
        else if (strcmp(path, "/json-deep") == 0)
                deep(fd);
        else if (strcmp(path, "/json-shape") == 0)
                answer(fd, 200, "", "{\"content\":42}");
        else if (strcmp(path, "/json-types") == 0)
                answer(fd, 200, "", "{\"content\":[{\"id\":5,\"name\":[\"x\"]},null,7]}");
        else if (strcmp(path, "/not-utf8") == 0)
                answer(fd, 200, "", "{\"content\":[{\"id\":\"a\",\"name\":\"\xff\xfe\"}]}");
        else if (strcmp(path, "/truncated") == 0)
                send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly so much");
        else if (strcmp(path, "/headers") == 0)
                many_headers(fd);
        else if (strcmp(path, "/long-header") == 0)
                long_header(fd);
        else if (strcmp(path, "/garbage") == 0)
                send_text(fd, "\x01\x02\x03 this is no HTTP at all\r\n\r\n");
        else if (strcmp(path, "/hang") == 0)
                await_hangup(fd);
        else if (strncmp(path, "/429-", 5) == 0)
                refuse_in_part(fd, strcmp(path, "/429-hang") == 0);
        return false;
}

static bool is_complete(const char *request, size_t size)
{
        const char *end = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "Content-Length:");
        size_t body = length && end && length < end ? strtoul(length + 15, NULL, 10) : 0;

        return end && size >= (size_t)(end - request) + 4 + body;
}

static void *serve_connection(void *arg)
{
        int fd = (int)(intptr_t)arg;
        char *request = calloc(1, REQUEST_MAX), method[16], path[256], *operation;
        bool stays = true;

        while (stays && !stops) {
                size_t size = 0;

                memset(request, 0, REQUEST_MAX);
                while (!is_complete(request, size) && size < REQUEST_MAX - 1) {
                        struct pollfd p = { .fd = fd, .events = POLLIN };
                        ssize_t n;

                        if (poll(&p, 1, 20) <= 0) {
                                if (stops)
                                        goto end;
                                continue;
                        }
                        n = recv(fd, request + size, REQUEST_MAX - 1 - size, 0);
                        if (n <= 0)
                                goto end;
                        size += (size_t)n;
                }
                requests++;
                if (sscanf(request, "%15s %255s", method, path) != 2)
                        break;
                operation = strstr(path, "/artist/search"); /* a provider whose base address ends in one of our paths */
                if (operation)
                        *operation = '\0';
                stays = serve(fd, path, request);
        }
end:
        close(fd);
        free(request);
        return NULL;
}

static void *accept_all(void *arg)
{
        (void)arg;
        while (!stops) {
                struct pollfd p = { .fd = listener, .events = POLLIN };
                int fd;

                if (poll(&p, 1, 20) <= 0)
                        continue;
                fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                connections++;
                if (n_threads == CONNECTIONS_MAX || pthread_create(&threads[n_threads], NULL, serve_connection, (void *)(intptr_t)fd) != 0)
                        close(fd);
                else
                        n_threads++;
        }
        return NULL;
}

uint16_t rude_server_start(void)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);

        stops = false;
        connections = requests = hangups = 0;
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *)&a, size) < 0 || listen(listener, 128) < 0 ||
            getsockname(listener, (struct sockaddr *)&a, &size) < 0 || pthread_create(&acceptor, NULL, accept_all, NULL) != 0)
                abort();
        return ntohs(a.sin_port);
}

void rude_server_stop(void)
{
        stops = true;
        pthread_join(acceptor, NULL);
        while (n_threads > 0)
                pthread_join(threads[--n_threads], NULL);
        close(listener);
}
