/*
 * upstreamd: the simulated services over HTTP or HTTPS on loopback, for tests.
 *
 * They are at /spotify/v1, /accounts and /reccobeat/v1. The first line on standard output is the port; then a journal (journal.h).
 * It ends at SIGTERM, and when its standard input or its reader is closed. One thread, one loop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../plugins/mock/genres.h"
#include "exchange.h"
#include "journal.h"

#define SECOND UINT64_C(1000000)

enum { SOCKETS_MAX = 1024, OWN_SOCKETS = 3, ARTISTS_PER_GENRE = 6, FILE_MAX = 65536 };

struct arguments {
        uint16_t port;
        char *certificate, *key; /* contents; NULL: no TLS */
        uint64_t seed, speed, delay_ms;
        int weather;
        enum mock_profile profile;
        const char *list;
};

static const char usage[] =
        "usage: upstreamd [--port N] [--tls CERT KEY] [--weather NAME] [--seed N] [--profile extended|development] [--speed N]\n"
        "                 [--delay MS]\n"
        "       upstreamd --list artists|tracks [--seed N]\n"
        "weather: " MOCK_WEATHER_NAMES "\n";

/* ---- Arguments ---- */

static char *read_file(const char *path)
{
        FILE *f = fopen(path, "re");
        char *text = f ? calloc(1, FILE_MAX) : NULL;
        size_t n = text ? fread(text, 1, FILE_MAX - 1, f) : 0;

        if (f)
                fclose(f);
        if (n > 0)
                return text;
        fprintf(stderr, "upstreamd: can't read %s\n", path);
        free(text);
        return NULL;
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        return errno == 0 && end != text && !*end && *text != '-' && *ret >= min && *ret <= max;
}

static bool read_argument(struct arguments *a, int option, char **argv, int argc)
{
        uint64_t port;

        switch (option) {
        case 'p':
                if (!read_number(optarg, 0, UINT16_MAX, &port))
                        return false;
                a->port = (uint16_t)port;
                return true;
        case 't': /* takes two */
                if (optind >= argc)
                        return false;
                a->certificate = read_file(optarg);
                a->key = read_file(argv[optind++]);
                return a->certificate && a->key;
        case 'w':
                a->weather = mock_weather_find(optarg);
                return a->weather >= 0;
        case 's':
                return read_number(optarg, 0, UINT64_MAX, &a->seed);
        case 'o':
                a->profile = strcmp(optarg, "development") == 0 ? MOCK_PROFILE_DEVELOPMENT : MOCK_PROFILE_EXTENDED;
                return a->profile == MOCK_PROFILE_DEVELOPMENT || strcmp(optarg, "extended") == 0;
        case 'd':
                return read_number(optarg, 1, 1000000, &a->speed);
        case 'y':
                return read_number(optarg, 0, 60000, &a->delay_ms);
        case 'l':
                a->list = optarg;
                return strcmp(optarg, "artists") == 0 || strcmp(optarg, "tracks") == 0;
        default:
                return false;
        }
}

static bool read_arguments(struct arguments *a, int argc, char **argv)
{
        static const struct option options[] = {
                { "port", required_argument, NULL, 'p' },    { "tls", required_argument, NULL, 't' },
                { "weather", required_argument, NULL, 'w' }, { "seed", required_argument, NULL, 's' },
                { "profile", required_argument, NULL, 'o' }, { "speed", required_argument, NULL, 'd' },
                { "list", required_argument, NULL, 'l' },    { "delay", required_argument, NULL, 'y' },
                { 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                if (!read_argument(a, option, argv, argc))
                        return false;
        return optind == argc;
}

/* ---- The world, for those who need to know what's in it ---- */

/* The best known artists of each genre, in the form of data/artists.tsv. */
static void list_artists(const struct mock_world *w)
{
        for (size_t g = 0; g < mock_n_genres; g++) {
                uint32_t listed[ARTISTS_PER_GENRE];
                size_t n = 0;

                for (size_t i = 0; i < w->n_by_genre[g] && n < ARTISTS_PER_GENRE; i++) {
                        uint32_t artist = w->tracks[w->by_genre[g][i]].artist;
                        bool is_listed = false;

                        for (size_t k = 0; k < n; k++)
                                is_listed |= listed[k] == artist;
                        if (is_listed)
                                continue;
                        printf("%s%s", n > 0 ? "|" : mock_genres[g].name, n > 0 ? "" : "\t");
                        fputs(w->artists[artist].name, stdout);
                        listed[n++] = artist;
                }
                if (n > 0)
                        puts("\t");
        }
}

/* Spotify's URIs of all tracks. */
static void list_tracks(const struct mock_world *w)
{
        for (size_t i = 0; i < MOCK_TRACKS; i++)
                printf("spotify:track:%s\n", w->tracks[i].id);
}

/* ---- Serving ---- */

static struct MHD_Daemon *listen_on_loopback(const struct arguments *a, struct server *s)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(a->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, a->certificate },
                                        { MHD_OPTION_HTTPS_MEM_KEY, 0, a->key },
                                        { MHD_OPTION_END, 0, NULL } };
        unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (a->certificate ? MHD_USE_TLS : 0);

        return MHD_start_daemon(flags, a->port, NULL, NULL, exchange_handle, s, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
                                exchange_completed, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SOCKETS_MAX, MHD_OPTION_ARRAY,
                                a->certificate ? tls : &tls[2], MHD_OPTION_END);
}

