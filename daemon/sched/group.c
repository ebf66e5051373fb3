/* Groups: who owns a coroutine, and how cancellation and deadlines reach it. */
#include "sched/internal.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { MEASURE_EVERY = 64 /* stacks given back */ };

static struct rf_group *group_new(struct rf_group *parent, uint64_t deadline_us)
{
        struct rf_group *g = calloc(1, sizeof(*g));

        if (!g)
                return NULL;
        g->parent = parent;
        g->deadline_us = deadline_us;
        rf_list_init(&g->link);
        rf_list_init(&g->groups);
        rf_list_init(&g->coroutines);
        rf_waiters_init(&g->joiners);
        if (parent) {
                g->deadline_us = MIN(deadline_us, parent->deadline_us);
                g->is_cancelled = parent->is_cancelled;
                rf_list_append(&parent->groups, &g->link);
        }
        return g;
}

struct rf_group *rf_group_new_root(void)
{
        return group_new(NULL, RF_FOREVER);
}

int rf_group_new(uint64_t deadline_us, struct rf_group **ret)
{
        struct rf_group *g = group_new(rf_coroutine_self()->group, deadline_us);

        if (!g)
                return -ENOMEM;
        *ret = g;
        return 0;
}

int rf_group_new_detached(uint64_t deadline_us, struct rf_group **ret)
{
        struct rf_group *g = group_new(rf_sched_get()->root, deadline_us);

        if (!g)
                return -ENOMEM;
        *ret = g;
        return 0;
}

static int take_stack(struct rf_sched *s, struct rf_stack **ret)
{
        size_t max = s->options.coroutines_max > 0 ? s->options.coroutines_max : RF_COROUTINES_MAX;

        if (s->stats.coroutines >= max)
                return -EAGAIN;
        if (s->n_pool > 0) {
                *ret = s->pool[--s->n_pool];
                return 0;
        }
        return rf_stack_new(s, ret);
}

int rf_group_spawn(struct rf_group *g, const char *name, int (*fn)(void *arg), void *arg)
{
        struct rf_sched *s = rf_sched_get();
        struct rf_coroutine *co;
        struct rf_stack *st;
        int r;

        if (g->is_cancelled)
                return -ECANCELED;
        r = take_stack(s, &st);
        if (r < 0)
                return r;
        co = rf_stack_coroutine(st);
        *co = (struct rf_coroutine){ .stack = st, .fn = fn, .arg = arg, .name = name, .group = g, .is_parked = true };
        rf_list_init(&co->group_link);
        rf_list_init(&co->ready_link);
        rf_waiters_init(&co->wait_link);
        rf_list_append(&g->coroutines, &co->group_link);
        g->n_coroutines++;
        s->stats.coroutines++;
        s->stats.coroutines_peak = MAX(s->stats.coroutines_peak, s->stats.coroutines);
        rf_unpark(co, 0);
        return 0;
}

static void give_back_stack(struct rf_sched *s, struct rf_stack *st)
{
        if (s->ended++ % MEASURE_EVERY == 0)
                s->stats.stack_high_water = MAX(s->stats.stack_high_water, rf_stack_used(st));
        s->pool[s->n_pool++] = st; /* trimmed by the loop, which doesn't run on it */
}

/* Runs on the ending coroutine's own stack, as the last thing it does. */
void rf_group_child_ended(struct rf_group *g, struct rf_coroutine *co, int result)
{
        struct rf_sched *s = rf_sched_get();

        assert(rf_list_is_empty(&co->ready_link));
        rf_list_remove(&co->group_link);
        g->n_coroutines--;
        s->stats.coroutines--;
        if (result < 0 && g->first_error == 0) {
                g->first_error = result;
                if (g->cancels_on_error)
                        rf_group_cancel(g);
        }
        rf_wake_all(&g->joiners);
        give_back_stack(s, co->stack);
}

/* Waits for a child to end. The caller's own cancellation reaches the group, and is returned once no child is left. */
static int wait_for_child(struct rf_group *g)
{
        int r = rf_wait(&g->joiners, RF_FOREVER);

        if (r >= 0)
                return 0;
        rf_group_cancel(g);
        while (g->n_coroutines > 0)
                rf_wait_through(&g->joiners);
        return r;
}

int rf_group_join(struct rf_group *g)
{
        int error;

        while (g->n_coroutines > 0) {
                int r = wait_for_child(g);

                if (r < 0) {
                        g->first_error = 0;
                        return r;
                }
        }
        error = g->first_error;
        g->first_error = 0;
        return error;
}

void rf_group_cancel_on_error(struct rf_group *g)
{
        g->cancels_on_error = true;
}

void rf_group_cancel(struct rf_group *g)
{
        if (g->is_cancelled)
                return;
        g->is_cancelled = true;
        rf_list_foreach(&g->coroutines, co, struct rf_coroutine, group_link)
                if (co->is_parked && !co->ignores_cancel)
                        rf_unpark(co, -ECANCELED);
        rf_list_foreach(&g->groups, child, struct rf_group, link)
                rf_group_cancel(child);
}

size_t rf_group_size(const struct rf_group *g)
{
        return g->n_coroutines;
}

struct rf_group *rf_group_free(struct rf_group *g)
{
        if (!g)
                return NULL;
        if (g->n_coroutines > 0) {
                rf_group_cancel(g);
                while (g->n_coroutines > 0)
                        if (wait_for_child(g) < 0)
                                break;
        }
        assert(g->n_coroutines == 0 && rf_list_is_empty(&g->groups));
        rf_list_remove(&g->link);
        free(g);
        return NULL;
}
