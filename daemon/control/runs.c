#include "control/runs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "control/encode.h"
#include "control/varlink/encode.h"
#include "sched/sched.h"

/* The waiting runs of one client. In the ring of clients while there are any. */
struct client {
        struct rf_list link;
        struct rf_list jobs;
        uint64_t id;
        uint32_t n;
};

struct rf_job {
        struct rf_runs *runs;
        unsigned references;
        struct rf_list link; /* in its client's queue while waiting; of those whose end isn't written */
        struct client *client;
        char id[RF_RUN_ID_SIZE];
        struct rf_wish *wish;
        enum rf_run_state state;
        uint64_t client_id, accepted_us, ended_us, deadline_us, seq;
        bool is_cancelled; /* by a person */
        struct rf_group *group; /* while running */
        struct rf_waiters waiters;
        bool has_progress;
        struct rf_progress progress;
        char progress_message[RF_PROGRESS_MESSAGE_SIZE];
        int error;
        char *title, *message;
        uint32_t n_tracks;
        json_t *playlist;
};

struct rf_runs {
        struct rf_runs_options options;
        const struct rf_flow *flow;
        struct rf_state *state;
        struct rf_map *jobs;    /* that haven't ended, by id */
        struct rf_map *clients; /* that have waiting runs */
        struct rf_list ring;    /* of those clients: the first one's turn is next */
        struct rf_list unwritten; /* that have ended, and the store doesn't know it yet */
        struct rf_group *group;
        struct rf_runs_stats stats;
        size_t reserved; /* being written to disk, not yet in a queue */
        uint64_t last_ms;
        unsigned counter; /* of ids in the same millisecond */
        bool is_stopping;
};

/* ---- Jobs ---- */

static struct rf_job *job_new(struct rf_runs *r)
{
        struct rf_job *j = calloc(1, sizeof(*j));

        if (!j)
                return NULL;
        j->runs = r;
        j->references = 1;
        j->deadline_us = RF_FOREVER;
        rf_list_init(&j->link);
        rf_waiters_init(&j->waiters);
        return j;
}

static struct rf_job *job_ref(struct rf_job *j)
{
        j->references++;
        return j;
}

struct rf_job *rf_job_unref(struct rf_job *j)
{
        if (!j || --j->references > 0)
                return NULL;
        rf_wish_free(j->wish);
        free(j->title);
        free(j->message);
        json_decref(j->playlist);
        free(j);
        return NULL;
}

static void changed(struct rf_job *j)
{
        j->seq++;
        rf_wake_all(&j->waiters);
}

bool rf_job_has_ended(const struct rf_job *j)
{
        return j->state >= RF_RUN_DONE;
}

int rf_job_wait(struct rf_job *j)
{
        return rf_wait(&j->waiters, RF_FOREVER);
}

json_t *rf_job_playlist(const struct rf_job *j)
{
        return json_incref(j->playlist);
}

/* Clients take turns: before the job at depth d of its client, each other client has up to d jobs, one more if its turn comes first. */
static uint32_t place_of(const struct rf_job *j)
{
        uint32_t depth = 0, place = 1, before = 1;

        rf_list_foreach(&j->client->jobs, other, struct rf_job, link) {
                if (other == j)
                        break;
                depth++;
        }
        rf_list_foreach(&j->runs->ring, c, struct client, link) {
                if (c == j->client) {
                        before = 0;
                        place += depth;
                } else
                        place += MIN(c->n, depth + before);
        }
        return place;
}

void rf_job_view(const struct rf_job *j, struct rf_job_view *ret)
{
        *ret = (struct rf_job_view){
                .id = j->id, .prompt = j->wish->prompt, .state = j->state, .seq = j->seq, .accepted_us = j->accepted_us,
                .ended_us = j->ended_us, .n_tracks = j->n_tracks, .title = j->title, .message = j->message, .error = j->error,
                .place = j->state == RF_RUN_WAITING && j->client ? place_of(j) : 0, .has_progress = j->has_progress,
                .progress = j->progress,
        };
        ret->progress.message = j->progress_message;
}

