#include "sim/memory.h"

#include <malloc.h>
#include <time.h>

#include "base/macros.h"

size_t sim_memory_heap(void)
{
        struct mallinfo2 m = mallinfo2();

        return m.uordblks + m.hblkhd;
}

double sim_memory_cpu_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* no time of the simulated world */
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void sim_memory_look(struct sim_memory_meter *m)
{
        double start_ms;
        size_t held;

        if (m->n_active == 0)
                return;
        start_ms = sim_memory_cpu_ms();
        held = sim_memory_heap();
        if (held > m->most) {
                m->most = held;
                m->at_most = m->n_active;
        }
        m->cpu_ms += sim_memory_cpu_ms() - start_ms;
}

void sim_memory_end(struct sim_memory_meter *m)
{
        size_t held = sim_memory_heap();

        if (m->at_most > 0 && m->most > held)
                m->memory.active_kib = (double)(m->most - held) / 1024 / (double)m->at_most;
}
