#include "upstream/gate.h"

#include "base/error.h"
#include "base/limits.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_US 5000000u /* so often it is told that calls go */

/* Calls of one class share a pace and a line. */
struct lane_class {
        const char *name;
        struct rf_pace pace;
        struct rf_fair_queue queue;
};

struct rf_gate {
        struct rf_gate_options options;
        struct rf_breaker *breaker;
        struct rf_concurrency concurrency;
        struct lane_class classes[RF_PACING_CLASSES_MAX];
        size_t n_classes, next_class;
        uint64_t blocked_until_us; /* scheduler time; 0 = not blocked */
        bool is_unpaced;
        bool is_quota;
        bool awaits_probe;         /* a block ended, and nobody has yet seen that the service lets us in again */
        bool is_probing;
        struct rf_gate_memory restored; /* for classes that are first used after a restart; times of the scheduler */
        uint64_t told_us;          /* until then it is told already that calls go; 0: nothing went */
        struct rf_timer timer;
        uint64_t refusals, turned_away;
};

/* On the waiting coroutine's stack. */
struct waiter {
        struct rf_fair_entry entry;
        const struct rf_caller *caller;
        struct rf_waiters waiters;
        struct rf_ticket ticket;
        bool is_let_through;
        int error; /* instead */
        uint64_t needed_us;
};

int rf_gate_new(const struct rf_gate_options *o, struct rf_gate **ret)
{
        struct rf_gate *g = calloc(1, sizeof(*g));
        int r;

        if (!g)
                return -ENOMEM;
        g->options = *o;
        g->restored = (struct rf_gate_memory){ .scale = 1.0, .ceiling = 1.0 };
        rf_concurrency_init(&g->concurrency, o->concurrency_floor, o->concurrency_max);
        r = rf_breaker_new(&o->breaker, &g->breaker);
        if (r < 0) {
                free(g);
                return r;
        }
        *ret = g;
        return 0;
}

struct rf_gate *rf_gate_free(struct rf_gate *g)
{
        if (!g)
                return NULL;
        if (rf_sched_current())
                rf_timer_stop(&g->timer);
        rf_breaker_free(g->breaker);
        free(g);
        return NULL;
}

struct rf_breaker *rf_gate_breaker(struct rf_gate *g)
{
        return g->breaker;
}

/* What was learned before, and by all classes together, holds for this one, too. */
static void take_up(const struct rf_gate *g, struct lane_class *c)
{
        c->pace.scale = g->restored.scale;
        c->pace.ceiling = g->restored.ceiling;
        c->pace.ceiling_until_us = g->restored.ceiling_until_us;
        c->pace.changed_us = rf_now_us();
        if (g->blocked_until_us > rf_now_us()) /* otherwise nothing but what went before a restart holds up the first burst */
                rf_pace_rest(&c->pace, g->blocked_until_us);
        rf_pace_resume(&c->pace, rf_now_us(), g->restored.settled_us);
}

static size_t class_of(struct rf_gate *g, const char *name)
{
        struct lane_class *c;

        for (size_t i = 0; i < g->n_classes; i++)
                if (strcmp(g->classes[i].name, name) == 0)
                        return i;
        if (g->n_classes == RF_PACING_CLASSES_MAX)
                return 0; /* the loader refuses plugins with more */
        c = &g->classes[g->n_classes];
        c->name = name;
        rf_pace_init(&c->pace, g->options.rate_per_s, g->options.burst);
        rf_pace_know(&c->pace, g->options.limit, g->options.window_us);
        take_up(g, c);
        rf_fair_queue_init(&c->queue);
        return g->n_classes++;
}

/* ---- Letting through ---- */

static void pump(struct rf_gate *g);

static void timer_fired(struct rf_timer *t)
{
        pump(container_of(t, struct rf_gate, timer));
}

static bool may_pass(struct rf_gate *g, uint64_t now_us)
{
        return now_us >= g->blocked_until_us && !(g->awaits_probe && g->is_probing) && rf_concurrency_has_room(&g->concurrency);
}

