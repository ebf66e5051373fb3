/*
 * The result of a run: the ordered tracks and the receipt. Plain data in an arena of its own, immutable once returned.
 * Scores are in thousandths, so that they are the same bytes everywhere.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "flow/brief.h"
#include "flow/wish.h"

/* Which generator found a track. */
enum rf_source { RF_SOURCE_USER_ANCHOR, RF_SOURCE_ARTIST_DISCOVERY, RF_SOURCE_SEED_BASED, RF_SOURCE_COUNT };

/* Phases of the order. */
enum rf_phase { RF_PHASE_OPENING, RF_PHASE_BUILD, RF_PHASE_MID, RF_PHASE_HIGH, RF_PHASE_DESCENT, RF_PHASE_CLOSURE, RF_PHASE_COUNT };

/* The steps of a run, in the order of the receipt. */
enum rf_step { RF_STEP_UNDERSTAND, RF_STEP_GATHER, RF_STEP_GENERATE, RF_STEP_EVALUATE, RF_STEP_ORDER, RF_STEP_COUNT };

/* How fresh the data behind a track is. */
enum rf_freshness { RF_FRESH_NEW, RF_FRESH_CACHED, RF_FRESH_STALE };

struct rf_playlist_track {
        struct rf_track track;   /* id, title, artists, album, isrc, uri, duration, year, popularity, explicit, features */
        const char *provider;
        enum rf_source source;
        enum rf_phase phase;
        enum rf_freshness freshness;
        uint16_t confidence_milli;
        uint16_t cohesion_milli; /* 750 where the features are unknown */
        const char *reason;      /* a sentence for people */
};

struct rf_step_time {
        uint64_t total_us; /* scheduler time */
        uint32_t calls, cache_hits;
};

/* Something left out or not done, and why. */
struct rf_skipped {
        const char *what, *why;
        uint32_t count; /* how many of the kind; 1 = just this */
};

/* A wish that could not be kept, and the smallest change that would have made it possible. */
struct rf_unmet {
        const char *wish, *why, *relaxation; /* relaxation may be NULL */
};

struct rf_quality {
        uint16_t overall_milli;   /* .4 cohesion + .25 coverage + .2 confidence + .15 artist variety */
        uint16_t cohesion_milli;  /* mean fit of the tracks to the brief */
        uint16_t coherence_milli; /* mean similarity of neighbours */
        uint16_t coherence_shuffled_milli; /* the same, mean over 100 seeded shuffles */
        uint16_t diversity_milli; /* mean pairwise distance, artists and features */
        uint16_t arc_fit_milli;   /* 1000 = energy follows the arc exactly */
        uint16_t ordering_gap_milli; /* cost over the bound (or optimum), minus one */
        bool ordering_is_exact;   /* the gap is against the exact optimum */
};

struct rf_call_summary {
        const char *provider, *operation;
        uint32_t calls, cache_hits, coalesced, failures;
        uint64_t upstream_us; /* summed */
};

struct rf_receipt {
        struct rf_step_time steps[RF_STEP_COUNT];
        uint32_t calls;      /* that reached a service */
        uint32_t cache_hits; /* answered from the cache */
        uint32_t saved;      /* calls not made: cache, coalescing, batching */
        const struct rf_call_summary *by_operation;
        size_t n_by_operation;
        const struct rf_skipped *skipped;
        size_t n_skipped;
        const struct rf_unmet *unmet;
        size_t n_unmet;
        struct rf_quality quality;
        uint32_t passes;     /* of generation; 0: what gathering found was enough */
        bool ordering_was_skipped; /* the order was good as it was */
        uint64_t total_us;
};

struct rf_playlist {
        struct rf_arena arena;
        const struct rf_brief *brief; /* owned by the playlist */
        const char *title;
        uint64_t seed;
        const struct rf_playlist_track *tracks;
        size_t n_tracks;
        uint64_t duration_ms;
        struct rf_receipt receipt;
};

struct rf_playlist *rf_playlist_free(struct rf_playlist *p);
DEFINE_CLEANUP(struct rf_playlist *, rf_playlist_free);

const char *rf_source_name(enum rf_source s);       /* "user_anchor", "artist_discovery", "seed_based" */
const char *rf_phase_name(enum rf_phase p);
const char *rf_step_name(enum rf_step s);
const char *rf_freshness_name(enum rf_freshness f); /* "fresh", "cached", "stale" */