/* ---- On disk ---- */

static int write_job(struct rf_job *j)
{
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT, playlist = RF_BUF_INIT;
        struct rf_run_record rr = { .state = j->state, .accepted_us = j->accepted_us, .ended_us = j->ended_us, .client = j->client_id,
                                    .error = j->error, .n_tracks = j->n_tracks, .wish = j->wish, .title = j->title,
                                    .message = j->message };
        int r = 0;

        if (j->playlist)
                r = rf_json_encode(&playlist, j->playlist);
        rr.playlist = playlist.data;
        rr.playlist_size = playlist.size;
        if (r >= 0)
                r = rf_run_record_encode(&rr, &record);
        if (r >= 0)
                r = rf_state_put(j->runs->state, RF_TABLE_RUNS, j->id, strlen(j->id), record.data, record.size);
        return r;
}

static int job_from_record(struct rf_runs *runs, const char *id, const void *data, size_t size, bool with_playlist, struct rf_job **ret)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = job_new(runs);
        struct rf_run_memory memory;
        struct rf_run_record record;
        int r;

        if (!j)
                return -ENOMEM;
        r = rf_run_record_decode(data, size, &record, &memory);
        if (r < 0)
                return r;
        snprintf(j->id, sizeof(j->id), "%s", id);
        j->wish = memory.wish;
        j->title = memory.title;
        j->message = memory.message;
        j->state = record.state;
        j->accepted_us = record.accepted_us;
        j->ended_us = record.ended_us;
        j->client_id = record.client;
        j->error = record.error;
        j->n_tracks = record.n_tracks;
        j->seq = 1;
        if (with_playlist && record.playlist)
                r = rf_json_parse(record.playlist, record.playlist_size, &j->playlist, NULL);
        if (r < 0)
                return r == -EBADMSG ? -RF_ECORRUPT : r;
        *ret = TAKE_PTR(j);
        return 0;
}

static int first_ended(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        char *id = arg;
        const uint8_t *state = value;

        if (size == 0 || key_size >= RF_RUN_ID_SIZE || *state < RF_RUN_DONE)
                return 0;
        memcpy(id, key, key_size);
        id[key_size] = '\0';
        return 1;
}

/* 1: the oldest that has ended is gone; 0: there is none. */
static int drop_oldest(struct rf_runs *runs)
{
        char id[RF_RUN_ID_SIZE];
        int r = rf_state_foreach(runs->state, RF_TABLE_RUNS, false, first_ended, id);

        if (r > 0)
                r = rf_state_remove(runs->state, RF_TABLE_RUNS, id, strlen(id));
        else if (r == 0)
                return 0;
        return r < 0 ? r : 1;
}

/* Keeps the store within its bound: the oldest that have ended go. */
static int make_room(struct rf_runs *runs)
{
        int r = 1;

        while (r > 0 && rf_state_count(runs->state, RF_TABLE_RUNS) > (uint64_t)runs->options.kept_max + rf_map_size(runs->jobs))
                r = drop_oldest(runs);
        return r;
}

/* So they do where the store is at its limit. What a removal gives back can be used after the next one. */
static int write_or_make_room(struct rf_job *j)
{
        int r = write_job(j);

        for (unsigned i = 0; i < RF_RUNS_DROPPED_MAX && r == -ENOSPC && rf_state_is_full(j->runs->state); i++) {
                if (drop_oldest(j->runs) <= 0)
                        break;
                r = write_job(j);
        }
        return r;
}

/* Ends that could not be written are, once something can. */
static void write_late(struct rf_runs *runs)
{
        while (!rf_list_is_empty(&runs->unwritten)) {
                struct rf_job *j = rf_list_first(&runs->unwritten, struct rf_job, link);

                rf_list_remove(&j->link);
                if (write_job(j) < 0) {
                        rf_list_append(&runs->unwritten, &j->link);
                        return;
                }
                rf_map_remove_string(runs->jobs, j->id);
                rf_job_unref(j);
        }
}

/* ---- Running ---- */

