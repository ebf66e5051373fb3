/* Descriptors: epoll, told lazily, with generation-tagged slots. */
#include "sched/internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_POLL = 256 };

/* One coroutine's wait, on its own stack. */
struct io_wait {
        struct rf_list link;
        struct rf_coroutine *co;
        unsigned events;
};

struct rf_io {
        int fd;
        uint32_t slot, generation;
        unsigned registered; /* what epoll knows */
        bool is_registered;
        struct rf_list waits;
        struct rf_list dirty_link;
        unsigned watched;
        void (*callback)(void *arg, unsigned events);
        void *callback_arg;
};

int rf_io_open(struct rf_sched *s)
{
        s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        return s->epoll_fd < 0 ? -errno : 0;
}

void rf_io_close(struct rf_sched *s)
{
        if (s->epoll_fd >= 0)
                close(s->epoll_fd);
        free(s->slots);
}

static uint32_t take_slot(struct rf_sched *s, struct rf_io *io)
{
        for (size_t i = 0; i < s->n_slots; i++)
                if (!s->slots[i]) {
                        s->slots[i] = io;
                        return (uint32_t)i;
                }
        return UINT32_MAX;
}

int rf_io_new(int fd, struct rf_io **ret)
{
        static uint32_t generations;
        struct rf_sched *s = rf_sched_get();
        struct rf_io *io = calloc(1, sizeof(*io));

        if (!io)
                return -ENOMEM;
        io->slot = take_slot(s, io);
        if (io->slot == UINT32_MAX) {
                size_t n = MAX(s->n_slots * 2, (size_t)16);
                struct rf_io **slots = reallocarray(s->slots, n, sizeof(*slots));

                if (!slots) {
                        free(io);
                        return -ENOMEM;
                }
                for (size_t i = s->n_slots; i < n; i++)
                        slots[i] = NULL;
                s->slots = slots;
                s->n_slots = n;
                io->slot = take_slot(s, io);
        }
        io->fd = fd;
        io->generation = ++generations;
        rf_list_init(&io->waits);
        rf_list_init(&io->dirty_link);
        *ret = io;
        return 0;
}

struct rf_io *rf_io_free(struct rf_io *io)
{
        struct rf_sched *s;

        if (!io)
                return NULL;
        s = rf_sched_get();
        rf_list_foreach(&io->waits, w, struct io_wait, link)
                rf_unpark(w->co, -EBADF);
        while (!rf_list_is_empty(&io->waits)) {
                rf_list_remove(io->waits.next);
                s->n_io_waits--;
        }
        if (io->watched)
                s->n_io_waits--;
        if (io->is_registered)
                epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
        rf_list_remove(&io->dirty_link);
        s->slots[io->slot] = NULL;
        free(io);
        return NULL;
}

static unsigned wanted(const struct rf_io *io)
{
        unsigned events = io->watched;

        rf_list_foreach(&io->waits, w, struct io_wait, link)
                events |= w->events;
        return events;
}

/* epoll hears of a change only before the next wait, and only if something is wanted that it doesn't know. */
static void changed(struct rf_sched *s, struct rf_io *io)
{
        if (!rf_list_is_linked(&io->dirty_link))
                rf_list_append(&s->dirty, &io->dirty_link);
}

int rf_io_wait(struct rf_io *io, unsigned events, uint64_t deadline_us)
{
        struct rf_sched *s = rf_sched_get();
        struct io_wait wait = { .co = rf_coroutine_self(), .events = events };
        int r;

        rf_list_append(&io->waits, &wait.link);
        s->n_io_waits++;
        if (!io->is_registered || (events & ~io->registered))
                changed(s, io);
        r = rf_park(deadline_us, false);
        if (rf_list_is_linked(&wait.link)) { /* rf_io_free() takes it out, and the slot is gone then */
                rf_list_remove(&wait.link);
                s->n_io_waits--;
        }
        return r;
}

int rf_io_watch(struct rf_io *io, unsigned events, void (*callback)(void *arg, unsigned events), void *arg)
{
        struct rf_sched *s = rf_sched_get();

        if (!io->watched != !events)
                s->n_io_waits += events ? 1 : (size_t)-1;
        io->watched = events;
        io->callback = callback;
        io->callback_arg = arg;
        if (events && (!io->is_registered || (events & ~io->registered))) /* what it needn't know any more, an event in vain will tell */
                changed(s, io);
        return 0;
}