/* Should the daemon end now, the next one must know that a burst may just have gone. */
static void tell_that_calls_go(struct rf_gate *g, const struct rf_pace *p, uint64_t now_us)
{
        if (now_us < g->told_us || rf_pace_settled(p, now_us) == 0)
                return;
        g->told_us = now_us + TOLD_US;
        if (g->options.changed)
                g->options.changed(g->options.arg);
}

static void let_through(struct rf_gate *g, size_t class_index, struct waiter *w, uint64_t now_us)
{
        uint64_t retry_us;

        w->error = rf_breaker_enter(g->breaker, now_us, &w->ticket.pass, &retry_us);
        if (w->error < 0)
                w->needed_us = retry_us;
        else {
                rf_concurrency_begin(&g->concurrency);
                if (!g->is_unpaced) {
                        w->ticket.explored = rf_pace_take(&g->classes[class_index].pace, now_us);
                        tell_that_calls_go(g, &g->classes[class_index].pace, now_us);
                }
                w->ticket.sent_us = now_us;
                w->ticket.is_probe = g->awaits_probe;
                g->is_probing |= g->awaits_probe;
                w->is_let_through = true;
        }
        rf_wake_all(&w->waiters);
}

/* When the next of a class may go. A probe goes at the time that the service named, whatever the pace. */
static uint64_t next_of(struct rf_gate *g, struct lane_class *c, uint64_t now_us)
{
        if (g->awaits_probe)
                return MAX(now_us, g->blocked_until_us);
        return g->is_unpaced ? now_us : rf_pace_next(&c->pace, now_us);
}

/* While the breaker is open nobody waits in vain: the line is emptied. */
static bool may_go(struct rf_gate *g, struct lane_class *c, uint64_t now_us)
{
        return next_of(g, c, now_us) <= now_us || rf_breaker_is_open(g->breaker, now_us);
}

/* Lets through whoever may go now, the classes taking turns, and sets the timer for the next who will. */
static void pump(struct rf_gate *g)
{
        uint64_t now_us = rf_now_us(), next_us = RF_FOREVER;
        size_t idle = 0;

        while (idle < g->n_classes && (may_pass(g, now_us) || rf_breaker_is_open(g->breaker, now_us))) {
                size_t i = g->next_class++ % g->n_classes;
                struct lane_class *c = &g->classes[i];

                if (c->queue.n == 0 || !may_go(g, c, now_us)) {
                        idle++;
                        continue;
                }
                idle = 0;
                let_through(g, i, container_of(rf_fair_queue_pop(&c->queue), struct waiter, entry), now_us);
        }
        for (size_t i = 0; i < g->n_classes; i++)
                if (g->classes[i].queue.n > 0)
                        next_us = MIN(next_us, MAX(next_of(g, &g->classes[i], now_us), g->blocked_until_us));
        if (next_us == RF_FOREVER || next_us <= now_us) /* nobody, or only a place is missing: leaving pumps */
                rf_timer_stop(&g->timer);
        else
                (void)rf_timer_set(&g->timer, next_us, timer_fired); /* its place in the heap is kept from the first time on */
}

/* What this call would have to wait for block and pace, at the least, after `ahead` others. */
static uint64_t needed_us(struct rf_gate *g, struct lane_class *c, uint64_t ahead, uint64_t now_us)
{
        uint64_t at_us = g->is_unpaced ? now_us : rf_pace_nth(&c->pace, now_us, ahead);

        return MAX(at_us, g->blocked_until_us) - now_us;
}

static int turn_away(struct rf_gate *g, uint64_t wait_us, uint64_t *ret_needed_us, int error)
{
        g->turned_away++;
        *ret_needed_us = wait_us;
        return error;
}

/* Whether waiting for `us` is out of the question. */
static bool is_too_long(uint64_t us, uint64_t now_us, uint64_t deadline_us)
{
        return us > 0 && (deadline_us == RF_FOREVER ? us > RF_GATE_WAIT_MAX_US : now_us + us >= deadline_us);
}

