#include "flow/enrich.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/calls.h"
#include "flow/constraints.h"
#include "provider/provider.h"
#include "sched/sched.h"

#define PER_TRACK 4u  /* candidates of each place of the playlist that are worth a look, at a time */
#define MOST 200u
#define LATER .8f     /* of that in a pass of generation, after gathering had the most promising looked up; one full call at least */
#define FEW 20u          /* of a call */
#define FULL_CALL 40u /* what a service of features takes at once */
#define OLD_AT_A_TIME 15u /* features of one track a call: of a genre's candidates at a time, and so many of what a pass of generation found.. */
#define OLD_LATER 10u     /* ..as in the log of the service that recflow replaces: 140 look-ups, 120 of them while gathering, two passes */
#define POPULARITY .15f /* of the promise, beside how surely it's of the genre */

/* What is looked up of which candidates, and where. */
struct look_up {
        struct rf_pool *pool; /* borrowed */
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

static int ask(struct rf_run *run, enum rf_step step, struct look_up *l)
{
        bool is_old = l->op == RF_OP_AUDIO_FEATURES && !rf_run_is_on(run, RF_OPT_BATCH_FEATURES);
        size_t most = is_old ? OLD_AT_A_TIME : RF_QUERY_IDS_MAX;

        l->calls = calloc(n_wanted(l) / most + l->n_providers + 1, sizeof(*l->calls));
        if (!l->calls)
                return -ENOMEM;
        for (size_t p = 0; p < l->n_providers; p++)
                for (size_t from = 0; from < l->n_ids[p]; from += most)
                        l->calls[l->n_calls++] = (struct rf_call){
                                .query = { .op = l->op, .ids = l->ids[p] + from, .n_ids = MIN(l->n_ids[p] - from, most) },
                                .at = rf_provider_name(l->providers[p]),
                        };
        /* what can't be judged needs no more candidates beside it: the next step's time is better spent on waiting for this */
        return rf_calls_make_as(run, step, &(struct rf_manner){ .together = is_old ? 1 : 0, .until = RF_STEP_EVALUATE }, l->calls, l->n_calls);
}

/* Who still lacks something when a call is over that told nothing of some ids. */
static void mark_unheard(struct rf_pool *pool, const struct look_up *l, const struct rf_call *call)
{
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                struct rf_candidate *c = rf_pool_at(pool, i);

                if (!l->lacks(c))
                        continue;
                for (size_t p = 0; p < l->n_providers; p++) {
                        const char *id = rf_candidate_id_at(c, l->providers[p], NULL);

                        for (size_t k = 0; id && k < call->query.n_ids; k++)
                                if (strcmp(call->query.ids[k], id) == 0)
                                        c->unheard = call->is_cut ? RF_UNHEARD_CUT : RF_UNHEARD_FAILED;
                }
        }
}

static int take(struct rf_pool *pool, const struct look_up *l)
{
        int r = 0;

        for (size_t i = 0; i < l->n_calls && r >= 0; i++)
                if (l->calls[i].answer)
                        r = rf_pool_join(pool, l->calls[i].answer, l->calls[i].freshness);
        for (size_t i = 0; i < l->n_calls && l->op == RF_OP_AUDIO_FEATURES; i++)
                if (!l->calls[i].answer || l->calls[i].answer->n_unheard > 0)
                        mark_unheard(pool, l, &l->calls[i]);
        return r;
}

/* ---- Which candidates ---- */

struct promising {
        const struct rf_candidate *c;
        float promise;
        size_t at;
};

/*
 * What speaks for a candidate before its sound is known: that it was recommended for its sound; then how surely it's of the wished genre,
 * and who found it.
 */
static float promise_of(const struct rf_brief *b, const struct rf_candidate *c)
{
        float popularity = c->track.popularity >= 0 ? (float)c->track.popularity / 100.f : .5f;

        if (!b || c->is_protected) /* given tracks have no brief: all of them count */
                return 3.f;
        if (c->via == RF_VIA_SEED)
                return 2.f + c->genre_weight * c->confidence;
        return c->genre_weight * c->confidence + POPULARITY * (b->wants_obscure ? 1.f - popularity : popularity);
}

