#include "net/resolver.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "sched/sched.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FRESH_S = 60, NEGATIVE_S = 5, ADDRESSES_MAX = 8 };

/* One name. On the loop's list as long as anyone may ask for it; the thread that works on it sees only `host`, `result` and `text`. */
struct name {
        struct rf_list link;      /* all names, asked least lately first */
        struct rf_list job_link;  /* waiting for a thread, or done */
        struct rf_waiters waiters;
        size_t n_waiting;
        bool is_pending;
        uint64_t until_us; /* once known */
        int result;
        char *text;
        char host[];
};

/* Shared with the threads, which may outlive the resolver by one hung lookup. */
struct workshop {
        pthread_mutex_t lock;
        pthread_cond_t work;
        struct rf_list jobs, done;
        unsigned n_threads, n_idle, n_jobs, references;
        bool stops;
        int event_fd;
};

struct rf_resolver {
        struct rf_resolver_options options;
        struct workshop *shop;
        struct rf_io *io;
        struct rf_list names;
        size_t n_names;
};

static void workshop_unref(struct workshop *w) /* with the lock held */
{
        bool is_last = --w->references == 0;

        pthread_mutex_unlock(&w->lock);
        if (!is_last)
                return;
        while (!rf_list_is_empty(&w->done)) {
                struct name *n = rf_list_first(&w->done, struct name, job_link);

                rf_list_remove(&n->job_link);
                free(n->text);
                free(n);
        }
        close(w->event_fd);
        pthread_cond_destroy(&w->work);
        pthread_mutex_destroy(&w->lock);
        free(w);
}

static int add_address(struct rf_buf *b, const struct addrinfo *a)
{
        char text[INET6_ADDRSTRLEN];
        const void *address = a->ai_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr :
                                                         (const void *)&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;

        if (!inet_ntop(a->ai_family, address, text, sizeof(text)))
                return 0;
        return rf_buf_addf(b, a->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", b->size > 0 ? "," : "", text);
}

static int look_up(const char *host, char **ret)
{
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct addrinfo *list = NULL;
        unsigned n = 0;
        int r = getaddrinfo(host, NULL, &hints, &list);

        if (r != 0)
                return r == EAI_NONAME || r == EAI_NODATA || r == EAI_ADDRFAMILY ? -ENOENT : r == EAI_MEMORY ? -ENOMEM : -EAGAIN;
        for (const struct addrinfo *a = list; a && n < ADDRESSES_MAX && r >= 0; a = a->ai_next)
                if (a->ai_family == AF_INET || a->ai_family == AF_INET6) {
                        r = add_address(&b, a);
                        n++;
                }
        freeaddrinfo(list);
        if (r < 0)
                return r;
        if (b.size == 0)
                return -ENOENT;
        *ret = strdup(b.data);
        return *ret ? 0 : -ENOMEM;
}

static void *work(void *arg)
{
        struct workshop *w = arg;
        const uint64_t one = 1;

        pthread_mutex_lock(&w->lock);
        for (;;) {
                struct name *n;

                w->n_idle++;
                while (rf_list_is_empty(&w->jobs) && !w->stops)
                        pthread_cond_wait(&w->work, &w->lock);
                w->n_idle--;
                if (w->stops)
                        break;
                n = rf_list_first(&w->jobs, struct name, job_link);
                rf_list_remove(&n->job_link);
                w->n_jobs--;
                pthread_mutex_unlock(&w->lock);
                n->result = look_up(n->host, &n->text);
                pthread_mutex_lock(&w->lock);
                rf_list_append(&w->done, &n->job_link);
                if (!w->stops && write(w->event_fd, &one, sizeof(one)) < 0)
                        abort(); /* an eventfd below its maximum always takes one more */
        }
        workshop_unref(w);
        return NULL;
}

static int workshop_new(struct workshop **ret)
{
        struct workshop *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (w->event_fd < 0) {
                free(w);
                return -errno;
        }
        pthread_mutex_init(&w->lock, NULL);
        pthread_cond_init(&w->work, NULL);
        rf_list_init(&w->jobs);
        rf_list_init(&w->done);
        w->references = 1;
        *ret = w;
        return 0;
}

int rf_resolver_new(const struct rf_resolver_options *o, struct rf_resolver **ret)
{
        struct rf_resolver *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->options = *o;
        if (r->options.fresh_us == 0)
                r->options.fresh_us = FRESH_S * USEC_PER_SEC;
        if (r->options.negative_us == 0)
                r->options.negative_us = NEGATIVE_S * USEC_PER_SEC;
        rf_list_init(&r->names);
        error = workshop_new(&r->shop);
        if (error < 0) {
                free(r);
                return error;
        }
        *ret = r;
        return 0;
}

static void forget(struct rf_resolver *r, struct name *n)
{
        rf_list_remove(&n->link);
        r->n_names--;
        free(n->text);
        free(n);
}

struct rf_resolver *rf_resolver_free(struct rf_resolver *r)
{
        struct workshop *w;

        if (!r)
                return NULL;
        rf_io_free(r->io);
        w = r->shop;
        pthread_mutex_lock(&w->lock);
        while (!rf_list_is_empty(&w->jobs)) { /* no thread came to them */
                struct name *n = rf_list_first(&w->jobs, struct name, job_link);

                rf_list_remove(&n->job_link);
                n->is_pending = false;
        }
        while (!rf_list_is_empty(&w->done)) {
                struct name *n = rf_list_first(&w->done, struct name, job_link);

                rf_list_remove(&n->job_link);
                n->is_pending = false;
        }
        while (!rf_list_is_empty(&r->names)) {
                struct name *n = rf_list_first(&r->names, struct name, link);

                if (n->is_pending) { /* a thread has it, and puts it where the last one frees it */
                        rf_list_remove(&n->link);
                        r->n_names--;
                } else
                        forget(r, n);
        }
        w->stops = true;
        pthread_cond_broadcast(&w->work);
        workshop_unref(w);
        free(r);
        return NULL;
}

/* ---- On the loop ---- */

static void collect(void *arg, unsigned events)
{
        struct rf_resolver *r = arg;
        struct workshop *w = r->shop;
        struct rf_list done;
        uint64_t count;

        (void)events;
        (void)!read(w->event_fd, &count, sizeof(count)); /* spurious: nothing is done then */
        rf_list_init(&done);
        pthread_mutex_lock(&w->lock);
        while (!rf_list_is_empty(&w->done)) {
                struct name *n = rf_list_first(&w->done, struct name, job_link);

                rf_list_remove(&n->job_link);
                rf_list_append(&done, &n->job_link);
        }
        pthread_mutex_unlock(&w->lock);
        while (!rf_list_is_empty(&done)) {
                struct name *n = rf_list_first(&done, struct name, job_link);

                rf_list_remove(&n->job_link);
                n->is_pending = false;
                n->until_us = rf_deadline_in(n->result < 0 ? r->options.negative_us : r->options.fresh_us);
                rf_wake_all(&n->waiters);
        }
}

static struct name *find(struct rf_resolver *r, const char *host)
{
        rf_list_foreach(&r->names, n, struct name, link)
                if (strcmp(n->host, host) == 0)
                        return n;
        return NULL;
}

/* The name asked least lately that nobody waits for goes. -EAGAIN: somebody waits for each of them. */
static int make_room(struct rf_resolver *r)
{
        if (r->n_names < RF_RESOLVER_NAMES_MAX)
                return 0;
        rf_list_foreach(&r->names, n, struct name, link)
                if (!n->is_pending && n->n_waiting == 0) {
                        forget(r, n);
                        return 0;
                }
        return -EAGAIN;
}

/* Threads are started when they are needed, and block every signal: those are the loop's. */
static int start_thread(struct workshop *w) /* with the lock held */
{
        sigset_t all, before;
        pthread_t t;
        int r;

        if (w->n_idle >= w->n_jobs || w->n_threads == RF_RESOLVER_THREADS)
                return 0;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&t, NULL, work, w);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0)
                return w->n_threads > 0 ? 0 : -r;
        pthread_detach(t);
        w->n_threads++;
        w->references++;
        return 0;
}