/* A quota isn't waited for, however much time there is. */
static bool is_blocked_for_long(const struct rf_gate *g, uint64_t now_us, uint64_t deadline_us)
{
        return g->blocked_until_us > now_us && (g->is_quota || is_too_long(g->blocked_until_us - now_us, now_us, deadline_us));
}

static int wait_in_line(struct rf_gate *g, struct lane_class *c, struct waiter *w, const uint64_t *deadline_us)
{
        int r = 0;

        while (!w->is_let_through && w->error == 0 && r >= 0) {
                uint64_t now_us;

                r = rf_wait(&w->waiters, *deadline_us);
                now_us = rf_now_us();
                if (!w->is_let_through && w->error == 0 && is_blocked_for_long(g, now_us, *deadline_us)) { /* since we came */
                        w->error = g->is_quota ? -RF_EQUOTA : -RF_ERATE;
                        w->needed_us = g->blocked_until_us - now_us;
                }
                if (r == -ETIMEDOUT && rf_check_cancelled() == 0 && rf_now_us() < *deadline_us)
                        r = 0; /* somebody with more time joined meanwhile */
        }
        rf_fair_queue_remove(&c->queue, &w->entry);
        if (w->is_let_through && r < 0) /* let through and cancelled in one breath: the place goes to the next */
                rf_gate_leave(g, &w->ticket, RF_OUTCOME_CANCELLED, 0);
        return w->error < 0 ? w->error : r;
}

int rf_gate_enter(struct rf_gate *g, const char *pacing_class, const struct rf_caller *caller, const uint64_t *deadline_us,
                  struct rf_ticket *ret, uint64_t *ret_needed_us)
{
        uint64_t now_us = rf_now_us(), wait_us;
        size_t i = class_of(g, pacing_class);
        struct lane_class *c = &g->classes[i];
        struct waiter w = { .caller = caller, .ticket = { .class_index = i, .asked_us = now_us } };
        int r;

        if (rf_breaker_is_open(g->breaker, now_us)) {
                r = rf_breaker_enter(g->breaker, now_us, &w.ticket.pass, &wait_us); /* says for how long */
                return turn_away(g, wait_us, ret_needed_us, r);
        }
        wait_us = needed_us(g, c, rf_fair_queue_ahead(&c->queue, caller), now_us);
        /* who has all the time waits for its turn, however many go before; but not for a service that lets nobody in */
        if (is_too_long(*deadline_us == RF_FOREVER ? needed_us(g, c, 0, now_us) : wait_us, now_us, *deadline_us) || is_blocked_for_long(g, now_us, *deadline_us))
                return turn_away(g, wait_us, ret_needed_us, g->blocked_until_us > now_us && g->is_quota ? -RF_EQUOTA : -RF_ERATE);
        rf_waiters_init(&w.waiters);
        rf_fair_queue_push(&c->queue, &w.entry, caller);
        pump(g);
        r = wait_in_line(g, c, &w, deadline_us);
        if (r < 0) {
                *ret_needed_us = w.needed_us;
                g->turned_away += w.needed_us > 0;
                pump(g); /* who waited behind it may be next now */
                return r;
        }
        w.ticket.paced_us = MIN(wait_us, w.ticket.sent_us - w.ticket.asked_us);
        *ret = w.ticket;
        return 0;
}

/* ---- Hastening ---- */

struct search {
        const struct rf_caller *caller;
        struct rf_fair_entry *found;
};

static void compare(struct rf_fair_entry *e, void *arg)
{
        struct search *s = arg;

        if (container_of(e, struct waiter, entry)->caller == s->caller)
                s->found = e;
}