static int by_promise(const void *pa, const void *pb)
{
        const struct promising *a = pa, *b = pb;

        if (a->promise != b->promise)
                return a->promise > b->promise ? -1 : 1;
        return a->at < b->at ? -1 : a->at > b->at;
}

/* A short list of those that lack something and are still in: everything where nothing is left out before it's known. */
static int pick(const struct rf_run *run, const struct rf_pool *pool, bool (*lacks)(const struct rf_candidate *c), struct promising **ret,
                size_t *ret_n)
{
        struct promising *list = calloc(rf_pool_size(pool) + 1, sizeof(*list));
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *c = rf_pool_at(pool, i);

                if (c->drop == RF_DROP_NONE && lacks(c))
                        list[n++] = (struct promising){ c, promise_of(run->brief, c), i };
        }
        qsort(list, n, sizeof(*list), by_promise);
        *ret = list;
        *ret_n = n;
        return 0;
}

/* ---- Features ---- */

static struct look_up features_of(struct rf_pool *pool)
{
        return (struct look_up){ .pool = pool, .op = RF_OP_AUDIO_FEATURES, .lacks = lacks_features,
                                 .offset_of_asked = offsetof(struct rf_candidate, asked_features) };
}

/* Nothing is fetched that no later step would choose. */
size_t rf_enrich_worth(const struct rf_run *run, size_t n)
{
        size_t tracks = run->brief ? MAX(run->brief->n_tracks, run->brief->duration_s / 200u) : n;

        return rf_run_is_on(run, RF_OPT_EARLY_EXIT) ? MIN(n, MIN((size_t)PER_TRACK * tracks, (size_t)MOST)) : n;
}

size_t rf_enrich_worth_later(const struct rf_run *run, size_t n)
{
        size_t worth = rf_enrich_worth(run, n);

        return rf_run_is_on(run, RF_OPT_EARLY_EXIT) ? MIN(worth, MAX((size_t)(LATER * (float)worth), (size_t)FULL_CALL)) : worth;
}

/*
 * What was looked up before counts: ahead of the others while gathering, and by gathering for a pass, the artists' tracks included. A
 * further call for a few of the least promising isn't worth its time.
 */
static size_t worth_now(const struct rf_run *run, enum rf_step step, size_t n)
{
        size_t worth = rf_enrich_worth(run, n);

        if (run->brief && step == RF_STEP_GENERATE && !rf_run_is_on(run, RF_OPT_BATCH_FEATURES))
                return MIN(worth, (size_t)OLD_LATER);
        if (!run->fetches_ahead || !rf_run_is_on(run, RF_OPT_EARLY_EXIT))
                return worth;
        if (step != RF_STEP_GENERATE)
                worth -= MIN(run->n_asked_ahead, worth);
        else
                worth = rf_enrich_worth_later(run, n);
        return worth > FULL_CALL && worth % FULL_CALL < FEW ? worth - worth % FULL_CALL : worth;
}

/* Asked for ahead, and not answered yet. */
static bool is_under_way(const struct rf_run *run, const struct rf_candidate *c)
{
        return run->ahead && c->asked_features;
}

/* One round at each provider. Returns whether anything was asked. */
static int ask_features(struct rf_run *run, enum rf_step step, const struct promising *list, size_t n)
{
        _cleanup_(look_up_done) struct look_up l = features_of(run->pool);
        size_t most, n_open = 0;
        int r = begin(run, &l, n);

        for (size_t i = 0; i < n; i++)
                n_open += !is_under_way(run, list[i].c);
        most = worth_now(run, step, n_open);
        for (size_t i = 0; i < n && r >= 0 && n_wanted(&l) < most; i++)
                if (!is_under_way(run, list[i].c))
                        assign(&l, rf_pool_at(run->pool, list[i].at));
        if (r < 0 || n_wanted(&l) == 0)
                return r;
        r = ask(run, step, &l);
        if (r >= 0)
                r = take(run->pool, &l);
        return r < 0 ? r : 1;
}

/* ---- Features, before everything is found ---- */

struct rf_ahead {
        struct rf_run *run;
        enum rf_step step;
        struct rf_group *group; /* its one call goes on while others do */
        struct rf_pool *pool;   /* of what was found first */
        struct look_up look_up;
};

