#include "upstream/fair_queue.h"

void rf_fair_queue_init(struct rf_fair_queue *q)
{
        for (size_t i = 0; i < ARRAY_SIZE(q->rounds); i++)
                rf_list_init(&q->rounds[i]);
        q->n = q->n_turns = 0;
}

static struct rf_fair_entry *first_of(const struct rf_fair_queue *q, uint64_t client, enum rf_priority priority)
{
        rf_list_foreach(&q->rounds[priority], e, struct rf_fair_entry, clients)
                if (e->client == client)
                        return e;
        return NULL;
}

/* When the client had its last turn, counted from 1. */
static uint64_t last_turn(const struct rf_fair_queue *q, uint64_t client)
{
        for (uint64_t i = q->n_turns; i > 0 && q->n_turns - i < RF_FAIR_TURNS; i--)
                if (q->turns[(i - 1) % RF_FAIR_TURNS] == client)
                        return i;
        return 0;
}

/* Into the round: before all of a higher rank, and of its own before those whose last turn was later. */
static void join_round(struct rf_fair_queue *q, struct rf_fair_entry *e)
{
        rf_list_foreach(&q->rounds[e->priority], other, struct rf_fair_entry, clients)
                if (other->rank > e->rank || (other->rank == e->rank && other->turn > e->turn)) {
                        rf_list_append(&other->clients, &e->clients);
                        return;
                }
        rf_list_append(&q->rounds[e->priority], &e->clients);
}

static void join_line(struct rf_fair_entry *first, struct rf_fair_entry *e)
{
        struct rf_list *at = first->line.prev; /* most come last */

        while (at != &first->line && container_of(at, struct rf_fair_entry, link)->rank > e->rank)
                at = at->prev;
        rf_list_prepend(at, &e->link);
        first->n_line++;
}

/* The line changes its head. Neither stands in it. */
static void hand_over(struct rf_fair_entry *first, struct rf_fair_entry *heir)
{
        rf_list_append(&first->line, &heir->line);
        rf_list_remove(&first->line);
        heir->n_line = first->n_line;
        heir->turn = first->turn;
        heir->is_first = true;
        first->is_first = false;
        rf_list_remove(&first->clients);
}

void rf_fair_queue_push(struct rf_fair_queue *q, struct rf_fair_entry *e, const struct rf_caller *caller)
{
        struct rf_fair_entry *first = first_of(q, caller->client, caller->priority);

        rf_list_init(&e->link);
        rf_list_init(&e->clients);
        rf_list_init(&e->line);
        e->client = caller->client;
        e->rank = caller->rank;
        e->priority = caller->priority;
        e->is_first = !first;
        e->is_queued = true;
        e->n_line = 0;
        if (!first)
                e->turn = last_turn(q, e->client);
        else if (e->rank < first->rank) {
                hand_over(first, e);
                join_line(e, first);
        } else
                join_line(first, e);
        if (e->is_first)
                join_round(q, e);
        q->n++;
}

/* The second in a client's line becomes its first. */
static void promote(struct rf_fair_queue *q, struct rf_fair_entry *first)
{
        struct rf_fair_entry *second = rf_list_first(&first->line, struct rf_fair_entry, link);

        if (second) {
                rf_list_remove(&second->link);
                first->n_line--;
                hand_over(first, second);
                join_round(q, second);
        } else
                rf_list_remove(&first->clients);
}

struct rf_fair_entry *rf_fair_queue_pop(struct rf_fair_queue *q)
{
        for (size_t i = 0; i < ARRAY_SIZE(q->rounds); i++) {
                struct rf_fair_entry *e = rf_list_first(&q->rounds[i], struct rf_fair_entry, clients);

                if (!e)
                        continue;
                q->turns[q->n_turns++ % RF_FAIR_TURNS] = e->client;
                e->turn = q->n_turns; /* the latest: other clients of the same rank come first */
                promote(q, e);
                e->is_first = e->is_queued = false;
                q->n--;
                return e;
        }
        return NULL;
}

void rf_fair_queue_remove(struct rf_fair_queue *q, struct rf_fair_entry *e)
{
        if (!e->is_queued)
                return;
        if (e->is_first)
                promote(q, e);
        else {
                first_of(q, e->client, e->priority)->n_line--;
                rf_list_remove(&e->link);
        }
        e->is_first = e->is_queued = false;
        q->n--;
}

/* Of a client's entries those of a lower rank, and those of this one. */
static void count(const struct rf_fair_entry *first, uint64_t rank, size_t *lower, size_t *equal)
{
        *lower = first->rank < rank;
        *equal = first->rank == rank;
        rf_list_foreach(&first->line, e, struct rf_fair_entry, link) {
                if (e->rank > rank)
                        break;
                *lower += e->rank < rank;
                *equal += e->rank == rank;
        }
}

size_t rf_fair_queue_ahead(const struct rf_fair_queue *q, const struct rf_caller *caller)
{
        const struct rf_fair_entry *own_first = first_of(q, caller->client, caller->priority);
        size_t own = 0, n = 0, lower, equal;
        uint64_t turn;

        if (q->n == 0)
                return 0;
        if (own_first) {
                count(own_first, caller->rank, &lower, &own);
                n = lower + own;
        }
        turn = own_first ? own_first->turn : last_turn(q, caller->client);
        for (unsigned p = 0; p <= (unsigned)caller->priority; p++)
                rf_list_foreach(&q->rounds[p], e, struct rf_fair_entry, clients) {
                        if (p < (unsigned)caller->priority)
                                n += e->n_line + 1;
                        else if (e->rank > caller->rank)
                                break;
                        else if (e != own_first) {
                                count(e, caller->rank, &lower, &equal);
                                n += lower + MIN(equal, own + (e->turn <= turn)); /* a turn each, until it is ours */
                        }
                }
        return n;
}

bool rf_fair_is_before(const struct rf_caller *a, const struct rf_caller *b)
{
        return a->priority != b->priority ? a->priority < b->priority : a->rank < b->rank;
}

void rf_fair_queue_foreach(struct rf_fair_queue *q, void (*each)(struct rf_fair_entry *e, void *arg), void *arg)
{
        for (size_t i = 0; i < ARRAY_SIZE(q->rounds); i++)
                rf_list_foreach(&q->rounds[i], first, struct rf_fair_entry, clients) {
                        each(first, arg);
                        rf_list_foreach(&first->line, e, struct rf_fair_entry, link)
                                each(e, arg);
                }
}
