/* warm: what is kept warm, and warming. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
        return (long long)json_integer_value(json_object_get(o, name));
}

/* "2026-11-24T09:44:41.247Z", to the minute; "-" where there is none. */
static const char *minute(const json_t *o, const char *name, char buf[static 20])
{
        snprintf(buf, 20, "%.16s", text(o, name)[0] ? text(o, name) : "-");
        if (strlen(buf) > 10)
                buf[10] = ' ';
        return buf;
}

/* ---- Warming ---- */

static void print_report(const json_t *reply)
{
        static const struct {
                const char *end, *words;
        } ends[] = {
                { "budget", "; the budget is used up" },
                { "person", "; a person needed the services, so the rest is left for the next time" },
                { "service", "; a service wants to be left alone, so the rest is left for the next time" },
        };
        const char *end = text(reply, "ended");

        if (strcmp(end, "busy") == 0) {
                puts("the cache is being warmed already");
                return;
        }
        if (strcmp(end, "off") == 0) {
                puts("nothing is kept warm: the switch prewarm is off");
                return;
        }
        if (number(reply, "due") == 0) {
                puts("nothing is due");
                return;
        }
        printf("%lld of %lld that were due are warm, with %lld calls", number(reply, "warmed"), number(reply, "due"), number(reply, "calls"));
        if (number(reply, "failed") > 0)
                printf("; %lld failed", number(reply, "failed"));
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                if (strcmp(ends[i].end, end) == 0)
                        fputs(ends[i].words, stdout);
        putchar('\n');
}

static int warm_due(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        int r = ctl_call(c, ADMIN ".WarmDue", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        print_report(reply);
        return ctl_flush(c);
}

/* ---- The set ---- */

/* The words after the first, and --like. NULL: out of memory. */
static json_t *wish(const struct ctl *c)
{
        struct args rest = c->args;
        json_t *o = json_object(), *like = json_array();
        char *prompt;

        rest.n_words--;
        memmove(rest.words, rest.words + 1, rest.n_words * sizeof(*rest.words));
        prompt = args_sentence(&rest);
        for (size_t i = 0; i < c->args.n_like; i++)
                json_array_append_new(like, json_string(c->args.like[i]));
        if (!prompt || json_array_size(like) != c->args.n_like || json_object_set_new(o, "prompt", json_string(prompt)) < 0 ||
            json_object_set(o, "like", like) < 0) {
                json_decref(o);
                o = NULL;
        }
        json_decref(like);
        free(prompt);
        return o;
}

static int change(struct ctl *c, bool adds)
{
        _cleanup_json_ json_t *parameters = NULL, *reply = NULL;
        bool has_prompt = false;
        int r;

        for (size_t i = 1; i < c->args.n_words; i++)
                has_prompt |= c->args.words[i][0] != '\0';
        if (!has_prompt && c->args.n_like == 0)
                return ctl_usage(&c->args, "warm %s: a prompt is needed, or --like NAME", c->args.words[0]);
        parameters = wish(c);
        r = parameters ? ctl_call(c, adds ? ADMIN ".WarmAdd" : ADMIN ".WarmRemove", parameters, &reply) : ctl_out_of_memory(c);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        if (!adds)
                puts("it's no longer kept warm, and what was learned of it is forgotten");
        else
                puts(json_is_true(json_object_get(reply, "added")) ? "it will be kept warm" : "it was kept warm already");
        return ctl_flush(c);
}

/* ---- Looking ---- */

/* What it is, in the width that is left. */
static void print_name(const json_t *item, unsigned used)
{
        const json_t *like = json_object_get(item, "like");
        unsigned columns = text_columns();
        char name[512];
        size_t n = (size_t)snprintf(name, sizeof(name), "%.300s", text(item, "prompt"));

        for (size_t i = 0; i < json_array_size(like) && n < sizeof(name) - 1; i++)
                n += (size_t)snprintf(name + n, sizeof(name) - n, "%slike %.100s", n > 0 ? ", " : "", json_string_value(json_array_get(like, i)));
        text_print(stdout, name, MIN(text_width(name), (size_t)(columns > used + 20 ? columns - used : 20)), false);
        putchar('\n');
}

static void print_list(const json_t *items)
{
        for (size_t i = 0; i < json_array_size(items); i++) {
                const json_t *item = json_array_get(items, i);

                printf("%-10s  ", text(item, "origin"));
                print_name(item, 12);
        }
}

static void print_status(const json_t *reply)
{
        const json_t *items = json_object_get(reply, "items");

        printf("since the start: runs of warming %lld, passes %lld (gave way to a person: %lld)\n"
               "                 calls spent %lld, saved %lld\n",
               number(reply, "runs"), number(reply, "passes"), number(reply, "interrupted"), number(reply, "calls_spent"),
               number(reply, "calls_saved"));
        if (json_array_size(items) > 0)
                printf("%-10s  %-3s  %-16s  %5s  %5s  %5s  %s\n", "origin", "due", "warm until", "uses", "spent", "saved", "what");
        for (size_t i = 0; i < json_array_size(items); i++) {
                const json_t *item = json_array_get(items, i);
                char until[20];

                printf("%-10s  %-3s  %-16s  %5lld  %5lld  %5lld  ", text(item, "origin"), json_is_true(json_object_get(item, "due")) ? "yes" : "",
                       minute(item, "warm_until", until), number(item, "uses"), number(item, "calls_spent"), number(item, "calls_saved"));
                print_name(item, 56);
        }
}

static int look(struct ctl *c, void (*print)(const struct ctl *c, const json_t *reply))
{
        _cleanup_json_ json_t *reply = NULL;
        int r = ctl_call(c, ADMIN ".WarmStatus", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        print(c, reply);
        if (number(reply, "more") > 0)
                ctl_say(c, "and %lld more\n", number(reply, "more"));
        return ctl_flush(c);
}

static void show_list(const struct ctl *c, const json_t *reply)
{
        if (json_array_size(json_object_get(reply, "items")) == 0)
                ctl_say(c, "nothing is kept warm, and nothing was learned yet\n");
        print_list(json_object_get(reply, "items"));
}

static void show_status(const struct ctl *c, const json_t *reply)
{
        (void)c;
        print_status(reply);
}

int command_warm(struct ctl *c)
{
        const char *what = c->args.n_words > 0 ? c->args.words[0] : "";

        if (c->args.is_set[OPT_DUE] && c->args.n_words == 0 && c->args.n_like == 0)
                return warm_due(c);
        if (!c->args.is_set[OPT_DUE]) {
                if (strcmp(what, "add") == 0 || strcmp(what, "remove") == 0)
                        return change(c, what[0] == 'a');
                if (strcmp(what, "list") == 0 && c->args.n_words == 1 && c->args.n_like == 0)
                        return look(c, show_list);
                if (strcmp(what, "status") == 0 && c->args.n_words == 1 && c->args.n_like == 0)
                        return look(c, show_status);
        }
        return ctl_usage(&c->args, "warm: --due, \"add PROMPT\", \"remove PROMPT\", \"list\" or \"status\" is needed");
}