static void progressed(void *arg, const struct rf_progress *p)
{
        struct rf_job *j = arg;

        j->progress = *p;
        snprintf(j->progress_message, sizeof(j->progress_message), "%s", p->message ? p->message : "");
        j->has_progress = true;
        changed(j);
}

static int make_playlist(void *arg)
{
        struct rf_job *j = arg;
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        struct rf_run_hooks hooks = { .progress = progressed, .arg = j, .client = j->client_id, .deadline_us = j->deadline_us };
        char message[512] = "";
        int r;

        r = rf_flow_recommend(j->runs->flow, j->wish, &hooks, &p, message, sizeof(message));
        if (r >= 0) {
                j->playlist = rf_encode_playlist(p, j->id);
                j->title = strdup(p->title);
                j->n_tracks = (uint32_t)p->n_tracks;
                if (!j->playlist || !j->title)
                        r = -ENOMEM;
        }
        if (r < 0 && !j->message)
                j->message = strdup(message[0] ? message : rf_strerror(r));
        return r;
}

static void count_end(struct rf_runs *runs, enum rf_run_state state)
{
        if (state == RF_RUN_DONE)
                runs->stats.done++;
        else if (state == RF_RUN_FAILED)
                runs->stats.failed++;
        else
                runs->stats.cancelled++;
}

/* A result that can't be kept is one that a client may lose: said, and not called done. */
static void lose_result(struct rf_job *j, int error)
{
        char message[RF_STATE_EXPLANATION_SIZE + 64];

        j->state = RF_RUN_FAILED;
        j->error = error;
        json_decref(j->playlist);
        j->playlist = NULL;
        free(j->title);
        j->title = NULL;
        j->n_tracks = 0;
        free(j->message);
        snprintf(message, sizeof(message), "the playlist could not be stored: %s", rf_state_explain(j->runs->state, error));
        j->message = strdup(message);
}

/* The end of a run reaches the disk before anybody hears of it. */
static void end_job(struct rf_job *j, enum rf_run_state state, int error)
{
        struct rf_runs *runs = j->runs;
        int r;

        j->state = state;
        j->error = state == RF_RUN_FAILED ? error : 0;
        j->ended_us = rf_wall_us();
        r = write_or_make_room(j);
        if (r < 0 && state == RF_RUN_DONE)
                lose_result(j, r);
        count_end(runs, j->state);
        if (r < 0) {
                /* the store still holds it as it was: asked for, it's this one that answers, until it can be written */
                rf_list_append(&runs->unwritten, &j->link);
                changed(j);
                return;
        }
        rf_map_remove_string(runs->jobs, j->id);
        changed(j);
        write_late(runs);
        (void)make_room(runs); /* tried again at the next end */
        rf_job_unref(j);
}

static void dispatch(struct rf_runs *runs);

static int job_main(void *arg)
{
        struct rf_job *j = arg;
        struct rf_runs *runs = j->runs;
        int r;

        r = rf_group_new(RF_FOREVER, &j->group);
        if (r >= 0)
                r = rf_group_spawn(j->group, "run", make_playlist, j);
        if (r >= 0)
                r = rf_group_join(j->group);
        j->group = rf_group_free(j->group);
        runs->stats.active--;
        if (runs->is_stopping && r == -ECANCELED && !j->is_cancelled) {
                rf_map_remove_string(runs->jobs, j->id);
                rf_job_unref(j);
                return 0;
        }
        end_job(j, j->is_cancelled ? RF_RUN_CANCELLED : r < 0 ? RF_RUN_FAILED : RF_RUN_DONE, r);
        dispatch(runs);
        return 0;
}

/* ---- The queue ---- */

static int enqueue(struct rf_runs *runs, struct rf_job *j)
{
        struct client *c = rf_map_get(runs->clients, &j->client_id, sizeof(j->client_id));

        if (!c) {
                int r;

                c = calloc(1, sizeof(*c));
                if (!c)
                        return -ENOMEM;
                c->id = j->client_id;
                rf_list_init(&c->jobs);
                rf_list_init(&c->link);
                r = rf_map_put(runs->clients, &c->id, sizeof(c->id), c);
                if (r < 0) {
                        free(c);
                        return r;
                }
                rf_list_append(&runs->ring, &c->link);
        }
        rf_list_append(&c->jobs, &j->link);
        c->n++;
        j->client = c;
        runs->stats.waiting++;
        return 0;
}

