/* The runs that wait, fair by client: clients take turns, each client's own go in order. Holds no references. Never yields. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_run_queue;
struct rf_job;

struct rf_run_queue *rf_run_queue_new(void); /* NULL: out of memory */
struct rf_run_queue *rf_run_queue_free(struct rf_run_queue *q); /* empty */
DEFINE_CLEANUP(struct rf_run_queue *, rf_run_queue_free);

int rf_run_queue_add(struct rf_run_queue *q, struct rf_job *j); /* -ENOMEM */
void rf_run_queue_remove(struct rf_run_queue *q, struct rf_job *j);
/* Whose turn it is; NULL: nobody waits. Taking it passes the turn on. */
struct rf_job *rf_run_queue_first(const struct rf_run_queue *q);
void rf_run_queue_take(struct rf_run_queue *q, struct rf_job *first);

size_t rf_run_queue_size(const struct rf_run_queue *q);
size_t rf_run_queue_size_of(const struct rf_run_queue *q, uint64_t client);
uint32_t rf_run_queue_place(const struct rf_job *j); /* of one that waits; 1 is next */
/* Those who wait hear that their places have changed. */
void rf_run_queue_tell(const struct rf_run_queue *q);
