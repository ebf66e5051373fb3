/*
 * Candidates: the tracks that a run may choose from, each recording once. Two records are the same recording if their ISRC agrees,
 * or their id, or artist, title and a duration within three seconds. Never yields.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "flow/playlist.h"
#include "provider/answer.h"

/* Through what a track was found, for its reason. */
enum rf_via { RF_VIA_MENTION, RF_VIA_ARTIST, RF_VIA_GENRE, RF_VIA_SEED, RF_VIA_USER, RF_VIA_TEXT };

/* Why a candidate may not be chosen. The first that applies counts. */
enum rf_drop {
        RF_DROP_NONE,
        RF_DROP_EXCLUDED_ARTIST,
        RF_DROP_EXCLUDED_GENRE,
        RF_DROP_EXPLICIT,
        RF_DROP_VERSION,
        RF_DROP_ERA,
        RF_DROP_CLASH,    /* with the mood */
        RF_DROP_NEGATIVE, /* a negative seed: like it, but not it */
        RF_DROP_OUTLIER,
        RF_DROP_POPULARITY, /* deep cuts of artists: outside the wished band */
        RF_DROP_COUNT
};

/* Why nobody said even that something isn't known: the call failed, or was given up at the deadline. */
enum rf_unheard { RF_UNHEARD_NOT, RF_UNHEARD_FAILED, RF_UNHEARD_CUT, RF_UNHEARD_COUNT };

struct rf_candidate {
        struct rf_track track; /* merged from all records of the recording; strings live in answers that the pool keeps */
        const char *provider;
        const char *other_provider, *other_id; /* another one that knows it, and under which id; NULL */
        const char *via_name; /* artist, genre, seed title; NULL */
        size_t via_seed;      /* RF_VIA_SEED: the seed's number in the pool */
        enum rf_via via;
        enum rf_source source;
        enum rf_freshness freshness;
        enum rf_drop drop;
        bool is_protected;    /* mentioned: never filtered by the mood */
        bool is_version;
        bool is_of_era;       /* found by a search in the wished years: of them, though it may not say so */
        uint8_t asked_features, asked_details; /* under which ids it was looked up (enum rf_id_kind's bits): not again */
        uint8_t unheard;      /* enum rf_unheard: of its features */
        bool is_nameless;     /* counted as one that no provider of features has an id for */
        bool is_bridged;      /* looked for by name at a provider that didn't know its ids */
        uint64_t artist_key;  /* first artist */
        uint64_t title_key, song_key;
        float genre_weight;   /* 0..1: how well the genre it was found by fits the wish */
        float confidence;     /* of the generator, 0..1 */
        float cohesion, fit;  /* valid after rf_evaluate_*() */
        float score;
};

/* One record as a generator found it. */
struct rf_find {
        const struct rf_track *track;
        struct rf_answer *answer; /* that it lives in: the pool takes a reference */
        enum rf_source source;
        enum rf_freshness freshness;
        enum rf_via via;
        const char *via_name; /* outlives the pool, or lives in the answer */
        size_t via_seed;
        float confidence, genre_weight;
        bool is_protected, is_of_era;
};

struct rf_pool;
struct rf_provider;

struct rf_pool *rf_pool_new(void); /* NULL when out of memory */
struct rf_pool *rf_pool_free(struct rf_pool *p);
DEFINE_CLEANUP(struct rf_pool *, rf_pool_free);

/*
 * Adds a find. 1: a new candidate; 0: the recording was there, what the record knows more is merged into it; -ENOSPC: RF_CANDIDATES_MAX
 * reached (nothing changed); -ENOMEM. `ret_index` (may be NULL) is the candidate's.
 */
int rf_pool_add(struct rf_pool *p, const struct rf_find *find, size_t *ret_index);

size_t rf_pool_size(const struct rf_pool *p);
/* Valid until the next rf_pool_add(). */
struct rf_candidate *rf_pool_at(const struct rf_pool *p, size_t i);
size_t rf_pool_duplicates(const struct rf_pool *p); /* records that were merged */

/* Joins looked-up features and details to candidates by id, Spotify id or ISRC, tracks also by their names. Keeps a reference if it used the answer. -ENOMEM. */
int rf_pool_join(struct rf_pool *p, struct rf_answer *answer, enum rf_freshness freshness);

/* Whose id a candidate is asked by. */
enum rf_id_kind { RF_ID_OWN = 1u << 0, RF_ID_OTHER = 1u << 1, RF_ID_SPOTIFY = 1u << 2 };

/*
 * The id under which `provider` may be asked for the candidate: its own, or Spotify's where that may be told; NULL if none is known.
 * `ret_kind` may be NULL.
 */
const char *rf_candidate_id_at(const struct rf_candidate *c, const struct rf_provider *provider, enum rf_id_kind *ret_kind);

/* A total order that depends on nothing but the recordings: score downwards, then ISRC and id. */
int rf_candidate_compare(const struct rf_candidate *a, const struct rf_candidate *b);
