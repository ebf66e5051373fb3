/*
 * complete: what the last of some words may become. Shells ask, so everything is read from the tables of commands and options; run
 * ids, providers and switches come from the daemon.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "text.h"

/* A person waits at a key: a daemon that doesn't answer by then has nothing to offer. */
#define ANSWER_SECONDS 2

/* Has the shell offer names of files. */
#define FILES ":files"

enum { ARGUMENTS_MAX = 8, ALTERNATIVE_SIZE = 128, LINE_SIZE = 256 };

struct completion {
        struct ctl *ctl;
        const struct command *command; /* NULL: not typed yet */
        const char *done[ARGUMENTS_MAX]; /* the command's arguments that are typed already */
        size_t n_done;
        bool is_set[OPT_COUNT], only_words;
        const char *word, *typed; /* the word, and what is typed of what is offered: the same, but for "--arc=st" */
};

/* Words of the tables that stand for what the daemon lists. */
static const struct {
        const char *word, *method, *list, *name, *description;
} asked[] = {
        { "RUN", WORKFLOW ".List", "runs", "run", "prompt" },
        { "PROVIDER", ADMIN ".Providers", "providers", "name", "description" },
        { "SWITCH", ADMIN ".Optimizations", "optimizations", "name", "on" },
};

static const char *const file_words[] = { "FILE", "PATH", "DIRECTORY" };

/* ---- Offers ---- */

static void offer(const struct completion *c, const char *name, const char *description)
{
        char line[LINE_SIZE];

        if (strncmp(name, c->typed, strlen(c->typed)) != 0)
                return;
        snprintf(line, sizeof(line), "%.*s%s", (int)(c->typed - c->word), c->word, name);
        text_clean(line);
        printf("%s\t", line);
        snprintf(line, sizeof(line), "%s", description ? description : "");
        text_clean(line);
        puts(line);
}

/* Each of "on|off". */
static void offer_choices(const struct completion *c, const char *choices)
{
        while (*choices) {
                size_t n = strcspn(choices, "|");
                char name[LINE_SIZE];

                snprintf(name, sizeof(name), "%.*s", (int)n, choices);
                offer(c, name, NULL);
                choices += n + (choices[n] == '|');
        }
}

static void offer_commands(const struct completion *c)
{
        for (size_t i = 0; i < n_commands; i++)
                offer(c, commands[i].name, commands[i].help);
}

static void offer_options(const struct completion *c)
{
        uint64_t taken = COMMON | (c->command ? c->command->options : 0);

        for (size_t o = 0; o < OPT_COUNT; o++) {
                char name[LINE_SIZE];

                if (!(taken & BIT(o)) || (c->is_set[o] && options[o].kind != LIST))
                        continue;
                snprintf(name, sizeof(name), "--%s", options[o].name);
                offer(c, name, options[o].help);
        }
}

/* What the daemon lists. Without one that answers there is nothing to offer; the message is for who asks by hand. */
static int offer_answer(const struct completion *c, size_t what)
{
        _cleanup_json_ json_t *reply = NULL;
        const json_t *list;
        int r;

        alarm(ANSWER_SECONDS);
        r = ctl_call(c->ctl, asked[what].method, NULL, &reply);
        if (r != 0)
                return r;
        list = json_object_get(reply, asked[what].list);
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *item = json_array_get(list, i);
                const char *name = json_string_value(json_object_get(item, asked[what].name));

                if (name)
                        offer(c, name, json_string_value(json_object_get(item, asked[what].description)));
        }
        return 0;
}

/* What a word of the tables stands for: "stats|flush", "RUN"; nothing for a PROMPT. */
static int offer_meaning(const struct completion *c, const char *meaning)
{
        if (islower((unsigned char)meaning[0])) {
                offer_choices(c, meaning);
                return 0;
        }
        if (strcmp(meaning, "COMMAND") == 0)
                offer_commands(c);
        for (size_t i = 0; i < ARRAY_SIZE(file_words); i++)
                if (strcmp(meaning, file_words[i]) == 0)
                        puts(FILES);
        for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
                if (strcmp(meaning, asked[i].word) == 0)
                        return offer_answer(c, i);
        return 0;
}

static int offer_value(const struct completion *c, const struct option_entry *o)
{
        return offer_meaning(c, o->choices ? o->choices : o->argument);
}