static void dequeue(struct rf_job *j)
{
        struct client *c = j->client;

        rf_list_remove(&j->link);
        j->client = NULL;
        j->runs->stats.waiting--;
        if (--c->n > 0)
                return;
        rf_list_remove(&c->link);
        rf_map_remove(j->runs->clients, &c->id, sizeof(c->id));
        free(c);
}

/* Those who wait hear of their new place. */
static void tell_places(struct rf_runs *runs)
{
        rf_list_foreach(&runs->ring, c, struct client, link)
                rf_list_foreach(&c->jobs, j, struct rf_job, link)
                        changed(j);
}

/* Starts what may start; clients take turns. */
static void dispatch(struct rf_runs *runs)
{
        bool moved = false;

        while (!runs->is_stopping && runs->stats.active < runs->options.active_max && !rf_list_is_empty(&runs->ring)) {
                struct client *c = rf_list_first(&runs->ring, struct client, link);
                struct rf_job *j = rf_list_first(&c->jobs, struct rf_job, link);

                /* no coroutine to be had: it stays first in line, and the next end of a run tries again */
                if (rf_group_spawn(runs->group, "run's owner", job_main, j) < 0)
                        break;
                rf_list_remove(&c->link);
                rf_list_append(&runs->ring, &c->link);
                dequeue(j);
                j->state = RF_RUN_RUNNING;
                runs->stats.active++;
                changed(j);
                moved = true;
        }
        if (moved)
                tell_places(runs);
}

/* ---- For the methods ---- */

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

bool rf_runs_is_under_way(const struct rf_runs *runs, const char *id)
{
        return rf_map_get_string(runs->jobs, id) != NULL;
}

void rf_runs_note_id(struct rf_runs *runs, const char *id)
{
        uint64_t number = 0;

        for (const char *c = id, *digit; *c; c++) {
                digit = strchr(digits, *c);
                if (!digit || c - id >= RF_RUN_ID_SIZE - 1)
                        return;
                number = number << 5 | (uint64_t)(digit - digits);
        }
        if (strlen(id) == RF_RUN_ID_SIZE - 1 && number > (runs->last_ms << 15 | runs->counter)) {
                runs->last_ms = number >> 15;
                runs->counter = number & ((1u << 15) - 1);
        }
}

/* 12 characters that sort by time: 9 of the millisecond, 3 that count within it. */
static void make_id(struct rf_runs *runs, char id[static RF_RUN_ID_SIZE])
{
        uint64_t ms = rf_wall_us() / USEC_PER_MSEC, number;

        /* the clock may be set back, and a millisecond may see more than it has numbers for */
        if (ms > runs->last_ms) {
                runs->last_ms = ms;
                runs->counter = 0;
        } else if (++runs->counter == 1u << 15) {
                runs->last_ms++;
                runs->counter = 0;
        }
        number = runs->last_ms << 15 | runs->counter;
        for (unsigned i = 0; i < RF_RUN_ID_SIZE - 1; i++)
                id[i] = digits[number >> (5 * (RF_RUN_ID_SIZE - 2 - i)) & 31];
        id[RF_RUN_ID_SIZE - 1] = '\0';
}

static void set_deadline(struct rf_job *j)
{
        uint32_t ms = j->wish->deadline_ms ? j->wish->deadline_ms : j->runs->options.deadline_ms;

        j->deadline_us = ms ? rf_deadline_in(ms * USEC_PER_MSEC) : RF_FOREVER;
}

