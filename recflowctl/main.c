/* recflowctl: arguments, one command. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "text.h"

#define SOCKET_DEFAULT "/run/recflow/recflowd.sock"

/* As said; else that of a daemon of this user, if there is one; else the system's. */
static const char *socket_path(const struct args *a)
{
        static char own[1024];
        const char *env = getenv("RECFLOW_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
        bool has_own = false;

        if (runtime && runtime[0] == '/' && (size_t)snprintf(own, sizeof(own), "%s/recflow/recflowd.sock", runtime) < sizeof(own))
                has_own = access(own, F_OK) == 0;
        return a->text[OPT_SOCKET] ? a->text[OPT_SOCKET] : env && env[0] ? env : has_own ? own : SOCKET_DEFAULT;
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
        if (c.args.is_set[OPT_VERSION] && !c.args.is_set[OPT_HELP])
                return command_version(&c);
        if (!command && !c.args.is_set[OPT_HELP])
                return ctl_usage(&c.args, "a command is needed, such as: recflowctl recommend \"rainy sunday jazz\"; "
                                          "\"recflowctl help\" lists them");
        if (c.args.is_set[OPT_HELP]) {
                args_print_help(command);
                return ctl_flush(&c);
        }
        c.socket = socket_path(&c.args);
        r = command->run(&c);
        rf_varlink_client_free(c.client);
        return r;
}