void rf_gate_hasten(struct rf_gate *g, struct rf_caller *caller, const struct rf_caller *who)
{
        if (!rf_fair_is_before(who, caller))
                return;
        caller->client = who->client;
        caller->rank = who->rank;
        caller->priority = who->priority;
        for (size_t i = 0; i < g->n_classes; i++) {
                struct search s = { .caller = caller };

                rf_fair_queue_foreach(&g->classes[i].queue, compare, &s);
                if (s.found) {
                        rf_fair_queue_remove(&g->classes[i].queue, s.found);
                        rf_fair_queue_push(&g->classes[i].queue, s.found, caller);
                }
        }
}

/* ---- Learning ---- */

static void wake(struct rf_fair_entry *e, void *arg)
{
        (void)arg;
        rf_wake_all(&container_of(e, struct waiter, entry)->waiters);
}

static void refused(struct rf_gate *g, const struct rf_ticket *t, bool is_quota, uint64_t retry_after_us)
{
        uint64_t now_us = rf_now_us();

        g->refusals++;
        g->blocked_until_us = MAX(g->blocked_until_us, now_us + retry_after_us);
        g->is_quota = is_quota || (g->is_quota && g->blocked_until_us > now_us);
        g->awaits_probe = true;
        if (!is_quota && !t->is_probe && !g->is_unpaced) /* a refused probe was too early; that it was too much is known already */
                (void)rf_pace_refused(&g->classes[t->class_index].pace, t->sent_us, now_us);
        for (size_t i = 0; i < g->n_classes; i++)
                rf_pace_rest(&g->classes[i].pace, g->blocked_until_us);
        for (size_t i = 0; i < g->n_classes; i++) /* who can't wait so long should know it now */
                rf_fair_queue_foreach(&g->classes[i].queue, wake, NULL);
        if (g->options.changed)
                g->options.changed(g->options.arg);
}

static enum rf_pass_result pass_result(enum rf_outcome outcome)
{
        switch (outcome) {
        case RF_OUTCOME_TRANSIENT:
                return RF_PASS_FAILURE;
        case RF_OUTCOME_CANCELLED:
        case RF_OUTCOME_RATE: /* no failure of the service */
        case RF_OUTCOME_QUOTA:
                return RF_PASS_NEUTRAL;
        default:
                return RF_PASS_SUCCESS;
        }
}

void rf_gate_leave(struct rf_gate *g, struct rf_ticket *t, enum rf_outcome outcome, uint64_t retry_after_us)
{
        uint64_t now_us = rf_now_us();
        bool is_refused = outcome == RF_OUTCOME_RATE || outcome == RF_OUTCOME_QUOTA;

        rf_concurrency_end(&g->concurrency, t->sent_us, now_us, outcome == RF_OUTCOME_TRANSIENT);
        rf_breaker_done(g->breaker, now_us, &t->pass, pass_result(outcome));
        rf_pace_answered(&g->classes[t->class_index].pace, t->explored,
                         !is_refused && outcome != RF_OUTCOME_CANCELLED && outcome != RF_OUTCOME_TRANSIENT);
        if (t->is_probe)
                g->is_probing = false;
        if (is_refused)
                refused(g, t, outcome == RF_OUTCOME_QUOTA, retry_after_us);
        else if (t->is_probe && outcome != RF_OUTCOME_CANCELLED && outcome != RF_OUTCOME_TRANSIENT) {
                g->awaits_probe = g->is_quota = false;
                g->blocked_until_us = 0;
                if (g->options.changed)
                        g->options.changed(g->options.arg);
        }
        pump(g);
}

bool rf_gate_may_send(const struct rf_gate *g)
{
        return rf_now_us() >= g->blocked_until_us;
}

void rf_gate_set_paced(struct rf_gate *g, bool is_paced)
{
        g->is_unpaced = !is_paced;
        if (rf_sched_current())
                pump(g); /* who waited for the pace alone may go */
}

bool rf_gate_is_paced(const struct rf_gate *g)
{
        return !g->is_unpaced;
}

bool rf_gate_is_open(const struct rf_gate *g, uint64_t now_us)
{
        return now_us >= g->blocked_until_us && !rf_breaker_is_open(g->breaker, now_us);
}

/* ---- Across restarts, and for looking at ---- */

