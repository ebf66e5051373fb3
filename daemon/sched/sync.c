/* Waiting for each other: waiters, semaphores, queues. All of them first come, first served. */
#include "sched/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Waiters ---- */

void rf_waiters_init(struct rf_waiters *w)
{
        w->next = w->prev = w;
}

static void unlink_waiter(struct rf_waiters *w)
{
        w->prev->next = w->next;
        w->next->prev = w->prev;
        rf_waiters_init(w);
}

static int wait_in_line(struct rf_waiters *w, uint64_t deadline_us, bool ignores_cancel)
{
        struct rf_coroutine *self = rf_coroutine_self();
        struct rf_waiters *link = &self->wait_link;
        int r;

        link->next = w;
        link->prev = w->prev;
        w->prev->next = link;
        w->prev = link;
        r = rf_park(deadline_us, ignores_cancel);
        unlink_waiter(link); /* a waker has done so already; a timeout hasn't */
        return r;
}

int rf_wait(struct rf_waiters *w, uint64_t deadline_us)
{
        return wait_in_line(w, deadline_us, false);
}

void rf_wait_through(struct rf_waiters *w)
{
        (void)wait_in_line(w, RF_FOREVER, true);
}

size_t rf_wake_one(struct rf_waiters *w)
{
        while (w->next != w) {
                struct rf_coroutine *co = container_of(w->next, struct rf_coroutine, wait_link);

                unlink_waiter(&co->wait_link);
                if (!co->is_parked)
                        continue; /* on its way out for another reason */
                rf_unpark(co, 0);
                return 1;
        }
        return 0;
}

size_t rf_wake_all(struct rf_waiters *w)
{
        size_t n = 0;

        while (rf_wake_one(w))
                n++;
        return n;
}

/* ---- Semaphore ---- */

void rf_semaphore_init(struct rf_semaphore *s, size_t available)
{
        s->available = available;
        rf_waiters_init(&s->waiters);
}

/* A release hands its unit straight to the longest waiting, so that a newcomer can't overtake. */
int rf_semaphore_acquire(struct rf_semaphore *s, uint64_t deadline_us)
{
        int r;

        if (s->available > 0) {
                s->available--;
                return 0;
        }
        r = rf_wait(&s->waiters, deadline_us);
        return r < 0 ? r : 0;
}

void rf_semaphore_release(struct rf_semaphore *s)
{
        if (!rf_wake_one(&s->waiters))
                s->available++;
}

/* ---- Queue ---- */

struct rf_queue {
        size_t capacity, size, first;
        bool is_closed;
        struct rf_waiters not_full, not_empty;
        void *items[];
};

int rf_queue_new(size_t capacity, struct rf_queue **ret)
{
        struct rf_queue *q;

        if (capacity == 0 || capacity > SIZE_MAX / sizeof(void *) / 2)
                return -EINVAL;
        q = calloc(1, sizeof(*q) + capacity * sizeof(void *));
        if (!q)
                return -ENOMEM;
        q->capacity = capacity;
        rf_waiters_init(&q->not_full);
        rf_waiters_init(&q->not_empty);
        *ret = q;
        return 0;
}

struct rf_queue *rf_queue_free(struct rf_queue *q)
{
        if (q)
                assert(q->not_full.next == &q->not_full && q->not_empty.next == &q->not_empty);
        free(q);
        return NULL;
}

int rf_queue_push(struct rf_queue *q, void *item, uint64_t deadline_us)
{
        while (q->size == q->capacity && !q->is_closed) {
                int r = rf_wait(&q->not_full, deadline_us);

                if (r < 0)
                        return r;
        }
        if (q->is_closed)
                return -EPIPE;
        q->items[(q->first + q->size++) % q->capacity] = item;
        rf_wake_one(&q->not_empty);
        return 0;
}

int rf_queue_pop(struct rf_queue *q, void **ret_item, uint64_t deadline_us)
{
        while (q->size == 0) {
                int r;

                if (q->is_closed)
                        return -EPIPE;
                r = rf_wait(&q->not_empty, deadline_us);
                if (r < 0) {
                        /* a wake that reached us together with the end of the wait belongs to somebody else */
                        if (q->size > 0)
                                rf_wake_one(&q->not_empty);
                        return r;
                }
        }
        *ret_item = q->items[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->size--;
        rf_wake_one(&q->not_full);
        return 0;
}

void rf_queue_close(struct rf_queue *q)
{
        q->is_closed = true;
        rf_wake_all(&q->not_empty);
        rf_wake_all(&q->not_full);
}

size_t rf_queue_size(const struct rf_queue *q)
{
        return q->size;
}
