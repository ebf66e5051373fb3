#include "control/runs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "control/encode.h"
#include "control/job.h"
#include "control/kept_runs.h"
#include "control/run_queue.h"
#include "sched/sched.h"

struct rf_runs {
        struct rf_runs_options options;
        const struct rf_flow *flow;
        struct rf_state *state;
        struct rf_map *jobs; /* that haven't ended, or whose end the store doesn't know yet, by id */
        struct rf_list unwritten; /* of these, the latter */
        struct rf_waiters late;   /* told when there is one */
        struct rf_run_queue *queue;
        struct rf_group *group;
        struct rf_runs_stats stats;
        struct rf_waiters idle; /* somebody waits for the running ones to end */
        size_t reserved;        /* being written to disk, not yet in the queue */
        uint64_t last_ms;
        unsigned counter; /* of ids in the same millisecond */
        bool is_draining, is_hurried, is_stopping;
};

/* ---- Running ---- */

static void note_call(void *arg, const struct rf_call_record *record)
{
        rf_footprint_note(arg, record);
}

static int make_playlist(void *arg)
{
        struct rf_job *j = arg;
        struct rf_warmer *warmer = j->runs->options.warmer;
        struct rf_footprint footprint = { 0 };
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        struct rf_run_hooks hooks = { .progress = rf_job_progressed, .arg = j, .client = j->client_id, .run = j->id,
                                      .deadline_us = j->deadline_us, .calls = { .observe = note_call, .observe_arg = &footprint } };
        char message[512] = "";
        uint64_t started_us = rf_now_us();
        int r;

        r = rf_flow_recommend(j->runs->flow, j->wish, &hooks, &p, message, sizeof(message));
        if (!(r == -ECANCELED && j->runs->is_stopping && !j->is_cancelled)) /* interrupted, it hasn't ended */
                rf_observer_run(j->runs->options.observer, j->wish, j->progress.step, rf_now_us() - started_us, p, r);
        if (r >= 0 && warmer)
                rf_warmer_used(warmer, j->wish, &footprint);
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

/* ---- Ends ---- */

/* A full disk, or memory that was short for a moment, is given a little time. Until it's written, the job is as it was. */
static int write_end(const struct rf_job *j, enum rf_run_state state, int error, uint64_t ended_us)
{
        struct rf_job ended = *j;
        int r;

        ended.state = state;
        ended.error = error;
        ended.ended_us = ended_us;
        r = rf_kept_put(j->runs->state, &ended);
        for (unsigned i = 0; r < 0 && r != -ENOTRECOVERABLE && i < RF_RUN_END_ATTEMPTS_MAX; i++) {
                if (rf_sleep_us(RF_RUN_END_PAUSE_US) < 0)
                        break;
                r = rf_kept_put(j->runs->state, &ended);
        }
        return r;
}

/* A result that can't be kept is one that a client may lose: said, and not called done. */
static void lose_result(struct rf_job *j, int error)
{
        char message[RF_STATE_EXPLANATION_SIZE + 64];

        if (error == -ENOTRECOVERABLE) /* the daemon ends, too */
                snprintf(message, sizeof(message), "the playlist could not be stored; the next start of the daemon makes it anew");
        else
                snprintf(message, sizeof(message), "the playlist could not be stored: %s", rf_state_explain(j->runs->state, error));
        json_decref(TAKE_PTR(j->playlist));
        free(TAKE_PTR(j->title));
        j->n_tracks = 0;
        free(j->message);
        j->message = strdup(message);
}

/* Among the living no more. The reference is given up. */
static void let_go(struct rf_job *j)
{
        rf_map_remove_string(j->runs->jobs, j->id);
        rf_job_unref(j);
}

/* Ends that could not be written are, once something can. */
static void write_late(struct rf_runs *runs)
{
        struct rf_job *j;

        while ((j = rf_list_first(&runs->unwritten, struct rf_job, link))) {
                rf_list_remove(&j->link);
                j->unkept = rf_kept_put(runs->state, j);
                if (j->unkept < 0) {
                        rf_list_append(&runs->unwritten, &j->link);
                        return;
                }
                let_go(j);
        }
}

/* The end of a run reaches the disk before anybody hears of it. */
static void end_job(struct rf_job *j, enum rf_run_state state, int error)
{
        struct rf_runs *runs = j->runs;
        uint64_t ended_us = rf_wall_us();

        if (state != RF_RUN_FAILED)
                error = 0;
        j->unkept = write_end(j, state, error, ended_us);
        if (j->unkept < 0 && state == RF_RUN_DONE) {
                state = RF_RUN_FAILED;
                error = j->unkept;
                lose_result(j, error);
        }
        j->state = state;
        j->error = error;
        j->ended_us = ended_us;
        count_end(runs, state);
        if (runs->options.ended) {
                struct rf_job_view view;

                rf_job_view(j, &view);
                runs->options.ended(&view);
        }
        rf_job_changed(j);
        if (j->unkept < 0) {
                /* the store holds it as it was: asked for, it's this one that answers, until it can be written */
                rf_list_append(&runs->unwritten, &j->link);
                rf_wake_all(&runs->late);
                return;
        }
        let_go(j);
        write_late(runs);
        (void)rf_kept_prune(runs->state, runs->jobs, runs->options.kept_max, 0); /* tried again at the next end */
}

/* Also while nothing else is written. */
static int keep_writing_late(void *arg)
{
        struct rf_runs *runs = arg;
        int r = 0;

        while (r >= 0) {
                r = rf_list_is_empty(&runs->unwritten) ? rf_wait(&runs->late, RF_FOREVER) : rf_sleep_us(RF_RUN_LATE_PAUSE_US);
                if (r >= 0)
                        write_late(runs);
        }
        return 0;
}

/* ---- Beginning ---- */

static void dispatch(struct rf_runs *runs);

static int job_main(void *arg)
{
        struct rf_job *j = arg;
        struct rf_runs *runs = j->runs;
        int r;

        /* it may have been cancelled before it came to its first step */
        r = j->is_cancelled ? -ECANCELED : rf_group_new(RF_FOREVER, &j->group);
        if (r >= 0)
                r = rf_group_spawn(j->group, "run", make_playlist, j);
        if (r >= 0)
                r = rf_group_join(j->group);
        j->group = rf_group_free(j->group);
        if (runs->is_stopping && r == -ECANCELED && !j->is_cancelled)
                let_go(j);
        else
                end_job(j, j->is_cancelled ? RF_RUN_CANCELLED : r < 0 ? RF_RUN_FAILED : RF_RUN_DONE, r);
        runs->stats.active--;
        rf_wake_all(&runs->idle);
        dispatch(runs);
        return 0;
}

/* Starts what may start. */
static void dispatch(struct rf_runs *runs)
{
        struct rf_job *j;
        bool moved = false;

        while (!runs->is_draining && runs->stats.active < runs->options.active_max && (j = rf_run_queue_first(runs->queue))) {
                /* no coroutine to be had: it stays first in line, and the next end of a run tries again */
                if (rf_group_spawn(runs->group, "run's owner", job_main, j) < 0)
                        break;
                rf_run_queue_take(runs->queue, j);
                j->state = RF_RUN_RUNNING;
                runs->stats.active++;
                rf_job_changed(j);
                moved = true;
        }
        if (moved)
                rf_run_queue_tell(runs->queue);
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
        size_t waiting = rf_run_queue_size(runs->queue) + runs->reserved;

        if (runs->is_draining) {
                *ret_limit = "stopping";
                *ret_value = 0;
                return -RF_ELIMIT;
        }
        if (runs->stats.active < runs->options.active_max && waiting == 0)
                return 0;
        if (waiting >= runs->options.waiting_max) {
                *ret_limit = "runs_waiting_max";
                *ret_value = runs->options.waiting_max;
                return -RF_ELIMIT;
        }
        if (rf_run_queue_size_of(runs->queue, client) >= runs->options.waiting_per_client_max) {
                *ret_limit = "runs_waiting_per_client_max";
                *ret_value = runs->options.waiting_per_client_max;
                return -RF_ELIMIT;
        }
        return 0;
}

/* Among the living; the reference is the queue's, then the run's own. */
static int take_in(struct rf_runs *runs, struct rf_job *j)
{
        int r;

        j->runs = runs;
        set_deadline(j);
        r = rf_map_put_string(runs->jobs, j->id, j);
        if (r < 0)
                return r;
        r = rf_run_queue_add(runs->queue, j);
        if (r < 0)
                rf_map_remove_string(runs->jobs, j->id);
        else
                rf_job_ref(j);
        return r;
}

int rf_runs_accept(struct rf_runs *runs, const struct rf_wish *wish, uint64_t client, struct rf_job **ret, const char **ret_limit,
                   uint32_t *ret_value)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        char id[RF_RUN_ID_SIZE];
        int r;

        r = admit(runs, client, ret_limit, ret_value);
        if (r < 0)
                return r;
        make_id(runs, id);
        j = rf_job_new(id);
        if (!j)
                return -ENOMEM;
        r = rf_wish_copy(wish, &j->wish);
        if (r < 0)
                return r;
        j->accepted_us = rf_wall_us();
        j->client_id = client;
        runs->reserved++;
        r = rf_kept_put(runs->state, j);
        if (r >= 0)
                write_late(runs);
        runs->reserved--;
        if (r < 0)
                return r;
        r = take_in(runs, j);
        if (r < 0) {
                (void)rf_kept_remove(runs->state, j->id); /* else the next start takes it up, though nobody knows of it */
                return r;
        }
        dispatch(runs);
        *ret = TAKE_PTR(j);
        return 0;
}

