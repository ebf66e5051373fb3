#include "service/idle.h"

#include <signal.h>
#include <unistd.h>

#include "sched/sched.h"
#include "service/log.h"

enum { LOOKS = 4 }; /* while the time passes */

static const uint64_t UNSET_LOOK_US = 10 * USEC_PER_SEC; /* how often the option is looked at while it says never */
static const uint64_t LAST_LOOK_US = USEC_PER_SEC / 10;

static bool is_busy(const struct rf_idle_options *o)
{
        return rf_varlink_server_stats(o->server).clients > 0 || o->is_busy(o->arg);
}

/* Waits until there has been nothing to do for long enough (yields). -ECANCELED. */
static int wait_for_idleness(const struct rf_idle_options *o)
{
        uint64_t since_us = rf_now_us(), seen = 0;

        for (;;) {
                uint64_t after_us = o->after_us(o->arg), accepted = rf_varlink_server_stats(o->server).accepted;
                int r;

                /* who came and went between two looks counts */
                if (after_us == 0 || accepted != seen || is_busy(o))
                        since_us = rf_now_us();
                seen = accepted;
                if (after_us > 0 && rf_now_us() - since_us >= after_us)
                        return 0;
                r = rf_sleep_us(after_us == 0 ? UNSET_LOOK_US : MAX(after_us / LOOKS, (uint64_t)USEC_PER_MSEC));
                if (r < 0)
                        return r;
        }
}

int rf_idle_main(void *arg)
{
        const struct rf_idle_options *o = arg;
        int r = wait_for_idleness(o);

        if (r < 0)
                return 0;
        rf_varlink_server_stop_listening(o->server);
        /* a client that came in the last moment is served to its end */
        while (r >= 0 && is_busy(o))
                r = rf_sleep_us(LAST_LOOK_US);
        if (r >= 0) {
                rf_log(RF_LOG_INFO, "nothing to do: leaving until the next client");
                kill(getpid(), SIGTERM);
        }
        return 0;
}
