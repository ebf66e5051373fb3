/* What the files of sched/ share. Nobody else includes this. */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"
#include "base/random.h"
#include "sched/sched.h"

/* ---- coroutine.c ---- */

struct rf_stack;

struct rf_coroutine {
        struct rf_stack *stack;
        int (*fn)(void *arg);
        void *arg;
        const char *name;
        struct rf_group *group;
        struct rf_list group_link;   /* in group->coroutines */
        struct rf_list ready_link;   /* in sched->ready */
        struct rf_waiters wait_link; /* in what it waits for, if that is a list of waiters */
        struct rf_timer timer;       /* ends the wait */
        int wake_result;
        bool is_parked;
        bool ignores_cancel; /* parked, and only a wake may end it */
};

/* A stack with a context that was entered once; runs one coroutine after another. */
int rf_stack_new(struct rf_sched *s, struct rf_stack **ret);
struct rf_stack *rf_stack_free(struct rf_stack *st);
/* The control block, at the top of the stack's memory. */
struct rf_coroutine *rf_stack_coroutine(struct rf_stack *st);
/* From the loop: runs the stack's coroutine until it parks or ends. */
void rf_stack_enter(struct rf_sched *s, struct rf_stack *st);
/* From the coroutine: back to the loop. */
void rf_stack_leave(struct rf_sched *s, struct rf_stack *st);
/* Bytes of the stack that were ever touched, in pages. */
size_t rf_stack_used(const struct rf_stack *st);

/* The context of the loop; private to coroutine.c. */
struct rf_loop_context;
struct rf_loop_context *rf_loop_context_new(void);
struct rf_loop_context *rf_loop_context_free(struct rf_loop_context *c);

/* ---- The scheduler ---- */

struct timer_slot {
        uint64_t time_us;
        struct rf_timer *timer;
};

struct rf_sched {
        struct rf_sched_options options;
        struct rf_loop_context *loop_context;
        struct rf_coroutine *running;
        struct rf_list ready;
        size_t n_ready;
        struct rf_waiters idle; /* who waits for nothing to be ready */
        struct rf_random shuffle;
        struct rf_group *root;
        struct rf_sched_stats stats;

        struct rf_stack **pool; /* stacks at rest */
        size_t n_pool;
        uint64_t ended; /* coroutines; every so many a stack's use is measured */

        uint64_t start_us; /* of the monotonic clock */
        uint64_t now_us;

        struct timer_slot *timers;
        size_t n_timers, timers_capacity;

        int epoll_fd;
        struct rf_io **slots;
        size_t n_slots;
        struct rf_list dirty; /* descriptors that epoll must be told about */
        size_t n_io_waits;    /* coroutines and watchers that wait for a descriptor */

        struct offload_pool *offload;

        void (*slow_hook)(void *arg, const char *name, uint64_t step_us);
        void *slow_hook_arg;
};

/* The scheduler that runs on this thread; asserts that there is one. */
struct rf_sched *rf_sched_get(void);
/* The coroutine that runs; asserts that there is one. */
struct rf_coroutine *rf_coroutine_self(void);

/*
 * Waits for rf_unpark(). Checks cancellation and deadlines first, unless `ignores_cancel`. Returns the waker's result, -ECANCELED
 * or -ETIMEDOUT.
 */
int rf_park(uint64_t deadline_us, bool ignores_cancel);
/* Ends the wait of a parked coroutine: puts it into the ready queue. No effect if it isn't parked. */
void rf_unpark(struct rf_coroutine *co, int result);

/* ---- timer.c ---- */
void rf_timers_fire(struct rf_sched *s);
uint64_t rf_timers_next(const struct rf_sched *s); /* RF_FOREVER if none */

/* ---- clock.c ---- */
uint64_t rf_monotonic_us(void);
void rf_clock_refresh(struct rf_sched *s);

/* ---- io.c ---- */
int rf_io_open(struct rf_sched *s);
void rf_io_close(struct rf_sched *s);
/* Tells epoll what changed, then waits until `until_us` (0 = only looks) and wakes whoever has something to do. */
int rf_io_poll(struct rf_sched *s, uint64_t until_us);

/* ---- group.c ---- */
struct rf_group {
        struct rf_group *parent;
        struct rf_list link; /* in parent->groups */
        struct rf_list groups;
        struct rf_list coroutines;
        size_t n_coroutines;
        uint64_t deadline_us; /* the earliest of its own and its parents' */
        bool is_cancelled, cancels_on_error;
        int first_error; /* since the last join; all that is kept of results, so that a group may be used for ever */
        struct rf_waiters joiners;
};

struct rf_group *rf_group_new_root(void);
void rf_group_child_ended(struct rf_group *g, struct rf_coroutine *co, int result);

/* ---- offload.c ---- */
void rf_offload_close(struct rf_sched *s);
