#include "sim/week.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "sched/sched.h"
#include "sim/schedule.h"
#include "warm/warmer.h"

#define MONDAY_US (1767571200ull * USEC_PER_SEC) /* 2026-01-05, midnight */
#define DAY_US (86400 * USEC_PER_SEC)
#define TIMER_US (900 * USEC_PER_SEC) /* of recflow-prewarm.timer */

/* One request: what it did. */
struct visit {
        struct week *week;
        const struct sim_request *request;
        struct sim_sample sample;
        struct rf_footprint footprint;
        uint32_t fresh;
        bool is_repeated, has_waited;
};

struct week {
        const struct sim_stage *stage;
        struct sim_setup *setup;
        const struct sim_week_plan *plan;
        struct sim_house house;
        struct rf_warmer *warmer;
        struct visit *visits;
        size_t n;
        uint64_t began_us;  /* of the measured week, since Monday of the first */
        uint64_t calls;     /* before it */
        struct rf_warm_stats warm, warm_before;
        bool is_over;
};

static void observe(void *arg, const struct rf_call_record *record)
{
        struct visit *v = arg;

        sim_sample_call(&v->sample, record);
        rf_footprint_note(&v->footprint, record);
        if (record->error == -ENOTSUP)
                return;
        v->fresh += record->cache == RF_CACHE_HIT || record->cache == RF_CACHE_NEGATIVE;
        v->has_waited |= record->cache == RF_CACHE_MISS || record->cache == RF_CACHE_BYPASS || record->cache == RF_CACHE_STALE_ERROR;
}

static int visit(void *arg)
{
        struct visit *v = arg;
        struct week *w = v->week;
        struct rf_wish wish = { .prompt = sim_prompts_text(w->stage->prompts, v->request->prompt) };
        struct rf_run_hooks hooks = { .client = v->request->prompt + 1, .deadline_us = RF_FOREVER,
                                      .calls = { .observe = observe, .observe_arg = v } };
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        uint64_t began_us = rf_now_us();
        char message[256];
        int r;

        v->sample.prompt = v->request->prompt;
        r = rf_flow_recommend(&w->house.flow, &wish, &hooks, &p, message, sizeof(message));
        v->sample.total_us = rf_now_us() - began_us;
        if (r >= 0) {
                sim_sample_playlist(&v->sample, w->stage, p);
                rf_warmer_used(w->warmer, &wish, &v->footprint);
        } else
                v->sample.error = r;
        return r == -ECANCELED || r == -ENOMEM ? r : 0;
}

/* Stands in for the timer. */
static int warm(void *arg)
{
        struct week *w = arg;
        struct rf_warm_report report;
        int r = 0;

        while (r >= 0 && !w->is_over) {
                r = rf_warmer_run_due(w->warmer, &report);
                if (r >= 0)
                        r = rf_sleep_until(rf_now_us() - rf_now_us() % TIMER_US + TIMER_US);
        }
        return r;
}

static int live(struct week *w)
{
        _cleanup_(rf_group_freep) struct rf_group *visits = NULL, *timer = NULL;
        bool is_measured = false;
        int r = rf_group_new(RF_FOREVER, &visits);

        if (r >= 0)
                r = rf_group_new(RF_FOREVER, &timer);
        if (r >= 0 && w->plan->is_warmed)
                r = rf_group_spawn(timer, "timer", warm, w);
        for (size_t i = 0; i < w->n && r >= 0; i++) {
                r = rf_sleep_until(w->visits[i].request->at_us);
                if (r >= 0 && !is_measured && w->visits[i].request->at_us >= w->began_us) {
                        is_measured = true;
                        w->calls = sim_house_counts(&w->house).attempts;
                        w->warm_before = rf_warmer_stats(w->warmer);
                }
                if (r >= 0)
                        r = rf_group_spawn(visits, "visit", visit, &w->visits[i]);
        }
        if (r >= 0)
                r = rf_group_join(visits);
        w->is_over = true;
        return r;
}

static int week_main(void *arg)
{
        struct week *w = arg;
        int r;

        sim_house_refuse(&w->house, w->plan->refusals);
        rf_upstream_start(w->house.upstream);
        r = rf_warmer_start(w->warmer);
        if (r >= 0)
                r = live(w);
        w->calls = sim_house_counts(&w->house).attempts - w->calls;
        w->warm = rf_warmer_stats(w->warmer);
        rf_warmer_stop(w->warmer);
        rf_upstream_stop(w->house.upstream);
        return r;
}