struct rf_ahead *rf_enrich_ahead_free(struct rf_ahead *a)
{
        if (a) {
                rf_group_free(a->group);
                look_up_done(&a->look_up);
                rf_pool_free(a->pool);
        }
        free(a);
        return NULL;
}

int rf_enrich_ahead_new(struct rf_run *run, enum rf_step step, struct rf_ahead **ret)
{
        _cleanup_(rf_enrich_ahead_freep) struct rf_ahead *a = calloc(1, sizeof(*a));
        int r;

        if (!a || !(a->pool = rf_pool_new()))
                return -ENOMEM;
        a->run = run;
        a->step = step;
        a->look_up = features_of(a->pool);
        r = rf_group_new(RF_FOREVER, &a->group);
        if (r >= 0)
                *ret = TAKE_PTR(a);
        return r;
}

/* What is excluded may not be known yet: it's left out when all is there. */
static int pool_finds(const struct rf_run *run, const struct rf_finds *finds, struct rf_pool *pool)
{
        int r = 0;

        for (size_t i = 0; i < finds->n && (r >= 0 || r == -ENOSPC); i++)
                r = rf_pool_add(pool, &finds->list[i], NULL);
        rf_constraints_filter(pool, run->brief, &(struct rf_exclusions){ 0 });
        return r == -ENOSPC ? 0 : r;
}

static int ask_ahead(void *arg)
{
        struct rf_ahead *a = arg;

        return ask(a->run, a->step, &a->look_up);
}

int rf_enrich_ahead_begin(struct rf_ahead *a, const struct rf_finds *finds)
{
        _cleanup_free_ struct promising *list = NULL;
        size_t n = 0;
        int r = pool_finds(a->run, finds, a->pool);

        if (r >= 0)
                r = pick(a->run, a->pool, lacks_features, &list, &n);
        if (r >= 0)
                r = begin(a->run, &a->look_up, n);
        for (size_t i = 0; i < n && r >= 0 && n_wanted(&a->look_up) < FULL_CALL; i++)
                assign(&a->look_up, rf_pool_at(a->pool, list[i].at));
        if (r < 0 || n_wanted(&a->look_up) == 0)
                return MIN(r, 0);
        r = rf_group_spawn(a->group, "features-ahead", ask_ahead, a);
        return r == -EAGAIN ? ask_ahead(a) : r;
}

static bool was_asked(const struct look_up *l, size_t provider, const char *id)
{
        for (size_t i = 0; i < l->n_ids[provider]; i++)
                if (strcmp(l->ids[provider][i], id) == 0)
                        return true;
        return false;
}

void rf_enrich_ahead_expect(struct rf_run *run, struct rf_ahead *a)
{
        run->ahead = a;
        run->n_asked_ahead = n_wanted(&a->look_up);
        for (size_t i = 0; i < rf_pool_size(run->pool); i++)
                for (size_t p = 0; p < a->look_up.n_providers; p++) {
                        struct rf_candidate *c = rf_pool_at(run->pool, i);
                        enum rf_id_kind kind;
                        const char *id = rf_candidate_id_at(c, a->look_up.providers[p], &kind);

                        if (id && was_asked(&a->look_up, p, id))
                                c->asked_features |= (uint8_t)kind;
                }
}

static int take_ahead(struct rf_run *run)
{
        struct rf_ahead *a = TAKE_PTR(run->ahead);
        int r = rf_group_join(a->group);

        return r < 0 && r != -ETIMEDOUT ? r : take(run->pool, &a->look_up); /* at the deadline the best so far is what is wanted */
}

/* ---- All features ---- */

static void report_nameless(struct rf_run *run, const struct promising *list, size_t n)
{
        uint32_t nameless = 0;

        for (size_t i = 0; i < n; i++) {
                struct rf_candidate *c = rf_pool_at(run->pool, list[i].at);
                const struct rf_provider *p[RF_PLUGINS_MAX];
                size_t n_providers = rf_upstream_providers(run->flow->upstream, RF_OP_AUDIO_FEATURES, p, RF_PLUGINS_MAX);
                bool has_name = n_providers == 0;

                for (size_t k = 0; k < n_providers; k++)
                        has_name |= rf_candidate_id_at(c, p[k], NULL) != NULL;
                if (has_name || c->is_nameless)
                        continue;
                c->is_nameless = true;
                nameless++;
        }
        rf_receipt_skip(run->book, "audio features of candidates", "the provider of features doesn't know their ids", nameless);
}

