/* recflowd: arguments, wiring, one unwind. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "sched/sched.h"
#include "service/daemon.h"
#include "service/directories.h"
#include "service/log.h"
#include "service/plugins.h"

#define CONFIG_DEFAULT RECFLOW_CONFIG_DIR "/recflowd.conf"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 /* sysexits.h's EX_CONFIG: systemd knows it */ };

enum action { RUN, CHECK, SAMPLE };

static const struct {
        struct option option;
        const char *argument, *help;
} OPTIONS[] = {
        { { "config", required_argument, NULL, 'c' }, "FILE", "configuration file (" CONFIG_DEFAULT ")" },
        { { "socket", required_argument, NULL, 's' }, "PATH", "socket for clients, instead of the configured one" },
        { { "user", no_argument, NULL, 'u' }, NULL, "files and socket of this user (XDG directories), not of the system" },
        { { "check", no_argument, NULL, 'C' }, NULL, "check the configuration, plugins and their options, and exit" },
        { { "sample", no_argument, NULL, 'S' }, NULL, "print a configuration file with all options and exit" },
        { { "ready-fd", required_argument, NULL, 'r' }, "N", "write a newline to descriptor N once clients are served" },
        { { "version", no_argument, NULL, 'V' }, NULL, "print the version and exit" },
        { { "help", no_argument, NULL, 'h' }, NULL, "print this and exit" },
};

static void print_help(FILE *f)
{
        fputs("Usage: recflowd [OPTION]...\n\nThe daemon of recflow: turns sentences into playlists for its clients.\n\n", f);
        for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++) {
                char name[40];

                snprintf(name, sizeof(name), "--%s%s%s", OPTIONS[i].option.name, OPTIONS[i].argument ? " " : "",
                         OPTIONS[i].argument ? OPTIONS[i].argument : "");
                fprintf(f, "  %-18s %s\n", name, OPTIONS[i].help);
        }
        fputs("\nSee recflowd(8) and recflowd.conf(5).\n", f);
}

static int print_sample(void)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_settings_sample(&b);

        if (r >= 0 && (fwrite(b.data, 1, b.size, stdout) != b.size || fflush(stdout) != 0))
                r = -errno;
        if (r < 0)
                rf_log(RF_LOG_ERROR, "%s", rf_strerror(r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(const struct rf_daemon_options *o)
{
        _cleanup_(rf_config_freep) struct rf_config *c = NULL;
        struct rf_config_error error;
        int r = rf_daemon_configure(o, &c, &error);

        if (r >= 0)
                r = rf_plugins_check(c, &error);
        if (r == -RF_ECONFIG && error.line)
                fprintf(stderr, "%s:%u: %s\n", error.file, error.line, error.message);
        else if (r == -RF_ECONFIG)
                fprintf(stderr, "%s: %s\n", error.file, error.message);
        else if (r < 0)
                fprintf(stderr, "%s\n", rf_strerror(r));
        return r == -RF_ECONFIG ? EXIT_CONFIG : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct rf_daemon_options *o)
{
        _cleanup_(rf_daemon_freep) struct rf_daemon *d = NULL;
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        sigset_t set;
        int r;

        /* secrets and tokens lie in memory: no core file may hold them */
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        r = rf_daemon_new(o, &d);
        if (r >= 0)
                r = rf_sched_new(&(struct rf_sched_options){ 0 }, &s);
        if (r >= 0)
                r = rf_sched_run(s, rf_daemon_main, d);
        return r == -RF_ECONFIG ? EXIT_CONFIG : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void override(struct rf_daemon_options *o, enum rf_setting setting, const char *value, const char *where)
{
        o->overrides[o->n_overrides].setting = setting;
        o->overrides[o->n_overrides].value = value;
        o->overrides[o->n_overrides++].where = where;
}

/* systemd makes directories for a service and tells their names; what the command line says counts more. */
static void take_environment(struct rf_daemon_options *o)
{
        const char *state = getenv("STATE_DIRECTORY"), *cache = getenv("CACHE_DIRECTORY");

        if (state && state[0] == '/' && !strchr(state, ':'))
                override(o, RF_SET_STATE_DIRECTORY, state, "$STATE_DIRECTORY");
        if (cache && cache[0] == '/' && !strchr(cache, ':'))
                override(o, RF_SET_CACHE_DIRECTORY, cache, "$CACHE_DIRECTORY");
}

/* Everything of this user; what is said elsewhere counts more. */
static int take_user(struct rf_daemon_options *o, bool is_run)
{
        static struct rf_directories d; /* outlives the options */
        char message[512] = "";
        int r = rf_directories_find(&d, message, sizeof(message));

        if (r >= 0 && is_run)
                r = rf_directories_make(&d, message, sizeof(message));
        if (r < 0) {
                rf_log(RF_LOG_ERROR, "%s", message);
                return r;
        }
        if (!o->config_is_required)
                o->config_path = d.config_path;
        override(o, RF_SET_STATE_DIRECTORY, d.state, "--user");
        override(o, RF_SET_CACHE_DIRECTORY, d.cache, "--user");
        override(o, RF_SET_SOCKET, d.socket, "--user");
        return 0;
}

/* A descriptor's number. */
static int take_fd(const char *text, int *ret)
{
        char *end;
        long n = strtol(text, &end, 10);

        if (*end || end == text || n < 0 || n > 1 << 20)
                return -EINVAL;
        *ret = (int)n;
        return 0;
}

int main(int argc, char **argv)
{
        struct rf_daemon_options o = { .config_path = CONFIG_DEFAULT, .ready_fd = -1 };
        struct option options[ARRAY_SIZE(OPTIONS) + 1] = { 0 };
        enum action action = RUN;
        const char *socket = NULL;
        bool is_user = false;
        int c;

        for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++)
                options[i] = OPTIONS[i].option;
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        o.config_path = optarg;
                        o.config_is_required = true;
                        break;
                case 's':
                        socket = optarg;
                        break;
                case 'u':
                        is_user = true;
                        break;
                case 'C':
                        action = CHECK;
                        break;
                case 'S':
                        action = SAMPLE;
                        break;
                case 'r':
                        if (take_fd(optarg, &o.ready_fd) >= 0)
                                break;
                        fprintf(stderr, "recflowd: --ready-fd %s: the number of an open descriptor is needed\n", optarg);
                        return EXIT_USAGE;
                case 'V':
                        puts("recflowd " PACKAGE_VERSION);
                        return EXIT_SUCCESS;
                case 'h':
                        print_help(stdout);
                        return EXIT_SUCCESS;
                default:
                        fputs("recflowd --help lists the options\n", stderr);
                        return EXIT_USAGE;
                }
        if (optind < argc) {
                fprintf(stderr, "recflowd: unexpected argument \"%s\"; recflowd --help lists the options\n", argv[optind]);
                return EXIT_USAGE;
        }
        if (is_user && take_user(&o, action == RUN) < 0)
                return EXIT_CONFIG;
        take_environment(&o);
        if (socket)
                override(&o, RF_SET_SOCKET, socket, "--socket");
        return action == RUN ? run(&o) : action == CHECK ? check(&o) : print_sample();
}
