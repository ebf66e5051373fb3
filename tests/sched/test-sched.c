#include "test.h"

#include "base/limits.h"
#include "base/random.h"
#include "sched/sched.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#if HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static int run_with(const struct rf_sched_options *options, int (*fn)(void *arg), void *arg)
{
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;

        assert_int_equal(rf_sched_new(options, &s), 0);
        return rf_sched_run(s, fn, arg);
}

static int run_virtual(int (*fn)(void *arg), void *arg)
{
        return run_with(&(struct rf_sched_options){ .virtual_clock = true }, fn, arg);
}

/* ---- Time ---- */

static int sleeps_a_day(void *arg)
{
        uint64_t before = rf_now_us(), wall = rf_wall_us();

        (void)arg;
        assert_int_equal(rf_sleep_us(86400 * USEC_PER_SEC), 0);
        assert_true(rf_now_us() - before == 86400 * USEC_PER_SEC);
        assert_true(rf_wall_us() - wall == 86400 * USEC_PER_SEC);
        assert_true(rf_clock_is_virtual());
        assert_true(rf_deadline_in(UINT64_MAX) == RF_FOREVER);
        return 7;
}

static void virtual_time_jumps_over_a_sleep(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(sleeps_a_day, NULL), 7);
}

static int sleeps_really(void *arg)
{
        uint64_t before = rf_now_us();

        (void)arg;
        assert_int_equal(rf_sleep_us(3000), 0);
        assert_true(rf_now_us() - before >= 3000);
        return 0;
}

static void real_time_passes_at_least_as_asked(void **state)
{
        (void)state;
        assert_int_equal(run_with(NULL, sleeps_really, NULL), 0);
}

enum { TIMERS = 2000 };
static uint64_t fired[TIMERS * 4];
static size_t n_fired;

static void note_timer(struct rf_timer *t)
{
        fired[n_fired++] = t->time_us;
}

/* The heap against a plain count: set, moved and stopped at random. */
static int churns_timers(void *arg)
{
        static struct rf_timer timers[TIMERS];
        struct rf_random random;
        size_t set = 0;

        (void)arg;
        rf_random_seed(&random, 3);
        n_fired = 0;
        for (int i = 0; i < 20000; i++) {
                struct rf_timer *t = &timers[rf_random_below(&random, TIMERS)];

                if (rf_random_below(&random, 3))
                        assert_int_equal(rf_timer_set(t, 1000 + rf_random_below(&random, 1000000), note_timer), 0);
                else
                        rf_timer_stop(t);
        }
        for (size_t i = 0; i < TIMERS; i++)
                set += timers[i].index > 0;
        assert_int_equal(rf_sched_stats(rf_sched_current()).timers, set);
        assert_int_equal(rf_sleep_us(2000000), 0);
        assert_int_equal(n_fired, set);
        for (size_t i = 1; i < n_fired; i++)
                assert_true(fired[i - 1] <= fired[i]);
        return 0;
}

static void timers_fire_in_order_whatever_is_moved_and_stopped(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(churns_timers, NULL), 0);
}

/* ---- Groups ---- */

struct wait_case {
        const char *name;
        int (*fn)(void *arg);
};

static struct rf_waiters nobody_wakes;
static struct rf_semaphore no_units;
static struct rf_queue *empty_queue, *full_queue;
static struct rf_io *quiet_io;

static int waits_for_waiters(void *arg) { (void)arg; return rf_wait(&nobody_wakes, RF_FOREVER); }
static int waits_for_semaphore(void *arg) { (void)arg; return rf_semaphore_acquire(&no_units, RF_FOREVER); }
static int waits_to_pop(void *arg) { void *item; (void)arg; return rf_queue_pop(empty_queue, &item, RF_FOREVER); }
static int waits_to_push(void *arg) { (void)arg; return rf_queue_push(full_queue, &nobody_wakes, RF_FOREVER); }
static int waits_for_io(void *arg) { (void)arg; return rf_io_wait(quiet_io, RF_IO_READ, RF_FOREVER); }
static int waits_for_sleep(void *arg) { (void)arg; return rf_sleep_us(1000 * USEC_PER_SEC); }

