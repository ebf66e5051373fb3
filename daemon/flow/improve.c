#include "flow/improve.h"

#include <errno.h>
#include <stdio.h>

#include "flow/analysis.h"
#include "flow/anchors.h"
#include "flow/artists.h"
#include "flow/cohesion.h"
#include "flow/enrich.h"
#include "flow/generators.h"
#include "provider/provider.h"
#include "sched/sched.h"

#define PASSES_MAX 4u
#define PASSES_OLD 2u     /* where each pass generates everything: what the first costs, the second does again */
#define GAIN_MIN .02f     /* a pass that gains less didn't pay (docs/workflow.md, "Improvement") */
#define POOR_PASSES_MAX 2u
#define PASS_SLOW_US (10 * USEC_PER_SEC)
#define GROWTH 20u        /* a twentieth */
#define TRACKS_FEW 10u    /* one pass brings so many even where it finds little */
#define TRACKS_MANY 50u   /* more than that it seldom brings */
#define FIT_GOOD .80f     /* mean fit of a choice that needs no further pass */

/* What a choice is worth: its quality, and how near the heart of the wish it is. */
static float worth(const struct rf_evaluation *e)
{
        return (e->overall + e->fit) / 2.f;
}

static bool is_whole(const struct rf_brief *b, const struct rf_choice *c)
{
        return b->duration_s > 0 ? rf_constraints_duration_kept(b, c->duration_ms) : c->n >= b->n_tracks;
}

static bool is_good(const struct rf_run *run, const struct rf_choice *c, const struct rf_evaluation *e)
{
        const struct rf_brief *b = run->brief;

        return e->passes && is_whole(b, c) && (e->fit >= FIT_GOOD || !rf_brief_has_targets(b));
}

/* What a further pass is likely to take: recommendations, then the features of what they bring. */
static uint64_t pass_us(const struct rf_run *run)
{
        static const enum rf_op chain[] = { RF_OP_RECOMMENDATIONS, RF_OP_AUDIO_FEATURES };
        uint64_t us = 0;

        for (size_t i = 0; i < ARRAY_SIZE(chain); i++) {
                const struct rf_provider *p = NULL;

                if (rf_upstream_operation(run->flow->upstream, chain[i], &p))
                        us += rf_run_took_us(run, rf_provider_name(p));
        }
        return us;
}

/*
 * Good, or good enough for what better would cost: where services are slow, as many tracks as are wished at the least are worth more
 * than a long wait; where a playlist passes, one pass that didn't pay tells that the next won't either.
 */
static bool is_done(const struct rf_run *run, const struct rf_choice *c, const struct rf_evaluation *e, unsigned poor)
{
        bool is_enough = is_whole(run->brief, c) || (run->brief->duration_s == 0 && c->n >= run->brief->n_tracks_min);

        return is_good(run, c, e) || (is_enough && pass_us(run) > PASS_SLOW_US) || (e->passes && is_whole(run->brief, c) && poor > 0);
}

/* Finds candidates and learns what is needed to judge them. */
static int generate(struct rf_run *run, unsigned pass)
{
        uint64_t start_us = rf_now_us();
        int r = rf_generate(run, pass);

        if (r >= 0) {
                rf_artists_lend_genres(run);
                rf_constraints_filter(run->pool, run->brief, &run->exclusions);
                r = rf_enrich(run, RF_STEP_GENERATE, true);
        }
        rf_receipt_time(run->book, RF_STEP_GENERATE, rf_now_us() - start_us);
        return r;
}

