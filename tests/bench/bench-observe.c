/*
 * What counting costs: processor time of the same runs with and without, in turns, on the virtual clock, behind the embedded provider. Cold
 * runs have no cache; warm ones make no request, so that the counting of calls weighs most.
 */
#include "bench.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "control/observer.h"
#include "control/stats.h"
#include "flow/flow.h"
#include "provider/provider.h"
#include "sched/sched.h"
#include "store/cache.h"

enum { ROUNDS = 41, PROMPTS = 6, SCRAPES = 50, EVENTS = 100000, TARGET_PERCENT = 3, SCRAPE_INTERVAL_S = 15 };

static const char *const prompts[PROMPTS] = { "rainy sunday jazz, no vocals", "happy pop for a party", "calm piano", "dark techno",
                                              "sad folk from the 70s", "songs like Nina Simone" };

/* Two upstreams over the same providers: one is watched. */
struct bench {
        struct rf_providers *providers;
        struct rf_lexicon *lexicon;
        struct rf_cache *cache;
        struct rf_upstream *upstream[2];
        struct rf_observer *observer;
        char directory[64];
        double cost[2], relative; /* per run, microseconds; extra in percent */
        double scrape_us, counting_us; /* a fetch; the counting of one run, by the number of its events */
};

static double cpu_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int run_once(struct bench *b, bool is_watched, const char *prompt, double *ret_us)
{
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        struct rf_flow flow = { .upstream = b->upstream[is_watched], .lexicon = b->lexicon };
        struct rf_wish wish = { .prompt = prompt, .seed = 1 };
        struct rf_run_hooks hooks = { .deadline_us = RF_FOREVER };
        uint64_t started_us = rf_now_us();
        double start = cpu_us();
        char message[256];
        int r = rf_flow_recommend(&flow, &wish, &hooks, &p, message, sizeof(message));

        if (is_watched)
                rf_observer_run(b->observer, &wish, RF_STEP_ORDER, rf_now_us() - started_us, p, r);
        *ret_us = cpu_us() - start;
        return r;
}

/* The median of each prompt's runs, summed: what one prompt costs more than another is no noise. Each pair takes turns in who is first. */
static int measure(struct bench *b)
{
        static double us[2][ROUNDS], ratios[PROMPTS * ROUNDS];
        size_t n = 0;

        for (size_t i = 0; i < PROMPTS; i++) {
                for (size_t k = 0; k < ROUNDS; k++) {
                        int r = run_once(b, k % 2, prompts[i], &us[k % 2][k]);

                        if (r >= 0)
                                r = run_once(b, !(k % 2), prompts[i], &us[!(k % 2)][k]);
                        if (r < 0)
                                return r;
                        ratios[n++] = us[1][k] / us[0][k];
                }
                for (unsigned w = 0; w < 2; w++)
                        b->cost[w] += bench_median(us[w], ROUNDS) / PROMPTS;
        }
        b->relative = (bench_median(ratios, n) - 1) * 100;
        return 0;
}

/*
 * What the difference of two runs hides in its noise: the cost of one event of each kind, times how many a run has. Done last: it
 * spoils the figures.
 */
static int count_events(struct bench *b)
{
        static const struct rf_caller caller = { .step = 1 };
        static const struct rf_call_record call = { .provider = "mock", .endpoint = "GET /features" };
        static const struct rf_attempt_record attempt = { .provider = "mock", .endpoint = "GET /features", .duration_us = USEC_PER_SEC };
        _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
        uint64_t from_us, calls = 0, attempts = 0;
        struct timespec wall;
        double start, call_us, attempt_us, clock_us;
        int r = rf_stats_sum(rf_observer_stats(b->observer), rf_wall_us(), 0, &f, &from_us);

        for (size_t i = 0; r >= 0 && i < f->n_endpoints; i++) {
                calls += f->endpoints[i]->calls;
                attempts += rf_endpoint_attempts(f->endpoints[i]);
        }
        if (r < 0 || f->runs[RF_RUN_END_DONE] == 0)
                return r;
        start = cpu_us();
        for (unsigned i = 0; i < EVENTS; i++)
                rf_observer_call(b->observer, &caller, &call);
        call_us = (cpu_us() - start) / EVENTS;
        start = cpu_us();
        for (unsigned i = 0; i < EVENTS; i++)
                rf_observer_attempt(b->observer, &attempt);
        attempt_us = (cpu_us() - start) / EVENTS;
        start = cpu_us();
        for (unsigned i = 0; i < EVENTS; i++) /* which each event reads, where the clock isn't a virtual one */
                clock_gettime(CLOCK_REALTIME, &wall);
        clock_us = (cpu_us() - start) / EVENTS;
        call_us += clock_us;
        attempt_us += clock_us;
        b->counting_us = (call_us * (double)calls + attempt_us * (double)attempts) / (double)f->runs[RF_RUN_END_DONE];
        return 0;
}

