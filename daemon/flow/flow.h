/*
 * The workflow: from a wish to a playlist. Sequential music logic in coroutines; every effect goes through the upstream call.
 */
#pragma once

#include "flow/playlist.h"
#include "flow/understand.h"
#include "flow/wish.h"
#include "upstream/upstream.h"

/* What the workflow works with; everything outlives the runs. */
struct rf_flow {
        struct rf_upstream *upstream;
        const struct rf_lexicon *lexicon;
        bool asks_model; /* prompts are read by a provider, too, where one can (operation: analyse prompt) */
};

/* How far a run is. */
struct rf_progress {
        enum rf_step step;
        uint32_t candidates; /* found so far */
        uint32_t chosen;
        uint32_t calls;
        const char *message; /* for people, such as "looking for 8 artists"; valid during the call */
};

struct rf_run_hooks {
        void (*progress)(void *arg, const struct rf_progress *p); /* may be NULL; doesn't yield */
        void *arg;
        uint64_t client;      /* for fairness */
        const char *run;      /* its id, for the log; NULL: none */
        uint64_t deadline_us; /* scheduler time; RF_FOREVER. At the deadline the best so far is returned, not an error */
        const uint32_t *passes; /* of generation, as a run made them that is played again; NULL: as many as pay */
        struct rf_caller calls; /* how its calls are made, beside that: priority, what is fetched ahead, allowance, who observes */
};

/*
 * Makes a playlist (yields). -RF_EPROMPT, -RF_ELIMIT, -EINVAL as rf_understand(); -RF_ENOTRACKS: nothing fits, with a sentence in
 * `message`; upstream errors if no provider could answer anything; -ECANCELED.
 */
int rf_flow_recommend(const struct rf_flow *f, const struct rf_wish *wish, const struct rf_run_hooks *hooks,
                      struct rf_playlist **ret, char *message, size_t message_size);

/* One operation that a run would use. */
struct rf_plan_item {
        enum rf_op op;
        const char *provider, *endpoint;
        uint32_t calls;               /* as a rule */
        uint32_t calls_min, calls_max;
        uint32_t cached;
        uint64_t expected_us; /* of one call; 0 = never seen */
        bool is_estimate;     /* the number of calls depends on answers not known yet */
};

#define RF_PLAN_ITEMS_MAX (RF_OP_COUNT + 2u) /* two operations may be used at a second provider, too */

/*
 * How many passes of generation a run makes depends on what it finds: the least is a run that needs none, the most one that is never
 * content. Times are those of the longest chain of calls, without waits for a service's limits.
 */
struct rf_plan {
        struct rf_brief *brief;
        struct rf_plan_item items[RF_PLAN_ITEMS_MAX];
        size_t n_items;
        uint32_t calls, calls_min, calls_max, cached;
        uint64_t expected_us, expected_min_us, expected_max_us;
};

/* A dry run: makes no call. Doesn't yield. */
int rf_flow_plan(const struct rf_flow *f, const struct rf_wish *wish, struct rf_plan **ret);
struct rf_plan *rf_plan_free(struct rf_plan *p);
DEFINE_CLEANUP(struct rf_plan *, rf_plan_free);

/* A track to be put in order: looked up by what is set (uri or id, isrc, artist and title). */
struct rf_order_item {
        const char *uri, *isrc, *artist, *title;
        uint32_t duration_ms;
        struct rf_features features; /* used as they are where given */
};

/* Orders given tracks under an arc; none is added or lost (yields: features are looked up). At most RF_ORDER_INPUT_MAX. */
int rf_flow_order(const struct rf_flow *f, const struct rf_order_item *items, size_t n_items, enum rf_arc arc, uint64_t seed,
                  const struct rf_run_hooks *hooks, struct rf_playlist **ret, size_t **ret_order);
