#include "upstream/coalesce.h"

#include "base/map.h"
#include "sched/sched.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct shared {
        struct rf_coalesce *c;
        struct rf_group *group;
        struct rf_shared_work work;
        struct rf_waiters waiters;
        size_t n_waiting;
        uint64_t deadline_us; /* the latest */
        bool is_done;
        int result;
        struct rf_answer *answer;
        size_t key_size;
        char key[];
};

struct rf_coalesce {
        struct rf_map *in_flight; /* struct shared by key */
};

int rf_coalesce_new(struct rf_coalesce **ret)
{
        struct rf_coalesce *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->in_flight = rf_map_new();
        if (!c->in_flight) {
                free(c);
                return -ENOMEM;
        }
        *ret = c;
        return 0;
}

struct rf_coalesce *rf_coalesce_free(struct rf_coalesce *c)
{
        if (!c)
                return NULL;
        assert(rf_map_size(c->in_flight) == 0);
        rf_map_free(c->in_flight);
        free(c);
        return NULL;
}

bool rf_coalesce_is_in_flight(const struct rf_coalesce *c, const void *key, size_t key_size)
{
        return rf_map_get(c->in_flight, key, key_size) != NULL;
}

static void shared_free(struct shared *s)
{
        rf_group_free(s->group);
        s->work.free_arg(s->work.arg);
        rf_answer_unref(s->answer);
        free(s);
}

static int run_shared(void *arg)
{
        struct shared *s = arg;

        s->result = s->work.run(s->work.arg, &s->deadline_us, &s->answer);
        s->is_done = true;
        rf_wake_all(&s->waiters);
        return 0;
}

static int start(struct rf_coalesce *c, const void *key, size_t key_size, const struct rf_shared_work *work, struct shared **ret)
{
        struct shared *s = calloc(1, sizeof(*s) + key_size);
        int r;

        if (!s) {
                work->free_arg(work->arg);
                return -ENOMEM;
        }
        s->c = c;
        s->work = *work;
        s->key_size = key_size;
        memcpy(s->key, key, key_size);
        rf_waiters_init(&s->waiters);
        r = rf_group_new_detached(RF_FOREVER, &s->group);
        if (r >= 0)
                r = rf_map_put(c->in_flight, key, key_size, s);
        if (r >= 0) {
                r = rf_group_spawn(s->group, "call", run_shared, s);
                if (r < 0)
                        rf_map_remove(c->in_flight, key, key_size);
        }
        if (r < 0) {
                shared_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

/* The last to leave ends the work; nobody can join it any more from the moment it is out of the map. */
static void leave(struct shared *s)
{
        if (--s->n_waiting > 0)
                return;
        rf_map_remove(s->c->in_flight, s->key, s->key_size);
        shared_free(s);
}

int rf_coalesce_run(struct rf_coalesce *c, const void *key, size_t key_size, const struct rf_shared_work *work, uint64_t deadline_us,
                    bool *ret_joined, struct rf_answer **ret)
{
        struct shared *s = rf_map_get(c->in_flight, key, key_size);
        int r = 0;

        *ret_joined = s != NULL;
        if (s) {
                s->work.join(s->work.arg, work->arg);
                work->free_arg(work->arg);
        } else if ((r = start(c, key, key_size, work, &s)) < 0)
                return r;
        s->n_waiting++;
        s->deadline_us = MAX(s->deadline_us, deadline_us);
        while (!s->is_done && r >= 0)
                r = rf_wait(&s->waiters, deadline_us);
        if (s->is_done && r >= 0) {
                r = s->result;
                if (r >= 0)
                        *ret = rf_answer_ref(s->answer);
        }
        leave(s);
        return r;
}
