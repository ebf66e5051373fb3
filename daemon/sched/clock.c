/* Time: the only place where the clocks that the program goes by are read. */
#include "sched/internal.h"

#include <time.h>

static uint64_t read_clock(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t rf_monotonic_us(void)
{
        return read_clock(CLOCK_MONOTONIC);
}

void rf_clock_refresh(struct rf_sched *s)
{
        if (!s->options.virtual_clock)
                s->now_us = rf_monotonic_us() - s->start_us;
}

uint64_t rf_now_us(void)
{
        return rf_sched_get()->now_us;
}

uint64_t rf_wall_us(void)
{
        const struct rf_sched *s = rf_sched_get();

        return s->options.virtual_clock ? s->options.virtual_wall_us + s->now_us : read_clock(CLOCK_REALTIME);
}

bool rf_clock_is_virtual(void)
{
        return rf_sched_get()->options.virtual_clock;
}

uint64_t rf_deadline_in(uint64_t delay_us)
{
        uint64_t now = rf_now_us();

        return delay_us > RF_FOREVER - now ? RF_FOREVER : now + delay_us;
}
