#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "options.h"

const struct option_entry options[OPT_COUNT] = {
        [OPT_SOCKET] = { "socket", "PATH", "the daemon's socket, before $RECFLOW_SOCKET", TEXT, 0, 0, NULL },
        [OPT_JSON] = { "json", NULL, "print only JSON on standard output", FLAG, 0, 0, NULL },
        [OPT_QUIET] = { "quiet", NULL, "print no progress and no hints", FLAG, 0, 0, NULL },
        [OPT_HELP] = { "help", NULL, "print help and exit", FLAG, 0, 0, NULL },
        [OPT_VERSION] = { "version", NULL, "print the version and exit", FLAG, 0, 0, NULL },
        [OPT_TRACKS] = { "tracks", "N", "how many tracks, 1..200", INTEGER, 1, 200, NULL },
        [OPT_DURATION] = { "duration", "TIME", "how long the playlist is, 1m..24h, such as 45m or 1h30m", DURATION, 60000, 86400000, NULL },
        [OPT_DEADLINE] = { "deadline", "TIME", "answer within this time, 100ms..1h, such as 20s", DURATION, 100, 3600000, NULL },
        [OPT_EXCLUDE_ARTIST] = { "exclude-artist", "NAME", "nothing by this artist; may be repeated", LIST, 0, 0, NULL },
        [OPT_NO_EXPLICIT] = { "no-explicit", NULL, "no explicit lyrics", FLAG, 0, 0, NULL },
        [OPT_LIKE] = { "like", "NAME", "like this artist, \"Artist - Title\" or URI; repeatable", LIST, 0, 0, NULL },
        [OPT_ARC] = { "arc", "SHAPE", "shape of the energy: steady, build, peak, wind-down", CHOICE, 0, 0,
                      "steady|build|peak|wind-down" },
        [OPT_SEED] = { "seed", "N", "another number, other tracks of the same wish (0)", INTEGER, 0, 9007199254740991, NULL },
        [OPT_STRICT] = { "strict", NULL, "exit with 4 if a wish can't be kept", FLAG, 0, 0, NULL },
        [OPT_FORMAT] = { "format", "FORMAT", "text, json, jspf, xspf, m3u, csv or uris", CHOICE, 0, 0, "text|json|jspf|xspf|m3u|csv|uris" },
        [OPT_OUTPUT] = { "output", "FILE", "write it to a file, not to standard output", TEXT, 0, 0, NULL },
        [OPT_DETACH] = { "detach", NULL, "don't wait: print the run's id", FLAG, 0, 0, NULL },
        [OPT_LIMIT] = { "limit", "N", "how many runs, 1..1000 (50)", INTEGER, 1, 1000, NULL },
        [OPT_STATE] = { "state", "STATE", "only waiting, running, done, failed, cancelled ones", CHOICE, 0, 0,
                        "waiting|running|done|failed|cancelled" },
        [OPT_AFTER] = { "after", "SEQ", "only changes after this number", INTEGER, 0, 9007199254740991, NULL },
        [OPT_PORT] = { "port", "N", "port of 127.0.0.1 that the browser returns to", INTEGER, 1, 65535, NULL },
        [OPT_PASTE] = { "paste", NULL, "the browser is elsewhere: read the address it ends at", FLAG, 0, 0, NULL },
        [OPT_TO] = { "to", "PROVIDER", "where to save (spotify)", TEXT, 0, 0, NULL },
        [OPT_SAVE_TO] = { "save-to", "PROVIDER", "save the playlist at a service, too", TEXT, 0, 0, NULL },
        [OPT_NAME] = { "name", "NAME", "name of the saved playlist, instead of its title", TEXT, 0, 0, NULL },
        [OPT_PUBLIC] = { "public", NULL, "the saved playlist is for everybody to see", FLAG, 0, 0, NULL },
        [OPT_SINCE] = { "since", "TIME", "only since then: 2h ago, or 2026-11-24", TIME, 0, 0, NULL },
        [OPT_UNTIL] = { "until", "TIME", "only those accepted before then, in the same form", TIME, 0, 0, NULL },
        [OPT_SECRETS] = { "secrets", NULL, "export logins, too: whoever has the file can use them", FLAG, 0, 0, NULL },
        [OPT_REPLACE] = { "replace", NULL, "records of the file replace those that are there", FLAG, 0, 0, NULL },
        [OPT_PROMETHEUS] = { "prometheus", NULL, "the older text format, which promtool reads", FLAG, 0, 0, NULL },
        [OPT_DUE] = { "due", NULL, "renew what will expire before the next visit", FLAG, 0, 0, NULL },
        [OPT_AGAIN] = { "again", NULL, "make another one, also if it's saved already", FLAG, 0, 0, NULL },
};

