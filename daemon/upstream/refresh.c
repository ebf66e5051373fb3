/* Old answers are served at once and fetched anew behind the caller's back: stale-while-revalidate (RFC 5861), and early refresh. */
#include "upstream/internal.h"

#include "base/arena.h"
#include "base/limits.h"
#include "upstream/query.h"

#include <errno.h>

struct refresh {
        struct rf_lane *lane;
        struct rf_arena arena;
        struct rf_query query;
        struct rf_caller caller;
};

static int run_refresh(void *arg)
{
        struct refresh *f = arg;
        struct rf_lane *lane = f->lane;
        struct rf_call_record record = { .provider = rf_provider_name(lane->provider), .op = f->query.op,
                                         .endpoint = rf_provider_operation(lane->provider, f->query.op)->endpoint,
                                         .started_us = rf_now_us(), .cache = RF_CACHE_MISS };
        struct rf_answer *answer = NULL;

        if (rf_is_lookup(f->query.op))
                (void)rf_lookup_refresh(lane, &f->caller, &f->query);
        else {
                record.error = rf_single_uncached(lane, &f->caller, &f->query, false, &record, &answer);
                record.total_us = rf_now_us() - record.started_us;
                rf_observe(lane->upstream, &f->caller, &record); /* an error costs nothing yet: the old answer still stands */
        }
        rf_answer_unref(answer);
        lane->upstream->n_refreshes--;
        rf_arena_done(&f->arena);
        free(f);
        return 0;
}

static bool is_under_way(struct rf_lane *lane, const struct rf_query *q)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;

        return rf_lane_key(lane, q, &key) < 0 ||
               rf_coalesce_is_in_flight(lane->upstream->coalesce, key.data, key.size);
}

void rf_refresh(struct rf_lane *lane, const struct rf_caller *caller, const struct rf_query *q)
{
        struct rf_upstream *u = lane->upstream;
        struct rf_group *g;
        struct refresh *f;

        if (u->n_refreshes >= RF_REFRESHES_MAX || !rf_gate_is_open(lane->gate, rf_now_us()) || is_under_way(lane, q) ||
            rf_background(u, &g) < 0)
                return;
        f = calloc(1, sizeof(*f));
        if (!f)
                return;
        f->lane = lane;
        f->caller = (struct rf_caller){ .client = caller->client, .rank = caller->rank, .priority = RF_PRIORITY_BACKGROUND,
                                        .deadline_us = RF_FOREVER };
        if (rf_query_copy(&f->arena, q, &f->query) < 0 || rf_group_spawn(g, "refresh", run_refresh, f) < 0) {
                rf_arena_done(&f->arena);
                free(f);
                return;
        }
        u->n_refreshes++;
        u->stats.refreshes++;
}
