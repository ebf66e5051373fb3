#include "flow/enrich.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/calls.h"
#include "provider/provider.h"

#define DETAILS_MAX 200u /* candidates whose missing durations are worth a look */

/* What is looked up of which candidates, and where. */
struct look_up {
        enum rf_op op;
        bool (*lacks)(const struct rf_candidate *c);
        size_t offset_of_asked; /* of the candidate's mark of the ids it was asked by */
        const struct rf_provider *providers[RF_PLUGINS_MAX]; /* that can do it now */
        size_t n_providers;
        const char **ids[RF_PLUGINS_MAX]; /* for each provider */
        size_t n_ids[RF_PLUGINS_MAX];
        struct rf_call *calls;
        size_t n_calls;
};

static void look_up_done(struct look_up *l)
{
        rf_calls_done(l->calls, l->n_calls);
        free(l->calls);
        for (size_t i = 0; i < RF_PLUGINS_MAX; i++)
                free(l->ids[i]);
}

static bool lacks_features(const struct rf_candidate *c)
{
        return !(c->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY));
}

static bool lacks_duration(const struct rf_candidate *c)
{
        return c->track.duration_ms == 0;
}

static uint8_t *asked_by(struct rf_candidate *c, const struct look_up *l)
{
        return (uint8_t *)c + l->offset_of_asked;
}

/* Each candidate is asked for at the first provider that knows it and hasn't been asked. */
static void assign(struct look_up *l, struct rf_candidate *c)
{
        if (c->drop != RF_DROP_NONE || !l->lacks(c))
                return;
        for (size_t p = 0; p < l->n_providers; p++) {
                enum rf_id_kind kind;
                const char *id = rf_candidate_id_at(c, l->providers[p], &kind);

                if (!id || (*asked_by(c, l) & kind))
                        continue;
                *asked_by(c, l) |= (uint8_t)kind;
                l->ids[p][l->n_ids[p]++] = id;
                return;
        }
}

static int begin(struct rf_run *run, struct look_up *l, size_t n_candidates)
{
        l->n_providers = rf_upstream_providers(run->flow->upstream, l->op, l->providers, RF_PLUGINS_MAX);
        for (size_t p = 0; p < l->n_providers; p++) {
                l->ids[p] = calloc(n_candidates + 1, sizeof(*l->ids[p]));
                if (!l->ids[p])
                        return -ENOMEM;
        }
        return 0;
}

static size_t n_wanted(const struct look_up *l)
{
        size_t n = 0;

        for (size_t p = 0; p < l->n_providers; p++)
                n += l->n_ids[p];
        return n;
}

static int make(struct rf_run *run, enum rf_step step, struct look_up *l)
{
        int r;

        l->calls = calloc(n_wanted(l) / RF_QUERY_IDS_MAX + l->n_providers + 1, sizeof(*l->calls));
        if (!l->calls)
                return -ENOMEM;
        for (size_t p = 0; p < l->n_providers; p++)
                for (size_t from = 0; from < l->n_ids[p]; from += RF_QUERY_IDS_MAX)
                        l->calls[l->n_calls++] = (struct rf_call){
                                .query = { .op = l->op, .ids = l->ids[p] + from, .n_ids = MIN(l->n_ids[p] - from, (size_t)RF_QUERY_IDS_MAX) },
                                .at = rf_provider_name(l->providers[p]),
                        };
        r = rf_calls_make(run, step, l->calls, l->n_calls);
        for (size_t i = 0; i < l->n_calls && r >= 0; i++)
                if (l->calls[i].answer)
                        r = rf_pool_join(run->pool, l->calls[i].answer, l->calls[i].freshness);
        return r;
}

int rf_enrich_features(struct rf_run *run, enum rf_step step)
{
        size_t n = rf_pool_size(run->pool);
        uint32_t nameless = 0;

        /* a round for each provider at most: what one doesn't know, or refuses to tell, the next may */
        for (size_t round = 0; round < RF_PLUGINS_MAX; round++) {
                _cleanup_(look_up_done) struct look_up l = { .op = RF_OP_AUDIO_FEATURES, .lacks = lacks_features,
                                                             .offset_of_asked = offsetof(struct rf_candidate, asked_features) };
                int r = begin(run, &l, n);

                if (r < 0)
                        return r;
                if (l.n_providers == 0 && round == 0)
                        rf_receipt_skip(run->book, "audio features", "no provider offers them now; the fit counts 0.75", 1);
                for (size_t i = 0; i < n; i++)
                        assign(&l, rf_pool_at(run->pool, i));
                if (n_wanted(&l) == 0)
                        break;
                r = make(run, step, &l);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n; i++) {
                struct rf_candidate *c = rf_pool_at(run->pool, i);

                if (c->drop != RF_DROP_NONE || !lacks_features(c) || c->asked_features || c->is_nameless)
                        continue;
                c->is_nameless = true;
                nameless++;
        }
        rf_receipt_skip(run->book, "audio features of candidates", "the provider of features doesn't know their ids", nameless);
        return 0;
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
        _cleanup_(look_up_done) struct look_up l = { .op = RF_OP_TRACKS, .lacks = lacks_duration,
                                                     .offset_of_asked = offsetof(struct rf_candidate, asked_details) };
        _cleanup_free_ struct lacking *lacking = calloc(rf_pool_size(run->pool) + 1, sizeof(*lacking));
        size_t n = 0;
        int r;

        if (!lacking)
                return -ENOMEM;
        for (size_t i = 0; i < rf_pool_size(run->pool); i++) {
                const struct rf_candidate *c = rf_pool_at(run->pool, i);

                if (c->drop == RF_DROP_NONE && !c->asked_details && lacks_duration(c))
                        lacking[n++] = (struct lacking){ c, i };
        }
        if (n == 0)
                return 0;
        qsort(lacking, n, sizeof(*lacking), by_score);
        n = MIN(n, (size_t)DETAILS_MAX);
        r = begin(run, &l, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                assign(&l, rf_pool_at(run->pool, lacking[i].at));
        return r < 0 || n_wanted(&l) == 0 ? r : make(run, step, &l);
}
