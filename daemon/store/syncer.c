#include "store/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct rf_syncer {
        MDB_env *mdb;
        uint64_t interval_us;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool is_dirty, stops;
};

static void *sync_now_and_then(void *arg)
{
        struct rf_syncer *s = arg;

        pthread_mutex_lock(&s->lock);
        while (!s->stops) {
                struct timespec until;

                while (!s->is_dirty && !s->stops)
                        pthread_cond_wait(&s->wake, &s->lock);
                if (s->stops)
                        break;
                clock_gettime(CLOCK_MONOTONIC, &until);
                until.tv_sec += (time_t)(s->interval_us / USEC_PER_SEC);
                until.tv_nsec += (long)(s->interval_us % USEC_PER_SEC) * 1000;
                if (until.tv_nsec >= 1000000000) {
                        until.tv_nsec -= 1000000000;
                        until.tv_sec++;
                }
                while (!s->stops && pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT)
                        ;
                s->is_dirty = false;
                pthread_mutex_unlock(&s->lock);
                (void)mdb_env_sync(s->mdb, 1); /* a failure shows at the next one; the cache may lose its last moments */
                pthread_mutex_lock(&s->lock);
        }
        pthread_mutex_unlock(&s->lock);
        return NULL;
}

int rf_syncer_new(MDB_env *mdb, uint64_t interval_us, struct rf_syncer **ret)
{
        struct rf_syncer *s = calloc(1, sizeof(*s));
        pthread_condattr_t attr;
        int r;

        if (!s)
                return -ENOMEM;
        s->mdb = mdb;
        s->interval_us = interval_us;
        pthread_mutex_init(&s->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&s->wake, &attr);
        pthread_condattr_destroy(&attr);
        r = pthread_create(&s->thread, NULL, sync_now_and_then, s);
        if (r != 0) {
                pthread_cond_destroy(&s->wake);
                pthread_mutex_destroy(&s->lock);
                free(s);
                return -r;
        }
        *ret = s;
        return 0;
}

struct rf_syncer *rf_syncer_free(struct rf_syncer *s)
{
        if (!s)
                return NULL;
        pthread_mutex_lock(&s->lock);
        s->stops = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

void rf_syncer_mark(struct rf_syncer *s)
{
        pthread_mutex_lock(&s->lock);
        if (!s->is_dirty) {
                s->is_dirty = true;
                pthread_cond_signal(&s->wake);
        }
        pthread_mutex_unlock(&s->lock);
}
