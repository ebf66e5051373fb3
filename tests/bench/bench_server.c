#include "bench_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRACKS = 10, EVENTS = 128, REQUEST_MAX = 4096 };

static char answer[4096];
static size_t answer_size;

static void make_answer(void)
{
        char body[2048];
        int n = snprintf(body, sizeof(body), "{\"tracks\":[");

        for (int i = 0; i < TRACKS; i++)
                n += snprintf(body + n, sizeof(body) - (size_t)n, "%s{\"id\":\"%022d\",\"title\":\"A Song of Middling Length\",\"isrc\":\"GBAAA26%05d\"}",
                              i > 0 ? "," : "", i, i);
        n += snprintf(body + n, sizeof(body) - (size_t)n, "]}");
        answer_size = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
}

/* Requests have no body, and come whole: a client sends each in one piece. */
static void serve(int epoll, int fd)
{
        char request[REQUEST_MAX];
        ssize_t n = recv(fd, request, sizeof(request), 0);

        if (n >= 4 && memcmp(request + n - 4, "\r\n\r\n", 4) == 0 && send(fd, answer, answer_size, MSG_NOSIGNAL) == (ssize_t)answer_size)
                return;
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
        close(fd);
}

static void serve_all(int listener)
{
        struct epoll_event events[EVENTS];
        int epoll = epoll_create1(EPOLL_CLOEXEC), on = 1;

        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
        for (;;) {
                int n = epoll_wait(epoll, events, EVENTS, -1);

                for (int i = 0; i < n; i++) {
                        int fd = events[i].data.fd;

                        if (fd != listener) {
                                serve(epoll, fd);
                                continue;
                        }
                        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                        if (fd < 0)
                                continue;
                        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
                }
        }
}

pid_t bench_server_start(uint16_t *ret_port)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t pid;

        if (listener < 0 || bind(listener, (struct sockaddr *)&a, size) < 0 || listen(listener, 512) < 0 ||
            getsockname(listener, (struct sockaddr *)&a, &size) < 0)
                return -1;
        make_answer();
        pid = fork();
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve_all(listener);
        }
        close(listener);
        *ret_port = ntohs(a.sin_port);
        return pid;
}

void bench_server_stop(pid_t pid)
{
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}
