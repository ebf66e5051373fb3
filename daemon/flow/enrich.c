#include "flow/enrich.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "flow/calls.h"
#include "provider/provider.h"

#define DETAILS_MAX 200u /* candidates whose missing durations are worth a look */

static bool lacks_features(const struct rf_candidate *c)
{
        return !(c->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY));
}

/* Ids to look up at the provider that would be asked, and the calls that carry them. */
struct look_up {
        const char **ids;
        struct rf_call *calls;
        size_t n_ids, n_calls;
};

static void look_up_done(struct look_up *l)
{
        rf_calls_done(l->calls, l->n_calls);
        free(l->calls);
        free(l->ids);
}

static int make(struct rf_run *run, enum rf_step step, enum rf_op op, struct look_up *l)
{
        l->n_calls = (l->n_ids + RF_QUERY_IDS_MAX - 1) / RF_QUERY_IDS_MAX;
        l->calls = calloc(l->n_calls + 1, sizeof(*l->calls));
        if (!l->calls) {
                l->n_calls = 0;
                return -ENOMEM;
        }
        for (size_t i = 0; i < l->n_calls; i++)
                l->calls[i].query = (struct rf_query){ .op = op, .ids = l->ids + i * RF_QUERY_IDS_MAX,
                                                       .n_ids = MIN(l->n_ids - i * RF_QUERY_IDS_MAX, (size_t)RF_QUERY_IDS_MAX) };
        return rf_calls_make(run, step, l->calls, l->n_calls);
}

static int join(struct rf_run *run, const struct look_up *l)
{
        for (size_t i = 0; i < l->n_calls; i++) {
                int r = l->calls[i].answer ? rf_pool_join(run->pool, l->calls[i].answer, l->calls[i].freshness) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int rf_enrich_features(struct rf_run *run, enum rf_step step)
{
        _cleanup_(look_up_done) struct look_up l = { 0 };
        const struct rf_provider *p = NULL;
        uint32_t nameless = 0;
        int r;

        if (!rf_upstream_can(run->flow->upstream, RF_OP_AUDIO_FEATURES) ||
            !rf_upstream_operation(run->flow->upstream, RF_OP_AUDIO_FEATURES, &p)) {
                rf_receipt_skip(run->book, "audio features", "no provider offers them now; the fit counts 0.75", 1);
                return 0;
        }
        l.ids = calloc(rf_pool_size(run->pool) + 1, sizeof(*l.ids));
        if (!l.ids)
                return -ENOMEM;
        for (size_t i = 0; i < rf_pool_size(run->pool); i++) {
                struct rf_candidate *c = rf_pool_at(run->pool, i);
                const char *id = rf_candidate_id_at(c, p);

                if (c->asked_features || c->drop != RF_DROP_NONE || !lacks_features(c))
                        continue;
                c->asked_features = true;
                if (id)
                        l.ids[l.n_ids++] = id;
                else
                        nameless++;
        }
        rf_receipt_skip(run->book, "audio features of candidates", "the provider of features doesn't know their ids", nameless);
        r = make(run, step, RF_OP_AUDIO_FEATURES, &l);
        return r < 0 ? r : join(run, &l);
}

struct lacking {
        const struct rf_candidate *c;
        size_t at;
};

static int by_score(const void *pa, const void *pb)
{
        return rf_candidate_compare(((const struct lacking *)pa)->c, ((const struct lacking *)pb)->c);
}

int rf_enrich_details(struct rf_run *run, enum rf_step step)
{
        _cleanup_(look_up_done) struct look_up l = { 0 };
        _cleanup_free_ struct lacking *lacking = calloc(rf_pool_size(run->pool) + 1, sizeof(*lacking));
        const struct rf_provider *p = NULL;
        size_t n = 0;
        int r;

        if (!lacking)
                return -ENOMEM;
        for (size_t i = 0; i < rf_pool_size(run->pool); i++) {
                const struct rf_candidate *c = rf_pool_at(run->pool, i);

                if (c->drop == RF_DROP_NONE && !c->asked_details && c->track.duration_ms == 0)
                        lacking[n++] = (struct lacking){ c, i };
        }
        if (n == 0 || !rf_upstream_can(run->flow->upstream, RF_OP_TRACKS) ||
            !rf_upstream_operation(run->flow->upstream, RF_OP_TRACKS, &p))
                return 0;
        qsort(lacking, n, sizeof(*lacking), by_score);
        l.ids = calloc(n, sizeof(*l.ids));
        if (!l.ids)
                return -ENOMEM;
        for (size_t i = 0; i < MIN(n, (size_t)DETAILS_MAX); i++) {
                struct rf_candidate *c = rf_pool_at(run->pool, lacking[i].at);
                const char *id = rf_candidate_id_at(c, p);

                c->asked_details = true;
                if (id)
                        l.ids[l.n_ids++] = id;
        }
        r = make(run, step, RF_OP_TRACKS, &l);
        return r < 0 ? r : join(run, &l);
}
