#include "flow/improve.h"

#include <errno.h>

#include "flow/anchors.h"
#include "flow/artists.h"
#include "flow/cohesion.h"
#include "flow/enrich.h"
#include "flow/generators.h"
#include "sched/sched.h"

#define PASSES_MAX 4u
#define GAIN_MIN .02f     /* a pass that gains less didn't pay (reference of the workflow: "Improvement") */
#define POOR_PASSES_MAX 2u
#define FIT_GOOD .80f     /* mean fit of a choice that needs no further pass */

/* What a choice is worth: its quality, and how near the heart of the wish it is. */
static float worth(const struct rf_evaluation *e)
{
        return (e->overall + e->fit) / 2.f;
}

static bool is_good(const struct rf_run *run, const struct rf_choice *c, const struct rf_evaluation *e)
{
        const struct rf_brief *b = run->brief;
        bool is_whole = b->duration_s > 0 ? rf_constraints_duration_kept(b, c->duration_ms) : c->n >= b->n_tracks;

        return e->passes && is_whole && (e->fit >= FIT_GOOD || !rf_brief_has_targets(b));
}

/* Finds candidates and learns what is needed to judge them. */
static int generate(struct rf_run *run, unsigned pass)
{
        uint64_t start_us = rf_now_us();
        int r = rf_generate(run, pass);

        if (r >= 0) {
                rf_artists_lend_genres(run);
                rf_constraints_filter(run->pool, run->brief, &run->exclusions);
                r = rf_enrich_features(run, RF_STEP_GENERATE);
        }
        rf_receipt_time(run->book, RF_STEP_GENERATE, rf_now_us() - start_us);
        return r;
}

static int evaluate(struct rf_run *run, struct rf_choice *ret, struct rf_evaluation *ret_evaluation)
{
        uint64_t start_us = rf_now_us();
        int r = rf_evaluate_pool(run->pool, run->brief, &run->tuned);

        if (r >= 0)
                r = rf_enrich_details(run, RF_STEP_EVALUATE);
        if (r >= 0)
                r = rf_constraints_choose(run->pool, run->brief, ret);
        if (r >= 0)
                *ret_evaluation = rf_evaluate_choice(run->pool, run->brief, ret);
        rf_receipt_time(run->book, RF_STEP_EVALUATE, rf_now_us() - start_us);
        return r;
}

/* Outliers of the choice go, and become what to stay away from; the seeds are taken from the best there is. */
static int reseed(struct rf_run *run, const struct rf_choice *c)
{
        for (size_t i = 0; i < c->n; i++) {
                struct rf_candidate *t = rf_pool_at(run->pool, c->tracks[i]);

                if (t->cohesion < RF_COHESION_OUTLIER && !t->is_protected)
                        t->drop = RF_DROP_OUTLIER;
        }
        return rf_anchors_mark(run);
}

int rf_improve(struct rf_run *run, struct rf_choice *ret, struct rf_evaluation *ret_evaluation)
{
        _cleanup_(rf_choice_done) struct rf_choice best = { 0 };
        struct rf_evaluation best_evaluation = { 0 };
        unsigned poor = 0;

        for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
                _cleanup_(rf_choice_done) struct rf_choice choice = { 0 };
                struct rf_evaluation evaluation;
                float gain;
                int r = generate(run, pass);

                if (r >= 0)
                        r = evaluate(run, &choice, &evaluation);
                if (r < 0)
                        return r;
                run->passes++;
                gain = worth(&evaluation) - worth(&best_evaluation);
                poor = gain < GAIN_MIN ? poor + 1 : 0;
                if (pass == 0 || gain > 0.f || choice.n > best.n) {
                        struct rf_choice old = best;

                        best = choice;
                        choice = old;
                        best_evaluation = evaluation;
                }
                rf_run_progress(run, RF_STEP_EVALUATE, best.n, "pass %u: %zu candidates, quality %.2f", pass + 1,
                                rf_pool_size(run->pool), (double)best_evaluation.overall);
                if (is_good(run, &best, &best_evaluation) || poor >= POOR_PASSES_MAX || !rf_run_has_time(run, RF_STEP_GENERATE))
                        break;
                r = reseed(run, &best);
                if (r < 0)
                        return r;
        }
        *ret = best;
        best = (struct rf_choice){ 0 };
        *ret_evaluation = best_evaluation;
        return 0;
}