static int start(struct rf_resolver *r, struct name *n)
{
        struct workshop *w = r->shop;
        int error = 0;

        if (!r->io) {
                error = rf_io_new(w->event_fd, &r->io);
                if (error < 0)
                        return error;
        }
        rf_io_watch(r->io, RF_IO_READ, collect, r);
        free(n->text);
        n->text = NULL;
        pthread_mutex_lock(&w->lock);
        rf_list_append(&w->jobs, &n->job_link);
        w->n_jobs++;
        error = start_thread(w);
        if (error < 0) {
                rf_list_remove(&n->job_link);
                w->n_jobs--;
        } else {
                n->is_pending = true;
                pthread_cond_signal(&w->work);
        }
        pthread_mutex_unlock(&w->lock);
        return error;
}

static int name_new(struct rf_resolver *r, const char *host, struct name **ret)
{
        size_t size = strlen(host) + 1;
        struct name *n;
        int error = make_room(r);

        if (error < 0)
                return error;
        n = calloc(1, sizeof(*n) + size);
        if (!n)
                return -ENOMEM;
        memcpy(n->host, host, size);
        rf_list_init(&n->link);
        rf_list_init(&n->job_link);
        rf_waiters_init(&n->waiters);
        rf_list_append(&r->names, &n->link);
        r->n_names++;
        *ret = n;
        return 0;
}

int rf_resolver_lookup(struct rf_resolver *r, const char *host, uint64_t deadline_us, char **ret_addresses)
{
        struct name *n = find(r, host);
        int error = 0;

        if (!n)
                error = name_new(r, host, &n);
        if (error < 0)
                return error;
        rf_list_remove(&n->link);
        rf_list_append(&r->names, &n->link);
        if (!n->is_pending && n->until_us <= rf_now_us())
                error = start(r, n);
        n->n_waiting++;
        while (error >= 0 && n->is_pending)
                error = rf_wait(&n->waiters, deadline_us);
        n->n_waiting--;
        if (error >= 0)
                error = n->result;
        if (error < 0)
                return error;
        *ret_addresses = strdup(n->text);
        return *ret_addresses ? 0 : -ENOMEM;
}
