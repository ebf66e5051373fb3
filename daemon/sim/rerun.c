#include "sim/rerun.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "control/encode.h"
#include "sched/sched.h"
#include "sim/archive.h"
#include "sim/house.h"
#include "store/snapshot.h"

#define DAEMON_SEED 1 /* of life times and retries, as the daemon has it */

/* The past, opened: copies, so that the daemon isn't disturbed. */
struct past {
        const struct sim_arguments *arguments;
        struct rf_config *config;
        struct sim_directory *copies;
        struct rf_state *state;
        struct rf_cache *cache;
        struct sim_past_run run;
        struct sim_stage stage;
        char *message;
        size_t size;
};

/* One playing of it. */
struct playing {
        const char *name;
        struct past *past;
        struct sim_house house;
        struct sim_archive archive;
        json_t *playlist; /* NULL: it failed */
        int error;
        uint64_t total_us, attempts;
        char reason[256];
};

/* ---- The past ---- */

static const char *place(const struct past *p, const char *argument, enum rf_setting setting)
{
        return argument ? argument : rf_config_get(p->config, setting)->string;
}

static int load_config(struct past *p)
{
        const char *path = p->arguments->config ? p->arguments->config : RECFLOW_CONFIG_DIR "/recflowd.conf";
        struct rf_config_error error;
        int r = rf_config_load(path, p->arguments->config != NULL, &p->config, &error);

        if (r == -RF_ECONFIG)
                snprintf(p->message, p->size, "%s:%u: %.300s", error.file, error.line, error.message);
        return r;
}

static int open_copies(struct past *p)
{
        const char *state = place(p, p->arguments->state_directory, RF_SET_STATE_DIRECTORY);
        const char *cache = place(p, p->arguments->cache_directory, RF_SET_CACHE_DIRECTORY);
        struct rf_cache_options c = { .size_max = (uint64_t)rf_config_get(p->config, RF_SET_CACHE_SIZE)->integer,
                                      .sync_interval_us = 3600 * USEC_PER_SEC };
        struct rf_state_options s = { .size_max = (uint64_t)rf_config_get(p->config, RF_SET_STATE_SIZE)->integer };
        int r = sim_directory_new(&p->copies, p->message, p->size);

        if (r < 0)
                return r;
        c.directory = s.directory = sim_directory_path(p->copies);
        r = rf_store_snapshot(state, "state", s.directory, p->message, p->size);
        if (r >= 0)
                r = rf_store_snapshot(cache, "cache", c.directory, p->message, p->size);
        if (r >= 0)
                r = rf_state_open(&s, &p->state, p->message, p->size);
        return r < 0 ? r : rf_cache_open(&c, &p->cache, p->message, p->size);
}

static int past_open(struct past *p)
{
        struct sim_stage_options o = { 0 };
        int r = load_config(p);

        if (r >= 0)
                r = open_copies(p);
        if (r >= 0)
                r = sim_past_run_load(p->state, p->arguments->replay, &p->run, p->message, p->size);
        if (r < 0)
                return r;
        o.plugin_directory = place(p, p->arguments->plugin_directory, RF_SET_PLUGIN_DIRECTORY);
        o.data_directory = place(p, p->arguments->data_directory, RF_SET_DATA_DIRECTORY);
        return sim_stage_open(&o, &p->stage, p->message, p->size);
}

static void past_done(struct past *p)
{
        sim_stage_close(&p->stage);
        sim_past_run_done(&p->run);
        rf_cache_close(p->cache);
        rf_state_close(p->state);
        sim_directory_free(p->copies);
        rf_config_free(p->config);
}

/* ---- Playing ---- */

static uint64_t deadline_us(const struct playing *g)
{
        const struct sim_arguments *a = g->past->arguments;
        uint32_t wished_ms = g->past->run.record.wish->deadline_ms;

        if (g->name[0] == 'w' && a->plan.deadline_us > 0)
                return a->plan.deadline_us;
        return wished_ms ? wished_ms * (uint64_t)USEC_PER_MSEC : (uint64_t)sim_setup_get(g->house.setup, RF_SET_RUN_DEADLINE)->integer;
}

