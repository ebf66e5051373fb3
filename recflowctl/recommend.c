/* recommend and follow: a stream of states, then the playlist. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "result.h"
#include "table.h"
#include "text.h"

/* ---- The wish ---- */

static int put(json_t *o, const char *name, json_t *value)
{
        return json_object_set_new(o, name, value);
}

static int put_list(json_t *o, const char *name, const char *const *list, size_t n)
{
        json_t *array = json_array();
        int r = array ? 0 : -1;

        for (size_t i = 0; i < n && r == 0; i++)
                r = json_array_append_new(array, json_string(list[i]));
        return json_object_set_new(o, name, array) < 0 ? -1 : r;
}

static int put_numbers(json_t *o, const struct args *a)
{
        int r = 0;

        if (a->is_set[OPT_TRACKS])
                r |= put(o, "tracks", json_integer(a->number[OPT_TRACKS]));
        if (a->is_set[OPT_DURATION])
                r |= put(o, "duration_s", json_integer(a->number[OPT_DURATION] / 1000));
        if (a->is_set[OPT_DEADLINE])
                r |= put(o, "deadline_ms", json_integer(a->number[OPT_DEADLINE]));
        if (a->is_set[OPT_SEED])
                r |= put(o, "seed", json_integer(a->number[OPT_SEED]));
        return r;
}

static const char *arc_name(const struct args *a)
{
        return strcmp(a->text[OPT_ARC], "wind-down") == 0 ? "wind_down" : a->text[OPT_ARC];
}

json_t *wish_parameters(const struct ctl *c)
{
        const struct args *a = &c->args;
        _cleanup_free_ char *prompt = args_sentence(a);
        _cleanup_json_ json_t *options = json_object();
        int r;

        if (!prompt || !options)
                return NULL;
        r = put_numbers(options, a);
        if (a->n_excluded > 0)
                r |= put_list(options, "exclude_artists", a->excluded, a->n_excluded);
        if (a->n_like > 0)
                r |= put_list(options, "like", a->like, a->n_like);
        if (a->is_set[OPT_NO_EXPLICIT])
                r |= put(options, "no_explicit", json_true());
        if (a->is_set[OPT_STRICT])
                r |= put(options, "strict", json_true());
        if (a->is_set[OPT_ARC])
                r |= put(options, "arc", json_string(arc_name(a)));
        return r < 0 ? NULL : json_pack("{s:s, s:O}", "prompt", prompt, "options", options);
}

/* ---- Following ---- */

static void show_progress(const struct ctl *c, const json_t *state)
{
        const json_t *p = json_object_get(state, "progress");
        const char *message = json_string_value(json_object_get(p, "message")), *step = json_string_value(json_object_get(p, "step"));
        json_int_t place = json_integer_value(json_object_get(state, "place"));

        if (c->args.is_set[OPT_QUIET] || !isatty(STDERR_FILENO))
                return;
        fputs("\r\033[K", stderr);
        if (place > 0)
                fprintf(stderr, "waiting, place %lld", (long long)place);
        else if (step) {
                fprintf(stderr, "%s: ", step);
                text_print(stderr, message ? message : "", MIN(text_width(message ? message : ""), (size_t)50), false);
                fprintf(stderr, " (%lld candidates)", (long long)json_integer_value(json_object_get(p, "candidates")));
        }
        fflush(stderr);
}

static void clear_progress(const struct ctl *c)
{
        if (!c->args.is_set[OPT_QUIET] && isatty(STDERR_FILENO)) {
                fputs("\r\033[K", stderr);
                fflush(stderr);
        }
}

/* On a connection of its own: the other one is behind the stream. */
static void cancel_run(struct ctl *c, const char *run)
{
        struct ctl other = { .socket = c->socket };
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "run", run), *reply = NULL;
        int r = parameters ? ctl_call(&other, WORKFLOW ".Cancel", parameters, &reply) : ctl_out_of_memory(c);

        rf_varlink_client_free(other.client);
        if (r != 0)
                ctl_say(c, "recflowctl: run %s could not be cancelled\n", run);
        else
                ctl_say(c, json_is_true(json_object_get(reply, "cancelled")) ? "recflowctl: run %s cancelled\n" :
                                                                              "recflowctl: run %s had ended before; \"recflowctl show\" has it\n", run);
}