static int evaluate(struct rf_run *run, struct rf_choice *ret, struct rf_evaluation *ret_evaluation)
{
        uint64_t start_us = rf_now_us();
        int r = rf_evaluate_pool(run->pool, run->brief, &run->tuned);

        if (r >= 0)
                r = rf_constraints_choose(run->pool, run->brief, 0, ret);
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

/*
 * The best so far, and how the passes fare. What is asked for follows from the best alone; so another seed of the same wish finds all of
 * it in the cache.
 */
struct improvement {
        struct rf_choice best;
        struct rf_evaluation evaluation;
        struct rf_choice drawn; /* from the same pool, as the seed decides; empty without one */
        struct rf_evaluation drawn_evaluation;
        unsigned poor; /* passes in a row that didn't pay */
};

/* Whether a playlist that is still too short has grown by a few per cent of what is wished. */
static bool comes_nearer(const struct rf_brief *b, const struct rf_choice *now, const struct rf_choice *best)
{
        return best->n < b->n_tracks && now->n >= best->n + MAX(b->n_tracks / GROWTH, 1u);
}

static int draw(struct rf_run *run, struct improvement *m)
{
        struct rf_choice choice = { 0 };
        int r;

        if (run->seed == 0)
                return 0;
        r = rf_constraints_choose(run->pool, run->brief, run->seed, &choice);
        if (r < 0)
                return r;
        rf_choice_done(&m->drawn);
        m->drawn = choice;
        m->drawn_evaluation = rf_evaluate_choice(run->pool, run->brief, &choice);
        return 0;
}

/* Judges what the pool holds now, and keeps it if it is the best. */
static int consider(struct rf_run *run, struct improvement *m)
{
        _cleanup_(rf_choice_done) struct rf_choice choice = { 0 };
        struct rf_evaluation evaluation;
        float gain;
        int r = evaluate(run, &choice, &evaluation);

        if (r < 0)
                return r;
        gain = worth(&evaluation) - worth(&m->evaluation);
        m->poor = gain < GAIN_MIN && !comes_nearer(run->brief, &choice, &m->best) ? m->poor + 1 : 0;
        if (m->best.n == 0 || gain > 0.f || choice.n > m->best.n) {
                struct rf_choice old = m->best;

                m->best = choice;
                choice = old;
                m->evaluation = evaluation;
                r = draw(run, m);
                if (r < 0)
                        return r;
        }
        rf_run_progress(run, RF_STEP_EVALUATE, m->best.n, "pass %u: %zu candidates, quality %.2f", run->passes, rf_pool_size(run->pool),
                        (double)m->evaluation.overall);
        return 0;
}

/* The answer isn't the best that could be had: says what would have made it better. */
static void report_slow(struct rf_run *run)
{
        char why[96];

        if (!rf_run_has_time(run, RF_STEP_GENERATE)) {
                rf_receipt_skip(run->book, "looking for better tracks", "no time was left before the deadline", 1);
                return;
        }
        if (pass_us(run) <= PASS_SLOW_US)
                return; /* further passes didn't pay */
        snprintf(why, sizeof(why), "the services are slow now: it would take about %.0f s more", (double)pass_us(run) / USEC_PER_SEC);
        rf_receipt_skip(run->book, "looking for better tracks", why, 1);
}

/* Whether there is another pass: as long as it pays, and there is time. */
static bool goes_on(const struct rf_run *run, const struct improvement *m, bool stops_early)
{
        if (run->hooks->passes)
                return run->passes < MIN(*run->hooks->passes, PASSES_MAX);
        if (run->passes >= (stops_early ? PASSES_MAX : PASSES_OLD) || m->poor >= POOR_PASSES_MAX)
                return false;
        if (stops_early && is_done(run, &m->best, &m->evaluation, m->poor))
                return false;
        return m->best.n == 0 || rf_run_has_time(run, RF_STEP_GENERATE);
}

static int improve(struct rf_run *run, struct improvement *m)
{
        bool stops_early = rf_run_is_on(run, RF_OPT_EARLY_EXIT), reuses = rf_run_is_on(run, RF_OPT_REUSE_PASSES);
        int r = 0;

        if (stops_early) { /* what gathering found may do */
                r = consider(run, m);
                m->poor = 0;
        }
        while (r >= 0 && goes_on(run, m, stops_early)) {
                if (run->passes > 0)
                        r = reseed(run, &m->best);
                run->fetches_anew = run->passes > 0 && !reuses;
                if (r >= 0)
                        r = generate(run, run->passes);
                run->passes++;
                if (r >= 0)
                        r = consider(run, m);
                if (r >= 0)
                        r = rf_analysis_judge(run, RF_STEP_EVALUATE, RF_JUDGE_EVALUATION);
                if (r >= 0 && run->passes == 1)
                        r = rf_analysis_judge(run, RF_STEP_EVALUATE, RF_JUDGE_STRATEGY);
        }
        run->fetches_anew = false;
        if (r >= 0 && stops_early && run->passes < PASSES_MAX && m->poor < POOR_PASSES_MAX && !is_good(run, &m->best, &m->evaluation))
                report_slow(run);
        return r;
}

int rf_improve(struct rf_run *run, struct rf_choice *ret, struct rf_evaluation *ret_evaluation)
{
        struct improvement m = { 0 };
        int r = improve(run, &m);

        if (r < 0 || run->seed != 0)
                rf_choice_done(&m.best);
        if (r < 0) {
                rf_choice_done(&m.drawn);
                return r;
        }
        *ret = run->seed != 0 ? m.drawn : m.best;
        *ret_evaluation = run->seed != 0 ? m.drawn_evaluation : m.evaluation;
        return 0;
}

/* One genre alone is often too narrow for a sound, or an era: its further tracks are looked at, and deeper cuts of its artists. */
struct rf_passes rf_improve_passes(const struct rf_run *run)
{
        uint32_t tracks = run->brief->n_tracks;

        if (!rf_run_is_on(run, RF_OPT_EARLY_EXIT))
                return (struct rf_passes){ PASSES_OLD, PASSES_OLD, PASSES_OLD };
        return (struct rf_passes){ .usual = tracks > TRACKS_MANY || (run->n_genres == 1 && tracks > TRACKS_FEW) ? 2 : 1, .most = PASSES_MAX };
}
