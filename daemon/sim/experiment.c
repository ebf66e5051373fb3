#include "sim/experiment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/random.h"
#include "sim/waiting.h"

/* ---- Running ---- */

/* All prompts in turn, in an order drawn from the seed. */
static int draw_prompts(const struct sim_stage *stage, const struct sim_plan *plan, size_t n, size_t **ret)
{
        size_t n_prompts = sim_prompts_count(stage->prompts), *order = calloc(n_prompts + n, sizeof(*order)), *list;
        struct rf_random random;

        if (!order)
                return -ENOMEM;
        list = order + n_prompts;
        rf_random_seed_named(&random, plan->seed, "prompts");
        for (size_t i = 0; i < n_prompts; i++) {
                size_t k = rf_random_below(&random, (uint32_t)i + 1);

                order[i] = order[k];
                order[k] = i;
        }
        for (size_t i = 0; i < n; i++)
                list[i] = plan->prompt ? *plan->prompt : order[i % n_prompts];
        memmove(order, list, n * sizeof(*order));
        *ret = order;
        return 0;
}

int sim_plan_first_prompt(const struct sim_stage *stage, const struct sim_plan *plan, size_t *ret)
{
        size_t *prompts;
        int r = draw_prompts(stage, plan, 1, &prompts);

        if (r < 0)
                return r;
        *ret = prompts[0];
        free(prompts);
        return 0;
}

/* Of the runs from `i` on: seeds that are neighbours share none of them. */
static uint64_t weather_seed(uint64_t seed, size_t i)
{
        uint64_t number = i;

        return rf_hash(&number, sizeof(number), seed);
}

static int summarize(struct sim_result *r);

int sim_experiment_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_plan *plan,
                       struct rf_optimizations optimizations, struct sim_result *ret, char *message, size_t size)
{
        struct sim_refusals *known = calloc(1, sizeof(*known));
        struct sim_result result = { .n = MAX(plan->runs, plan->concurrency) };
        struct sim_trial t = { .stage = stage, .setup = setup, .optimizations = sim_setup_optimizations(setup, optimizations),
                               .cache = plan->cache, .gap_us = plan->gap_us, .deadline_us = plan->deadline_us,
                               .is_sequence = plan->is_sequence, .seed = plan->seed };
        size_t *prompts = NULL, step = plan->is_sequence ? result.n : plan->concurrency;
        int r = draw_prompts(stage, plan, result.n, &prompts);

        result.samples = calloc(result.n, sizeof(*result.samples));
        if (r >= 0 && (!known || !result.samples))
                r = -ENOMEM;
        if (r >= 0 && !plan->is_unlearned) {
                r = sim_trial_learn(&t, known, message, size);
                t.refusals = known;
        }
        if (r >= 0 && plan->tape)
                r = sim_setup_tape(setup, plan->tape, plan->plays_tape);
        for (size_t i = 0; i < result.n && r >= 0; i += step) {
                t.prompts = &prompts[i];
                t.n = MIN(step, result.n - i);
                t.seed = weather_seed(plan->seed, i);
                r = sim_trial_run(&t, &result.samples[i], &result.totals, message, size);
                if (r >= 0 && i == 0 && t.n > (size_t)sim_setup_get(setup, RF_SET_RUNS_ACTIVE_MAX)->integer && !t.is_sequence)
                        r = sim_waiting_measure(&t, &result.totals.memory.waiting_kib, message, size);
        }
        free(prompts);
        free(known);
        if (r >= 0)
                r = summarize(&result);
        if (r < 0) {
                sim_result_done(&result);
                return r;
        }
        *ret = result;
        return 0;
}

void sim_result_done(struct sim_result *r)
{
        free(r->samples);
        *r = (struct sim_result){ 0 };
}

/* ---- What they say ---- */

static double total_ms(const struct sim_sample *s, unsigned unused)
{
        (void)unused;
        return (double)s->total_us / 1e3;
}