static int joins_a_sleeper(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int r;

        (void)arg;
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "inner", waits_for_sleep, NULL), 0);
        r = rf_group_join(g);
        assert_int_equal(rf_group_size(g), 0);
        return r;
}

static const struct wait_case waits[] = {
        { "waiters", waits_for_waiters }, { "semaphore", waits_for_semaphore }, { "pop", waits_to_pop },
        { "push", waits_to_push },        { "io", waits_for_io },               { "sleep", waits_for_sleep },
        { "join", joins_a_sleeper },
};

static int ends_every_wait(void *arg)
{
        bool by_deadline = arg != NULL;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        rf_waiters_init(&nobody_wakes);
        rf_semaphore_init(&no_units, 0);
        assert_int_equal(rf_queue_new(1, &empty_queue), 0);
        assert_int_equal(rf_queue_new(1, &full_queue), 0);
        assert_int_equal(rf_queue_push(full_queue, &pair, RF_FOREVER), 0);
        assert_int_equal(rf_io_new(pair[0], &quiet_io), 0);
        for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
                _cleanup_(rf_group_freep) struct rf_group *g = NULL;
                uint64_t before = rf_now_us();

                assert_int_equal(rf_group_new(by_deadline ? rf_deadline_in(5000) : RF_FOREVER, &g), 0);
                assert_int_equal(rf_group_spawn(g, waits[i].name, waits[i].fn, NULL), 0);
                assert_int_equal(rf_sleep_us(1000), 0);
                if (!by_deadline)
                        rf_group_cancel(g);
                assert_int_equal(rf_group_join(g), by_deadline ? -ETIMEDOUT : -ECANCELED);
                assert_true(rf_now_us() - before == (by_deadline ? 5000 : 1000));
        }
        quiet_io = rf_io_free(quiet_io);
        empty_queue = rf_queue_free(empty_queue);
        full_queue = rf_queue_free(full_queue);
        close(pair[0]);
        close(pair[1]);
        return 0;
}

static void cancelling_a_group_ends_every_kind_of_wait(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(ends_every_wait, NULL), 0);
}

static void a_deadline_reaches_every_kind_of_wait(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(ends_every_wait, &nobody_wakes), 0);
}

static int fails_later(void *arg)
{
        int r = rf_sleep_us((uint64_t)(intptr_t)arg);

        return r < 0 ? r : -(int)(intptr_t)arg;
}

static int joins_failing_children(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        uint64_t before = rf_now_us();

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        if (arg)
                rf_group_cancel_on_error(g);
        for (intptr_t i = 30; i > 0; i -= 10)
                assert_int_equal(rf_group_spawn(g, "child", fails_later, (void *)i), 0);
        assert_int_equal(rf_group_join(g), -10);
        assert_true(rf_now_us() - before == (arg ? 10 : 30));
        return 0;
}

static void join_returns_the_first_error_and_can_cancel_the_rest(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(joins_failing_children, NULL), 0);
        assert_int_equal(run_virtual(joins_failing_children, &nobody_wakes), 0);
}

static int n_running;

static int counts_itself(void *arg)
{
        int r;

        (void)arg;
        n_running++;
        r = rf_sleep_us(USEC_PER_SEC);
        rf_yield(); /* a tidy-up that takes a step, cancelled or not */
        n_running--;
        return r;
}

static int frees_a_running_group(void *arg)
{
        struct rf_group *g;

        (void)arg;
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 10; i++)
                assert_int_equal(rf_group_spawn(g, "child", counts_itself, NULL), 0);
        assert_int_equal(rf_sleep_us(10), 0);
        assert_int_equal(n_running, 10);
        rf_group_free(g);
        assert_int_equal(n_running, 0);
        return 0;
}

static int is_cancelled_while_freeing(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *outer = NULL;

        (void)arg;
        assert_int_equal(rf_group_new(RF_FOREVER, &outer), 0);
        assert_int_equal(rf_group_spawn(outer, "freer", frees_a_running_group, NULL), 0);
        assert_int_equal(rf_sleep_us(10), 0);
        assert_int_equal(rf_yield(), 0); /* the freer now waits for its children's tidy-up */
        assert_int_equal(n_running, 10);
        rf_group_cancel(outer);
        assert_int_equal(rf_group_spawn(outer, "late", counts_itself, NULL), -ECANCELED);
        rf_group_join(outer);
        assert_int_equal(n_running, 0);
        return 0;
}