/* The playlist is shown first: it's there whatever becomes of the saving. JSON is one value, which waits for the end. */
static int finish(struct ctl *c, const char *run, const json_t *state)
{
        json_t *playlist = json_object_get(state, "playlist");
        const struct result result = { .playlist = playlist, .whole = playlist, .print = table_playlist };
        const char *format = result_format(c);
        bool is_json = c->args.is_set[OPT_JSON] || strcmp(format, "json") == 0;
        _cleanup_json_ json_t *reply = NULL;
        int r = 0, saved;

        if (!c->args.is_set[OPT_SAVE_TO])
                return result_show(c, &result);
        if (!is_json)
                r = result_show(c, &result);
        if (r != EXIT_DONE && r != EXIT_UNMET)
                return r;
        saved = save_run(c, run, c->args.text[OPT_SAVE_TO], &reply);
        if (saved != 0)
                return saved;
        if (!is_json)
                save_show(strcmp(format, "text") == 0 ? stdout : stderr, reply);
        else if (json_object_set(playlist, "saved", reply) < 0)
                return ctl_out_of_memory(c);
        else
                r = result_show(c, &result);
        saved = ctl_flush(c);
        return r != EXIT_DONE ? r : saved;
}

/* Reads a stream to its end. The run is cancelled on an interrupt if it is ours. */
static int follow_stream(struct ctl *c, bool is_ours)
{
        char run[32] = "";
        bool continues = true;

        while (continues) {
                _cleanup_json_ json_t *state = NULL;
                const json_t *playlist;
                /* our run's id comes first, so that there is something to cancel; who is in a hurry presses twice */
                bool may_leave = !is_ours || run[0] || ctl_interrupts() > 1;
                int r = ctl_interrupts() && may_leave ? -EINTR : ctl_next(c, &state, &continues);

                if (r == -EINTR && !may_leave && ctl_interrupts() < 2)
                        continue;
                if (r == -EINTR) {
                        clear_progress(c);
                        if (is_ours && run[0])
                                cancel_run(c, run);
                        return EXIT_INTERRUPTED;
                }
                if (r != 0) {
                        clear_progress(c);
                        return r;
                }
                snprintf(run, sizeof(run), "%s", json_string_value(json_object_get(state, "run")) ? : "");
                playlist = json_object_get(state, "playlist");
                if (!continues) {
                        clear_progress(c);
                        if (!playlist)
                                return ctl_fail(c, EXIT_FAILED, "protocol", "the daemon ended run %s without a playlist", run);
                        return finish(c, run, state);
                }
                show_progress(c, state);
        }
        return EXIT_FAILED;
}

static int print_run(struct ctl *c)
{
        _cleanup_json_ json_t *state = NULL;
        int r = ctl_next(c, &state, NULL);

        if (r != 0)
                return r == -EINTR ? EXIT_INTERRUPTED : r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, state);
        printf("%s\n", json_string_value(json_object_get(state, "run")));
        return ctl_flush(c);
}

int command_recommend(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = NULL;
        bool is_detached = c->args.is_set[OPT_DETACH];
        int r;

        if (c->args.n_words == 0 && c->args.n_like == 0)
                return ctl_usage(&c->args, "a prompt is needed, such as: recflowctl recommend \"rainy sunday jazz\"");
        if (c->args.is_set[OPT_SAVE_TO] && is_detached)
                return ctl_usage(&c->args, "--save-to waits for the playlist, --detach doesn't; \"recflowctl save RUN\" saves it later");
        if (!c->args.is_set[OPT_SAVE_TO] && (c->args.is_set[OPT_NAME] || c->args.is_set[OPT_PUBLIC]))
                return ctl_usage(&c->args, "--name and --public go with --save-to");
        parameters = wish_parameters(c);
        if (!parameters || (is_detached && json_object_set_new(parameters, "detach", json_true()) < 0))
                return ctl_out_of_memory(c);
        ctl_watch_interrupts();
        r = ctl_start(c, WORKFLOW ".Recommend", parameters, is_detached ? 0 : RF_VARLINK_MORE);
        if (r != 0)
                return r;
        return is_detached ? print_run(c) : follow_stream(c, true);
}

int command_follow(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "run", c->args.words[0]);
        int r;

        if (!parameters ||
            (c->args.is_set[OPT_AFTER] && json_object_set_new(parameters, "after_seq", json_integer(c->args.number[OPT_AFTER])) < 0))
                return ctl_out_of_memory(c);
        ctl_watch_interrupts();
        r = ctl_start(c, WORKFLOW ".Follow", parameters, RF_VARLINK_MORE);
        return r != 0 ? r : follow_stream(c, false);
}
