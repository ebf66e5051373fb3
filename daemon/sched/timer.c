/* Timers in an intrusive 4-ary heap: half the depth of a binary one, and the children share a cache line. */
#include "sched/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { ARITY = 4 };

static void place(struct rf_sched *s, size_t i, struct timer_slot slot)
{
        s->timers[i] = slot;
        slot.timer->index = i + 1;
}

static void sift_up(struct rf_sched *s, size_t i, struct timer_slot slot)
{
        while (i > 0) {
                size_t parent = (i - 1) / ARITY;

                if (s->timers[parent].time_us <= slot.time_us)
                        break;
                place(s, i, s->timers[parent]);
                i = parent;
        }
        place(s, i, slot);
}

static void sift_down(struct rf_sched *s, size_t i, struct timer_slot slot)
{
        for (;;) {
                size_t first = i * ARITY + 1, least = first, end = MIN(first + ARITY, s->n_timers);

                if (first >= s->n_timers)
                        break;
                for (size_t c = first + 1; c < end; c++)
                        if (s->timers[c].time_us < s->timers[least].time_us)
                                least = c;
                if (slot.time_us <= s->timers[least].time_us)
                        break;
                place(s, i, s->timers[least]);
                i = least;
        }
        place(s, i, slot);
}

static void move(struct rf_sched *s, size_t i, struct timer_slot slot)
{
        if (i > 0 && slot.time_us < s->timers[(i - 1) / ARITY].time_us)
                sift_up(s, i, slot);
        else
                sift_down(s, i, slot);
}

int rf_timer_set(struct rf_timer *t, uint64_t time_us, void (*callback)(struct rf_timer *t))
{
        struct rf_sched *s = rf_sched_get();
        struct timer_slot slot = { .time_us = time_us, .timer = t };

        if (t->index == 0 && s->n_timers == s->timers_capacity) {
                size_t capacity = MAX(s->timers_capacity * 2, (size_t)64);
                struct timer_slot *timers = reallocarray(s->timers, capacity, sizeof(*timers));

                if (!timers)
                        return -ENOMEM;
                s->timers = timers;
                s->timers_capacity = capacity;
        }
        t->time_us = time_us;
        t->callback = callback;
        if (t->index > 0)
                move(s, t->index - 1, slot);
        else
                sift_up(s, s->n_timers++, slot);
        return 0;
}

void rf_timer_stop(struct rf_timer *t)
{
        struct rf_sched *s;
        size_t i;

        if (t->index == 0)
                return;
        s = rf_sched_get();
        i = t->index - 1;
        t->index = 0;
        if (i != --s->n_timers)
                move(s, i, s->timers[s->n_timers]);
}

void rf_timers_fire(struct rf_sched *s)
{
        while (s->n_timers > 0 && s->timers[0].time_us <= s->now_us) {
                struct rf_timer *t = s->timers[0].timer;

                rf_timer_stop(t);
                t->callback(t);
        }
}

uint64_t rf_timers_next(const struct rf_sched *s)
{
        return s->n_timers > 0 ? s->timers[0].time_us : RF_FOREVER;
}