#define WISH (BIT(OPT_TRACKS) | BIT(OPT_DURATION) | BIT(OPT_DEADLINE) | BIT(OPT_EXCLUDE_ARTIST) | BIT(OPT_NO_EXPLICIT) | BIT(OPT_LIKE) | \
              BIT(OPT_ARC) | BIT(OPT_SEED))
#define RESULT (BIT(OPT_FORMAT) | BIT(OPT_OUTPUT) | BIT(OPT_STRICT))

const struct command commands[] = {
        { "recommend", "PROMPT", "make a playlist of a sentence", 0, WORDS_MAX,
          WISH | RESULT | BIT(OPT_DETACH) | BIT(OPT_SAVE_TO) | BIT(OPT_NAME) | BIT(OPT_PUBLIC), command_recommend },
        { "understand", "PROMPT", "show what a sentence means to recflow", 0, WORDS_MAX, WISH, command_understand },
        { "plan", "PROMPT", "show which calls a playlist would take", 0, WORDS_MAX, WISH, command_plan },
        { "follow", "RUN", "wait for a run and show its playlist", 1, 1, RESULT | BIT(OPT_AFTER), command_follow },
        { "cancel", "RUN", "cancel a run", 1, 1, 0, command_cancel },
        { "runs", "", "list runs, newest first", 0, 0, BIT(OPT_LIMIT) | BIT(OPT_STATE) | BIT(OPT_SINCE) | BIT(OPT_UNTIL),
          command_runs },
        { "show", "RUN", "show a run and its playlist", 1, 1, RESULT, command_show },
        { "order", "FILE", "put the tracks of a list in order (- is standard input)", 1, 1,
          BIT(OPT_ARC) | BIT(OPT_SEED) | BIT(OPT_FORMAT) | BIT(OPT_OUTPUT), command_order },
        { "save", "RUN", "save a run's playlist at a music service", 1, 1, BIT(OPT_TO) | BIT(OPT_NAME) | BIT(OPT_PUBLIC) | BIT(OPT_AGAIN),
          command_save },
        { "login", "PROVIDER", "log the daemon in to your account at a service", 1, 1, BIT(OPT_PORT) | BIT(OPT_PASTE), command_login },
        { "logout", "PROVIDER", "forget a login", 1, 1, 0, command_logout },
        { "providers", "", "list music services and what they can do", 0, 0, 0, command_providers },
        { "cache", "stats|flush", "look at the cache, or empty it", 1, 1, 0, command_cache },
        { "state", "export|import FILE", "write the daemon's state to a file, or read one in", 1, 2,
          BIT(OPT_SECRETS) | BIT(OPT_OUTPUT) | BIT(OPT_REPLACE), command_state },
        { "stats", "", "show times, rates and criteria of what was done", 0, 0, BIT(OPT_SINCE), command_stats },
        { "metrics", "", "print the same as OpenMetrics text, for Prometheus", 0, 0, BIT(OPT_PROMETHEUS), command_metrics },
        { "warm", "--due|add|remove|list|status", "keep what is often asked for warm", 0, WORDS_MAX,
          BIT(OPT_DUE) | BIT(OPT_LIKE), command_warm },
        { "ping", "", "ask whether the daemon answers", 0, 0, 0, command_ping },
        { "status", "", "show how the daemon is", 0, 0, 0, command_status },
        { "reload", "", "have the configuration read again", 0, 0, 0, command_reload },
        { "optimizations", "[set SWITCH on|off | profile baseline|full]", "list or switch them", 0, 3, 0, command_optimizations },
        { "version", "", "print the version", 0, 0, 0, command_version },
        { "help", "[COMMAND]", "print help", 0, 1, 0, command_help },
        { "complete", "-- WORD...", "print what the last word may become, for shells", 1, WORDS_MAX, 0, command_complete },
};
const size_t n_commands = ARRAY_SIZE(commands);

/* ---- Help ---- */

#define LEFT_COLUMNS 22u

/* What is too long for the left column has a line of its own. */
static void print_row(const char *left, const char *help)
{
        bool is_long = strlen(left) > LEFT_COLUMNS;

        printf("  %-*s%s%-*s %s\n", (int)LEFT_COLUMNS, left, is_long ? "\n  " : "", is_long ? (int)LEFT_COLUMNS : 0, "", help);
}

