#include "control/job.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/run_queue.h"

struct rf_job *rf_job_new(const char *id)
{
        struct rf_job *j = calloc(1, sizeof(*j));

        if (!j)
                return NULL;
        j->references = 1;
        j->seq = 1;
        j->deadline_us = RF_FOREVER;
        snprintf(j->id, sizeof(j->id), "%s", id);
        rf_list_init(&j->link);
        rf_waiters_init(&j->waiters);
        return j;
}

struct rf_job *rf_job_ref(struct rf_job *j)
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

void rf_job_changed(struct rf_job *j)
{
        j->seq++;
        rf_wake_all(&j->waiters);
}

void rf_job_progressed(void *job, const struct rf_progress *p)
{
        struct rf_job *j = job;

        j->progress = *p;
        snprintf(j->progress_message, sizeof(j->progress_message), "%s", p->message ? p->message : "");
        j->has_progress = true;
        rf_job_changed(j);
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

void rf_job_view(const struct rf_job *j, struct rf_job_view *ret)
{
        *ret = (struct rf_job_view){
                .id = j->id, .prompt = j->wish->prompt, .state = j->state, .seq = j->seq, .accepted_us = j->accepted_us,
                .ended_us = j->ended_us, .n_tracks = j->n_tracks, .title = j->title, .message = j->message, .error = j->error,
                .place = j->client ? rf_run_queue_place(j) : 0, .has_progress = j->has_progress, .progress = j->progress,
        };
        ret->progress.message = j->progress_message;
}