/* The text for Prometheus: of the figures alone, which are nearly all of it. */
static int scrape(struct bench *b)
{
        static const char *const names[16] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p" };
        struct rf_judgement judgements[RF_CRITERION_COUNT] = { 0 };
        double start = cpu_us();

        for (unsigned i = 0; i < SCRAPES; i++) {
                _cleanup_(rf_figures_freep) struct rf_figures *f = NULL;
                _cleanup_buf_ struct rf_buf text = RF_BUF_INIT;
                struct rf_metrics m = { .step_names = names, .n_steps = RF_STEP_COUNT, .cache_names = names, .n_cache_states = 6,
                                        .outcome_names = names, .n_outcomes = RF_OUTCOME_COUNT, .judgements = judgements, .version = "" };
                uint64_t from_us;
                int r = rf_stats_sum(rf_observer_stats(b->observer), rf_wall_us(), 0, &f, &from_us);

                m.figures = f;
                if (r >= 0)
                        r = rf_metrics_write(&m, RF_METRICS_OPENMETRICS, &text);
                if (r < 0)
                        return r;
        }
        b->scrape_us = (cpu_us() - start) / SCRAPES;
        return 0;
}

static int bench_main(void *arg)
{
        struct bench *b = arg;
        double us;
        int r = 0;

        for (size_t i = 0; i < PROMPTS && r >= 0; i++) /* caches of all kinds are warm then */
                for (unsigned w = 0; w < 2 && r >= 0; w++)
                        r = run_once(b, w, prompts[i], &us);
        if (r >= 0)
                r = measure(b);
        if (r >= 0)
                r = scrape(b);
        if (r >= 0)
                r = count_events(b);
        for (unsigned w = 0; w < 2; w++)
                rf_upstream_stop(b->upstream[w]);
        return r;
}

static int open_all(struct bench *b, bool has_cache, char *message, size_t size)
{
        struct rf_provider_config mock = { .name = "mock", .plugin = TEST_BUILDDIR "/.libs/mock.so" };
        struct rf_upstream_options o = { .concurrency = 64, .retries = 2, .refusal_us = 60 * USEC_PER_SEC, .seed = 1,
                                         .cache_enabled = has_cache };
        int r = rf_providers_new(TEST_BUILDDIR "/.libs", &b->providers);

        if (r >= 0)
                r = rf_providers_load(b->providers, &mock, message, size);
        if (r >= 0)
                r = rf_lexicon_load(TEST_SRCDIR "/data", &b->lexicon, message, size);
        if (r >= 0 && has_cache) {
                strcpy(b->directory, "/tmp/recflow-bench-XXXXXX");
                r = mkdtemp(b->directory) ? rf_cache_open(&(struct rf_cache_options){ .directory = b->directory, .size_max = 256u << 20,
                                            .sync_interval_us = 3600 * USEC_PER_SEC }, &b->cache, message, size) : -1;
        }
        if (r >= 0)
                r = rf_upstream_new(&o, b->providers, b->cache, &b->upstream[0]);
        if (r >= 0)
                r = rf_observer_new(&(struct rf_observer_options){ .slow_us = 20 * USEC_PER_SEC }, &b->observer);
        o.observe = rf_observer_call;
        o.attempted = rf_observer_attempt;
        o.observe_arg = b->observer;
        return r < 0 ? r : rf_upstream_new(&o, b->providers, b->cache, &b->upstream[1]);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static void close_all(struct bench *b)
{
        rf_upstream_free(b->upstream[0]);
        rf_upstream_free(b->upstream[1]);
        rf_observer_free(b->observer);
        rf_cache_close(b->cache);
        rf_lexicon_free(b->lexicon);
        rf_providers_free(b->providers);
        if (b->directory[0])
                nftw(b->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int bench(bool has_cache)
{
        struct rf_sched_options clock = { .virtual_clock = true, .virtual_wall_us = 1767225600ull * USEC_PER_SEC };
        struct bench b = { 0 };
        struct rf_sched *s = NULL;
        char message[512] = "";
        int r = open_all(&b, has_cache, message, sizeof(message));

        if (r >= 0)
                r = rf_sched_new(&clock, &s);
        if (r >= 0)
                r = rf_sched_run(s, bench_main, &b);
        rf_sched_free(s);
        close_all(&b);
        if (r < 0) {
                fprintf(stderr, "bench-observe: %s %s\n", rf_strerror(r), message);
                return r;
        }
        bench_print(has_cache ? "counting, a run from the cache" : "counting, a run without cache", b.cost[1], b.cost[0], "us", "the same, not watched", "median");
        printf("%-34s %10.2f %%      (below %d %%)%s\n", "  costs more", b.relative, TARGET_PERCENT, b.relative < TARGET_PERCENT ? "" : "  MISSED");
        printf("%-34s %10.2f %%      (%.2f us, by the number of events)\n", "  of which the counting itself", b.counting_us / b.cost[0] * 100,
               b.counting_us);
        if (has_cache)
                printf("%-34s %10.2f us     %.4f %% of a processor, fetched each %d s\n", "text for Prometheus", b.scrape_us,
                       b.scrape_us / SCRAPE_INTERVAL_S / 1e6 * 100, SCRAPE_INTERVAL_S);
        return 0;
}

int main(void)
{
        return bench(false) < 0 || bench(true) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