int rf_runs_find(struct rf_runs *runs, const char *id, struct rf_job **ret)
{
        struct rf_job *j = rf_map_get_string(runs->jobs, id);

        if (!j)
                return rf_kept_get(runs->state, id, ret);
        *ret = rf_job_ref(j);
        return 0;
}

int rf_runs_cancel(struct rf_runs *runs, struct rf_job *j)
{
        if (rf_job_has_ended(j)) {
                if (j->unkept < 0)
                        write_late(runs);
                return j->unkept;
        }
        if (!j->is_cancelled && j->state == RF_RUN_WAITING) {
                j->is_cancelled = true;
                rf_run_queue_remove(runs->queue, j);
                end_job(j, RF_RUN_CANCELLED, 0);
        } else if (!j->is_cancelled) {
                j->is_cancelled = true;
                if (j->group)
                        rf_group_cancel(j->group);
        }
        while (!rf_job_has_ended(j)) {
                int r = rf_job_wait(j);

                if (r < 0)
                        return r;
        }
        return j->unkept < 0 ? j->unkept : j->state == RF_RUN_CANCELLED;
}

int rf_runs_list(struct rf_runs *runs, const struct rf_runs_filter *filter, int (*each)(void *arg, const struct rf_job_view *v),
                 void *arg)
{
        return rf_kept_list(runs->state, runs->jobs, filter, each, arg);
}

