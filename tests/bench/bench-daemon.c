/*
 * recflowd from outside: round trips beside a bare epoll server that answers the same bytes, 200 clients beside redis-server, the client
 * as a process beside /bin/true, and the daemon's own processor time for a warm playlist. Private directories, sockets and processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench.h"

#define CALL "{\"method\":\"io.recflow.admin.Ping\"}"
#define REPLY "{\"parameters\":{}}"
#define PLAYLIST "{\"method\":\"io.recflow.workflow.Recommend\",\"parameters\":{\"prompt\":\"rainy sunday jazz\",\"options\":{\"seed\":1}}}"

enum { TRIPS = 20000, CLIENTS = 200, REQUESTS = 100000, SPAWNS = 150, WARM = 40 };

static char directory[] = "/tmp/recflow-bench-XXXXXX";
static pid_t children[3];
extern char **environ;

static void fail(const char *what)
{
        fprintf(stderr, "bench-daemon: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void clean_up(void)
{
        char command[64];

        for (size_t i = 0; i < ARRAY_SIZE(children); i++)
                if (children[i] > 0) {
                        kill(children[i], SIGTERM);
                        waitpid(children[i], NULL, 0);
                }
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        if (system(command) != 0)
                fprintf(stderr, "%s is left behind\n", directory);
}

static struct sockaddr_un address_of(const char *name)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", directory, name);
        return a;
}

/* ---- The bare server: reads, answers the same bytes each time ---- */

static void serve_bare(int listener)
{
        int epoll = epoll_create1(0);
        struct epoll_event events[256], e = { .events = EPOLLIN, .data.fd = listener };

        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
        for (;;) {
                int n = epoll_wait(epoll, events, 256, -1);

                for (int i = 0; i < n; i++) {
                        char buf[4096];
                        ssize_t size;

                        if (events[i].data.fd == listener) {
                                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                                struct epoll_event c = { .events = EPOLLIN, .data.fd = fd };

                                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &c);
                                continue;
                        }
                        size = recv(events[i].data.fd, buf, sizeof(buf), 0);
                        if (size > 0)
                                send(events[i].data.fd, REPLY, sizeof(REPLY), MSG_NOSIGNAL);
                        else if (size == 0 || errno != EAGAIN)
                                close(events[i].data.fd);
                }
        }
}

static pid_t start_bare(void)
{
        struct sockaddr_un a = address_of("bare");
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        pid_t pid;

        if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 512) < 0)
                fail("bind");
        pid = fork();
        if (pid == 0)
                serve_bare(fd);
        close(fd);
        return pid;
}

/* ---- Processes ---- */

static pid_t spawn(char *const *argv, int keep_fd)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        if (keep_fd >= 0)
                posix_spawn_file_actions_adddup2(&actions, keep_fd, keep_fd);
        errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return errno ? -1 : pid;
}

static pid_t start_daemon(void)
{
        char config[128], fd[16], byte;
        int ready[2];
        pid_t pid;
        FILE *f;

        snprintf(config, sizeof(config), "%s/recflowd.conf", directory);
        f = fopen(config, "w");
        if (!f || pipe(ready) < 0)
                fail(config);
        fprintf(f, "[daemon]\nsocket = %s/recflowd\nstate_directory = %s/state\ncache_directory = %s/cache\nplugin_directory = " TEST_BUILDDIR
                   "/.libs\ndata_directory = " TEST_SRCDIR "/data\n[provider mock]\n", directory, directory, directory);
        fclose(f);
        snprintf(fd, sizeof(fd), "%d", ready[1]);
        pid = spawn((char *[]){ TEST_BUILDDIR "/recflowd", "--config", config, "--ready-fd", fd, NULL }, ready[1]);
        close(ready[1]);
        if (pid < 0 || read(ready[0], &byte, 1) != 1)
                fail("recflowd");
        close(ready[0]);
        return pid;
}

static pid_t start_redis(void)
{
        char path[128];
        pid_t pid;

        snprintf(path, sizeof(path), "%s/redis", directory);
        pid = spawn((char *[]){ "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", directory, NULL },
                    -1);
        for (int i = 0; pid > 0 && i < 2000 && access(path, F_OK) != 0; i++)
                usleep(5000); /* it has no other way to say that it listens */
        return access(path, F_OK) == 0 ? pid : 0;
}

/* ---- Clients ---- */

static int connect_to(const char *name)
{
        struct sockaddr_un a = address_of(name);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
                fail(name);
        return fd;
}

static void exchange(int fd, const char *call, size_t size, char end)
{
        static char buf[1 << 20];
        ssize_t n;

        if (send(fd, call, size, 0) != (ssize_t)size)
                fail("send");
        do {
                n = recv(fd, buf, sizeof(buf), 0);
                if (n <= 0)
                        fail("recv");
        } while (buf[n - 1] != end);
}