static double step_ms(const struct sim_sample *s, unsigned step)
{
        return (double)s->step_us[step] / 1e3;
}

/* Of all runs, or of those that gave a playlist: the others have no steps. */
static struct sim_spread spread(const struct sim_result *r, double *values, bool with_failed,
                                double (*value)(const struct sim_sample *s, unsigned arg), unsigned arg)
{
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
                if (with_failed || r->samples[i].error == 0)
                        values[n++] = value(&r->samples[i], arg);
        return (struct sim_spread){ sim_percentile(values, n, 50), sim_percentile(values, n, 95), sim_percentile(values, n, 99) };
}

struct sums {
        double hits, misses, timeouts, retries, errors, answers, failed, done, judged, ndcg, cohesion, coherence, diversity, arc_fit, tracks,
               passes, bound_ms, ratio, services_bound_ms, services_ratio, bounded, analysis_ms,
               enough;
};

static void add_up(struct sums *u, const struct sim_sample *s)
{
        u->hits += s->hits;
        u->misses += s->misses;
        u->timeouts += s->timeouts;
        u->retries += s->retries;
        u->errors += s->errors;
        u->answers += s->answers;
        u->analysis_ms += (double)s->analysis_us / 1e3;
        if (s->ndcg >= 0) {
                u->judged += 1;
                u->ndcg += s->ndcg;
        }
        if (s->bound_us > 0 && s->error == 0) {
                u->bounded += 1;
                u->bound_ms += (double)s->bound_us / 1e3;
                u->ratio += (double)s->total_us / (double)s->bound_us;
                u->services_bound_ms += (double)s->services_bound_us / 1e3;
                u->services_ratio += (double)s->total_us / (double)s->services_bound_us;
        }
        if (s->error < 0) {
                u->failed += 1;
                return;
        }
        u->done += 1;
        u->cohesion += s->cohesion;
        u->coherence += s->coherence;
        u->diversity += s->diversity;
        u->arc_fit += s->arc_fit;
        u->tracks += s->n_tracks;
        u->passes += s->passes;
        u->enough += s->has_enough;
}

static double over(double sum, double n)
{
        return n > 0 ? sum / n : 0.0;
}

/* Which provider of the result; the last if there are too many. */
static size_t place_of(const struct sim_result *r, const char *provider)
{
        size_t i = 0;

        while (i < SIM_PROVIDERS_MAX - 1 && r->to[i].name && strcmp(r->to[i].name, provider) != 0)
                i++;
        return i;
}

static void share_by_provider(struct sim_result *r)
{
        double timeouts[SIM_PROVIDERS_MAX] = { 0 }, errors[SIM_PROVIDERS_MAX] = { 0 };

        for (size_t i = 0; i < r->n; i++)
                for (size_t k = 0; k < SIM_PROVIDERS_MAX && r->samples[i].to[k].provider; k++) {
                        const struct sim_calls_to *to = &r->samples[i].to[k];
                        size_t p = place_of(r, to->provider);

                        r->to[p].name = to->provider;
                        r->to[p].calls += to->calls;
                        timeouts[p] += to->timeouts;
                        errors[p] += to->errors;
                }
        for (size_t p = 0; p < SIM_PROVIDERS_MAX && r->to[p].name; p++) {
                r->to[p].timeout_percent = 100 * over(timeouts[p], r->to[p].calls);
                r->to[p].error_percent = 100 * over(errors[p], r->to[p].calls);
                r->to[p].calls /= (double)r->n;
        }
}

/* What the time went to, and the requests. */
static void share_by_cause(struct sim_result *r)
{
        double n = (double)r->n;

        r->limiter_ms = (double)r->totals.limited_us / 1e3 / n;
        r->batch_pauses_ms = (double)r->totals.paused_us[RF_PAUSE_BATCHES] / 1e3 / n;
        r->artist_pauses_ms = (double)r->totals.paused_us[RF_PAUSE_ARTISTS] / 1e3 / n;
        for (unsigned op = 0; op < RF_OP_COUNT; op++) {
                for (size_t i = 0; i < r->n; i++)
                        r->requests[op] += r->samples[i].requests[op];
                r->requests[op] /= n;
        }
}

