#include "flow/calls.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "sched/sched.h"

#define TOGETHER 8u

struct batch {
        struct rf_run *run;
        enum rf_step step;
        const struct rf_manner *manner;
        struct rf_call *calls;
        size_t n, next;
        uint64_t started_us;
        uint64_t deadline_us;
};

struct observed {
        struct batch *batch;
        struct rf_call *call;
        struct rf_trouble trouble; /* with whoever was asked in vain */
};

/*
 * How much a trouble tells of why there is nothing: a service that is gone tells the most, a call that none offers the least. Who was
 * turned away at the gate may be first to know, but only who has asked knows the reason.
 */
static int weight_of(const struct rf_trouble *t)
{
        int reason = t->message[0] != '\0';

        switch (-t->error) {
        case 0:
                return 0;
        case RF_EUNSUPPORTED:
                return 1;
        case RF_EUPSTREAM:
        case RF_EMALFORMED:
        case RF_EOPEN:
        case RF_ERATE:
        case RF_EQUOTA:
        case RF_ELOGIN:
                return 4 + reason;
        default:
                return 2 + reason;
        }
}

static void note_trouble(struct rf_trouble *t, const struct rf_trouble *news)
{
        /* some calls have others before them in the line; another try needn't */
        uint64_t until_us = t->until_us && news->until_us ? MIN(t->until_us, news->until_us) : MAX(t->until_us, news->until_us);
        bool is_same = t->provider == news->provider;

        if (weight_of(news) > weight_of(t))
                *t = *news;
        if (is_same)
                t->until_us = until_us;
}

static enum rf_freshness freshness_of(enum rf_cache_state state)
{
        switch (state) {
        case RF_CACHE_HIT:
        case RF_CACHE_NEGATIVE:
                return RF_FRESH_CACHED;
        case RF_CACHE_STALE:
        case RF_CACHE_STALE_ERROR:
                return RF_FRESH_STALE;
        case RF_CACHE_MISS:
        case RF_CACHE_BYPASS:
                break;
        }
        return RF_FRESH_NEW;
}

static void observe(void *arg, const struct rf_call_record *record)
{
        struct observed *o = arg;
        struct rf_trouble trouble = { .error = record->error, .provider = record->provider,
                                      .until_us = record->needed_us ? rf_wall_us() + record->needed_us : 0 };

        if (record->error < 0 && record->error != -ENOTSUP) { /* that says only that the query isn't for this one */
                snprintf(trouble.message, sizeof(trouble.message), "%s", record->message);
                note_trouble(&o->trouble, &trouble);
        }
        o->call->freshness = MAX(o->call->freshness, freshness_of(record->cache));
        rf_receipt_call(o->batch->run->book, o->batch->step, record);
        /* nothing came of it, but it took its time; what is cut short says nothing of that */
        if (record->error < 0 && record->upstream_us > 0 && rf_now_us() < o->batch->deadline_us)
                rf_run_took(o->batch->run, record->provider, record->upstream_us);
        if (o->batch->run->hooks->calls.observe)
                o->batch->run->hooks->calls.observe(o->batch->run->hooks->calls.observe_arg, record);
}

/* What a model or the user's own account says, or doesn't, tells nothing of whether music can be found. */
static bool is_aside(const struct rf_call *call)
{
        return call->query.op == RF_OP_ANALYSE_PROMPT || call->query.op == RF_OP_USER_TOP;
}

static int make_one(struct batch *b, struct rf_call *call)
{
        struct rf_run *run = b->run;
        struct observed o = { .batch = b, .call = call };
        struct rf_caller caller = run->hooks->calls;
        int r;

        caller.client = run->hooks->client;
        caller.rank = run->turn.rank;
        caller.deadline_us = b->deadline_us;
        caller.run = run->hooks->run;
        caller.step = b->step + 1;
        caller.provider = call->at;
        caller.anew = run->fetches_anew || b->manner->anew;
        caller.observe = observe;
        caller.observe_arg = &o;
        r = rf_upstream_call(run->flow->upstream, &caller, &call->query, &call->answer);
        call->error = r < 0 ? r : 0;
        if (r >= 0)
                rf_run_took(run, call->answer->provider, call->answer->took_ms * (uint64_t)USEC_PER_MSEC);
        if (r >= 0 && !is_aside(call))
                run->answered++;
        if (r < 0 && !is_aside(call) && o.trouble.error < 0)
                note_trouble(&run->trouble, &o.trouble);
        /* what stopped the call tells the run only if it is the run that was stopped */
        return r == -ECANCELED || r == -ENOMEM ? r : 0;
}

/* Takes the next call until there is none. */
static int worker(void *arg)
{
        struct batch *b = arg;
        int r = 0;

        while (r >= 0 && b->next < b->n) {
                size_t i = b->next++;

                if (b->manner->stagger_us > 0)
                        r = rf_sleep_until(MIN(b->started_us + i * b->manner->stagger_us, b->deadline_us));
                if (r >= 0)
                        r = make_one(b, &b->calls[i]);
        }
        return r;
}

static void account(struct batch *b)
{
        for (size_t i = 0; i < b->n; i++) {
                struct rf_call *call = &b->calls[i];

                /* not even begun, or begun and stopped with the group */
                if (!call->answer && call->error == 0)
                        call->error = -ETIMEDOUT;
                call->is_cut = rf_now_us() >= b->deadline_us && (call->error == -ETIMEDOUT || (call->answer && call->answer->n_unheard > 0));
                if (call->is_cut)
                        rf_run_cut(b->run, b->step, MAX(b->step, b->manner->until), &call->query, b->started_us);
                if (call->error < 0 && !is_aside(call)) /* unless more is known of it already */
                        note_trouble(&b->run->trouble, &(struct rf_trouble){ .error = call->error });
        }
}

int rf_calls_make(struct rf_run *run, enum rf_step step, struct rf_call *calls, size_t n)
{
        return rf_calls_make_as(run, step, &(struct rf_manner){ 0 }, calls, n);
}

int rf_calls_make_as(struct rf_run *run, enum rf_step step, const struct rf_manner *manner, struct rf_call *calls, size_t n)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        struct batch b = { .run = run, .step = step, .manner = manner, .calls = calls, .n = n, .started_us = rf_now_us(),
                           .deadline_us = rf_run_step_deadline(run, MAX(step, manner->until)) };
        size_t together = manner->together > 0 ? manner->together : TOGETHER;
        int r;

        if (n == 0)
                return rf_check_cancelled();
        if (n == 1 || together == 1 || run->is_serial) {
                r = worker(&b);
                account(&b);
                return r;
        }
        r = rf_group_new(RF_FOREVER, &g);
        if (r < 0)
                return r;
        for (size_t i = 0; i < MIN(n, together); i++) {
                r = rf_group_spawn(g, "flow-call", worker, &b);
                if (r < 0)
                        break;
        }
        /* with no coroutine to be had the calls are made one after the other */
        if (r == -EAGAIN)
                r = worker(&b);
        if (r < 0)
                return r;
        r = rf_group_join(g);
        account(&b);
        /* whoever runs us ran out of time: the best so far is what is wanted */
        return r == -ETIMEDOUT ? 0 : r;
}

void rf_calls_done(struct rf_call *calls, size_t n)
{
        for (size_t i = 0; i < n; i++)
                calls[i].answer = rf_answer_unref(calls[i].answer);
}