/* Whether one more would be too many. */
static int admit(const struct rf_runs *runs, uint64_t client, const char **ret_limit, uint32_t *ret_value)
{
        const struct client *c = rf_map_get(runs->clients, &client, sizeof(client));

        if (runs->stats.active < runs->options.active_max && runs->stats.waiting + runs->reserved == 0)
                return 0;
        if (runs->stats.waiting + runs->reserved >= runs->options.waiting_max) {
                *ret_limit = "runs_waiting_max";
                *ret_value = runs->options.waiting_max;
                return -RF_ELIMIT;
        }
        if (c && c->n >= runs->options.waiting_per_client_max) {
                *ret_limit = "runs_waiting_per_client_max";
                *ret_value = runs->options.waiting_per_client_max;
                return -RF_ELIMIT;
        }
        return 0;
}

static int take_in(struct rf_runs *runs, struct rf_job *j)
{
        int r = rf_map_put_string(runs->jobs, j->id, j);

        if (r < 0)
                return r;
        r = enqueue(runs, j);
        if (r < 0) {
                rf_map_remove_string(runs->jobs, j->id);
                return r;
        }
        job_ref(j); /* the queue's, then the run's own */
        dispatch(runs);
        return 0;
}

int rf_runs_accept(struct rf_runs *runs, const struct rf_wish *wish, uint64_t client, struct rf_job **ret, const char **ret_limit,
                   uint32_t *ret_value)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        int r;

        if (runs->is_stopping)
                return -ECANCELED;
        r = admit(runs, client, ret_limit, ret_value);
        if (r < 0)
                return r;
        j = job_new(runs);
        if (!j)
                return -ENOMEM;
        r = rf_wish_copy(wish, &j->wish);
        if (r < 0)
                return r;
        make_id(runs, j->id);
        j->accepted_us = rf_wall_us();
        j->client_id = client;
        j->seq = 1;
        set_deadline(j);
        runs->reserved++;
        r = write_or_make_room(j);
        if (r >= 0)
                write_late(runs);
        runs->reserved--;
        if (r >= 0)
                r = take_in(runs, j);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(j);
        return 0;
}

int rf_runs_find(struct rf_runs *runs, const char *id, struct rf_job **ret)
{
        struct rf_job *j = rf_map_get_string(runs->jobs, id);
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT;
        int r;

        if (j) {
                *ret = job_ref(j);
                return 0;
        }
        if (strlen(id) != RF_RUN_ID_SIZE - 1)
                return -RF_ENORUN;
        r = rf_state_get(runs->state, RF_TABLE_RUNS, id, strlen(id), &record);
        if (r == -ENOENT)
                return -RF_ENORUN;
        return r < 0 ? r : job_from_record(runs, id, record.data, record.size, true, ret);
}

int rf_runs_cancel(struct rf_runs *runs, struct rf_job *j)
{
        (void)runs;
        if (rf_job_has_ended(j) || j->is_cancelled)
                return 0;
        j->is_cancelled = true;
        if (j->state == RF_RUN_WAITING) {
                dequeue(j);
                end_job(j, RF_RUN_CANCELLED, 0);
                return 1;
        }
        if (j->group)
                rf_group_cancel(j->group);
        while (!rf_job_has_ended(j)) {
                int r = rf_job_wait(j);

                if (r < 0)
                        return r;
        }
        return j->state == RF_RUN_CANCELLED;
}

struct listing {
        struct rf_runs *runs;
        const char *before;
        int state;
        uint32_t limit, n;
        int (*each)(void *arg, const struct rf_job_view *v);
        void *arg;
};

static int list_one(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct listing *l = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *stored = NULL;
        char id[RF_RUN_ID_SIZE] = "";
        struct rf_job_view v;
        struct rf_job *j;
        int r;

        if (key_size != RF_RUN_ID_SIZE - 1)
                return 0;
        memcpy(id, key, key_size);
        if (l->before && strcmp(id, l->before) >= 0)
                return 0;
        j = rf_map_get_string(l->runs->jobs, id);
        if (!j) {
                r = job_from_record(l->runs, id, value, size, false, &stored);
                if (r == -RF_ECORRUPT)
                        return 0;
                if (r < 0)
                        return r;
                j = stored;
        }
        if (l->state >= 0 && (int)j->state != l->state)
                return 0;
        rf_job_view(j, &v);
        r = l->each(l->arg, &v);
        return r < 0 ? r : ++l->n >= l->limit;
}

