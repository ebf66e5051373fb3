/*
 * The gate before one provider: who may make an attempt, and when. It puts together the fair queue, the pacing of each class, the
 * bound on calls under way, the credential's block after a refusal, and the breaker. Every attempt, retries included, goes through it.
 *
 * A refusal for the rate (429) blocks the credential for all callers until the time the service named; then one call goes ahead as a
 * probe, and the others follow if it fares well. Long refusals (quota) aren't waited for at all.
 */
#pragma once

#include "upstream/breaker.h"
#include "upstream/concurrency.h"
#include "upstream/fair_queue.h"
#include "upstream/pace.h"

struct rf_gate;

struct rf_gate_options {
        struct rf_breaker_options breaker;
        double rate_per_s, burst; /* of each pacing class */
        uint32_t limit;           /* calls of a class in `window_us` that the service is known to allow, instead; 0 = not known */
        uint64_t window_us;
        uint32_t concurrency_floor, concurrency_max;
        void (*changed)(void *arg); /* block, learned scale or what went changed: worth keeping. Doesn't yield */
        void *arg;
};

int rf_gate_new(const struct rf_gate_options *o, struct rf_gate **ret);
/* Nobody may wait. */
struct rf_gate *rf_gate_free(struct rf_gate *g);
DEFINE_CLEANUP(struct rf_gate *, rf_gate_free);

/* Leave to make one attempt. */
struct rf_ticket {
        struct rf_pass pass;
        size_t class_index;
        uint64_t asked_us, sent_us; /* when it queued, and when it was let through */
        uint64_t paced_us;          /* of the wait, what pacing and blocks took (the rest: places) */
        uint64_t explored;          /* as rf_pace_take() said */
        bool is_probe;
};

/*
 * Waits for leave (yields). 0: give the ticket back with rf_gate_leave(). At once, without waiting: -RF_ERATE or -RF_EQUOTA when the
 * deadline can't be met, -RF_EOPEN when the breaker is open; `ret_needed_us` then says what it would have taken. `deadline_us` points
 * to the latest time that anybody who shares the call still waits for it; `caller` stays where it is until the return. -ETIMEDOUT,
 * -ECANCELED.
 */
int rf_gate_enter(struct rf_gate *g, const char *pacing_class, const struct rf_caller *caller, const uint64_t *deadline_us,
                  struct rf_ticket *ret, uint64_t *ret_needed_us);

/*
 * Somebody else waits for the call of `caller`, too: if `who` comes first, it's made in that one's place and not in its own, also when
 * it's in line already. `caller` is what rf_gate_enter() was given, or will be. Doesn't yield.
 */
void rf_gate_hasten(struct rf_gate *g, struct rf_caller *caller, const struct rf_caller *who);

/*
 * Whether the call may still be sent: a refusal may have come since the ticket was given. False: give it back as CANCELLED and enter
 * again. To be asked when nothing yields any more before the sending.
 */
bool rf_gate_may_send(const struct rf_gate *g);

/* How the attempt ended. For RATE and QUOTA `retry_after_us` is how long to stay away. */
void rf_gate_leave(struct rf_gate *g, struct rf_ticket *t, enum rf_outcome outcome, uint64_t retry_after_us);

/* Whether calls are paced; they are at first. Unpaced ones go as they come, blocks and places aside. Neither yields. */
void rf_gate_set_paced(struct rf_gate *g, bool is_paced);
bool rf_gate_is_paced(const struct rf_gate *g);

/* Whether a call could go without waiting for a block or the breaker. */
bool rf_gate_is_open(const struct rf_gate *g, uint64_t now_us);
struct rf_breaker *rf_gate_breaker(struct rf_gate *g);

/* What is worth keeping across restarts. Times are wall-clock microseconds; 0: no block. */
struct rf_gate_memory {
        uint64_t blocked_until_us; /* in the past: that is over, and no probe has seen it yet */
        bool is_quota;
        double scale; /* of pacing */
        double ceiling; /* of that, until `ceiling_until_us` */
        uint64_t ceiling_until_us;
        uint64_t settled_us; /* until then what went before holds up a burst; told now and then, so it's late rather than early */
};
struct rf_gate_memory rf_gate_remember(const struct rf_gate *g);
/* At the start, or later in place of what was learned meanwhile. Doesn't yield. */
void rf_gate_restore(struct rf_gate *g, const struct rf_gate_memory *m);

struct rf_gate_stats {
        size_t waiting, in_flight;
        uint64_t refusals, turned_away; /* 429s seen; calls that failed at once */
        double scale, concurrency;
        uint64_t blocked_us; /* still to go */
        int64_t quota_left;  /* calls left of the limit of the class that has least; -1: unpaced */
        bool is_quota;
        enum rf_breaker_state breaker;
};
struct rf_gate_stats rf_gate_stats(const struct rf_gate *g);