static void print_option(size_t o)
{
        char left[48];

        snprintf(left, sizeof(left), "--%s%s%s", options[o].name, options[o].argument ? " " : "", options[o].argument ? options[o].argument : "");
        print_row(left, options[o].help);
}

#define USAGE_COLUMNS 47u /* left for a command and its arguments, of 80 */

void args_print_help(const struct command *command)
{
        if (command) {
                bool is_wide = strlen(command->name) + strlen(command->arguments) > USAGE_COLUMNS;

                printf("Usage: recflowctl %s%s%s%s[OPTION]...\n\n%c%s.\n\nOptions:\n", command->name, command->arguments[0] ? " " : "",
                       command->arguments, is_wide ? "\n                  " : " ", toupper((unsigned char)command->help[0]), command->help + 1);
                for (size_t o = 0; o < OPT_COUNT; o++)
                        if ((command->options | COMMON) & BIT(o))
                                print_option(o);
                return;
        }
        printf("Usage: recflowctl COMMAND [OPTION]...\n\nTurns a sentence into an ordered playlist, through the daemon recflowd.\n\nCommands:\n");
        for (size_t i = 0; i < n_commands; i++) {
                char left[80];

                snprintf(left, sizeof(left), "%s%s%s", commands[i].name, commands[i].arguments[0] ? " " : "", commands[i].arguments);
                print_row(left, commands[i].help);
        }
        printf("\nOptions of all commands:\n");
        for (size_t o = 0; o < OPT_COUNT; o++)
                if (COMMON & BIT(o))
                        print_option(o);
        printf("\n\"recflowctl help COMMAND\" lists a command's options. See recflowctl(1).\n");
}

/* Commands with their options: for programs, such as completion. */
static int print_help_json(const struct ctl *c, const struct command *only)
{
        _cleanup_json_ json_t *all = json_object();
        int r = all ? 0 : -1;

        for (size_t i = 0; i < n_commands && r == 0; i++) {
                json_t *list = json_array();

                if (only && only != &commands[i]) {
                        json_decref(list);
                        continue;
                }
                for (size_t o = 0; o < OPT_COUNT && r == 0; o++)
                        if ((commands[i].options | COMMON) & BIT(o))
                                r = json_array_append_new(list, json_sprintf("--%s", options[o].name));
                if (json_object_set_new(all, commands[i].name, list) < 0)
                        r = -1;
        }
        return r < 0 ? ctl_out_of_memory(c) : ctl_print_json(c, all);
}

static int print_help(const struct ctl *c, const struct command *command)
{
        if (c->args.is_set[OPT_JSON])
                return print_help_json(c, command);
        args_print_help(command);
        return ctl_flush(c);
}

/* ---- Parsing ---- */

static size_t distance(const char *a, const char *b)
{
        size_t row[64], n = strlen(b);

        if (n >= ARRAY_SIZE(row))
                return n;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t above = row[j], best = MIN(above, row[j - 1]) + 1;

                        row[j] = MIN(best, diagonal + (a[i - 1] != b[j - 1]));
                        diagonal = above;
                }
        }
        return row[n];
}

static int unknown_command(const struct args *a, const char *name)
{
        const char *nearest = NULL;
        size_t best = 3;

        for (size_t i = 0; i < n_commands; i++)
                if (distance(name, commands[i].name) < best) {
                        best = distance(name, commands[i].name);
                        nearest = commands[i].name;
                }
        if (nearest)
                return ctl_usage(a, "there is no command \"%s\"; did you mean \"%s\"?", name, nearest);
        return ctl_usage(a, "there is no command \"%s\"; \"recflowctl help\" lists them. A sentence follows \"recflowctl recommend\".", name);
}

static int bad_value(const struct args *a, size_t o, const char *value, const char *what)
{
        return ctl_usage(a, "--%s %s: %s", options[o].name, value, what);
}

static int take_integer(struct args *a, size_t o, const char *value)
{
        char what[96], *end;
        long long v = strtoll(value, &end, 10);

        if (end == value || *end || v < options[o].min || v > options[o].max) {
                snprintf(what, sizeof(what), "a number from %lld to %lld is needed", (long long)options[o].min, (long long)options[o].max);
                return bad_value(a, o, value, what);
        }
        a->number[o] = v;
        return 0;
}

