/*
 * The scheduler: stackful coroutines on one thread, woken by timers, descriptors and each other.
 *
 * All the functions here that wait ("yields") may be called from a coroutine only. They return -ECANCELED once the caller's group
 * is cancelled, and -ETIMEDOUT past the deadline given or the earliest deadline of the caller's groups. Whoever wakes a coroutine
 * puts it in the ready queue and goes on; nothing is ever resumed in place. Ready coroutines run first in, first out, or in an
 * order shuffled by `shuffle_seed` (tests).
 *
 * Time is scheduler time: microseconds since the scheduler was made, monotonic. With the virtual clock, time stands still while
 * anything is ready, and jumps to the next timer when nothing is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_sched;
struct rf_group;

struct rf_sched_options {
        bool virtual_clock;
        uint64_t virtual_wall_us; /* wall-clock time at start with the virtual clock; microseconds since 1970 */
        uint64_t shuffle_seed;    /* 0 = in order */
        size_t coroutines_max;    /* 0 = RF_COROUTINES_MAX */
};

struct rf_sched_stats {
        size_t coroutines;      /* alive */
        size_t coroutines_peak;
        size_t stacks;          /* allocated, pooled ones included */
        size_t stack_high_water; /* deepest use of the stacks that were given back, bytes in whole pages; every 64th is measured */
        size_t timers;
        uint64_t switches;
        uint64_t passes;        /* of the loop */
        uint64_t slow_steps;    /* steps over RF_STEP_SLOW_US */
        uint64_t slowest_step_us;
};

int rf_sched_new(const struct rf_sched_options *options, struct rf_sched **ret);
/* No coroutine may be alive. Accepts NULL, returns NULL. */
struct rf_sched *rf_sched_free(struct rf_sched *s);
DEFINE_CLEANUP(struct rf_sched *, rf_sched_free);

/*
 * Runs `main_fn(arg)` as the first coroutine, in the root group, and everything it starts, until it returned *and* no coroutine
 * is left. Returns what main_fn returned. -EDEADLK: coroutines wait but nothing can ever wake them (virtual clock only).
 */
int rf_sched_run(struct rf_sched *s, int (*main_fn)(void *arg), void *arg);

/* Called when a step held the loop over RF_STEP_SLOW_US; `name` is the coroutine's. */
void rf_sched_set_slow_hook(struct rf_sched *s, void (*hook)(void *arg, const char *name, uint64_t step_us), void *arg);

struct rf_sched_stats rf_sched_stats(const struct rf_sched *s);

/* ---- From within a coroutine (rf_now and rf_wall_us: also from hooks) ---- */

uint64_t rf_now_us(void);     /* scheduler time */
uint64_t rf_wall_us(void);    /* wall-clock time, microseconds since 1970 */
bool rf_clock_is_virtual(void);
uint64_t rf_deadline_in(uint64_t delay_us); /* now + delay, saturating at RF_FOREVER */
struct rf_sched *rf_sched_current(void);    /* NULL outside of rf_sched_run() */

int rf_yield(void);                          /* lets everything that is ready run first */
int rf_yield_until_idle(void);               /* lets everything run until nothing is ready, without time passing */
int rf_sleep_us(uint64_t delay_us);
int rf_sleep_until(uint64_t time_us);
/* 0, or -ECANCELED or -ETIMEDOUT as a wait would return now. Doesn't yield. For loops that compute for long. */
int rf_check_cancelled(void);
/* Names the calling coroutine in reports; a static string. */
void rf_name_coroutine(const char *name);

/* ---- Groups: structured concurrency ---- */

/*
 * A group owns the coroutines spawned into it. Its parent is the caller's own group: cancelling or timing out a group reaches all
 * groups below it, down to each wait. The group must be freed by the coroutine that made it.
 */
int rf_group_new(uint64_t deadline_us, struct rf_group **ret);

/*
 * Starts fn(arg) in the group; it first runs after the caller yields. -EAGAIN: the cap of coroutines is reached; -ECANCELED: the
 * group is cancelled. `name` is a static string.
 */
int rf_group_spawn(struct rf_group *g, const char *name, int (*fn)(void *arg), void *arg);

/*
 * Waits until all coroutines of the group have ended (yields). Returns 0, or the first error that one of them returned, in order
 * of ending; then the others go on unless the group was made to cancel on error (rf_group_cancel_on_error). When the *caller* is
 * cancelled or timed out while joining, the group is cancelled, joined all the same, and the caller's error returned: after this
 * call no child is alive.
 */
