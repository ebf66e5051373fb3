/* cancel, runs, show. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "result.h"
#include "table.h"
#include "text.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

int command_cancel(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "run", c->args.words[0]), *reply = NULL;
        int r = parameters ? ctl_call(c, WORKFLOW ".Cancel", parameters, &reply) : ctl_out_of_memory(c);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        printf(json_is_true(json_object_get(reply, "cancelled")) ? "run %s is cancelled\n" : "run %s had ended before\n", c->args.words[0]);
        return ctl_flush(c);
}

static void print_run(const json_t *run, unsigned columns)
{
        json_int_t place = json_integer_value(json_object_get(run, "place"));
        char accepted[20];
        size_t used = 12 + 2 + 16 + 2 + 9 + 2;

        /* "2026-11-24T09:44:41.247Z", to the minute */
        snprintf(accepted, sizeof(accepted), "%.16s", text(run, "accepted"));
        if (strlen(accepted) > 10)
                accepted[10] = ' ';
        text_print(stdout, text(run, "run"), 12, false);
        printf("  %-16s  ", accepted);
        if (place > 0) {
                char state[32];

                snprintf(state, sizeof(state), "place %lld", (long long)place);
                text_print(stdout, state, 9, false);
        } else
                text_print(stdout, text(run, "state"), 9, false);
        printf("  ");
        text_print(stdout, text(run, "prompt"), MIN(text_width(text(run, "prompt")), columns > used ? columns - used : 20), false);
        putchar('\n');
}

static int put_time(const struct ctl *c, json_t *parameters, const char *name, enum option o)
{
        time_t seconds = (time_t)(c->args.number[o] / 1000);
        char text[40];
        struct tm tm;
        size_t n;

        if (!c->args.is_set[o])
                return 0;
        gmtime_r(&seconds, &tm);
        n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(c->args.number[o] % 1000));
        return json_object_set_new(parameters, name, json_string(text));
}

int command_runs(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_object(), *reply = NULL;
        const json_t *runs;
        int r = parameters ? 0 : -1;

        if (c->args.is_set[OPT_LIMIT])
                r |= json_object_set_new(parameters, "limit", json_integer(c->args.number[OPT_LIMIT]));
        if (c->args.is_set[OPT_STATE])
                r |= json_object_set_new(parameters, "state", json_string(c->args.text[OPT_STATE]));
        if (r == 0)
                r = put_time(c, parameters, "since", OPT_SINCE) | put_time(c, parameters, "until", OPT_UNTIL);
        r = r < 0 ? ctl_out_of_memory(c) : ctl_call(c, WORKFLOW ".List", parameters, &reply);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        runs = json_object_get(reply, "runs");
        if (json_array_size(runs) == 0)
                ctl_say(c, "no runs\n");
        for (size_t i = 0; i < json_array_size(runs); i++)
                print_run(json_array_get(runs, i), text_columns());
        return ctl_flush(c);
}

static int print_info(const struct ctl *c, const json_t *info)
{
        static const char *const names[] = { "run", "prompt", "state", "accepted", "ended", "error" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (text(info, names[i])[0]) {
                        printf("%-9s ", names[i]);
                        text_print(stdout, text(info, names[i]), text_width(text(info, names[i])), false);
                        putchar('\n');
                }
        return ctl_flush(c);
}

int command_show(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "run", c->args.words[0]), *reply = NULL;
        struct result result = { .print = table_playlist };
        const json_t *info;
        char why[160];
        int r = parameters ? ctl_call(c, WORKFLOW ".Get", parameters, &reply) : ctl_out_of_memory(c);

        if (r != 0)
                return r;
        info = json_object_get(reply, "info");
        result.whole = reply;
        result.playlist = json_object_get(reply, "playlist");
        snprintf(why, sizeof(why), "run %s has no playlist: it is %s", text(info, "run"), text(info, "state"));
        result.without = why;
        if (!result.playlist && !c->args.is_set[OPT_JSON] && !c->args.is_set[OPT_FORMAT] && !c->args.is_set[OPT_OUTPUT])
                return print_info(c, info);
        return result_show(c, &result);
}
