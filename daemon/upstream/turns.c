#include "upstream/turns.h"

#include <stddef.h>

enum { ROUND_SHIFT = 32 }; /* below it: the number of the run, from 1 */

void rf_turns_init(struct rf_turns *t)
{
        rf_list_init(&t->under_way);
        t->n = 0;
}

static const struct rf_turn *first(const struct rf_turns *t)
{
        const struct rf_turn *lowest = NULL;

        rf_list_foreach(&t->under_way, turn, struct rf_turn, link)
                if (!lowest || turn->rank < lowest->rank)
                        lowest = turn;
        return lowest;
}

void rf_turns_begin(struct rf_turns *t, struct rf_turn *turn, uint64_t client)
{
        const struct rf_turn *served = first(t);

        turn->client = client;
        turn->round = served ? served->round : 0;
        rf_list_foreach(&t->under_way, other, struct rf_turn, link)
                if (other->client == client)
                        turn->round = MAX(turn->round, other->round + 1);
        turn->rank = turn->round << ROUND_SHIFT | (++t->n & UINT32_MAX);
        rf_list_append(&t->under_way, &turn->link);
}

void rf_turns_end(struct rf_turns *t, struct rf_turn *turn)
{
        (void)t;
        rf_list_remove(&turn->link);
}

uint64_t rf_turns_lowest(const struct rf_turns *t)
{
        const struct rf_turn *served = first(t);

        return served ? served->rank : 0;
}