/* "45m", "1h30m", "90s", "500ms", "2d" in milliseconds; -1: not a duration. */
static int64_t parse_duration(const char *text)
{
        static const struct {
                const char *unit;
                double ms;
        } units[] = { { "ms", 1 }, { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "m", 60000 }, { "s", 1000 } };
        double sum = 0;

        if (!*text)
                return -1;
        while (*text) {
                char *end;
                double v;
                bool is_known = false;

                if (!isdigit((unsigned char)*text))
                        return -1;
                v = strtod(text, &end);
                for (size_t i = 0; i < ARRAY_SIZE(units) && !is_known; i++)
                        if (strncmp(end, units[i].unit, strlen(units[i].unit)) == 0) {
                                sum += v * units[i].ms;
                                end += strlen(units[i].unit);
                                is_known = true;
                        }
                if (!is_known || sum > 1e12)
                        return -1;
                text = end;
        }
        return (int64_t)sum;
}

static int take_duration(struct args *a, size_t o, const char *value)
{
        int64_t ms = parse_duration(value);

        if (ms < options[o].min || ms > options[o].max)
                return bad_value(a, o, value, o == OPT_DEADLINE ? "a time from 100ms to 1h is needed, such as 20s" :
                                                               "a time from 1m to 24h is needed, such as 45m or 1h30m");
        a->number[o] = ms;
        return 0;
}

/* So long ago, or a date with or without time (UTC, as times are shown). */
static int take_time(struct args *a, size_t o, const char *value)
{
        static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ" };
        int64_t ago_ms = parse_duration(value), now_ms;
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        if (ago_ms >= 0 && ago_ms <= now_ms) {
                a->number[o] = now_ms - ago_ms;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
                struct tm tm = { 0 };
                const char *end = strptime(value, formats[i], &tm);

                if (end && !*end && tm.tm_year >= 70) {
                        a->number[o] = (int64_t)timegm(&tm) * 1000;
                        return 0;
                }
        }
        return bad_value(a, o, value, "so long ago, such as 2h or 3d, or a time such as 2026-11-24 or \"2026-11-24 10:00\" (UTC) is needed");
}