int rf_runs_list(struct rf_runs *runs, const char *before, int state, uint32_t limit, int (*each)(void *arg, const struct rf_job_view *v),
                 void *arg)
{
        struct listing l = { .runs = runs, .before = before, .state = state, .limit = limit, .each = each, .arg = arg };
        int r = rf_state_foreach(runs->state, RF_TABLE_RUNS, true, list_one, &l);

        return MIN(r, 0);
}

struct rf_runs_stats rf_runs_stats(const struct rf_runs *runs)
{
        return runs->stats;
}

/* ---- Life ---- */

int rf_runs_new(const struct rf_runs_options *o, const struct rf_flow *flow, struct rf_state *state, struct rf_runs **ret)
{
        _cleanup_(rf_runs_freep) struct rf_runs *runs = calloc(1, sizeof(*runs));

        if (!runs)
                return -ENOMEM;
        runs->options = *o;
        runs->flow = flow;
        runs->state = state;
        rf_list_init(&runs->ring);
        rf_list_init(&runs->unwritten);
        runs->jobs = rf_map_new();
        runs->clients = rf_map_new();
        if (!runs->jobs || !runs->clients)
                return -ENOMEM;
        *ret = TAKE_PTR(runs);
        return 0;
}

struct rf_runs *rf_runs_free(struct rf_runs *runs)
{
        if (!runs)
                return NULL;
        assert(!runs->group);
        rf_map_free(runs->jobs);
        rf_map_free(runs->clients);
        free(runs);
        return NULL;
}

static int take_up_one(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct rf_runs *runs = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        char id[RF_RUN_ID_SIZE] = "";
        int r;

        if (key_size != RF_RUN_ID_SIZE - 1 || size == 0)
                return 0;
        memcpy(id, key, key_size);
        rf_runs_note_id(runs, id);
        if (*(const uint8_t *)value >= RF_RUN_DONE)
                return 0;
        r = job_from_record(runs, id, value, size, false, &j);
        if (r < 0)
                return r == -RF_ECORRUPT ? 0 : r;
        j->state = RF_RUN_WAITING;
        set_deadline(j);
        r = rf_map_put_string(runs->jobs, j->id, j);
        if (r < 0)
                return r;
        r = enqueue(runs, j);
        if (r < 0) {
                rf_map_remove_string(runs->jobs, j->id);
                return r;
        }
        (void)TAKE_PTR(j); /* the queue's */
        return 0;
}

int rf_runs_start(struct rf_runs *runs, size_t *ret_resumed)
{
        int r = rf_group_new_detached(RF_FOREVER, &runs->group);

        if (r >= 0)
                r = rf_state_foreach(runs->state, RF_TABLE_RUNS, false, take_up_one, runs);
        *ret_resumed = runs->stats.waiting;
        if (r >= 0)
                dispatch(runs);
        return r;
}

void rf_runs_stop(struct rf_runs *runs)
{
        runs->is_stopping = true;
        runs->group = rf_group_free(runs->group);
        while (!rf_list_is_empty(&runs->ring)) {
                struct client *c = rf_list_first(&runs->ring, struct client, link);
                struct rf_job *j = rf_list_first(&c->jobs, struct rf_job, link);

                dequeue(j);
                rf_map_remove_string(runs->jobs, j->id);
                rf_job_unref(j);
        }
        write_late(runs);
        while (!rf_list_is_empty(&runs->unwritten)) { /* the next start takes them up again */
                struct rf_job *j = rf_list_first(&runs->unwritten, struct rf_job, link);

                rf_list_remove(&j->link);
                rf_map_remove_string(runs->jobs, j->id);
                rf_job_unref(j);
        }
}

void rf_runs_configure(struct rf_runs *runs, const struct rf_runs_options *o)
{
        runs->options = *o;
        if (runs->group)
                dispatch(runs);
}
