/*
 * The steps of a saving: find the tracks, make the playlist, add the tracks in batches. Each step can be taken up again after a crash.
 * A write is noted before it's sent; where it's unclear whether it arrived, the service is asked before anything is sent again.
 */
#pragma once

#include "control/save_record.h"
#include "provider/provider.h"
#include "upstream/upstream.h"

struct rf_save_steps {
        struct rf_upstream *upstream;
        struct rf_provider *provider;
        struct rf_save_record *record;
        uint32_t batch_max;            /* tracks in one call */
        bool is_doubtful;              /* more may have been sent than the record knows: it may be of an older copy of the store */
        int (*keep)(void *arg);        /* writes the record to disk, and tells who follows; yields */
        json_t *(*tracks)(void *arg);  /* the run's tracks, a new reference; NULL: they're gone */
        void *arg;
        char message[200];             /* of a failure, for people; may be empty */
};

/* Yields until it's done or has failed. `s->record` is at each moment what has been kept, or is about to be. */
int rf_save_steps(struct rf_save_steps *s);
/* Whether the provider could be written to now: 0, or -RF_ELOGIN, -RF_EREFUSED, -RF_EUNSUPPORTED with `message`. Doesn't yield. */
int rf_save_check(struct rf_upstream *u, struct rf_provider *p, char *message, size_t size);