static int take_choice(const struct args *a, size_t o, const char *value)
{
        size_t n = strlen(value);
        char what[128];

        for (const char *at = options[o].choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
                if (strncmp(at, value, n) == 0 && (at[n] == '|' || at[n] == '\0'))
                        return 0;
        snprintf(what, sizeof(what), "one of %s is needed", options[o].choices);
        return bad_value(a, o, value, what);
}

static int take_list(const struct args *a, size_t o, const char *value, const char **list, size_t *n)
{
        if (*n == LIST_MAX)
                return bad_value(a, o, value, "at most 64 can be given");
        list[(*n)++] = value;
        return 0;
}

static int take_value(struct args *a, size_t o, const char *value)
{
        a->is_set[o] = true;
        a->text[o] = value;
        switch (options[o].kind) {
        case INTEGER:
                return take_integer(a, o, value);
        case DURATION:
                return take_duration(a, o, value);
        case CHOICE:
                return take_choice(a, o, value);
        case LIST:
                return o == OPT_LIKE ? take_list(a, o, value, a->like, &a->n_like) : take_list(a, o, value, a->excluded, &a->n_excluded);
        case TIME:
                return take_time(a, o, value);
        case FLAG:
        case TEXT:
                break;
        }
        return 0;
}

/* "--name", "--name=value", "--name value". How many arguments it took, or minus EXIT_USAGE. */
static int take_option(struct args *a, int argc, char **argv)
{
        const char *name = argv[0] + 2, *equals = strchr(name, '=');
        size_t n = equals ? (size_t)(equals - name) : strlen(name), o = 0;
        int r;

        while (o < OPT_COUNT && !(strncmp(options[o].name, name, n) == 0 && options[o].name[n] == '\0'))
                o++;
        if (o == OPT_COUNT)
                return -ctl_usage(a, "there is no option %s; --help lists them", argv[0]);
        if (options[o].kind == FLAG) {
                if (equals)
                        return -ctl_usage(a, "--%s takes no value", options[o].name);
                a->is_set[o] = true;
                return 1;
        }
        if (!equals && argc < 2)
                return -ctl_usage(a, "--%s needs a value: %s", options[o].name, options[o].help);
        r = take_value(a, o, equals ? equals + 1 : argv[1]);
        return r > 0 ? -r : equals ? 1 : 2;
}

static bool is_utf8(const char *s)
{
        json_t *j = json_string(s); /* takes nothing else */

        json_decref(j);
        return j != NULL;
}

/* The protocol is JSON, so what goes to the daemon must be UTF-8. Files may have any name. */
static int check_texts(const struct args *a, const struct command *c)
{
        bool has_files = c->run == command_order || c->run == command_state || c->run == command_complete;

        for (size_t i = 0; i < a->n_words && !has_files; i++)
                if (!is_utf8(a->words[i]))
                        return ctl_usage(a, "%s: the %s isn't UTF-8", c->name, c->options & BIT(OPT_LIKE) ? "prompt" : "argument");
        for (size_t i = 0; i < a->n_excluded; i++)
                if (!is_utf8(a->excluded[i]))
                        return ctl_usage(a, "--exclude-artist: the name isn't UTF-8");
        for (size_t i = 0; i < a->n_like; i++)
                if (!is_utf8(a->like[i]))
                        return ctl_usage(a, "--like: the name isn't UTF-8");
        for (size_t o = 0; o < OPT_COUNT; o++)
                if (a->is_set[o] && options[o].kind == TEXT && o != OPT_SOCKET && o != OPT_OUTPUT && !is_utf8(a->text[o]))
                        return ctl_usage(a, "--%s: the value isn't UTF-8", options[o].name);
        return 0;
}

static int check(const struct args *a, const struct command *c)
{
        for (size_t o = 0; o < OPT_COUNT; o++)
                if (a->is_set[o] && !((c->options | COMMON) & BIT(o)))
                        return ctl_usage(a, "%s takes no --%s; \"recflowctl help %s\" lists its options", c->name, options[o].name, c->name);
        if (a->is_set[OPT_HELP] || a->is_set[OPT_VERSION])
                return 0;
        if (a->n_words < c->words_min || a->n_words > c->words_max)
                return ctl_usage(a, "usage: recflowctl %s%s%s [OPTION]...", c->name, c->arguments[0] ? " " : "", c->arguments);
        if (a->is_set[OPT_JSON] && a->is_set[OPT_FORMAT] && !a->is_set[OPT_OUTPUT] && strcmp(a->text[OPT_FORMAT], "json") != 0)
                return ctl_usage(a, "--json prints only JSON; --format %s takes --output FILE then", a->text[OPT_FORMAT]);
        if (a->is_set[OPT_DETACH] && (a->is_set[OPT_FORMAT] || a->is_set[OPT_OUTPUT]))
                return ctl_usage(a, "--detach doesn't wait for a playlist; \"recflowctl follow RUN\" takes --format and --output");
        return check_texts(a, c);
}

int args_parse(struct args *a, int argc, char **argv, const struct command **ret_command)
{
        const struct command *command = NULL;
        bool only_words = false;

        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                a->wants_json |= strcmp(argv[i], "--json") == 0;
        for (int i = 1; i < argc;) {
                if (!only_words && strcmp(argv[i], "--") == 0) {
                        only_words = true;
                        i++;
                } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
                        int taken = take_option(a, argc - i, argv + i);

                        if (taken < 0)
                                return -taken;
                        i += taken;
                } else if (!only_words && strcmp(argv[i], "-h") == 0) {
                        a->is_set[OPT_HELP] = true;
                        i++;
                } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0')
                        return ctl_usage(a, "there is no option %s; --help lists them", argv[i]);
                else if (!command) {
                        for (size_t k = 0; k < n_commands && !command; k++)
                                if (strcmp(argv[i], commands[k].name) == 0)
                                        command = &commands[k];
                        if (!command)
                                return unknown_command(a, argv[i]);
                        i++;
                } else if (a->n_words == WORDS_MAX)
                        return ctl_usage(a, "more than %d words", WORDS_MAX);
                else
                        a->words[a->n_words++] = argv[i++];
        }
        *ret_command = command;
        return command ? check(a, command) : 0;
}

char *args_sentence(const struct args *a)
{
        struct rf_buf b = RF_BUF_INIT;
        int r = rf_buf_add(&b, "", 0);

        for (size_t i = 0; i < a->n_words && r >= 0; i++) {
                if (i > 0)
                        r = rf_buf_add_string(&b, " ");
                if (r >= 0)
                        r = rf_buf_add_string(&b, a->words[i]);
        }
        if (r >= 0)
                r = rf_buf_reserve(&b, 1);
        if (r < 0) {
                rf_buf_done(&b);
                return NULL;
        }
        b.data[b.size] = '\0';
        return rf_buf_take(&b, NULL);
}

int command_help(struct ctl *c)
{
        const char *name = c->args.n_words > 0 ? c->args.words[0] : NULL;

        if (!name)
                return print_help(c, NULL);
        for (size_t i = 0; i < n_commands; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return print_help(c, &commands[i]);
        return unknown_command(&c->args, name);
}