static void freeing_a_group_leaves_no_child_alive(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(frees_a_running_group, NULL), 0);
        assert_int_equal(run_virtual(is_cancelled_while_freeing, NULL), 0);
}

static int does_nothing(void *arg)
{
        (void)arg;
        return 0;
}

static int reaches_the_cap(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        size_t max = *(size_t *)arg;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (size_t i = 1; i < max; i++)
                assert_int_equal(rf_group_spawn(g, "child", does_nothing, NULL), 0);
        assert_int_equal(rf_group_spawn(g, "one too many", does_nothing, NULL), -EAGAIN);
        assert_int_equal(rf_group_join(g), 0);
        assert_int_equal(rf_group_spawn(g, "child", does_nothing, NULL), 0);
        return rf_group_join(g);
}

static void creation_past_the_cap_fails_cleanly_and_recovers(void **state)
{
        size_t small = 50, full = RF_COROUTINES_MAX;

        (void)state;
        assert_int_equal(run_with(&(struct rf_sched_options){ .virtual_clock = true, .coroutines_max = small }, reaches_the_cap,
                                  &small), 0);
        if (!RUNNING_ON_VALGRIND) /* which keeps its own, lower count of mappings */
                assert_int_equal(run_virtual(reaches_the_cap, &full), 0);
}

/* ---- Order ---- */

static char order[64];

static int writes_its_letter(void *arg)
{
        strncat(order, arg, 1);
        return 0;
}

static int wakes_others(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;

        (void)arg;
        order[0] = '\0';
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(rf_group_spawn(g, "letter", writes_its_letter, (void *)&"abcde"[i]), 0);
        assert_string_equal(order, ""); /* spawned, not run in place */
        return rf_group_join(g);
}

static void the_ready_order_is_first_come_or_shuffled_by_seed(void **state)
{
        char first[64];
        bool differs = false;

        (void)state;
        run_virtual(wakes_others, NULL);
        assert_string_equal(order, "abcde");
        for (uint64_t seed = 1; seed < 20; seed++) {
                struct rf_sched_options o = { .virtual_clock = true, .shuffle_seed = seed };

                run_with(&o, wakes_others, NULL);
                strcpy(first, order);
                run_with(&o, wakes_others, NULL);
                assert_string_equal(order, first);
                differs |= strcmp(order, "abcde") != 0;
        }
        assert_true(differs);
}

static int produces(void *arg)
{
        for (uintptr_t i = 1; i <= 100; i++)
                assert_int_equal(rf_queue_push(arg, (void *)i, RF_FOREVER), 0);
        return 0;
}

static uintptr_t consumed;

static int consumes(void *arg)
{
        void *item;
        int r;

        while ((r = rf_queue_pop(arg, &item, RF_FOREVER)) == 0)
                consumed += (uintptr_t)item;
        return r == -EPIPE ? 0 : r;
}

static int passes_through_a_queue(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *producers = NULL, *consumers = NULL;
        _cleanup_(rf_queue_freep) struct rf_queue *q = NULL;

        (void)arg;
        consumed = 0;
        assert_int_equal(rf_queue_new(3, &q), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &producers), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &consumers), 0);
        for (int i = 0; i < 4; i++) {
                rf_group_spawn(producers, "producer", produces, q);
                rf_group_spawn(consumers, "consumer", consumes, q);
        }
        assert_int_equal(rf_group_join(producers), 0);
        rf_queue_close(q);
        assert_int_equal(rf_queue_push(q, q, RF_FOREVER), -EPIPE);
        assert_int_equal(rf_group_join(consumers), 0);
        assert_int_equal(consumed, 4 * 5050);
        return 0;
}

static void a_thousand_shuffles_lose_nothing_in_a_queue(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed <= 1000; seed++)
                assert_int_equal(run_with(&(struct rf_sched_options){ .virtual_clock = true, .shuffle_seed = seed },
                                          passes_through_a_queue, NULL), 0);
}