static double round_trip_us(const char *name)
{
        int fd = connect_to(name);
        double start;

        for (int i = 0; i < 200; i++)
                exchange(fd, CALL, sizeof(CALL), '\0');
        start = bench_now_ns();
        for (int i = 0; i < TRIPS; i++)
                exchange(fd, CALL, sizeof(CALL), '\0');
        start = (bench_now_ns() - start) / TRIPS / 1000.0;
        close(fd);
        return start;
}

/* 200 connections, each with one request under way: thousands of requests per second. */
static double crowd(const char *name, const char *call, size_t size)
{
        int fds[CLIENTS], epoll = epoll_create1(EPOLL_CLOEXEC), done = 0;
        struct epoll_event events[CLIENTS];
        double start;

        for (int i = 0; i < CLIENTS; i++) {
                struct epoll_event e = { .events = EPOLLIN, .data.fd = fds[i] = connect_to(name) };

                epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e);
        }
        start = bench_now_ns();
        for (int i = 0; i < CLIENTS; i++)
                if (send(fds[i], call, size, 0) < 0)
                        fail(name);
        while (done < REQUESTS) {
                int n = epoll_wait(epoll, events, CLIENTS, -1);

                for (int i = 0; i < n; i++) {
                        char buf[256];

                        if (recv(events[i].data.fd, buf, sizeof(buf), 0) <= 0 || send(events[i].data.fd, call, size, 0) < 0)
                                fail(name);
                        done++;
                }
        }
        start = bench_now_ns() - start;
        for (int i = 0; i < CLIENTS; i++)
                close(fds[i]);
        close(epoll);
        return done / (start / 1e9) / 1000.0;
}

static double process_ms(char *const *argv)
{
        double start = bench_now_ns();
        pid_t pid = spawn(argv, -1);
        int status;

        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
                fail(argv[0]);
        return (bench_now_ns() - start) / 1e6;
}

static double cpu_ms(pid_t pid)
{
        struct timespec t;
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
                fail("the daemon's processor time");
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- What is printed ---- */

static void bench_protocol(void)
{
        static const char redis_call[] = "*1\r\n$4\r\nPING\r\n"; /* as client libraries send it */
        double ours[BENCH_ROUNDS], bare[BENCH_ROUNDS], many[BENCH_ROUNDS], many_bare[BENCH_ROUNDS], redis[BENCH_ROUNDS];

        for (int i = 0; i < BENCH_ROUNDS; i++) {
                bare[i] = round_trip_us("bare");
                ours[i] = round_trip_us("recflowd");
                many_bare[i] = crowd("bare", CALL, sizeof(CALL));
                many[i] = crowd("recflowd", CALL, sizeof(CALL));
                redis[i] = children[2] > 0 ? crowd("redis", redis_call, sizeof(redis_call) - 1) : 0.0;
        }
        bench_print("protocol round trip", bench_median(ours, BENCH_ROUNDS), bench_median(bare, BENCH_ROUNDS), "us", "bare epoll, same bytes",
                    "target: ratio 1.6");
        bench_print("200 clients", bench_median(many, BENCH_ROUNDS), bench_median(many_bare, BENCH_ROUNDS), "k/s", "bare epoll, same bytes", "");
        if (children[2] > 0)
                bench_print("200 clients", bench_median(many, BENCH_ROUNDS), bench_median(redis, BENCH_ROUNDS), "k/s", "redis-server, PING",
                            "target: ratio over 1");
        else
                puts("200 clients beside redis-server: skipped, redis-server isn't installed");
}

static void bench_process(void)
{
        static double ours[SPAWNS], bare[SPAWNS];
        char path[128];

        snprintf(path, sizeof(path), "%s/recflowd", directory);
        for (int i = 0; i < SPAWNS; i++) {
                bare[i] = process_ms((char *[]){ "/bin/true", NULL });
                ours[i] = process_ms((char *[]){ TEST_BUILDDIR "/recflowctl/recflowctl", "--socket", path, "ping", NULL });
        }
        bench_print("recflowctl ping, as a process", bench_median(ours, SPAWNS), bench_median(bare, SPAWNS), "ms", "/bin/true",
                    "target: ratio 1.7");
}

static void bench_warm(void)
{
        double start, wall[WARM];
        int fd = connect_to("recflowd");

        exchange(fd, PLAYLIST, sizeof(PLAYLIST), '\0');
        start = cpu_ms(children[1]);
        for (int i = 0; i < WARM; i++) {
                wall[i] = bench_now_ns();
                exchange(fd, PLAYLIST, sizeof(PLAYLIST), '\0');
                wall[i] = (bench_now_ns() - wall[i]) / 1e6;
        }
        printf("%-34s %10.2f %-6s of processor time, %.2f ms in all  (target: below 5 ms)\n", "warm recommend",
               (cpu_ms(children[1]) - start) / WARM, "ms", bench_median(wall, WARM));
        close(fd);
}

int main(void)
{
        signal(SIGPIPE, SIG_IGN);
        if (!mkdtemp(directory))
                fail("mkdtemp");
        atexit(clean_up);
        children[0] = start_bare();
        children[1] = start_daemon();
        children[2] = start_redis();
        bench_protocol();
        bench_process();
        bench_warm();
        return 0;
}
