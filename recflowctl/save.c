/* save: a run's playlist into an account at a service. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static json_t *parameters_of(const struct ctl *c, const char *run, const char *provider)
{
        const struct args *a = &c->args;

        return json_pack("{s:s, s:s, s:s*, s:b, s:b}", "run", run, "provider", provider, "name", a->text[OPT_NAME], "public",
                         a->is_set[OPT_PUBLIC], "again", a->is_set[OPT_AGAIN]);
}

static void show_progress(const struct ctl *c, const json_t *state)
{
        if (c->args.is_set[OPT_QUIET] || !isatty(STDERR_FILENO))
                return;
        fputs("\r\033[K", stderr);
        if (state)
                fprintf(stderr, "saving: %s, %lld of %lld tracks", text(state, "step"), number(state, "added"), number(state, "total"));
        fflush(stderr);
}

/* Once for each wait. */
static void tell_postponed(const struct ctl *c, const json_t *state, const char *provider, char told[static 32])
{
        const char *until = text(state, "postponed_until");

        if (!until[0] || strcmp(until, told) == 0)
                return;
        snprintf(told, 32, "%s", until);
        ctl_say(c, "recflowctl: %s allows no more calls before %s; the saving goes on by itself then\n", provider, until);
}

int save_run(struct ctl *c, const char *run, const char *provider, json_t **ret)
{
        _cleanup_json_ json_t *parameters = parameters_of(c, run, provider);
        char told[32] = "";
        bool continues = true;
        int r = parameters ? 0 : ctl_out_of_memory(c);

        if (r == 0)
                r = ctl_start(c, WORKFLOW ".Save", parameters, RF_VARLINK_MORE);
        while (r == 0 && continues) {
                _cleanup_json_ json_t *state = NULL;

                r = ctl_interrupts() ? -EINTR : ctl_next(c, &state, &continues);
                show_progress(c, r == 0 && continues ? state : NULL);
                if (r == 0 && continues)
                        tell_postponed(c, state, provider, told);
                if (r == -EINTR) {
                        ctl_say(c, "recflowctl: the daemon goes on saving; \"recflowctl save %s --to %s\" follows it\n", run, provider);
                        return EXIT_INTERRUPTED;
                }
                if (r == 0 && !continues)
                        *ret = json_incref(state);
        }
        return r;
}

void save_show(FILE *f, const json_t *reply)
{
        const json_t *not_saved = json_object_get(reply, "not_saved");

        if (json_is_true(json_object_get(reply, "already")))
                fputs("saved already: ", f);
        else
                fprintf(f, "saved, %lld tracks: ", number(reply, "added"));
        text_print(f, text(reply, "link"), text_width(text(reply, "link")), false);
        putc('\n', f);
        for (size_t i = 0; i < json_array_size(not_saved); i++) {
                const json_t *track = json_array_get(not_saved, i);

                fprintf(f, "not saved: %lld. ", number(track, "position"));
                text_print(f, text(track, "artist"), text_width(text(track, "artist")), false);
                fputs(" - ", f);
                text_print(f, text(track, "title"), text_width(text(track, "title")), false);
                fputs(": ", f);
                text_print(f, text(track, "why"), text_width(text(track, "why")), false);
                putc('\n', f);
        }
}

int command_save(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        int r;

        ctl_watch_interrupts();
        r = save_run(c, c->args.words[0], c->args.is_set[OPT_TO] ? c->args.text[OPT_TO] : "spotify", &reply);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        save_show(stdout, reply);
        if (json_is_true(json_object_get(reply, "already")))
                ctl_say(c, "--again makes another playlist of it\n");
        return ctl_flush(c);
}