static size_t inside, most_inside;

static int enters(void *arg)
{
        struct rf_semaphore *sem = arg;

        assert_int_equal(rf_semaphore_acquire(sem, RF_FOREVER), 0);
        inside++;
        most_inside = MAX(most_inside, inside);
        assert_int_equal(rf_sleep_us(10), 0);
        inside--;
        rf_semaphore_release(sem);
        return 0;
}

static int crowds_a_semaphore(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        struct rf_semaphore sem;

        (void)arg;
        rf_semaphore_init(&sem, 3);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 30; i++)
                rf_group_spawn(g, "visitor", enters, &sem);
        assert_int_equal(rf_group_join(g), 0);
        assert_int_equal(most_inside, 3);
        assert_int_equal(sem.available, 3);
        assert_true(rf_now_us() == 100);
        return 0;
}

static void a_semaphore_admits_as_many_as_it_says(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(crowds_a_semaphore, NULL), 0);
}

static int fails_at_once(void *arg)
{
        (void)arg;
        return -10;
}

static size_t heap_used(void)
{
        struct mallinfo2 m = mallinfo2(); /* zeros with a sanitizer's allocator */

        return m.uordblks + m.hblkhd;
}

static int uses_a_group_for_ever(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        size_t before;

        (void)arg;
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "first", fails_at_once, NULL), 0);
        assert_int_equal(rf_yield(), 0);
        before = heap_used();
        for (int i = 0; i < 50000; i++) {
                assert_int_equal(rf_group_spawn(g, "another", fails_at_once, NULL), 0);
                assert_int_equal(rf_yield(), 0);
        }
        assert_true(heap_used() < before + 4096);
        assert_int_equal(rf_group_join(g), -10);
        return 0;
}

static void a_group_that_is_never_joined_keeps_nothing_of_its_children(void **state)
{
        (void)state;
        assert_int_equal(run_virtual(uses_a_group_for_ever, NULL), 0);
}

static int waits_for_ever(void *arg)
{
        rf_waiters_init(arg);
        return rf_wait(arg, RF_FOREVER);
}

static void a_deadlock_in_virtual_time_is_reported(void **state)
{
        struct rf_waiters w;

        (void)state;
        assert_int_equal(run_virtual(waits_for_ever, &w), -EDEADLK);
}

/* ---- Descriptors, blocking work ---- */

struct reader {
        int fd, result; /* the byte */
};

static int reads_a_byte(void *arg)
{
        struct reader *reader = arg;
        struct rf_io *io;
        char c;

        assert_int_equal(rf_io_new(reader->fd, &io), 0);
        reader->result = rf_io_wait(io, RF_IO_READ, RF_FOREVER);
        if (reader->result > 0)
                reader->result = read(reader->fd, &c, 1) == 1 ? c : -errno;
        rf_io_free(io);
        return 0;
}

static int reuses_a_descriptor(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        struct reader first, second;
        int a[2], b[2];

        (void)arg;
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(pipe2(a, O_NONBLOCK | O_CLOEXEC), 0);
        first = (struct reader){ .fd = a[0] };
        rf_group_spawn(g, "reader", reads_a_byte, &first);
        rf_yield();
        assert_int_equal(write(a[1], "x", 1), 1);
        assert_int_equal(rf_group_join(g), 0);
        assert_int_equal(first.result, 'x');
        close(a[0]);
        assert_int_equal(pipe2(b, O_NONBLOCK | O_CLOEXEC), 0); /* gets the number that a[0] had */
        assert_int_equal(b[0], a[0]);
        second = (struct reader){ .fd = b[0] };
        rf_group_spawn(g, "reader", reads_a_byte, &second);
        rf_yield();
        close(b[1]);
        assert_int_equal(rf_group_join(g), 0);
        assert_true(second.result <= 0); /* the end, not an event of the old pipe */
        close(b[0]);
        close(a[1]);
        return 0;
}

static void events_reach_only_the_descriptor_they_are_for(void **state)
{
        (void)state;
        assert_int_equal(run_with(NULL, reuses_a_descriptor, NULL), 0);
}