/* ---- What stands before ---- */

static bool is_choice(const char *choices, const char *word)
{
        size_t n = strlen(word);

        for (; choices; choices = strchr(choices, '|') ? strchr(choices, '|') + 1 : NULL)
                if (strncmp(choices, word, n) == 0 && (choices[n] == '|' || choices[n] == '\0'))
                        return true;
        return false;
}

/* One alternative of a command's arguments, such as "set SWITCH on|off": what it has at the place of the next argument. */
static int offer_alternative(const struct completion *c, char *alternative)
{
        char *rest = NULL, *meaning = strtok_r(alternative, " []", &rest);

        for (size_t i = 0; i < c->n_done && meaning; i++, meaning = strtok_r(NULL, " []", &rest))
                if (islower((unsigned char)meaning[0]) && !is_choice(meaning, c->done[i]))
                        return 0;
        return meaning ? offer_meaning(c, meaning) : 0;
}

static int offer_arguments(const struct completion *c)
{
        const char *at = c->command->arguments;
        int r = 0;

        while (*at && r == 0) {
                const char *end = strstr(at, " | ");
                char alternative[ALTERNATIVE_SIZE];

                snprintf(alternative, sizeof(alternative), "%.*s", (int)(end ? end - at : (ptrdiff_t)strlen(at)), at);
                r = offer_alternative(c, alternative);
                at = end ? end + 3 : "";
        }
        return r;
}

static const struct option_entry *find_option(const char *word)
{
        size_t n = strcspn(word, "=");

        for (size_t o = 0; o < OPT_COUNT && strncmp(word, "--", 2) == 0; o++)
                if (strlen(options[o].name) == n - 2 && strncmp(word + 2, options[o].name, n - 2) == 0)
                        return &options[o];
        return NULL;
}

static void take_word(struct completion *c, const char *word)
{
        if (c->command) {
                if (c->n_done < ARGUMENTS_MAX)
                        c->done[c->n_done++] = word;
                return;
        }
        for (size_t i = 0; i < n_commands; i++)
                if (strcmp(commands[i].name, word) == 0)
                        c->command = &commands[i];
}

/* Takes the words before the last. Returns the option whose value comes last; NULL: none. */
static const struct option_entry *take_words(struct completion *c, const char *const *words, size_t n)
{
        const struct option_entry *waiting = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct option_entry *o = c->only_words || waiting ? NULL : find_option(words[i]);
                const char *value = waiting ? words[i] : o && strchr(words[i], '=') ? strchr(words[i], '=') + 1 : NULL;

                if (value && (waiting ? waiting : o) == &options[OPT_SOCKET])
                        c->ctl->socket = value;
                if (o)
                        c->is_set[o - options] = true;
                if (!o && !waiting && !c->only_words && strcmp(words[i], "--") == 0)
                        c->only_words = true;
                else if (!o && !waiting)
                        take_word(c, words[i]);
                waiting = o && o->kind != FLAG && !value ? o : NULL;
        }
        return waiting;
}

static int complete(struct completion *c, const struct option_entry *waiting)
{
        const struct option_entry *o = c->only_words ? NULL : find_option(c->word);

        if (waiting)
                return offer_value(c, waiting);
        if (o && strchr(c->word, '=')) {
                c->typed = strchr(c->word, '=') + 1;
                return o->kind == FLAG ? 0 : offer_value(c, o);
        }
        if (c->word[0] == '-' && !c->only_words) {
                offer_options(c);
                return 0;
        }
        if (c->command)
                return c->n_done < c->command->words_max ? offer_arguments(c) : 0;
        offer_commands(c);
        return 0;
}

static void give_up(int signal_number)
{
        (void)signal_number; /* the wait for the daemon ends with -EINTR */
}

int command_complete(struct ctl *c)
{
        struct completion completion = { .ctl = c };
        const struct option_entry *waiting;
        size_t n = c->args.n_words - 1;
        int r;

        if (sigaction(SIGALRM, &(struct sigaction){ .sa_handler = give_up }, NULL) < 0)
                return ctl_fail(c, EXIT_FAILED, "signal", "%s", strerror(errno));
        completion.word = completion.typed = c->args.words[n];
        waiting = take_words(&completion, c->args.words, n);
        r = complete(&completion, waiting);
        return r != 0 ? r : ctl_flush(c);
}