int rf_enrich_features(struct rf_run *run, enum rf_step step)
{
        _cleanup_free_ struct promising *list = NULL;
        size_t n;
        int r = pick(run, run->pool, lacks_features, &list, &n);

        if (r >= 0 && !rf_upstream_can(run->flow->upstream, RF_OP_AUDIO_FEATURES))
                rf_receipt_skip(run->book, "audio features", "no provider offers them now; the fit counts 0.75", 1);
        if (r >= 0) {
                report_nameless(run, list, n);
                r = ask_features(run, step, list, n);
        }
        if (r >= 0 && run->ahead) {
                r = take_ahead(run);
                r = r < 0 ? r : 1;
        }
        /* where some of those answered nothing, the next provider may know: only for the same candidates, not for further ones */
        for (size_t round = 1; r > 0 && round < RF_PLUGINS_MAX; round++) {
                size_t asked = 0;

                for (size_t i = 0; i < n; i++)
                        if (list[i].c->asked_features && lacks_features(list[i].c))
                                list[asked++] = list[i];
                n = asked;
                r = ask_features(run, step, list, n);
        }
        return r < 0 ? r : 0;
}

/* ---- Details ---- */

static bool is_any(const struct rf_candidate *c)
{
        (void)c;
        return true;
}

static int ask_details(struct rf_run *run, enum rf_step step, struct look_up *l)
{
        _cleanup_free_ struct promising *list = NULL;
        size_t n;
        int r;

        *l = (struct look_up){ .pool = run->pool, .op = RF_OP_TRACKS, .lacks = rf_run_is_on(run, RF_OPT_SKIP_KNOWN_DETAILS) ? lacks_duration : is_any,
                               .offset_of_asked = offsetof(struct rf_candidate, asked_details) };
        r = pick(run, run->pool, l->lacks, &list, &n);
        if (r < 0 || n == 0)
                return r;
        n = rf_enrich_worth(run, n);
        r = begin(run, l, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                assign(l, rf_pool_at(run->pool, list[i].at));
        return r < 0 || n_wanted(l) == 0 ? r : ask(run, step, l);
}

int rf_enrich_details(struct rf_run *run, enum rf_step step)
{
        _cleanup_(look_up_done) struct look_up l = { 0 };
        int r = ask_details(run, step, &l);

        return r < 0 ? r : take(run->pool, &l);
}

/* ---- Both ---- */

struct details {
        struct rf_run *run;
        enum rf_step step;
        struct look_up look_up;
};

static void details_done(struct details *d)
{
        look_up_done(&d->look_up);
}

static int run_details(void *arg)
{
        struct details *d = arg;

        return ask_details(d->run, d->step, &d->look_up);
}

int rf_enrich(struct rf_run *run, enum rf_step step, bool with_details)
{
        _cleanup_(details_done) struct details d = { .run = run, .step = step };
        _cleanup_(rf_group_freep) struct rf_group *g = NULL; /* ends before the details go */
        int r;

        if (!with_details)
                return rf_enrich_features(run, step);
        if (!rf_run_is_on(run, RF_OPT_PARALLEL_ENRICHMENT)) {
                r = rf_enrich_details(run, step);
                return r < 0 ? r : rf_enrich_features(run, step);
        }
        r = rf_group_new(RF_FOREVER, &g);
        if (r >= 0)
                r = rf_group_spawn(g, "details", run_details, &d);
        if (r == -EAGAIN)
                r = run_details(&d);
        if (r >= 0)
                r = rf_enrich_features(run, step);
        if (r >= 0)
                r = rf_group_join(g);
        if (r == -ETIMEDOUT) /* the best so far is what is wanted */
                r = 0;
        /* only now: whose answer came first must not show */
        return r < 0 ? r : take(run->pool, &d.look_up);
}