int rf_group_join(struct rf_group *g);
void rf_group_cancel_on_error(struct rf_group *g);
void rf_group_cancel(struct rf_group *g); /* doesn't wait; idempotent; callable from any coroutine */
size_t rf_group_size(const struct rf_group *g); /* coroutines alive */
/* Cancels, waits for the children even if the caller itself is cancelled (yields if there are any), frees. Accepts NULL. */
struct rf_group *rf_group_free(struct rf_group *g);
DEFINE_CLEANUP(struct rf_group *, rf_group_free);

/*
 * A group for coroutines that outlive their starter (connections, runs): its parent is the root group. May be freed by any
 * coroutine.
 */
int rf_group_new_detached(uint64_t deadline_us, struct rf_group **ret);

/* ---- Waiting for each other ---- */

/* Something to wait on; the condition itself is the caller's. Embedded; RF_WAITERS_INIT(). */
struct rf_waiters {
        struct rf_waiters *next, *prev; /* a list head, in order of arrival */
};

void rf_waiters_init(struct rf_waiters *w);
/* Waits until woken (yields). Check the condition again afterwards. */
int rf_wait(struct rf_waiters *w, uint64_t deadline_us);
/* The same, through cancellation and deadlines: for who lent memory to somebody who is still using it. */
void rf_wait_through(struct rf_waiters *w);
size_t rf_wake_one(struct rf_waiters *w);  /* the longest waiting; how many were woken */
size_t rf_wake_all(struct rf_waiters *w);

/* Counting semaphore, first come first served. Embedded. */
struct rf_semaphore {
        size_t available;
        struct rf_waiters waiters;
};

void rf_semaphore_init(struct rf_semaphore *s, size_t available);
int rf_semaphore_acquire(struct rf_semaphore *s, uint64_t deadline_us); /* yields only if none is available */
void rf_semaphore_release(struct rf_semaphore *s);

/* Bounded queue of pointers. A closed queue takes nothing more and, once empty, gives -EPIPE. */
struct rf_queue;
int rf_queue_new(size_t capacity, struct rf_queue **ret);
struct rf_queue *rf_queue_free(struct rf_queue *q); /* nobody may wait; elements are the caller's */
DEFINE_CLEANUP(struct rf_queue *, rf_queue_free);
int rf_queue_push(struct rf_queue *q, void *item, uint64_t deadline_us); /* yields while full */
int rf_queue_pop(struct rf_queue *q, void **ret_item, uint64_t deadline_us); /* yields while empty */
void rf_queue_close(struct rf_queue *q);
size_t rf_queue_size(const struct rf_queue *q);

/* ---- Descriptors ---- */

enum { RF_IO_READ = 1u << 0, RF_IO_WRITE = 1u << 1, RF_IO_ERROR = 1u << 2, RF_IO_HANGUP = 1u << 3,
       RF_IO_PEER_CLOSED = 1u << 4 /* the peer has shut down its writing side (EPOLLRDHUP) */ };

/*
 * A descriptor registered with the loop. Slots carry a generation, so that an event fetched before rf_io_free() reaches nobody.
 * epoll is told lazily, just before it waits. At most one coroutine waits for reading and one for writing at a time.
 */
struct rf_io;

int rf_io_new(int fd, struct rf_io **ret); /* the descriptor stays the caller's, must be non-blocking, and outlive this */
struct rf_io *rf_io_free(struct rf_io *io); /* before close(); wakes waiters with -EBADF. Accepts NULL */
DEFINE_CLEANUP(struct rf_io *, rf_io_free);
/* Waits for any of `events` (READ, WRITE; ERROR and HANGUP always wake). Returns the events seen, or a negative error. Yields. */
int rf_io_wait(struct rf_io *io, unsigned events, uint64_t deadline_us);
/*
 * Instead of waiting: `callback` is called from the loop with each change of readiness (net/ only, for libcurl). events = 0
 * turns it off. Must not yield.
 */
int rf_io_watch(struct rf_io *io, unsigned events, void (*callback)(void *arg, unsigned events), void *arg);

/* ---- Timers ---- */

/* A callback at a time, on the loop. Embedded and zero-initialised; may be moved to another time or stopped at any time. */
struct rf_timer {
        uint64_t time_us;
        size_t index; /* in the heap, plus one; 0 = not set */
        void (*callback)(struct rf_timer *t);
};

int rf_timer_set(struct rf_timer *t, uint64_t time_us, void (*callback)(struct rf_timer *t)); /* -ENOMEM */
void rf_timer_stop(struct rf_timer *t);

/* ---- Blocking work ---- */

/*
 * Runs fn(arg) on a helper thread and waits for it (yields). The wait ignores cancellation: the work's memory stays valid until it
 * is done. With the virtual clock it runs in place. -EAGAIN: RF_OFFLOAD_QUEUE_MAX reached. Otherwise what fn returned.
 */
int rf_offload(int (*fn)(void *arg), void *arg);
