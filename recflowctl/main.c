/* recflowctl: arguments, one command. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

#define SOCKET_DEFAULT "/run/recflow/recflowd.sock"

static const char *socket_path(const struct args *a)
{
        const char *env = getenv("RECFLOW_SOCKET");

        return a->text[OPT_SOCKET] ? a->text[OPT_SOCKET] : env && env[0] ? env : SOCKET_DEFAULT;
}

int main(int argc, char **argv)
{
        const struct command *command = NULL;
        struct ctl c = { 0 };
        int r;

        signal(SIGPIPE, SIG_IGN);
        text_init();
        r = args_parse(&c.args, argc, argv, &command);
        if (r != 0)
                return r;
        if (!command && !c.args.is_set[OPT_HELP]) {
                fputs("recflowctl: a command is needed, such as: recflowctl recommend \"rainy sunday jazz\"\n"
                      "\"recflowctl help\" lists the commands.\n", stderr);
                return EXIT_USAGE;
        }
        if (c.args.is_set[OPT_HELP]) {
                args_print_help(command);
                return ctl_flush(&c);
        }
        c.socket = socket_path(&c.args);
        r = command->run(&c);
        rf_varlink_client_free(c.client);
        return r;
}
