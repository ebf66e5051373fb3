#include "service/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sched/sched.h"

int rf_signals_serve(void (*reload)(void *arg), void *arg)
{
        struct rf_io *io = NULL;
        struct signalfd_siginfo info;
        sigset_t set;
        int fd, r;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = rf_io_new(fd, &io);
        while (r >= 0) {
                if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                        if (info.ssi_signo != SIGHUP)
                                break;
                        reload(arg);
                } else if (errno == EAGAIN)
                        r = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
                else if (errno != EINTR)
                        r = -errno;
        }
        rf_io_free(io);
        close(fd);
        return r < 0 ? r : 0;
}
