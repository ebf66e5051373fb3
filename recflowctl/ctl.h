/* What all commands share: arguments, the connection, results. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/macros.h"
#include "control/varlink/client.h"

#define WORKFLOW "io.recflow.workflow"
#define ADMIN "io.recflow.admin"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3, EXIT_UNMET = 4, EXIT_LOGIN = 5, EXIT_INTERRUPTED = 130 };

/* Every option of every command; which command takes which stands in the table (options.c). */
enum option {
        OPT_SOCKET, OPT_JSON, OPT_QUIET, OPT_HELP, OPT_VERSION, OPT_TRACKS, OPT_DURATION, OPT_DEADLINE, OPT_EXCLUDE_ARTIST, OPT_NO_EXPLICIT, OPT_LIKE,
        OPT_ARC, OPT_SEED, OPT_STRICT, OPT_FORMAT, OPT_OUTPUT, OPT_DETACH, OPT_LIMIT, OPT_STATE, OPT_AFTER, OPT_PORT,
        OPT_PASTE, OPT_TO, OPT_SAVE_TO, OPT_NAME, OPT_PUBLIC, OPT_AGAIN,
        OPT_SINCE, OPT_UNTIL,
        OPT_SECRETS, OPT_REPLACE,
        OPT_PROMETHEUS,
        OPT_DUE,
        OPT_COUNT
};

enum { LIST_MAX = 64, WORDS_MAX = 256 };

struct args {
        bool is_set[OPT_COUNT];
        bool wants_json; /* --json is among the arguments, whatever is wrong with them */
        const char *text[OPT_COUNT]; /* the last one given */
        int64_t number[OPT_COUNT];   /* integers; durations in milliseconds; times in milliseconds since 1970 */
        const char *excluded[LIST_MAX], *like[LIST_MAX];
        size_t n_excluded, n_like;
        const char *words[WORDS_MAX]; /* what isn't an option */
        size_t n_words;
};

struct ctl {
        struct args args;
        const char *socket;
        struct rf_varlink_client *client;
};

struct command {
        const char *name;
        const char *arguments; /* as in "[set SWITCH on|off | profile baseline|full]": completion reads it, too */
        const char *help;
        size_t words_min, words_max;
        uint64_t options; /* bits, beside those that all take */
        int (*run)(struct ctl *c);
};

extern const struct command commands[];
extern const size_t n_commands;

#define BIT(option) (UINT64_C(1) << (option))

/* ---- options.c ---- */

/* Parses what follows the command's name, and options before it. 0, or EXIT_USAGE after a message. */
int args_parse(struct args *a, int argc, char **argv, const struct command **ret_command);
void args_print_help(const struct command *command); /* NULL: of the whole program */
/* The words, joined by blanks; free(). NULL: out of memory. */
char *args_sentence(const struct args *a);

/* ---- connection.c ---- */

/*
 * One call and its reply, connecting first where need be. 0: `ret` has the parameters (a new reference, never NULL). Otherwise an
 * exit code, after a message.
 */
int ctl_call(struct ctl *c, const char *method, const json_t *parameters, json_t **ret);
/* The same in steps, for streams; -EINTR passes through as it is. */
int ctl_start(struct ctl *c, const char *method, const json_t *parameters, unsigned flags);
void ctl_disconnect(struct ctl *c); /* the next call connects anew */
int ctl_next(struct ctl *c, json_t **ret, bool *ret_continues);
/* Tells of a failure, on standard error, and as JSON where it is wished. Returns `code`. */
_printf_(4, 5) int ctl_fail(const struct ctl *c, enum exit_code code, const char *error, const char *format, ...);
/* The same of wrong arguments: EXIT_USAGE. */
_printf_(2, 3) int ctl_usage(const struct args *a, const char *format, ...);
_printf_(2, 3) void ctl_say(const struct ctl *c, const char *format, ...); /* on standard error, unless --quiet */
int ctl_out_of_memory(const struct ctl *c);

/* Prints one JSON value and a newline on standard output. */
int ctl_print_json(const struct ctl *c, const json_t *j);
/* Everything reached standard output? EXIT_DONE, or EXIT_FAILED after a message; without one where a reader has had enough. */
int ctl_flush(const struct ctl *c);

/* ---- interrupts.c ---- */

void ctl_watch_interrupts(void); /* from now on Ctrl-C ends a wait instead of the program */
int ctl_interrupts(void);         /* how many there were */

/* ---- Commands, by file ---- */

int command_recommend(struct ctl *c); /* recommend.c */
int command_follow(struct ctl *c);
int command_cancel(struct ctl *c); /* runs.c */
int command_runs(struct ctl *c);
int command_show(struct ctl *c);
int command_login(struct ctl *c); /* login.c */
int command_logout(struct ctl *c);
int command_save(struct ctl *c); /* save.c */
int command_understand(struct ctl *c); /* understand.c */
int command_plan(struct ctl *c);
int command_order(struct ctl *c); /* order.c */
int command_providers(struct ctl *c); /* admin.c */
int command_cache(struct ctl *c);
int command_ping(struct ctl *c);
int command_status(struct ctl *c);
int command_reload(struct ctl *c);
int command_version(struct ctl *c);
int command_stats(struct ctl *c); /* stats.c */
int command_metrics(struct ctl *c);
int command_warm(struct ctl *c); /* warm.c */
int command_optimizations(struct ctl *c); /* optimizations.c */
int command_state(struct ctl *c); /* state.c */
int command_help(struct ctl *c); /* options.c */
int command_complete(struct ctl *c); /* complete.c */

/* Saves a run and waits for the end: 0 with the reply, or an exit code after a message. save.c */
int save_run(struct ctl *c, const char *run, const char *provider, json_t **ret);
void save_show(FILE *f, const json_t *reply); /* what became of it, for people */

/* The wish of the arguments, as parameters of Recommend, Understand and Plan; NULL: out of memory. recommend.c */
json_t *wish_parameters(const struct ctl *c);
