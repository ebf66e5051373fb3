#include "control/run_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "control/job.h"

/* The waiting runs of one client. In the ring of clients while there are any. */
struct rf_run_client {
        struct rf_run_queue *queue;
        struct rf_list link;
        struct rf_list jobs;
        uint64_t id;
        uint32_t n;
};

struct rf_run_queue {
        struct rf_map *clients; /* that have waiting runs */
        struct rf_list ring;    /* of those clients: the first one's turn is next */
        size_t size;
};

struct rf_run_queue *rf_run_queue_new(void)
{
        struct rf_run_queue *q = calloc(1, sizeof(*q));

        if (!q)
                return NULL;
        rf_list_init(&q->ring);
        q->clients = rf_map_new();
        return q->clients ? q : rf_run_queue_free(q);
}

struct rf_run_queue *rf_run_queue_free(struct rf_run_queue *q)
{
        if (!q)
                return NULL;
        assert(q->size == 0);
        rf_map_free(q->clients);
        free(q);
        return NULL;
}

static struct rf_run_client *client_of(struct rf_run_queue *q, uint64_t id)
{
        struct rf_run_client *c = rf_map_get(q->clients, &id, sizeof(id));

        if (c)
                return c;
        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        *c = (struct rf_run_client){ .queue = q, .id = id };
        rf_list_init(&c->jobs);
        rf_list_init(&c->link);
        if (rf_map_put(q->clients, &c->id, sizeof(c->id), c) < 0) {
                free(c);
                return NULL;
        }
        rf_list_append(&q->ring, &c->link);
        return c;
}

int rf_run_queue_add(struct rf_run_queue *q, struct rf_job *j)
{
        struct rf_run_client *c = client_of(q, j->client_id);

        if (!c)
                return -ENOMEM;
        rf_list_append(&c->jobs, &j->link);
        c->n++;
        j->client = c;
        q->size++;
        return 0;
}

void rf_run_queue_remove(struct rf_run_queue *q, struct rf_job *j)
{
        struct rf_run_client *c = j->client;

        rf_list_remove(&j->link);
        j->client = NULL;
        q->size--;
        if (--c->n > 0)
                return;
        rf_list_remove(&c->link);
        rf_map_remove(q->clients, &c->id, sizeof(c->id));
        free(c);
}

struct rf_job *rf_run_queue_first(const struct rf_run_queue *q)
{
        struct rf_run_client *c = rf_list_first(&q->ring, struct rf_run_client, link);

        return c ? rf_list_first(&c->jobs, struct rf_job, link) : NULL;
}

void rf_run_queue_take(struct rf_run_queue *q, struct rf_job *first)
{
        rf_list_remove(&first->client->link);
        rf_list_append(&q->ring, &first->client->link);
        rf_run_queue_remove(q, first);
}

size_t rf_run_queue_size(const struct rf_run_queue *q)
{
        return q->size;
}

size_t rf_run_queue_size_of(const struct rf_run_queue *q, uint64_t client)
{
        const struct rf_run_client *c = rf_map_get(q->clients, &client, sizeof(client));

        return c ? c->n : 0;
}

/* Before the job at depth d of its client, each other client has up to d jobs, one more if its turn comes first. */
uint32_t rf_run_queue_place(const struct rf_job *j)
{
        uint32_t depth = 0, place = 1, before = 1;

        rf_list_foreach(&j->client->jobs, other, struct rf_job, link) {
                if (other == j)
                        break;
                depth++;
        }
        rf_list_foreach(&j->client->queue->ring, c, struct rf_run_client, link) {
                if (c == j->client) {
                        before = 0;
                        place += depth;
                } else
                        place += MIN(c->n, depth + before);
        }
        return place;
}

void rf_run_queue_tell(const struct rf_run_queue *q)
{
        rf_list_foreach(&q->ring, c, struct rf_run_client, link)
                rf_list_foreach(&c->jobs, j, struct rf_job, link)
                        rf_job_changed(j);
}
