/* optimizations: what makes runs fast, listed and switched. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static const char *state(const json_t *o, const char *name)
{
        return json_is_true(json_object_get(o, name)) ? "on" : "off";
}

static void print_effect(const char *head, const char *effect)
{
        printf("      %s ", head);
        text_wrap(stdout, effect, 11, text_columns());
        putchar('\n');
}

static int list(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        const json_t *all;
        int r = ctl_call(c, ADMIN ".Optimizations", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        all = json_object_get(reply, "optimizations");
        printf("%-6s%-24s%-6s%s\n", "phase", "name", "state", "default");
        for (size_t i = 0; i < json_array_size(all); i++) {
                const json_t *o = json_array_get(all, i);

                printf("%-6s%-24s%-6s%s\n", text(o, "phase"), text(o, "name"), state(o, "enabled"), state(o, "default"));
                print_effect("on: ", text(o, "on"));
                print_effect("off:", text(o, "off"));
        }
        return ctl_flush(c);
}

/* Calls `method` and says what counts now. */
static int change(struct ctl *c, const char *method, json_t *parameters, const char *said)
{
        _cleanup_json_ json_t *p = parameters, *reply = NULL;
        int r = p ? ctl_call(c, method, p, &reply) : ctl_out_of_memory(c);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        printf("%s, until the next reload or restart\n", said);
        return ctl_flush(c);
}

int command_optimizations(struct ctl *c)
{
        const char *const *words = c->args.words;
        char said[128];

        if (c->args.n_words == 0)
                return list(c);
        if (c->args.n_words == 3 && strcmp(words[0], "set") == 0 && (strcmp(words[2], "on") == 0 || strcmp(words[2], "off") == 0)) {
                snprintf(said, sizeof(said), "%.64s is %s", words[1], words[2]);
                return change(c, ADMIN ".SetOptimization",
                              json_pack("{s:s, s:b}", "name", words[1], "enabled", strcmp(words[2], "on") == 0), said);
        }
        if (c->args.n_words == 2 && strcmp(words[0], "profile") == 0 && (strcmp(words[1], "baseline") == 0 || strcmp(words[1], "full") == 0)) {
                snprintf(said, sizeof(said), "all are %s", strcmp(words[1], "full") == 0 ? "on" : "off");
                return change(c, ADMIN ".SetProfile", json_pack("{s:s}", "name", words[1]), said);
        }
        return ctl_usage(&c->args, "optimizations: nothing, \"set NAME on\", \"set NAME off\", \"profile baseline\" or \"profile full\" is needed");
}