static int open_warmer(struct week *w)
{
        const struct rf_warmer_options o = {
                .learns = true,
                .due = { .ahead_us = (uint64_t)sim_setup_get(w->setup, RF_SET_WARM_AHEAD)->integer,
                         .value_min = sim_setup_get(w->setup, RF_SET_WARM_VALUE)->real },
                .calls_max = (uint32_t)sim_setup_get(w->setup, RF_SET_WARM_BUDGET)->integer,
        };

        return rf_warmer_new(&o, &w->house.flow, NULL, &w->warmer);
}

/* ---- What it says ---- */

static void add_up(const struct week *w, double *times, double *repeated_times, struct sim_week_result *ret)
{
        double hits = 0, fresh = 0, calls = 0, unwaited = 0, failed = 0, judged = 0;

        for (size_t i = 0; i < w->n; i++) {
                const struct visit *v = &w->visits[i];

                if (v->request->at_us < w->began_us)
                        continue;
                times[ret->requests++] = (double)v->sample.total_us / 1e3;
                failed += v->sample.error < 0;
                if (v->sample.ndcg >= 0) {
                        judged += 1;
                        ret->ndcg += v->sample.ndcg;
                }
                if (!v->is_repeated)
                        continue;
                repeated_times[ret->repeated++] = (double)v->sample.total_us / 1e3;
                hits += v->sample.hits;
                fresh += v->fresh;
                calls += v->sample.hits + v->sample.misses;
                unwaited += !v->has_waited;
        }
        ret->p50_ms = sim_percentile(times, ret->requests, 50);
        ret->p95_ms = sim_percentile(times, ret->requests, 95);
        ret->p99_ms = sim_percentile(times, ret->requests, 99);
        ret->repeated_p95_ms = sim_percentile(repeated_times, ret->repeated, 95);
        ret->hit_percent = 100 * hits / MAX(calls, 1.0);
        ret->fresh_percent = 100 * fresh / MAX(calls, 1.0);
        ret->request_hit_percent = 100 * unwaited / MAX((double)ret->repeated, 1.0);
        ret->failed_percent = 100 * failed / MAX((double)ret->requests, 1.0);
        ret->ndcg /= MAX(judged, 1.0);
        ret->calls = w->calls;
        ret->warming = w->warm.spent - w->warm_before.spent;
        ret->warmed = w->warm.warmed - w->warm_before.warmed;
        ret->interrupted = w->warm.interrupted - w->warm_before.interrupted;
}

static int summarize(const struct week *w, struct sim_week_result *ret)
{
        _cleanup_free_ double *times = calloc(2 * w->n + 1, sizeof(*times));
        struct sim_week_result result = { 0 };

        if (!times)
                return -ENOMEM;
        add_up(w, times, times + w->n, &result);
        *ret = result;
        return 0;
}

/* ---- The whole ---- */

static int prepare(struct week *w, const struct sim_request *requests)
{
        _cleanup_free_ bool *seen = calloc(sim_prompts_count(w->stage->prompts), sizeof(*seen));

        w->visits = calloc(w->n, sizeof(*w->visits));
        if (!w->visits || !seen)
                return -ENOMEM;
        for (size_t i = 0; i < w->n; i++) {
                w->visits[i] = (struct visit){ .week = w, .request = &requests[i], .is_repeated = seen[requests[i].prompt] };
                seen[requests[i].prompt] = true;
        }
        return 0;
}

static int run(struct week *w)
{
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        int r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = MONDAY_US }, &s);

        return r < 0 ? r : rf_sched_run(s, week_main, w);
}

int sim_week_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_week_plan *plan, struct rf_optimizations optimizations,
                 struct sim_week_result *ret, char *message, size_t size)
{
        _cleanup_free_ struct sim_request *requests = NULL;
        struct week w = { .stage = stage, .setup = setup, .plan = plan, .n = SIM_WEEKS * plan->requests,
                          .began_us = (SIM_WEEKS - 1) * 7 * DAY_US };
        struct sim_house_options o = { .optimizations = sim_setup_optimizations(setup, optimizations), .seed = plan->seed };
        int r;

        setenv("TZ", "UTC", 1); /* the same hours everywhere */
        tzset();
        r = sim_schedule_draw(sim_prompts_count(stage->prompts), plan->requests, SIM_WEEKS, plan->seed, &requests);
        if (r >= 0)
                r = prepare(&w, requests);
        if (r >= 0)
                r = sim_house_open(stage, setup, &o, &w.house, message, size);
        if (r >= 0) {
                r = open_warmer(&w);
                if (r >= 0)
                        r = run(&w);
                if (r >= 0)
                        r = summarize(&w, ret);
                rf_upstream_free(TAKE_PTR(w.house.upstream)); /* it borrows the warmer's allowance */
                rf_warmer_free(w.warmer);
                sim_house_close(&w.house);
        }
        free(w.visits);
        return r;
}
