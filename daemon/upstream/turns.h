/*
 * Whose turn it is, by runs: start-time fair queueing (Goyal, Vin and Cheng, 1996), where the unit is a whole run. The first run of each
 * client under way is of one round, its second of the next, and so on; who comes anew joins the round that is being served. Within a
 * round whoever began first goes first. So runs end one after the other, and the calls of one overlap the thinking of another; and whoever
 * has one run waits for at most one of each other client's, however many those have. Never yields, never allocates.
 */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "base/macros.h"

struct rf_turn {
        struct rf_list link;
        uint64_t client, round;
        uint64_t rank; /* lower goes first; never 0 */
};

struct rf_turns {
        struct rf_list under_way;
        uint64_t n; /* runs so far */
};

void rf_turns_init(struct rf_turns *t);
void rf_turns_begin(struct rf_turns *t, struct rf_turn *turn, uint64_t client);
void rf_turns_end(struct rf_turns *t, struct rf_turn *turn);
/* That of the run that is served first; 0 if there is none. */
uint64_t rf_turns_lowest(const struct rf_turns *t);
