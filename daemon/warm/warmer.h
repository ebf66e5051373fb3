/*
 * Keeps warm what people ask for again and again: counts uses, and when it's told to, runs the workflow in the background for what is
 * worth it, so that the answers it rests on are renewed before the next visit. It makes no more calls than it's allowed, and stops as soon
 * as a person waits for a service.
 */
#pragma once

#include "flow/flow.h"
#include "store/state.h"
#include "warm/due.h"
#include "warm/item.h"

struct rf_warmer;

struct rf_warmer_options {
        bool learns;               /* what people ask for is counted, and kept warm where that pays */
        struct rf_due_policy due;
        uint32_t calls_max;        /* of one pass */
        const char *prompts, *seeds; /* to be kept warm: lists separated by "|"; read by rf_warmer_configure() alone */
};

/* `flow` and `state` (NULL: nothing is kept across restarts) outlive it. */
int rf_warmer_new(const struct rf_warmer_options *o, const struct rf_flow *flow, struct rf_state *state, struct rf_warmer **ret);
struct rf_warmer *rf_warmer_free(struct rf_warmer *w); /* after rf_warmer_stop(), and after the upstream's end */
DEFINE_CLEANUP(struct rf_warmer *, rf_warmer_free);

/* From a coroutine: takes up what was learned. Its options' lists are for rf_warmer_configure(), after it. */
int rf_warmer_start(struct rf_warmer *w);
/* Ends a pass that is under way, writes down what was counted (yields). Before the upstream's end. */
void rf_warmer_stop(struct rf_warmer *w);
/* -RF_ELIMIT: more prompts and seeds than can be kept warm; the first of them are. Doesn't yield. */
int rf_warmer_configure(struct rf_warmer *w, const struct rf_warmer_options *o);

/* Records were written to the store by somebody else: those of wishes that aren't known count from now on. -ENOMEM. Doesn't yield. */
int rf_warmer_take_up(struct rf_warmer *w);
/* Whether the uses of that wish are counted here: the record follows them. */
bool rf_warmer_knows(const struct rf_warmer *w, const uint8_t key[static RF_WARM_KEY_SIZE]);

/* A person's run gave a playlist; `footprint` is what it rests on. Doesn't yield. */
void rf_warmer_used(struct rf_warmer *w, const struct rf_wish *wish, const struct rf_footprint *footprint);

/* As rf_warm_set_add() and _remove(). */
int rf_warmer_add(struct rf_warmer *w, const struct rf_wish *wish);
int rf_warmer_remove(struct rf_warmer *w, const struct rf_wish *wish);

/* Why a pass ended: all that was due was done, or what stopped it; or why none was made (OFF: the switch prewarm is). */
enum rf_warm_end { RF_WARM_DONE, RF_WARM_BUDGET, RF_WARM_PERSON, RF_WARM_SERVICE, RF_WARM_BUSY /* another one is under way */, RF_WARM_OFF };
const char *rf_warm_end_name(enum rf_warm_end e); /* "done", … */

struct rf_warm_report {
        size_t due, warmed, failed;
        uint32_t calls;
        enum rf_warm_end end;
};

/* One pass (yields), the most valuable first. -ECANCELED, -ENOMEM. */
int rf_warmer_run_due(struct rf_warmer *w, struct rf_warm_report *ret);

struct rf_warm_stats {
        size_t items, kept;
        uint64_t passes, interrupted; /* since the start; by people */
        uint64_t warmed, spent, saved; /* runs and calls, since the start */
};
struct rf_warm_stats rf_warmer_stats(const struct rf_warmer *w);

/* An item and what is due of it now. */
struct rf_warm_view {
        const struct rf_warm_item *item;
        struct rf_due due;
};

/* All of them, first those that are kept, then by their value; free() the list. Views are valid until the next yield. */
int rf_warmer_list(const struct rf_warmer *w, struct rf_warm_view **ret, size_t *ret_n);