/* Milliseconds until something is to be done without being told by a socket; -1: nothing is. */
static int timeout_of(struct MHD_Daemon *daemon, const struct server *s)
{
        uint64_t now_us = journal_now_us(), next_us = exchange_next_us(s), wait_ms;
        MHD_UNSIGNED_LONG_LONG own_ms;

        wait_ms = next_us == UINT64_MAX ? UINT64_MAX : next_us <= now_us ? 0 : (next_us - now_us + 999) / 1000;
        if (MHD_get_timeout(daemon, &own_ms) == MHD_YES && own_ms < wait_ms)
                wait_ms = own_ms;
        return wait_ms == UINT64_MAX ? -1 : wait_ms > 60000 ? 60000 : (int)wait_ms;
}

static bool input_has_ended(void)
{
        char text[256];
        ssize_t n = read(STDIN_FILENO, text, sizeof(text));

        return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static int serve(struct MHD_Daemon *daemon, struct server *s, int signals)
{
        static struct pollfd sockets[OWN_SOCKETS + SOCKETS_MAX];
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

        if (!info)
                return -EIO;
        sockets[0] = (struct pollfd){ .fd = info->epoll_fd, .events = POLLIN };
        sockets[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
        sockets[2] = (struct pollfd){ .fd = signals, .events = POLLIN };
        while (!s->is_ending) {
                size_t n = exchange_sockets(s, sockets + OWN_SOCKETS, SOCKETS_MAX);

                if (poll(sockets, OWN_SOCKETS + n, timeout_of(daemon, s)) < 0 && errno != EINTR)
                        return -errno;
                if (sockets[2].revents || (sockets[1].revents && input_has_ended()))
                        break;
                exchange_resume(s, sockets + OWN_SOCKETS, n);
                if (MHD_run(daemon) != MHD_YES)
                        return -EIO;
        }
        return 0;
}

static int take_signals(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct arguments *a, const struct mock_world *w)
{
        struct server s = { .speed = a->speed, .delay_us = a->delay_ms * 1000, .start_us = journal_now_us() };
        struct mock_services_options o = { .world = w, .weather = (enum mock_weather)a->weather, .weather_seed = a->seed, .profile = a->profile,
                                           .grace_us = SECOND / 2, .checks_user_agent = true };
        const union MHD_DaemonInfo *info;
        struct MHD_Daemon *daemon;
        int signals = take_signals(), r = mock_services_new(&o, &s.services);

        if (r < 0 || signals < 0)
                return r < 0 ? r : -errno;
        daemon = listen_on_loopback(a, &s);
        info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
        if (info) {
                printf("%u\n", info->port);
                fflush(stdout);
                r = serve(daemon, &s, signals);
        } else
                r = -EADDRNOTAVAIL;
        exchange_resume_all(&s);
        if (daemon)
                MHD_stop_daemon(daemon);
        mock_services_free(s.services);
        close(signals);
        return r;
}

int main(int argc, char **argv)
{
        struct arguments a = { .seed = 1, .speed = 1, .weather = MOCK_WEATHER_FINE };
        struct mock_world *w;
        int r;

        if (!read_arguments(&a, argc, argv)) {
                fputs(usage, stderr);
                return 2;
        }
        r = mock_world_new(1, &w); /* as the plugin's: the seed is the weather's */
        if (r == 0 && !a.list)
                r = run(&a, w);
        else if (r == 0)
                (strcmp(a.list, "artists") == 0 ? list_artists : list_tracks)(w);
        mock_world_free(w);
        free(a.certificate);
        free(a.key);
        if (r < 0)
                fprintf(stderr, "upstreamd: %s\n", strerror(-r));
        return r < 0;
}
