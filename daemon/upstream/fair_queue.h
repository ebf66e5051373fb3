/*
 * Who is next: people before background work; of those who call for a run the one of the lowest rank (turns.h), so that runs end one
 * after the other and no two services wait for each other; and among equals the client whose last turn was longest ago, however many
 * calls another has waiting. Whoever makes one call after the other isn't put behind the line that forms while its call is under way.
 * Entries are the callers' own, embedded. Never yields, never allocates.
 */
#pragma once

#include "base/list.h"
#include "upstream/upstream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_FAIR_TURNS 64u /* remembered; who had none of them counts as new */

struct rf_fair_entry {
        struct rf_list link;    /* in its client's line, or alone */
        struct rf_list clients; /* of the first of each client: the round of the clients */
        struct rf_list line;    /* of the first: the others of that client, by their ranks */
        size_t n_line;          /* of the first: how many stand in its line */
        uint64_t turn;          /* of the first: its client's last; 0 = none */
        uint64_t client, rank;
        enum rf_priority priority;
        bool is_first, is_queued;
};

struct rf_fair_queue {
        struct rf_list rounds[2]; /* by priority: the first entry of each client, by rank and then by their last turns */
        size_t n;
        uint64_t turns[RF_FAIR_TURNS]; /* ring of the clients who had them */
        uint64_t n_turns;
};

void rf_fair_queue_init(struct rf_fair_queue *q);
/* Client, rank and priority are those of `caller`. */
void rf_fair_queue_push(struct rf_fair_queue *q, struct rf_fair_entry *e, const struct rf_caller *caller);
/* The next; NULL if empty. The queue goes on with the next client. */
struct rf_fair_entry *rf_fair_queue_pop(struct rf_fair_queue *q);
void rf_fair_queue_remove(struct rf_fair_queue *q, struct rf_fair_entry *e); /* harmless if not queued */
/* How many would go before a new one of this caller. */
size_t rf_fair_queue_ahead(const struct rf_fair_queue *q, const struct rf_caller *caller);
/* Whether a call of the first comes before one of the second, whatever turns they had. */
bool rf_fair_is_before(const struct rf_caller *a, const struct rf_caller *b);
/* Calls `each` for every entry. It may not change the queue. */
void rf_fair_queue_foreach(struct rf_fair_queue *q, void (*each)(struct rf_fair_entry *e, void *arg), void *arg);
