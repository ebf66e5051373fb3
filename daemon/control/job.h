/* A run as an object, as its queue, its place in the store and its owner (runs.h) share it. */
#pragma once

#include <jansson.h>

#include "base/list.h"
#include "control/runs.h"
#include "sched/sched.h"

struct rf_run_client;

struct rf_job {
        struct rf_runs *runs; /* NULL: one of the store, for looking at */
        unsigned references;
        struct rf_list link; /* in its client's queue while waiting; among those whose end isn't written */
        struct rf_run_client *client; /* NULL unless it waits */
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
        int unkept; /* why its end couldn't be written down yet; 0: it is, or it hasn't ended */
        char *title, *message;
        uint32_t n_tracks;
        json_t *playlist;
};

struct rf_job *rf_job_new(const char *id); /* waiting; NULL: out of memory */
struct rf_job *rf_job_ref(struct rf_job *j);
/* The next sequence number; who follows is woken. */
void rf_job_changed(struct rf_job *j);
/* Progress of the workflow, as its hook. */
void rf_job_progressed(void *job, const struct rf_progress *p);
