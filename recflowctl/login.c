/* login and logout: a person lets the daemon into their account at a service. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ctl.h"
#include "redirect.h"
#include "text.h"

#define LOGIN_MS 600000u /* as long as the daemon waits, too */

enum { PASTE_PORT = 8888 /* nobody listens there: the browser's address bar keeps the answer */ };

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

/* Where a person sits at a display: the address is opened for them. */
static void open_browser(const char *url)
{
        const char *x11 = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
        int null;
        pid_t child;

        if (!isatty(STDOUT_FILENO) || !((x11 && x11[0]) || (wayland && wayland[0])))
                return;
        child = fork();
        if (child != 0)
                return; /* where there is no xdg-open the address is still on the screen */
        null = open("/dev/null", O_RDWR);
        if (null >= 0) {
                dup2(null, STDIN_FILENO);
                dup2(null, STDOUT_FILENO);
                dup2(null, STDERR_FILENO);
        }
        setsid();
        execlp("xdg-open", "xdg-open", url, (char *)NULL);
        _exit(127);
}

/* Standard output, unless that is for JSON. */
static void show_address(const struct ctl *c, const char *url)
{
        FILE *f = c->args.is_set[OPT_JSON] ? stderr : stdout;

        fprintf(f, "Open this address in a browser and agree:\n\n%s\n\n", url);
        fflush(f);
}

static int begin(struct ctl *c, unsigned port, json_t **ret)
{
        _cleanup_json_ json_t *parameters = NULL;
        char redirect[64];
        int r;

        snprintf(redirect, sizeof(redirect), "http://127.0.0.1:%u" REDIRECT_PATH, port);
        parameters = json_pack("{s:s, s:s}", "provider", c->args.words[0], "redirect_uri", redirect);
        r = parameters ? ctl_call(c, ADMIN ".BeginLogin", parameters, ret) : ctl_out_of_memory(c);
        ctl_disconnect(c); /* a person may take longer than an idle connection is kept */
        return r;
}

static int complete(struct ctl *c, const struct redirect *back)
{
        _cleanup_json_ json_t *reply = NULL, *parameters = json_pack("{s:s, s:s, s:s}", "provider", c->args.words[0], "state", back->state,
                                                                     "code", back->code);

        return parameters ? ctl_call(c, ADMIN ".CompleteLogin", parameters, &reply) : ctl_out_of_memory(c);
}

static int denied(const struct ctl *c, const struct redirect *back)
{
        if (strcmp(back->error, "access_denied") == 0)
                return ctl_fail(c, EXIT_FAILED, "denied", "the login at %s was denied", c->args.words[0]);
        return ctl_fail(c, EXIT_FAILED, "denied", "%s refused the login: %.200s", c->args.words[0], back->error);
}

static int succeeded(const struct ctl *c)
{
        if (c->args.is_set[OPT_JSON]) {
                _cleanup_json_ json_t *j = json_pack("{s:s, s:b}", "provider", c->args.words[0], "logged_in", 1);

                return j ? ctl_print_json(c, j) : ctl_out_of_memory(c);
        }
        printf("recflowd is logged in to %s\n", c->args.words[0]);
        return ctl_flush(c);
}

/* ---- With a browser on this machine ---- */

static int wait_for_browser(struct ctl *c, int listener, const char *state)
{
        struct redirect back;
        int fd, r = redirect_wait(listener, state, LOGIN_MS, &back, &fd);

        if (r == -EINTR)
                return EXIT_INTERRUPTED;
        if (r == -ETIMEDOUT)
                return ctl_fail(c, EXIT_FAILED, "timeout", "nobody logged in within ten minutes");
        if (r < 0)
                return ctl_fail(c, EXIT_FAILED, "login", "waiting for the browser: %s", rf_strerror(r));
        if (back.error[0]) {
                redirect_answer(fd, 200, "Not logged in", "The login was denied. Nothing has changed; you can close this page.");
                return denied(c, &back);
        }
        r = complete(c, &back);
        explicit_bzero(&back, sizeof(back));
        if (r != 0) {
                redirect_answer(fd, 200, "Not logged in", "The login could not be completed; recflowctl says why, in its terminal.");
                return r;
        }
        redirect_answer(fd, 200, "Logged in", "recflow may now save playlists in your account. You can close this page.");
        return succeeded(c);
}

static int login_with_browser(struct ctl *c)
{
        _cleanup_json_ json_t *begun = NULL;
        unsigned port = (unsigned)c->args.number[OPT_PORT];
        int listener = redirect_listen(port, &port), r;

        if (listener < 0)
                return ctl_fail(c, EXIT_FAILED, "listen", "port %u of 127.0.0.1: %s", port, rf_strerror(listener));
        r = begin(c, port, &begun);
        if (r == 0) {
                show_address(c, text(begun, "url"));
                open_browser(text(begun, "url"));
                ctl_say(c, "Waiting for the browser on http://127.0.0.1:%u; Ctrl-C ends it. On another machine: --paste\n", port);
                r = wait_for_browser(c, listener, text(begun, "state"));
        }
        close(listener);
        return r;
}

/* ---- With a browser elsewhere ---- */

static int login_by_pasting(struct ctl *c)
{
        _cleanup_json_ json_t *begun = NULL;
        unsigned port = c->args.is_set[OPT_PORT] ? (unsigned)c->args.number[OPT_PORT] : PASTE_PORT;
        static char line[REDIRECT_REQUEST_MAX]; /* too large for a frame */
        struct redirect back;
        int r = begin(c, port, &begun);

        if (r != 0)
                return r;
        show_address(c, text(begun, "url"));
        ctl_say(c, "The browser then shows an error, for there is nothing at 127.0.0.1:%u. Paste the address that it shows:\n", port);
        if (!fgets(line, sizeof(line), stdin))
                return ctl_interrupts() ? EXIT_INTERRUPTED : ctl_fail(c, EXIT_FAILED, "paste", "nothing was pasted");
        if (!redirect_parse(line, &back))
                return ctl_fail(c, EXIT_FAILED, "paste", "that address holds no code; it begins with http://127.0.0.1:%u" REDIRECT_PATH "?", port);
        if (strcmp(back.state, text(begun, "state")) != 0)
                return ctl_fail(c, EXIT_FAILED, "state", "that address is of another login than the one that was begun");
        r = back.error[0] ? denied(c, &back) : complete(c, &back);
        explicit_bzero(&back, sizeof(back));
        explicit_bzero(line, sizeof(line));
        return r != 0 ? r : succeeded(c);
}

int command_login(struct ctl *c)
{
        ctl_watch_interrupts();
        return c->args.is_set[OPT_PASTE] ? login_by_pasting(c) : login_with_browser(c);
}

int command_logout(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "provider", c->args.words[0]), *reply = NULL;
        int r = parameters ? ctl_call(c, ADMIN ".Logout", parameters, &reply) : ctl_out_of_memory(c);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        printf(json_is_true(json_object_get(reply, "was_logged_in")) ? "logged out of %s\n" : "nobody was logged in to %s\n", c->args.words[0]);
        return ctl_flush(c);
}
