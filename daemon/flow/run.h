/*
 * One run of the workflow: what its steps share. Internal to flow/.
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "flow/candidate.h"
#include "flow/constraints.h"
#include "flow/flow.h"
#include "flow/receipt.h"
#include "upstream/optimizations.h"

/* An artist that some provider knows. */
struct rf_known_artist {
        const char *id, *name, *provider; /* in the run's arena; provider is static */
        uint64_t key;                     /* of the name */
        float genre_weight;               /* 0..1 */
        int8_t popularity;                /* -1 = unknown */
        bool is_seed_only;                /* mentioned as a direction */
};

/* A genre that the run looks into. */
struct rf_run_genre {
        const char *name;
        float weight;
        bool is_named;
        uint32_t offset;   /* so many of its tracks were asked for */
        bool is_exhausted; /* the last page wasn't full */
        size_t n_found;
};

/* Why a call failed. */
struct rf_trouble {
        int error;            /* 0: there was none */
        const char *provider; /* static; NULL: none was asked */
        char message[160];    /* what the service, or the network, said; may be empty */
        uint64_t until_us;    /* wall clock: until then another try fails, too; 0: nobody knows */
};

/* How well an artist's genre fits the wish. */
struct rf_artist_genre {
        uint64_t key; /* of the name */
        float weight;
};

/* What the run's calls to a provider took, whoever made them: an answer from the cache counts what it took then. */
struct rf_run_took {
        const char *provider; /* static */
        uint64_t us;          /* summed */
        uint32_t n;
};

#define RF_RUN_GENRES_MAX 8u /* genres searched (docs/workflow.md, "Seed gathering") */

struct rf_run {
        const struct rf_flow *flow;
        const struct rf_brief *brief;
        struct rf_brief tuned; /* the brief with its targets as they sound in the wished genre; borrows everything else */
        const struct rf_run_hooks *hooks;
        struct rf_turn turn;               /* among the runs under way */
        uint64_t seed;
        uint64_t started_us, deadline_us;
        struct rf_arena arena;
        struct rf_receipt_book *book;
        struct rf_pool *pool;

        struct rf_run_genre genres[RF_RUN_GENRES_MAX];
        size_t n_genres;
        struct rf_run_genre wished[RF_RUN_GENRES_MAX]; /* the same before any was replaced by a related one: artists are looked for by these */
        struct rf_known_artist *mentioned; /* of the brief's mentions */
        size_t n_mentioned;
        struct rf_known_artist *matched;   /* by genre */
        size_t n_matched, n_looked_into;   /* the first so many have had their tracks fetched */
        struct rf_artist_genre *artist_genres; /* of all artists seen under a genre; sorted by key */
        size_t n_artist_genres;
        struct rf_exclusions exclusions;
        size_t *anchors;                   /* numbers in the pool: tracks that stand for the wish, best first */
        size_t n_anchors;
        size_t *negatives;                 /* to stay away from, worst first */
        size_t n_negatives;

        bool is_serial;                    /* one call at a time */
        bool fetches_ahead;                /* artists' tracks as soon as an artist is known */
        struct rf_ahead *ahead;            /* features under way that were asked for before all was found; NULL (flow/enrich.h) */
        size_t n_asked_ahead;              /* candidates whose features were asked for before all were found */
        bool fetches_anew;                 /* a further pass without the memory of those before */
        bool has_mentioned_tracks;         /* tracks by the artists mentioned were fetched */
        uint32_t passes;                   /* of generation so far */
        uint32_t cut[RF_STEP_COUNT], cut_of[RF_OP_COUNT]; /* calls given up at the deadline */
        uint64_t needed_us;                /* the deadline that those would have kept, after the start */
        uint32_t answered;                 /* calls that gave an answer */
        struct rf_trouble trouble;         /* of those that didn't, the one that tells most */
        struct rf_run_took took[RF_PLUGINS_MAX];
};

/* Whether an optimisation is on. */
bool rf_run_is_on(const struct rf_run *run, enum rf_optimization o);

/* Copies what a provider's answer tells of an artist. -ENOMEM. */
int rf_run_know_artist(struct rf_run *run, const struct rf_artist *a, const char *provider, struct rf_known_artist *ret);

/* Whether one provider, by its name, can do an operation now. Doesn't yield. */
bool rf_run_can_at(const struct rf_run *run, enum rf_op op, const char *provider);

/* The provider that a URI names by its scheme ("spotify:track:…"), if it can look up tracks now; NULL. Static; doesn't yield. */
const char *rf_run_provider_of(const struct rf_run *run, const char *uri);

/*
 * What a call to a provider takes: the mean over those that this run asked, and not over what others did meanwhile, so that the same wish
 * with the same answers decides the same. 0: it asked none.
 */
uint64_t rf_run_took_us(const struct rf_run *run, const char *provider);
void rf_run_took(struct rf_run *run, const char *provider, uint64_t us);

/* Tells the client how far the run is. Doesn't yield. */
void rf_run_progress(struct rf_run *run, enum rf_step step, size_t chosen, const char *format, ...) _printf_(4, 5);

/*
 * Until when a step may take, in scheduler time: its share of the deadline, and nearly all of it for the last that calls services (switch
 * cancel-slow; all of it without). RF_FOREVER without a deadline.
 */
uint64_t rf_run_step_deadline(const struct rf_run *run, enum rf_step step);
/* Whether there is time for another round of calls in a step. */
bool rf_run_has_time(const struct rf_run *run, enum rf_step step);

/* A call of a step, which may last until the end of another, was begun then and given up at the deadline. Doesn't yield. */
void rf_run_cut(struct rf_run *run, enum rf_step step, enum rf_step until, const struct rf_query *q, uint64_t began_us);
/* Names in the receipt what the deadline cut, and which would have been enough for what. */
void rf_run_report_cuts(struct rf_run *run);