struct rf_runs_stats rf_runs_stats(const struct rf_runs *runs)
{
        struct rf_runs_stats stats = runs->stats;

        stats.waiting = rf_run_queue_size(runs->queue);
        return stats;
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
        rf_waiters_init(&runs->idle);
        rf_waiters_init(&runs->late);
        rf_list_init(&runs->unwritten);
        runs->jobs = rf_map_new();
        runs->queue = rf_run_queue_new();
        if (!runs->jobs || !runs->queue)
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
        rf_run_queue_free(runs->queue);
        free(runs);
        return NULL;
}

static int take_up_one(void *arg, struct rf_job *j)
{
        int r;

        j->state = RF_RUN_WAITING;
        r = take_in(arg, j);
        rf_job_unref(j);
        return r;
}

/* Ended runs grow old also while nothing else happens. */
static int grow_old(void *arg)
{
        struct rf_runs *runs = arg;
        int r = 0;

        while (r >= 0) {
                uint64_t age_us = runs->options.kept_age_us, now_us = rf_wall_us();

                if (age_us > 0 && now_us > age_us) /* a failure is tried again the next time */
                        (void)rf_kept_prune(runs->state, runs->jobs, runs->options.kept_max, now_us - age_us);
                r = rf_sleep_us(age_us > 0 ? CLAMP(age_us / 10, RF_RUNS_AGE_MIN_US, RF_RUNS_AGE_MAX_US) : RF_RUNS_AGE_MAX_US);
        }
        return 0;
}

int rf_runs_start(struct rf_runs *runs, size_t *ret_resumed)
{
        char newest[RF_RUN_ID_SIZE];
        int r = rf_group_new_detached(RF_FOREVER, &runs->group);

        if (rf_kept_newest(runs->state, newest))
                rf_runs_note_id(runs, newest);
        if (r >= 0)
                r = rf_kept_unended(runs->state, take_up_one, runs);
        *ret_resumed = rf_run_queue_size(runs->queue);
        if (r >= 0)
                r = rf_group_spawn(runs->group, "retention", grow_old, runs);
        if (r >= 0)
                r = rf_group_spawn(runs->group, "late ends", keep_writing_late, runs);
        if (r >= 0)
                dispatch(runs);
        return r;
}

void rf_runs_drain(struct rf_runs *runs, uint64_t deadline_us)
{
        runs->is_draining = true;
        while (runs->stats.active > 0 && !runs->is_hurried)
                if (rf_wait(&runs->idle, deadline_us) < 0)
                        return;
}

void rf_runs_hurry(struct rf_runs *runs)
{
        runs->is_hurried = true;
        rf_wake_all(&runs->idle);
}

void rf_runs_stop(struct rf_runs *runs)
{
        struct rf_job *j;

        runs->is_draining = runs->is_stopping = true;
        runs->group = rf_group_free(runs->group);
        while ((j = rf_run_queue_first(runs->queue))) {
                rf_run_queue_take(runs->queue, j);
                let_go(j);
        }
        write_late(runs);
        while ((j = rf_list_first(&runs->unwritten, struct rf_job, link))) { /* the next start takes them up again */
                rf_list_remove(&j->link);
                let_go(j);
        }
}

void rf_runs_configure(struct rf_runs *runs, const struct rf_runs_options *o)
{
        runs->options = *o;
        if (runs->group)
                dispatch(runs);
}
