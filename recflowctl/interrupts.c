/* Ctrl-C ends a wait instead of the program, so that what was begun can be ended in order. */
#include <signal.h>

#include "ctl.h"

static volatile sig_atomic_t interrupts;

static void interrupt(int signal_number)
{
        (void)signal_number;
        interrupts++;
}

void ctl_watch_interrupts(void)
{
        struct sigaction a = { .sa_handler = interrupt };

        sigaction(SIGINT, &a, NULL);
        sigaction(SIGTERM, &a, NULL);
}

int ctl_interrupts(void)
{
        return interrupts;
}
