#include "flow_house.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/random.h"
#include "provider/provider.h"
#include "sched/sched.h"

int house_open(struct house *h, const struct house_options *o)
{
        const char *plugin = TEST_BUILDDIR "/.libs/mock.so";
        struct {
                const char *name, *value;
        } wanted[] = { { "latency", o->latency }, { "hang_rate", o->hang_rate }, { "error_rate", o->error_rate },
                       { "user", o->has_user ? "yes" : NULL }, { "rate_limit", o->rate_limit },
                       { "rate_window", o->rate_limit ? "10m" : NULL } };
        struct rf_provider_config config = { .name = "mock", .plugin = plugin };
        struct rf_upstream_options upstream = { .concurrency = o->concurrency ? o->concurrency : 64, .retries = 1,
                                                .refusal_us = 60 * USEC_PER_SEC, .seed = 1, .cache_enabled = o->has_cache };
        char message[512] = "";
        int r;

        *h = (struct house){ 0 };
        config.options = calloc(ARRAY_SIZE(wanted), sizeof(*config.options));
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
                if (wanted[i].value) {
                        config.options[config.n_options].name = wanted[i].name;
                        config.options[config.n_options].value = wanted[i].value;
                        config.options[config.n_options++].where = "test";
                }
        r = rf_providers_new(TEST_BUILDDIR "/.libs", &h->providers);
        if (r >= 0)
                r = rf_providers_load(h->providers, &config, message, sizeof(message));
        free(config.options);
        if (r >= 0)
                r = rf_lexicon_load(TEST_SRCDIR "/data", &h->lexicon, message, sizeof(message));
        if (r >= 0)
                r = mock_world_new(1, &h->world);
        if (r >= 0 && o->has_cache) {
                snprintf(h->directory, sizeof(h->directory), "/tmp/recflow-flow-XXXXXX");
                if (!mkdtemp(h->directory))
                        r = -1;
                else
                        r = rf_cache_open(&(struct rf_cache_options){ .directory = h->directory, .size_max = 256u << 20,
                                          .sync_interval_us = 3600 * USEC_PER_SEC }, &h->cache, message, sizeof(message));
        }
        if (r >= 0)
                r = rf_upstream_new(&upstream, h->providers, h->cache, &h->upstream);
        if (r < 0)
                fprintf(stderr, "# house: %d %s\n", r, message);
        h->flow = (struct rf_flow){ .upstream = h->upstream, .lexicon = h->lexicon };
        return r;
}

static void remove_directory(const char *path)
{
        DIR *d = opendir(path);
        char name[512];

        for (struct dirent *e; d && (e = readdir(d));)
                if (e->d_name[0] != '.') {
                        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
                        if (unlink(name) < 0)
                                remove_directory(name);
                }
        if (d)
                closedir(d);
        rmdir(path);
}

void house_close(struct house *h)
{
        rf_upstream_free(h->upstream);
        rf_cache_close(h->cache);
        rf_lexicon_free(h->lexicon);
        rf_providers_free(h->providers);
        mock_world_free(h->world);
        if (h->directory[0])
                remove_directory(h->directory);
        *h = (struct house){ 0 };
}

static uint64_t cpu_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int recommend_main(void *arg)
{
        struct house_run *run = arg;
        struct rf_run_hooks hooks = { .deadline_us = run->deadline_us ? rf_deadline_in(run->deadline_us) : RF_FOREVER,
                                      .passes = run->passes };
        uint64_t start_us = rf_now_us(), start_cpu = cpu_us();

        run->r = rf_flow_recommend(&run->house->flow, &run->wish, &hooks, &run->playlist, run->message, sizeof(run->message));
        run->cpu_us = cpu_us() - start_cpu;
        run->virtual_us = rf_now_us() - start_us;
        rf_upstream_stop(run->house->upstream);
        return 0;
}

int house_recommend(struct house_run *run)
{
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        int r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1767225600ull * USEC_PER_SEC,
                             .shuffle_seed = run->shuffle_seed }, &s);

        return r < 0 ? r : rf_sched_run(s, recommend_main, run);
}

char *house_tracks_text(const struct rf_playlist *p)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; f && i < p->n_tracks; i++) {
                const struct rf_playlist_track *t = &p->tracks[i];

                fprintf(f, "%zu|%s|%s|%s|%s|%s|%u|%u|%s|%s|%u|%u|%s|%s", i + 1, t->track.id, t->track.title,
                        t->track.n_artists ? t->track.artists[0].name : "", t->track.isrc ? t->track.isrc : "",
                        t->track.uri ? t->track.uri : "", t->track.duration_ms, t->track.release_year, rf_source_name(t->source),
                        rf_phase_name(t->phase), t->confidence_milli, t->cohesion_milli, rf_freshness_name(t->freshness), t->reason);
                for (unsigned k = 0; k < RF_FEATURE_COUNT; k++)
                        if (t->track.features.has & RF_FEATURE_BIT(k))
                                fprintf(f, "|%a", (double)t->track.features.value[k]);
                fputc('\n', f);
        }
        if (f)
                fclose(f);
        return text;
}

/* ---- Taste ---- */

static double ndcg(const struct house *h, const struct mock_taste *taste, const struct mock_track *const *tracks, size_t n)
{
        struct mock_ideal ideal;

        return mock_ideal_of(h->world, taste, &ideal) < 0 ? -1.0 : mock_ndcg(taste, &ideal, tracks, n, n);
}

double house_playlist_ndcg(const struct house *h, const struct mock_taste *taste, const struct rf_playlist *p)
{
        const struct mock_track *tracks[20] = { NULL };
        size_t n = p->n_tracks < 20 ? p->n_tracks : 20;

        for (size_t i = 0; i < n; i++)
                tracks[i] = mock_world_find_track(h->world, p->tracks[i].track.id);
        return ndcg(h, taste, tracks, n);
}

double house_random_ndcg(const struct house *h, const struct mock_taste *taste, size_t n)
{
        const struct mock_track *tracks[20];
        struct rf_random random;
        double sum = 0.0;

        rf_random_seed(&random, 7);
        n = n < 20 ? n : 20;
        for (unsigned k = 0; k < 10; k++) {
                for (size_t i = 0; i < n; i++)
                        tracks[i] = &h->world->tracks[rf_random_below(&random, MOCK_TRACKS)];
                sum += ndcg(h, taste, tracks, n) / 10.0;
        }
        return sum;
}

double house_popular_ndcg(const struct house *h, const struct mock_taste *taste, size_t n)
{
        const struct mock_track *tracks[20];
        size_t found = 0;

        n = n < 20 ? n : 20;
        for (int popularity = 100; popularity >= 0 && found < n; popularity--)
                for (size_t i = 0; i < MOCK_TRACKS && found < n; i++)
                        if (h->world->tracks[i].popularity == popularity && h->world->tracks[i].version == MOCK_ORIGINAL)
                                tracks[found++] = &h->world->tracks[i];
        return ndcg(h, taste, tracks, found);
}