static int blocks(void *arg)
{
        char c;

        return read(*(int *)arg, &c, 1) == 1 ? c : -EIO;
}

static int offloads(void *arg)
{
        assert_int_equal(rf_offload(blocks, arg), 'a');
        return 0;
}

static int blocks_off_the_loop(void *arg)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int fds[2];

        (void)arg;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 20; i++)
                assert_int_equal(rf_group_spawn(g, "blocker", offloads, &fds[0]), 0);
        assert_int_equal(rf_sleep_us(2000), 0); /* the loop goes on meanwhile */
        assert_int_equal(rf_group_size(g), 20);
        rf_group_cancel(g); /* ignored: the work's memory must stay valid */
        assert_int_equal(write(fds[1], "aaaaaaaaaaaaaaaaaaaa", 20), 20);
        assert_int_equal(rf_group_join(g), 0);
        close(fds[0]);
        close(fds[1]);
        return 0;
}

static void blocking_work_does_not_hold_the_loop(void **state)
{
        (void)state;
        assert_int_equal(run_with(NULL, blocks_off_the_loop, NULL), 0);
}

/* ---- What must be noticed ---- */

static const char *slow_name;

static void note_slow(void *arg, const char *name, uint64_t step_us)
{
        (void)arg;
        assert_true(step_us > RF_STEP_SLOW_US);
        slow_name = name;
}

static int holds_the_loop(void *arg)
{
        (void)arg;
        rf_sched_set_slow_hook(rf_sched_current(), note_slow, NULL);
        rf_name_coroutine("slowpoke");
        for (volatile uint64_t i = 0; rf_sched_stats(rf_sched_current()).slow_steps == 0; i++) {
                usleep(RF_STEP_SLOW_US + 10000); /* really blocks: that is the point */
                rf_yield();
        }
        return 0;
}

static void a_step_that_holds_the_loop_is_reported_by_name(void **state)
{
        (void)state;
        assert_int_equal(run_with(NULL, holds_the_loop, NULL), 0);
        assert_string_equal(slow_name, "main");
}

#ifndef __SANITIZE_ADDRESS__
__attribute__((noinline)) static int recurses(int n)
{
        volatile char page[2048];

        page[0] = (char)n;
        return n == 0 ? page[0] : recurses(n - 1) + page[0];
}

static int overflows(void *arg)
{
        return recurses(*(int *)arg);
}

static void a_stack_overflow_hits_the_guard(void **state)
{
        pid_t pid;
        int status, deep = 1000;

        (void)state;
        pid = fork();
        if (pid == 0) {
                signal(SIGSEGV, SIG_DFL);
                run_virtual(overflows, &deep);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
#endif

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(virtual_time_jumps_over_a_sleep),
                cmocka_unit_test(real_time_passes_at_least_as_asked),
                cmocka_unit_test(timers_fire_in_order_whatever_is_moved_and_stopped),
                cmocka_unit_test(cancelling_a_group_ends_every_kind_of_wait),
                cmocka_unit_test(a_deadline_reaches_every_kind_of_wait),
                cmocka_unit_test(join_returns_the_first_error_and_can_cancel_the_rest),
                cmocka_unit_test(freeing_a_group_leaves_no_child_alive),
                cmocka_unit_test(creation_past_the_cap_fails_cleanly_and_recovers),
                cmocka_unit_test(the_ready_order_is_first_come_or_shuffled_by_seed),
                cmocka_unit_test(a_thousand_shuffles_lose_nothing_in_a_queue),
                cmocka_unit_test(a_semaphore_admits_as_many_as_it_says),
                cmocka_unit_test(a_group_that_is_never_joined_keeps_nothing_of_its_children),
                cmocka_unit_test(a_deadlock_in_virtual_time_is_reported),
                cmocka_unit_test(events_reach_only_the_descriptor_they_are_for),
                cmocka_unit_test(blocking_work_does_not_hold_the_loop),
                cmocka_unit_test(a_step_that_holds_the_loop_is_reported_by_name),
#ifndef __SANITIZE_ADDRESS__
                cmocka_unit_test(a_stack_overflow_hits_the_guard),
#endif
        };

        return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