static int play_main(void *arg)
{
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        struct playing *g = arg;
        uint64_t start_us = rf_now_us(), limit_us = deadline_us(g);
        struct rf_run_hooks hooks = { .client = 1, .deadline_us = limit_us ? start_us + limit_us : RF_FOREVER };
        uint32_t passes = 0;

        /* how many passes paid had to do with how long failures took, which nobody kept */
        if (g->name[0] == 'a' && sim_past_run_passes(&g->past->run, &passes))
                hooks.passes = &passes;

        rf_upstream_start(g->house.upstream);
        g->error = rf_flow_recommend(&g->house.flow, g->past->run.record.wish, &hooks, &p, g->reason, sizeof(g->reason));
        g->total_us = rf_now_us() - start_us;
        g->attempts = rf_upstream_stats(g->house.upstream).attempts;
        if (g->error >= 0) {
                g->playlist = rf_encode_playlist(p, g->past->run.id);
                g->error = g->playlist ? 0 : -ENOMEM;
        }
        rf_upstream_stop(g->house.upstream);
        return g->error == -ENOMEM || g->error == -ECANCELED ? g->error : 0;
}

static int play(struct past *p, bool is_what_if, struct playing *g)
{
        _cleanup_(sim_setup_freep) struct sim_setup *setup = NULL;
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        const struct sim_arguments *a = p->arguments;
        struct sim_house_options o = { .seed = DAEMON_SEED, .archive = &g->archive.stand_in, .state = p->state };
        int r = sim_setup_new_of(p->config, p->stage.plugin_directory, &setup, p->message, p->size);

        g->name = is_what_if ? "what if" : "as it was";
        g->past = p;
        for (size_t i = 0; i < a->n_overrides && is_what_if && r >= 0; i++)
                r = sim_setup_override(setup, a->overrides[i], p->message, p->size);
        if (r < 0)
                return r;
        o.optimizations = sim_setup_optimizations(setup, rf_optimizations_full());
        if (is_what_if)
                o.optimizations.on = (o.optimizations.on | a->on) & ~a->off;
        sim_archive_init(&g->archive, &p->run, p->cache);
        r = sim_house_open(&p->stage, setup, &o, &g->house, p->message, p->size);
        if (r < 0)
                return r;
        r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = p->run.record.accepted_us }, &s);
        if (r >= 0)
                r = rf_sched_run(s, play_main, g);
        sim_house_close(&g->house);
        return r;
}

/* ---- Telling ---- */

static json_t *tracks_of(const json_t *playlist)
{
        return json_object_get(playlist, "tracks");
}

static bool are_same(const json_t *a, const json_t *b)
{
        return a && b && json_equal(a, b);
}

/* Tracks that are in both, wherever. */
static size_t count_common(const json_t *a, const json_t *b)
{
        const json_t *x, *y;
        size_t i, k, n = 0;

        json_array_foreach(a, i, x)
                json_array_foreach(b, k, y)
                        if (json_equal(json_object_get(x, "id"), json_object_get(y, "id"))) {
                                n++;
                                break;
                        }
        return n;
}

static void print_tracks(const json_t *tracks)
{
        const json_t *t;
        size_t i;

        json_array_foreach(tracks, i, t)
                printf("  %2zu. %s - %s  %s\n", i + 1, json_string_value(json_array_get(json_object_get(t, "artists"), 0)),
                       json_string_value(json_object_get(t, "title")), json_string_value(json_object_get(t, "id")));
}

