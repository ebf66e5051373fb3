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

/* Into the round, before all whose last turn was later. */
static void join_round(struct rf_fair_queue *q, struct rf_fair_entry *e)
{
        e->turn = last_turn(q, e->client);
        rf_list_foreach(&q->rounds[e->priority], other, struct rf_fair_entry, clients)
                if (other->turn > e->turn) {
                        rf_list_append(&other->clients, &e->clients);
                        return;
                }
        rf_list_append(&q->rounds[e->priority], &e->clients);
}

void rf_fair_queue_push(struct rf_fair_queue *q, struct rf_fair_entry *e, uint64_t client, enum rf_priority priority)
{
        struct rf_fair_entry *first = first_of(q, client, priority);

        rf_list_init(&e->link);
        rf_list_init(&e->clients);
        rf_list_init(&e->line);
        e->client = client;
        e->priority = priority;
        e->is_first = !first;
        e->is_queued = true;
        e->n_line = 0;
        if (first) {
                rf_list_append(&first->line, &e->link);
                first->n_line++;
        } else
                join_round(q, e);
        q->n++;
}

/* The second in a client's line takes the first one's place in the round, before `next`. */
static void promote(struct rf_fair_entry *first, struct rf_list *next)
{
        struct rf_fair_entry *second = rf_list_first(&first->line, struct rf_fair_entry, link);

        if (!second)
                return;
        rf_list_remove(&second->link);
        second->is_first = true;
        second->n_line = first->n_line - 1;
        second->turn = first->turn;
        rf_list_append(&first->line, &second->line); /* the line changes its head */
        rf_list_remove(&first->line);
        rf_list_append(next, &second->clients);
}

struct rf_fair_entry *rf_fair_queue_pop(struct rf_fair_queue *q)
{
        for (size_t i = 0; i < ARRAY_SIZE(q->rounds); i++) {
                struct rf_fair_entry *e = rf_list_first(&q->rounds[i], struct rf_fair_entry, clients);

                if (!e)
                        continue;
                rf_list_remove(&e->clients);
                q->turns[q->n_turns++ % RF_FAIR_TURNS] = e->client;
                e->turn = q->n_turns;
                promote(e, &q->rounds[i]); /* at the end: the other clients come first */
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
        if (e->is_first) {
                struct rf_list *next = e->clients.next;

                rf_list_remove(&e->clients);
                promote(e, next);
        } else {
                first_of(q, e->client, e->priority)->n_line--;
                rf_list_remove(&e->link);
        }
        e->is_first = e->is_queued = false;
        q->n--;
}

size_t rf_fair_queue_ahead(const struct rf_fair_queue *q, uint64_t client, enum rf_priority priority)
{
        const struct rf_fair_entry *own_first = first_of(q, client, priority);
        size_t own = own_first ? own_first->n_line + 1 : 0, n = own;
        uint64_t turn;

        if (q->n == 0)
                return 0;
        turn = own_first ? own_first->turn : last_turn(q, client);
        for (unsigned p = 0; p <= (unsigned)priority; p++)
                rf_list_foreach(&q->rounds[p], e, struct rf_fair_entry, clients)
                        if (p < (unsigned)priority)
                                n += e->n_line + 1;
                        else if (e != own_first)
                                n += MIN(e->n_line + 1, own + (e->turn <= turn)); /* a turn each, until it is ours */
        return n;
}

void rf_fair_queue_foreach(struct rf_fair_queue *q, void (*each)(struct rf_fair_entry *e))
{
        for (size_t i = 0; i < ARRAY_SIZE(q->rounds); i++)
                rf_list_foreach(&q->rounds[i], first, struct rf_fair_entry, clients) {
                        each(first);
                        rf_list_foreach(&first->line, e, struct rf_fair_entry, link)
                                each(e);
                }
}
