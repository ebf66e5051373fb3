/*
 * Equal calls in flight are one. The first caller of a key starts the work in a group of its own; the others wait for it. Each may
 * leave (cancelled, timed out) without harm to the rest; the last to leave cancels the work.
 */
#pragma once

#include "provider/answer.h"

struct rf_coalesce;

/* The shared work; runs in a coroutine of its own. `arg` is the first caller's copy, freed with `free_arg` at the end. */
struct rf_shared_work {
        /* `deadline_us` is the latest of all who wait, and may move while it runs. */
        int (*run)(void *arg, const uint64_t *deadline_us, struct rf_answer **ret);
        /* Somebody joins whose own work would have had `newcomer`. Doesn't yield. */
        void (*join)(void *arg, const void *newcomer);
        void (*free_arg)(void *arg);
        void *arg;
};

int rf_coalesce_new(struct rf_coalesce **ret);
struct rf_coalesce *rf_coalesce_free(struct rf_coalesce *c); /* nobody may wait */
DEFINE_CLEANUP(struct rf_coalesce *, rf_coalesce_free);

/*
 * Joins or starts the work of `key` and waits for its end (yields). `work->arg` is taken over in every case. `ret_joined`: whether
 * somebody else's work was shared.
 */
int rf_coalesce_run(struct rf_coalesce *c, const void *key, size_t key_size, const struct rf_shared_work *work, uint64_t deadline_us,
                    bool *ret_joined, struct rf_answer **ret);
bool rf_coalesce_is_in_flight(const struct rf_coalesce *c, const void *key, size_t key_size);