static uint32_t to_epoll(unsigned events)
{
        return (events & RF_IO_READ ? EPOLLIN : 0u) | (events & RF_IO_WRITE ? EPOLLOUT : 0u) |
               (events & RF_IO_PEER_CLOSED ? EPOLLRDHUP : 0u);
}

static unsigned from_epoll(uint32_t e)
{
        return (e & EPOLLIN ? RF_IO_READ : 0u) | (e & EPOLLOUT ? RF_IO_WRITE : 0u) | (e & EPOLLERR ? RF_IO_ERROR : 0u) |
               (e & EPOLLHUP ? RF_IO_HANGUP : 0u) | (e & EPOLLRDHUP ? RF_IO_PEER_CLOSED : 0u);
}

/* A descriptor that epoll refuses (a regular file) is always ready: its waiters learn the error instead. */
static void refuse_waiters(struct rf_io *io, int error)
{
        rf_list_foreach(&io->waits, w, struct io_wait, link)
                rf_unpark(w->co, error);
}

static void apply_changes(struct rf_sched *s)
{
        while (!rf_list_is_empty(&s->dirty)) {
                struct rf_io *io = rf_list_first(&s->dirty, struct rf_io, dirty_link);
                unsigned events = wanted(io);
                bool idle = rf_list_is_empty(&io->waits) && !io->watched;
                struct epoll_event e = { .events = to_epoll(events),
                                         .data.u64 = (uint64_t)io->generation << 32 | io->slot };

                rf_list_remove(&io->dirty_link);
                if (idle && io->is_registered) {
                        epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
                        io->is_registered = false;
                } else if (!idle && !(io->is_registered && io->registered == events)) {
                        if (epoll_ctl(s->epoll_fd, io->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, io->fd, &e) < 0)
                                refuse_waiters(io, -errno);
                        else
                                io->is_registered = true;
                }
                io->registered = io->is_registered ? events : 0;
        }
}

static void dispatch(struct rf_sched *s, const struct epoll_event *e)
{
        uint32_t slot = (uint32_t)e->data.u64, generation = (uint32_t)(e->data.u64 >> 32);
        unsigned events = from_epoll(e->events), always = RF_IO_ERROR | RF_IO_HANGUP;
        struct rf_io *io = slot < s->n_slots ? s->slots[slot] : NULL;
        bool useful = false;

        if (!io || io->generation != generation)
                return; /* freed, perhaps reused, since the event was fetched */
        rf_list_foreach(&io->waits, w, struct io_wait, link) {
                unsigned seen = events & (w->events | always);

                if (seen && w->co->is_parked) {
                        rf_unpark(w->co, (int)events);
                        useful = true;
                }
        }
        if (io->watched && (events & (io->watched | always))) {
                io->callback(io->callback_arg, events);
                return; /* the callback may have freed it */
        }
        /* nobody waits for this any more: level-triggered epoll would repeat it for ever */
        if (!useful && !rf_list_is_linked(&io->dirty_link)) {
                io->registered = ~0u;
                changed(s, io);
        }
}

/* Microseconds where the kernel can, else milliseconds, rounded up so that nothing wakes too early. */
static int wait_in_epoll(const struct rf_sched *s, struct epoll_event *events, uint64_t delay_us)
{
        static bool is_coarse; /* an older kernel, or valgrind */
        struct timespec ts = { .tv_sec = (time_t)(delay_us / USEC_PER_SEC), .tv_nsec = (long)(delay_us % USEC_PER_SEC) * 1000 };
        uint64_t delay_ms = (delay_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
        int n;

        if (!is_coarse) {
                n = epoll_pwait2(s->epoll_fd, events, EVENTS_PER_POLL, delay_us == RF_FOREVER ? NULL : &ts, NULL);
                if (n >= 0 || errno != ENOSYS)
                        return n;
                is_coarse = true;
        }
        return epoll_wait(s->epoll_fd, events, EVENTS_PER_POLL, delay_us == RF_FOREVER ? -1 : (int)MIN(delay_ms, (uint64_t)INT_MAX));
}

int rf_io_poll(struct rf_sched *s, uint64_t until_us)
{
        struct epoll_event events[EVENTS_PER_POLL];
        uint64_t delay_us;
        int n;

        apply_changes(s);
        if (s->n_ready > 0 || until_us <= s->now_us)
                delay_us = 0;
        else
                delay_us = until_us == RF_FOREVER ? RF_FOREVER : until_us - s->now_us;
        n = wait_in_epoll(s, events, delay_us);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        for (int i = 0; i < n; i++)
                dispatch(s, &events[i]);
        return 0;
}