static int summarize(struct sim_result *r)
{
        _cleanup_free_ double *values = calloc(r->n + 1, sizeof(*values));
        struct sums u = { 0 };
        double n = (double)r->n;

        if (!values)
                return -ENOMEM;
        for (size_t i = 0; i < r->n; i++)
                add_up(&u, &r->samples[i]);
        r->time_ms = spread(r, values, true, total_ms, 0);
        for (unsigned i = 0; i < RF_STEP_COUNT; i++)
                r->step_ms[i] = spread(r, values, false, step_ms, i);
        r->calls = (double)r->totals.attempts / n;
        r->refused = (double)r->totals.refused / n;
        r->wasted = ((double)r->totals.attempts - u.answers) / n;
        r->hit_percent = 100 * over(u.hits, u.hits + u.misses);
        r->timeouts = u.timeouts / n;
        r->timeout_percent = 100 * over(u.timeouts, u.misses);
        r->retries = u.retries / n;
        r->errors = u.errors / n;
        r->error_percent = 100 * over(u.errors, u.hits + u.misses);
        r->failed_percent = 100 * u.failed / n;
        r->enough_percent = 100 * u.enough / n;
        r->ndcg = over(u.ndcg, u.judged);
        r->cohesion = over(u.cohesion, u.done);
        r->coherence = over(u.coherence, u.done);
        r->diversity = over(u.diversity, u.done);
        r->arc_fit = over(u.arc_fit, u.done);
        r->tracks = over(u.tracks, u.done);
        r->passes = over(u.passes, u.done);
        r->bound_ms = over(u.bound_ms, u.bounded);
        r->bound_ratio = over(u.ratio, u.bounded);
        r->services_bound_ms = over(u.services_bound_ms, u.bounded);
        r->services_bound_ratio = over(u.services_ratio, u.bounded);
        r->analysis_ms = u.analysis_ms / n;
        share_by_cause(r);
        share_by_provider(r);
        r->limits_percent = 100 * over((double)r->totals.least_us, (double)r->totals.taken_us);
        r->cpu_ms = r->totals.cpu_ms / n;
        r->active_kib = over(r->totals.memory.active_kib, (double)r->totals.n_daemons);
        r->waiting_kib = r->totals.memory.waiting_kib;
        r->coroutines = r->totals.memory.coroutines;
        return 0;
}

/* ---- Comparing ---- */

static double quality_of(const struct sim_sample *s, enum sim_quality q)
{
        const double values[SIM_QUALITY_COUNT] = {
                [SIM_QUALITY_NDCG] = s->ndcg,           [SIM_QUALITY_COHESION] = s->cohesion, [SIM_QUALITY_COHERENCE] = s->coherence,
                [SIM_QUALITY_DIVERSITY] = s->diversity, [SIM_QUALITY_ARC_FIT] = s->arc_fit,
        };

        return values[q];
}

int sim_result_difference(const struct sim_result *a, const struct sim_result *b, enum sim_quality q, size_t n_prompts, uint64_t seed,
                          struct sim_interval *ret)
{
        _cleanup_free_ double *differences = calloc(a->n + 1, sizeof(*differences));
        _cleanup_free_ size_t *subjects = calloc(a->n + 1, sizeof(*subjects));
        size_t n = 0;

        if (!differences || !subjects)
                return -ENOMEM;
        for (size_t i = 0; i < a->n && i < b->n; i++) {
                double x = quality_of(&a->samples[i], q), y = quality_of(&b->samples[i], q);

                if (x < 0 || y < 0)
                        continue; /* nobody knows what this prompt wanted */
                subjects[n] = a->samples[i].prompt;
                differences[n++] = y - x;
        }
        return sim_paired_interval(differences, subjects, n, n_prompts, seed, ret);
}
