/* The loop: steps of ready coroutines, timers, descriptors. */
#include "sched/internal.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { POOL_KEPT = 512 /* stacks at rest that keep their memory */ };

static __thread struct rf_sched *current;

/* Not inlined: the address of a thread-local may not be kept across a switch. */
__attribute__((noinline)) struct rf_sched *rf_sched_current(void)
{
        return current;
}

struct rf_sched *rf_sched_get(void)
{
        struct rf_sched *s = rf_sched_current();

        assert(s);
        return s;
}

struct rf_coroutine *rf_coroutine_self(void)
{
        struct rf_sched *s = rf_sched_get();

        assert(s->running);
        return s->running;
}

int rf_sched_new(const struct rf_sched_options *options, struct rf_sched **ret)
{
        struct rf_sched *s = calloc(1, sizeof(*s));
        size_t max;
        int r;

        if (!s)
                return -ENOMEM;
        s->epoll_fd = -1;
        if (options)
                s->options = *options;
        max = s->options.coroutines_max > 0 ? s->options.coroutines_max : RF_COROUTINES_MAX;
        rf_list_init(&s->ready);
        rf_waiters_init(&s->idle);
        rf_list_init(&s->dirty);
        rf_random_seed_named(&s->shuffle, s->options.shuffle_seed, "ready order");
        s->start_us = rf_monotonic_us();
        s->loop_context = rf_loop_context_new();
        s->root = rf_group_new_root();
        s->pool = calloc(max, sizeof(struct rf_stack *));
        if (!s->loop_context || !s->root || !s->pool) {
                rf_sched_free(s);
                return -ENOMEM;
        }
        r = rf_io_open(s);
        if (r < 0) {
                rf_sched_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct rf_sched *rf_sched_free(struct rf_sched *s)
{
        struct rf_sched *outer = current;

        if (!s)
                return NULL;
        assert(s->stats.coroutines == 0);
        current = s;
        rf_offload_close(s);
        while (s->n_pool > 0)
                rf_stack_free(s->pool[--s->n_pool]);
        rf_group_free(s->root);
        rf_io_close(s);
        current = outer;
        rf_loop_context_free(s->loop_context);
        free(s->pool);
        free(s->timers);
        free(s);
        return NULL;
}

/* ---- Ready queue ---- */

static void make_ready(struct rf_sched *s, struct rf_coroutine *co)
{
        struct rf_list *before = &s->ready;

        /* shuffled: anywhere among the last few, which over many wakes reaches every order */
        if (s->options.shuffle_seed != 0)
                for (uint32_t n = rf_random_below(&s->shuffle, (uint32_t)MIN(s->n_ready, (size_t)31) + 1); n > 0; n--)
                        before = before->prev;
        rf_list_append(before, &co->ready_link);
        s->n_ready++;
}

void rf_unpark(struct rf_coroutine *co, int result)
{
        if (!co->is_parked)
                return;
        co->is_parked = false;
        co->wake_result = result;
        make_ready(rf_sched_get(), co);
}

static void park_timed_out(struct rf_timer *t)
{
        rf_unpark(container_of(t, struct rf_coroutine, timer), -ETIMEDOUT);
}

static int check_cancelled(const struct rf_sched *s, const struct rf_coroutine *co)
{
        if (co->group->is_cancelled)
                return -ECANCELED;
        return co->group->deadline_us <= s->now_us ? -ETIMEDOUT : 0;
}

int rf_park(uint64_t deadline_us, bool ignores_cancel)
{
        struct rf_sched *s = rf_sched_get();
        struct rf_coroutine *co = s->running;
        int r;

        assert(co);
        if (!ignores_cancel) {
                r = check_cancelled(s, co);
                if (r < 0)
                        return r;
                deadline_us = MIN(deadline_us, co->group->deadline_us);
                if (deadline_us <= s->now_us)
                        return -ETIMEDOUT;
                if (deadline_us != RF_FOREVER) {
                        r = rf_timer_set(&co->timer, deadline_us, park_timed_out);
                        if (r < 0)
                                return r;
                }
        }
        co->ignores_cancel = ignores_cancel;
        co->is_parked = true;
        rf_stack_leave(s, co->stack);
        rf_timer_stop(&co->timer);
        return co->wake_result;
}

int rf_check_cancelled(void)
{
        return check_cancelled(rf_sched_get(), rf_coroutine_self());
}

void rf_name_coroutine(const char *name)
{
        rf_coroutine_self()->name = name;
}

int rf_yield(void)
{
        struct rf_sched *s = rf_sched_get();
        struct rf_coroutine *co = s->running;
        int r;

        assert(co);
        r = check_cancelled(s, co);
        if (r < 0)
                return r;
        make_ready(s, co);
        rf_stack_leave(s, co->stack);
        return check_cancelled(s, co);
}

int rf_yield_until_idle(void)
{
        return rf_wait(&rf_sched_get()->idle, RF_FOREVER);
}

int rf_sleep_until(uint64_t time_us)
{
        int r;

        if (time_us <= rf_now_us())
                return rf_yield();
        r = rf_park(time_us, false);
        if (r != -ETIMEDOUT)
                return r;
        return rf_check_cancelled(); /* the sleep's own end is success */
}

int rf_sleep_us(uint64_t delay_us)
{
        return rf_sleep_until(rf_deadline_in(delay_us));
}

/* ---- The loop ---- */

static void run_step(struct rf_sched *s)
{
        struct rf_coroutine *co = rf_list_first(&s->ready, struct rf_coroutine, ready_link);
        uint64_t before, took;
        const char *name = co->name;

        rf_list_remove(&co->ready_link);
        s->n_ready--;
        s->running = co;
        s->stats.switches++;
        before = s->options.virtual_clock ? rf_monotonic_us() : s->now_us;
        rf_stack_enter(s, co->stack);
        s->running = NULL;
        rf_clock_refresh(s);
        took = (s->options.virtual_clock ? rf_monotonic_us() : s->now_us) - before;
        s->stats.slowest_step_us = MAX(s->stats.slowest_step_us, took);
        if (took > RF_STEP_SLOW_US) {
                s->stats.slow_steps++;
                if (s->slow_hook)
                        s->slow_hook(s->slow_hook_arg, name, took);
        }
        while (s->n_pool > POOL_KEPT)
                rf_stack_free(s->pool[--s->n_pool]);
}

/* Waits for something to do. -EDEADLK: nothing can ever happen. */
static int wait_for_events(struct rf_sched *s)
{
        uint64_t next = rf_timers_next(s);
        int r;

        if (s->n_ready == 0)
                rf_wake_all(&s->idle);
        if (s->n_ready > 0)
                return rf_io_poll(s, 0);
        if (!s->options.virtual_clock)
                return rf_io_poll(s, next);
        /* virtual time stands still while a descriptor that anybody waits for has something; only then it jumps */
        r = s->n_io_waits > 0 ? rf_io_poll(s, next == RF_FOREVER ? RF_FOREVER : 0) : 0;
        if (r < 0 || s->n_ready > 0)
                return r;
        if (next == RF_FOREVER)
                return s->n_io_waits > 0 ? 0 : -EDEADLK;
        s->now_us = MAX(s->now_us, next);
        return 0;
}

static int run_loop(struct rf_sched *s)
{
        int result = 0;

        while (s->stats.coroutines > 0) {
                int r;

                for (unsigned n = 0; n < RF_READY_BATCH && s->n_ready > 0; n++)
                        run_step(s);
                s->stats.passes++;
                if (s->stats.coroutines == 0)
                        break;
                r = wait_for_events(s);
                if (r == -EDEADLK) {
                        assert(result == 0); /* cancelled once already, and somebody still waits */
                        result = r;
                        rf_group_cancel(s->root);
                } else if (r < 0)
                        return r;
                rf_clock_refresh(s);
                rf_timers_fire(s);
        }
        return result;
}

struct first {
        int (*fn)(void *arg);
        void *arg;
        int result;
};

static int run_first(void *arg)
{
        struct first *f = arg;

        f->result = f->fn(f->arg);
        return 0;
}

int rf_sched_run(struct rf_sched *s, int (*main_fn)(void *arg), void *arg)
{
        struct first first = { .fn = main_fn, .arg = arg };
        struct rf_sched *outer = current;
        int r;

        current = s;
        rf_clock_refresh(s);
        s->root->is_cancelled = false;
        r = rf_group_spawn(s->root, "main", run_first, &first);
        if (r >= 0)
                r = run_loop(s);
        s->root->first_error = 0;
        current = outer;
        return r < 0 ? r : first.result;
}

void rf_sched_set_slow_hook(struct rf_sched *s, void (*hook)(void *arg, const char *name, uint64_t step_us), void *arg)
{
        s->slow_hook = hook;
        s->slow_hook_arg = arg;
}

struct rf_sched_stats rf_sched_stats(const struct rf_sched *s)
{
        struct rf_sched_stats stats = s->stats;

        stats.timers = s->n_timers;
        return stats;
}
