/* Blocking work on a few helper threads, so that it never holds the loop. */
#include "sched/internal.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* On the caller's stack until done. */
struct job {
        struct rf_list link;
        int (*fn)(void *arg);
        void *arg;
        int result;
        struct rf_coroutine *co;
        bool is_done;
};

struct offload_pool {
        pthread_mutex_t lock;
        pthread_cond_t work;
        struct rf_list queue, done;
        size_t n_queued, n_pending, n_threads, n_idle;
        bool stops;
        pthread_t threads[RF_OFFLOAD_THREADS];
        int event_fd;
        struct rf_io *io;
};

static void *help(void *arg)
{
        struct offload_pool *p = arg;

        pthread_mutex_lock(&p->lock);
        for (;;) {
                struct job *j;
                uint64_t one = 1;

                while (rf_list_is_empty(&p->queue) && !p->stops) {
                        p->n_idle++;
                        pthread_cond_wait(&p->work, &p->lock);
                        p->n_idle--;
                }
                if (rf_list_is_empty(&p->queue))
                        break;
                j = rf_list_first(&p->queue, struct job, link);
                rf_list_remove(&j->link);
                p->n_queued--;
                pthread_mutex_unlock(&p->lock);
                j->result = j->fn(j->arg);
                pthread_mutex_lock(&p->lock);
                rf_list_append(&p->done, &j->link);
                if (write(p->event_fd, &one, sizeof(one)) < 0)
                        abort(); /* an eventfd below its maximum always takes one more */
        }
        pthread_mutex_unlock(&p->lock);
        return NULL;
}

static void collect(void *arg, _unused_ unsigned events)
{
        struct offload_pool *p = arg;
        uint64_t count;

        if (read(p->event_fd, &count, sizeof(count)) < 0)
                return; /* nothing new */
        pthread_mutex_lock(&p->lock);
        while (!rf_list_is_empty(&p->done)) {
                struct job *j = rf_list_first(&p->done, struct job, link);

                rf_list_remove(&j->link);
                j->is_done = true;
                p->n_pending--;
                rf_unpark(j->co, 0);
        }
        if (p->n_pending == 0)
                rf_io_watch(p->io, 0, NULL, NULL);
        pthread_mutex_unlock(&p->lock);
}

static int open_pool(struct rf_sched *s)
{
        struct offload_pool *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->work, NULL);
        rf_list_init(&p->queue);
        rf_list_init(&p->done);
        p->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        r = p->event_fd < 0 ? -errno : rf_io_new(p->event_fd, &p->io);
        if (r < 0) {
                if (p->event_fd >= 0)
                        close(p->event_fd);
                free(p);
                return r;
        }
        s->offload = p;
        return 0;
}

/* Called with the lock held. One more thread if all are busy; signals stay with the main thread. */
static int start_thread(struct offload_pool *p)
{
        sigset_t all, old;
        int r;

        if (p->n_idle > p->n_queued || p->n_threads == RF_OFFLOAD_THREADS)
                return 0;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &old);
        r = pthread_create(&p->threads[p->n_threads], NULL, help, p);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r != 0)
                return p->n_threads > 0 ? 0 : -r;
        p->n_threads++;
        return 0;
}

int rf_offload(int (*fn)(void *arg), void *arg)
{
        struct rf_sched *s = rf_sched_get();
        struct job j = { .fn = fn, .arg = arg, .co = rf_coroutine_self() };
        struct offload_pool *p;
        int r;

        if (s->options.virtual_clock)
                return fn(arg);
        if (!s->offload) {
                r = open_pool(s);
                if (r < 0)
                        return r;
        }
        p = s->offload;
        pthread_mutex_lock(&p->lock);
        if (p->n_queued >= RF_OFFLOAD_QUEUE_MAX)
                r = -EAGAIN;
        else
                r = start_thread(p);
        if (r == 0) {
                rf_list_append(&p->queue, &j.link);
                p->n_queued++;
                if (p->n_pending++ == 0)
                        rf_io_watch(p->io, RF_IO_READ, collect, p);
                pthread_cond_signal(&p->work);
        }
        pthread_mutex_unlock(&p->lock);
        if (r < 0)
                return r;
        while (!j.is_done)
                rf_park(RF_FOREVER, true);
        return j.result;
}

void rf_offload_close(struct rf_sched *s)
{
        struct offload_pool *p = s->offload;

        if (!p)
                return;
        assert(p->n_pending == 0);
        pthread_mutex_lock(&p->lock);
        p->stops = true;
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        for (size_t i = 0; i < p->n_threads; i++)
                pthread_join(p->threads[i], NULL);
        rf_io_free(p->io);
        close(p->event_fd);
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->work);
        free(p);
        s->offload = NULL;
}
