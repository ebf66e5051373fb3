/*
 * Look-ups of single ids by many coroutines become few calls: ids that anybody asks for while the ready queue hasn't drained go into one
 * batch of up to the endpoint's limit, and an id that is under way already isn't asked for again. Waits for nothing but the draining.
 */
#pragma once

#include "upstream/internal.h"

struct rf_collector;

int rf_collector_new(struct rf_lane *lane, enum rf_op op, struct rf_collector **ret);
/* Nobody may wait; what is under way ends first. */
struct rf_collector *rf_collector_free(struct rf_collector *c);

/* One caller's interest in one id. */
struct rf_interest;

/* Asks for `id` on behalf of `caller`; nothing is sent yet, and nothing yields. -ENOMEM, -EAGAIN. */
int rf_collector_ask(struct rf_collector *c, const struct rf_caller *caller, const char *id, struct rf_interest **ret);

/*
 * Waits for it (yields). 0: `ret` holds the part of the answer that is about the id, perhaps without a record. `ret_record` is set, once
 * for each batch and caller, to what the call did: its first caller made it, the others shared it; NULL otherwise.
 */
int rf_collector_wait(struct rf_interest *i, uint64_t deadline_us, struct rf_answer **ret, const struct rf_call_record **ret_record);
/* Ends the interest, waited for or not. The last to leave cancels the call. Accepts NULL. */
void rf_collector_leave(struct rf_interest *i);