/* The class that was lowered most; NULL if none was used yet. */
static const struct rf_pace *slowest(const struct rf_gate *g)
{
        const struct rf_pace *p = NULL;

        for (size_t i = 0; i < g->n_classes; i++)
                if (!p || g->classes[i].pace.scale < p->scale)
                        p = &g->classes[i].pace;
        return p;
}

static double least_scale(const struct rf_gate *g)
{
        const struct rf_pace *p = slowest(g);

        return p ? p->scale : g->restored.scale;
}

static uint64_t to_wall(uint64_t time_us)
{
        uint64_t now_us = rf_now_us();

        return time_us > now_us ? rf_wall_us() + (time_us - now_us) : 0;
}

static uint64_t from_wall(uint64_t wall_us)
{
        uint64_t now_us = rf_wall_us();

        return wall_us > now_us ? rf_now_us() + (wall_us - now_us) : 0;
}

/* Also of a time that is over: until a probe has seen the end of it, it counts as a block. */
static uint64_t block_to_wall(const struct rf_gate *g)
{
        uint64_t wall_us = rf_wall_us() + (g->blocked_until_us - rf_now_us());

        return g->awaits_probe ? MAX(wall_us, (uint64_t)1) : 0;
}

static uint64_t settled_us(const struct rf_gate *g)
{
        uint64_t at_us = g->restored.settled_us;

        for (size_t i = 0; i < g->n_classes && g->told_us > 0; i++)
                at_us = MAX(at_us, rf_pace_settled(&g->classes[i].pace, g->told_us));
        return at_us;
}

struct rf_gate_memory rf_gate_remember(const struct rf_gate *g)
{
        const struct rf_pace *p = slowest(g);

        return (struct rf_gate_memory){
                .blocked_until_us = block_to_wall(g),
                .is_quota = g->is_quota,
                .scale = least_scale(g),
                .ceiling = p ? p->ceiling : g->restored.ceiling,
                .ceiling_until_us = to_wall(p ? p->ceiling_until_us : g->restored.ceiling_until_us),
                .settled_us = to_wall(settled_us(g)),
        };
}

void rf_gate_restore(struct rf_gate *g, const struct rf_gate_memory *m)
{
        g->restored = *m;
        g->restored.scale = CLAMP(m->scale, RF_PACE_SCALE_MIN, 1.0);
        g->restored.ceiling = CLAMP(m->ceiling, RF_PACE_SCALE_MIN, 1.0);
        g->restored.ceiling_until_us = from_wall(m->ceiling_until_us);
        g->restored.settled_us = from_wall(m->settled_us);
        if (m->blocked_until_us > 0) {
                g->blocked_until_us = MAX(from_wall(m->blocked_until_us), rf_now_us());
                g->is_quota = m->is_quota;
                g->awaits_probe = true;
        }
        for (size_t i = 0; i < g->n_classes; i++)
                take_up(g, &g->classes[i]);
        if (g->n_classes > 0)
                pump(g);
}

struct rf_gate_stats rf_gate_stats(const struct rf_gate *g)
{
        uint64_t now_us = rf_now_us();
        struct rf_gate_stats s = { .in_flight = g->concurrency.in_flight, .refusals = g->refusals, .turned_away = g->turned_away,
                                   .scale = least_scale(g), .concurrency = g->concurrency.limit, .is_quota = g->is_quota,
                                   .blocked_us = g->blocked_until_us > now_us ? g->blocked_until_us - now_us : 0,
                                   .breaker = rf_breaker_state(g->breaker, now_us) };

        s.quota_left = s.is_quota && s.blocked_us > 0 ? 0 : -1;
        for (size_t i = 0; i < g->n_classes; i++) {
                int64_t left = rf_pace_left(&g->classes[i].pace, now_us);

                s.waiting += g->classes[i].queue.n;
                if (left >= 0)
                        s.quota_left = s.quota_left < 0 ? left : MIN(s.quota_left, left);
        }
        return s;
}
