/* Coroutine switches, idle coroutines, timers; each beside the barest thing that does the same. */
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench.h"
#include "sched/sched.h"

#undef _FORTIFY_SOURCE

/* ---- Switching ---- */

enum { SWITCHES = 2000000 };

static jmp_buf here, there;
static ucontext_t main_context, other_context;

static void bare_other(void)
{
        if (_setjmp(there) == 0)
                swapcontext(&other_context, &main_context);
        for (;;)
                if (_setjmp(there) == 0)
                        _longjmp(here, 1);
}

static double bare_switch_ns(void)
{
        static char stack[65536];
        double start;

        getcontext(&other_context);
        other_context.uc_stack.ss_sp = stack;
        other_context.uc_stack.ss_size = sizeof(stack);
        makecontext(&other_context, bare_other, 0);
        swapcontext(&main_context, &other_context);
        start = bench_now_ns();
        for (volatile int i = 0; i < SWITCHES / 2; i++)
                if (_setjmp(here) == 0)
                        _longjmp(there, 1);
        return (bench_now_ns() - start) / SWITCHES;
}

static int yielder(void *arg)
{
        (void)arg;
        for (int i = 0; i < SWITCHES / 4; i++)
                rf_yield();
        return 0;
}

static double switch_ns;

static int switching(void *arg)
{
        struct rf_group *g = NULL;
        double start = bench_now_ns();
        int r = rf_group_new(RF_FOREVER, &g);

        (void)arg;
        for (int i = 0; i < 2 && r >= 0; i++)
                r = rf_group_spawn(g, "yielder", yielder, NULL);
        if (r >= 0)
                r = rf_group_join(g);
        rf_group_free(g);
        /* a yield is a switch to the scheduler and one back */
        switch_ns = (bench_now_ns() - start) / SWITCHES;
        return r;
}

/* ---- Idle coroutines ---- */

enum { IDLE = 10000, BARE_STACK = 262144 };

static double resident_bytes(void)
{
        unsigned long long size, resident = 0;
        FILE *f = fopen("/proc/self/statm", "re");

        if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
                resident = 0;
        if (f)
                fclose(f);
        return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double bare_idle_kib(void)
{
        double before = resident_bytes(), kib;
        char **stacks = calloc(IDLE, sizeof(*stacks));

        for (int i = 0; i < IDLE; i++) {
                stacks[i] = mmap(NULL, BARE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
                if (stacks[i] == MAP_FAILED)
                        abort();
                madvise(stacks[i], BARE_STACK, MADV_NOHUGEPAGE);
                stacks[i][BARE_STACK - 1] = 1;
        }
        kib = (resident_bytes() - before) / IDLE / 1024.0;
        for (int i = 0; i < IDLE; i++)
                munmap(stacks[i], BARE_STACK);
        free(stacks);
        return kib;
}

static int idle(void *arg)
{
        return rf_wait(arg, RF_FOREVER);
}

static double idle_kib;

static int idling(void *arg)
{
        struct rf_waiters waiters;
        struct rf_group *g = NULL;
        double before = resident_bytes();
        int r = rf_group_new(RF_FOREVER, &g);

        (void)arg;
        rf_waiters_init(&waiters);
        for (int i = 0; i < IDLE && r >= 0; i++)
                r = rf_group_spawn(g, "idle", idle, &waiters);
        if (r >= 0)
                r = rf_yield();
        idle_kib = (resident_bytes() - before) / IDLE / 1024.0;
        rf_wake_all(&waiters);
        if (r >= 0)
                r = rf_group_join(g);
        rf_group_free(g);
        return r;
}

/* ---- Timers ---- */

enum { TIMERS = 100000 };

static double rearm_ns, expire_ns;
static int fired;

static void fire(struct rf_timer *t)
{
        (void)t;
        fired++;
}

static uint64_t next_random(uint64_t *x)
{
        *x = *x * 6364136223846793005ull + 1442695040888963407ull;
        return *x >> 33;
}

static int timing(void *arg)
{
        struct rf_timer *timers = calloc(TIMERS, sizeof(*timers));
        uint64_t x = 1;
        double start;
        int r = 0;

        (void)arg;
        for (int i = 0; i < TIMERS && r >= 0; i++)
                r = rf_timer_set(&timers[i], rf_now_us() + 1000000 + next_random(&x) % 1000000, fire);
        start = bench_now_ns();
        for (int i = 0; i < TIMERS && r >= 0; i++)
                r = rf_timer_set(&timers[i], rf_now_us() + 1000000 + next_random(&x) % 1000000, fire);
        rearm_ns = (bench_now_ns() - start) / TIMERS;
        start = bench_now_ns();
        while (fired < TIMERS && r >= 0)
                r = rf_sleep_us(2100000); /* virtual */
        expire_ns = (bench_now_ns() - start) / TIMERS;
        free(timers);
        return r;
}

/* A binary heap of numbers: nothing to call, nothing to move. */
static double bare_timers_ns(void)
{
        uint64_t *heap = calloc(TIMERS + 1, sizeof(*heap)), x = 1, sum = 0;
        size_t n = 0;
        double start;

        for (int i = 0; i < TIMERS; i++) {
                size_t at = n++;
                uint64_t v = next_random(&x) % 1000000;

                for (; at > 0 && heap[(at - 1) / 2] > v; at = (at - 1) / 2)
                        heap[at] = heap[(at - 1) / 2];
                heap[at] = v;
        }
        start = bench_now_ns();
        while (n > 0) {
                uint64_t v = heap[--n];
                size_t at = 0, child;

                sum += heap[0];
                while ((child = 2 * at + 1) < n) {
                        child += child + 1 < n && heap[child + 1] < heap[child];
                        if (heap[child] >= v)
                                break;
                        heap[at] = heap[child];
                        at = child;
                }
                heap[at] = v;
        }
        free(heap);
        return sum > 0 ? (bench_now_ns() - start) / TIMERS : 0.0;
}

static int run(int (*fn)(void *), bool is_virtual)
{
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        int r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = is_virtual, .virtual_wall_us = 1 }, &s);

        return r < 0 ? r : rf_sched_run(s, fn, NULL);
}

int main(void)
{
        double ours[4][BENCH_ROUNDS], bare[3][BENCH_ROUNDS];

        for (int i = 0; i < BENCH_ROUNDS; i++) {
                fired = 0;
                bare[0][i] = bare_switch_ns();
                bare[1][i] = bare_idle_kib();
                bare[2][i] = bare_timers_ns();
                if (run(switching, false) < 0 || run(idling, false) < 0 || run(timing, true) < 0)
                        return 1;
                ours[0][i] = switch_ns;
                ours[1][i] = idle_kib;
                ours[2][i] = rearm_ns;
                ours[3][i] = expire_ns;
        }
        bench_print("coroutine switch", bench_median(ours[0], BENCH_ROUNDS), bench_median(bare[0], BENCH_ROUNDS), "ns", "setjmp, longjmp",
                    "target: 25 ns");
        bench_print("idle coroutine", bench_median(ours[1], BENCH_ROUNDS), bench_median(bare[1], BENCH_ROUNDS), "KiB", "one touched page of stack",
                    "target: 8.5 KiB");
        bench_print("timer set again, of 100,000", bench_median(ours[2], BENCH_ROUNDS), bench_median(bare[2], BENCH_ROUNDS), "ns", "pop of a bare heap",
                    "target: 200 ns");
        bench_print("timer fired, of 100,000", bench_median(ours[3], BENCH_ROUNDS), bench_median(bare[2], BENCH_ROUNDS), "ns", "pop of a bare heap",
                    "target: 200 ns");
        return 0;
}