static void print_playing(const struct past *p, const struct playing *g, const json_t *of_run)
{
        const struct sim_archive *a = &g->archive;

        printf("\n%s: ", g->name);
        if (g->playlist)
                printf("%zu tracks, %.2f s, %llu calls\n", json_array_size(tracks_of(g->playlist)), (double)g->total_us / 1e6,
                       (unsigned long long)g->attempts);
        else
                printf("no playlist: %s\n", g->reason[0] ? g->reason : rf_strerror(g->error));
        printf("  answers: %u there, %u of the cache from before, %u missing", a->n_there, a->n_before, a->n_missing);
        if (a->n_renewed > 0)
                printf("; %u were fetched anew after the run, and may be others than it saw", a->n_renewed);
        printf("\n");
        for (uint32_t i = 0; i < MIN(a->n_missing, (uint32_t)SIM_MISSING_MAX); i++)
                printf("  missing: %s\n", a->missing[i]);
        if (of_run)
                printf("  the run's tracks: %s, %zu of %zu in common\n",
                       are_same(tracks_of(g->playlist), of_run) ? "the same, byte for byte" : "others",
                       count_common(tracks_of(g->playlist), of_run), json_array_size(of_run));
        print_tracks(tracks_of(g->playlist));
        (void)p;
}

static json_t *encode_playing(const struct playing *g, const json_t *of_run)
{
        json_t *missing = json_array();

        for (uint32_t i = 0; i < MIN(g->archive.n_missing, (uint32_t)SIM_MISSING_MAX); i++)
                json_array_append_new(missing, json_string(g->archive.missing[i]));
        return json_pack("{s:s, s:O?, s:f, s:I, s:i, s:i, s:i, s:i, s:o, s:b, s:i}", "name", g->name, "playlist", g->playlist, "time_ms",
                         (double)g->total_us / 1e3, "calls", (json_int_t)g->attempts, "answers", (int)g->archive.n_there, "answers_before",
                         (int)g->archive.n_before, "answers_renewed", (int)g->archive.n_renewed, "answers_missing", (int)g->archive.n_missing,
                         "missing", missing, "same_tracks", (int)are_same(tracks_of(g->playlist), of_run), "common_tracks",
                         (int)count_common(tracks_of(g->playlist), of_run));
}

static int tell(const struct past *p, const struct playing *list, size_t n)
{
        const struct rf_run_record *record = &p->run.record;
        const json_t *of_run = tracks_of(p->run.playlist);
        char when[RF_TIME_TEXT_SIZE];
        json_t *all, *results = json_array();
        int r = 0;

        for (size_t i = 0; i < n; i++)
                json_array_append_new(results, encode_playing(&list[i], of_run));
        all = json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:s, s:o}", "run", p->run.id, "state", rf_run_state_name(record->state), "prompt",
                        record->wish->prompt, "accepted", rf_time_text(record->accepted_us, when), "seed", (json_int_t)record->wish->seed,
                        "time_ms", (double)(record->ended_us - record->accepted_us) / 1e3, "latencies", "receipt", "results", results);
        if (!all)
                return -ENOMEM;
        if (p->arguments->is_json) {
                r = json_dumpf(all, stdout, JSON_INDENT(1)) < 0 ? -EIO : 0;
                putchar('\n');
        } else {
                printf("run %s: \"%s\", seed %llu; accepted %s, %s after %.2f s\n", p->run.id, record->wish->prompt,
                       (unsigned long long)record->wish->seed, when, rf_run_state_name(record->state),
                       (double)(record->ended_us - record->accepted_us) / 1e6);
                printf("calls take what such calls took the run on the average, by its receipt\n");
                for (size_t i = 0; i < n; i++)
                        print_playing(p, &list[i], of_run);
        }
        json_decref(all);
        return r < 0 ? r : fflush(stdout) == 0 ? 0 : -errno;
}

int sim_rerun(const struct sim_arguments *a, char *message, size_t size)
{
        struct past p = { .arguments = a, .message = message, .size = size };
        struct playing *list = calloc(2, sizeof(*list));
        size_t n = 0;
        int r = list ? past_open(&p) : -ENOMEM;

        if (r >= 0)
                r = play(&p, false, &list[n++]);
        if (r >= 0 && (a->on || a->off || a->n_overrides > 0 || a->plan.deadline_us > 0))
                r = play(&p, true, &list[n++]);
        if (r >= 0)
                r = tell(&p, list, n);
        for (size_t i = 0; i < n; i++)
                json_decref(list[i].playlist);
        past_done(&p);
        free(list);
        return r;
}
