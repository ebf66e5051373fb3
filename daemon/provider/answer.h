/*
 * The records of one answer: immutable once made, shared by reference count, validated. Strings live in the answer.
 * Never yields.
 */
#pragma once

#include <recflow/plugin.h>

#include "base/buf.h"
#include "base/macros.h"

struct rf_answer {
        const char *provider; /* static name of the plugin that answered */
        enum rf_op op;
        const struct rf_track *tracks;
        size_t n_tracks;
        const struct rf_artist *artists;
        size_t n_artists;
        const struct rf_album *albums;
        size_t n_albums;
        const struct rf_track_features *features;
        size_t n_features;
        const struct rf_created *created; /* NULL or one */
        const char *analysis;             /* JSON, or NULL */
        size_t n_refused;                 /* records that failed validation and were left out */
        size_t n_unheard; /* ids of a look-up of which nothing was heard, not even that they aren't known; isn't kept */
        uint32_t took_ms; /* how long the service took for it; kept with it, so that decisions by it are the same again */
};

struct rf_answer *rf_answer_ref(struct rf_answer *a);
struct rf_answer *rf_answer_unref(struct rf_answer *a); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct rf_answer *, rf_answer_unref);

/* Whether it holds no record at all. */
bool rf_answer_is_empty(const struct rf_answer *a);

/* Collects records: what plugins see as struct rf_sink. `limit` records at most. */
int rf_sink_new(const char *provider, enum rf_op op, size_t limit, struct rf_sink **ret);
struct rf_sink *rf_sink_free(struct rf_sink *s);
DEFINE_CLEANUP(struct rf_sink *, rf_sink_free);
int rf_sink_track(struct rf_sink *s, const struct rf_track *t);
int rf_sink_artist(struct rf_sink *s, const struct rf_artist *a);
int rf_sink_album(struct rf_sink *s, const struct rf_album *a);
int rf_sink_features(struct rf_sink *s, const struct rf_track_features *f);
int rf_sink_created(struct rf_sink *s, const struct rf_created *c);
int rf_sink_analysis(struct rf_sink *s, const char *json);
/* Turns the collected records into the answer. Once: the sink takes no more, and is only to be freed. -EALREADY the second time. */
int rf_sink_finish(struct rf_sink *s, struct rf_answer **ret);

/* Compact stored form, little-endian, with a version. Reading trusts nothing: -RF_ECORRUPT, -RF_EFOREIGN for a newer version. */
int rf_answer_encode(const struct rf_answer *a, struct rf_buf *b);
int rf_answer_decode(const char *provider, const void *data, size_t size, struct rf_answer **ret);
