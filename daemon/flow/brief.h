/*
 * What was understood of a wish: the brief that the rest of the workflow works from. Plain data in an arena of its own; strings
 * are UTF-8, arrays are in order of mention. Made by rf_understand() or from a provider's analysis.
 */
#pragma once

#include <recflow/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum rf_brief_kind {
        RF_KIND_MOOD_VARIETY,         /* a mood or an occasion; many artists */
        RF_KIND_GENRE_EXPLORATION,    /* a genre; many artists */
        RF_KIND_ARTIST_FOCUS,         /* about the artists named */
        RF_KIND_SPECIFIC_TRACK_SIMILAR, /* like the tracks named */
};

/* The shape of the energy over the playlist. */
enum rf_arc { RF_ARC_STEADY, RF_ARC_BUILD, RF_ARC_PEAK, RF_ARC_WIND_DOWN };

/* What a recognised phrase is about. */
enum rf_term_kind {
        RF_TERM_MOOD, RF_TERM_ACTIVITY, RF_TERM_WEATHER, RF_TERM_TIME, RF_TERM_PLACE, RF_TERM_GENRE, RF_TERM_ERA,
        RF_TERM_LANGUAGE, RF_TERM_REGION, RF_TERM_TEMPO, RF_TERM_ENERGY, RF_TERM_INSTRUMENT, RF_TERM_VOCALS,
        RF_TERM_POPULARITY, RF_TERM_ARTIST, RF_TERM_TRACK, RF_TERM_COUNT_WISH, RF_TERM_DURATION, RF_TERM_EXPLICIT, RF_TERM_ARC,
        RF_TERM_KINDS
};

/* One thing understood, for the receipt: which words, as what. */
struct rf_term {
        enum rf_term_kind kind;
        const char *words;   /* as written in the prompt */
        const char *meaning; /* canonical: the lexicon's entry, a genre, "1990-1999", "45 min", … */
        bool negated;        /* "not sad", "no vocals" */
        uint16_t weight_milli; /* 1000 = plain; "very" more, "a bit" less */
        bool corrected;      /* matched after correcting one letter */
};

/* Wished value of one audio feature, in the feature's own unit. */
struct rf_target {
        bool is_set;
        float low, high; /* the wished range; low = high for a point */
        float weight;    /* 0..1 */
        bool is_hard;    /* outside by more than the tolerance is a clash ("no vocals", "around 120 bpm") */
};

struct rf_genre_wish {
        const char *name;   /* as services spell it, lower case */
        float weight;       /* 0..1; 1 = named in the prompt, less = related or implied by a mood */
        bool is_named;
};

/* An artist or a track that the prompt names (or --like). */
struct rf_mention {
        const char *artist; /* NULL if only a title is known */
        const char *track;  /* NULL for an artist */
        bool is_quoted;     /* certain that it's a name */
        bool is_seed_only;  /* "like X but happier": a direction, not necessarily in the playlist */
};

/* Both counted; 0 = open. */
struct rf_years {
        uint16_t from, to;
};

/* A wish that was understood and can't be followed, since something has a limit. */
struct rf_left_out {
        const char *wish, *why, *relaxation; /* relaxation may be NULL */
};

enum rf_wish_origin { RF_FROM_DEFAULT, RF_FROM_PROMPT, RF_FROM_OPTION };

struct rf_brief {
        struct rf_arena arena;

        const char *prompt;
        enum rf_brief_kind kind;
        struct rf_term *terms;
        size_t n_terms;
        const char **not_understood; /* words that meant nothing, as written, in order; fillers ("some", "please") aren't listed */
        size_t n_not_understood;
        struct rf_left_out *left_out; /* at most RF_LEFT_OUT_MAX; the last stands for the rest */
        size_t n_left_out;

        struct rf_target targets[RF_FEATURE_COUNT];
        struct rf_genre_wish *genres; /* at most RF_BRIEF_TERMS_MAX; named ones first */
        size_t n_genres;
        const char **excluded_genres;
        size_t n_excluded_genres;
        struct rf_mention *mentions; /* at most RF_MENTIONS_MAX */
        size_t n_mentions;
        const char **excluded_artists; /* at most RF_EXCLUSIONS_MAX */
        size_t n_excluded_artists;
        const char **languages; /* ISO 639-1 */
        size_t n_languages;
        const char **regions; /* lower-case English names, such as "caribbean", "brazil" */
        size_t n_regions;
        const char **excluded_regions;
        size_t n_excluded_regions;

        uint16_t year_from, year_to; /* 0 = open */
        struct rf_years *excluded_years; /* denied, or between two wished eras; at most 2 * RF_BRIEF_TERMS_MAX */
        size_t n_excluded_years;
        bool era_is_strict;          /* "only 80s" or a plain decade; false: "vintage feel" */
        bool wants_obscure;          /* indie, underground, hidden gems */
        bool wants_popular;          /* hits */
        bool allows_versions;        /* remixes and live versions wished */
        int8_t explicit_allowed;     /* 1 unless excluded; 0 = clean only */
        enum rf_arc arc;
        enum rf_wish_origin arc_origin;

        uint32_t n_tracks, n_tracks_min, n_tracks_max; /* playlist target */
        enum rf_wish_origin n_tracks_origin;
        uint32_t n_tracks_least, n_tracks_most; /* "at least 30 songs"; 0 = not said. n_tracks and its range keep them */
        uint32_t duration_s; /* 0 = not wished; then the count rules */
        enum rf_wish_origin duration_origin;
        uint32_t artist_cap;         /* most tracks of one artist */
        enum rf_wish_origin artist_cap_origin;
        float quality_threshold;     /* 0..1 */
        float strictness;            /* 0..1: how closely features must fit */

        const char *title; /* for the playlist: "Rainy Sunday Jazz" */
};

struct rf_brief *rf_brief_new(void);
struct rf_brief *rf_brief_free(struct rf_brief *b);
DEFINE_CLEANUP(struct rf_brief *, rf_brief_free);

/* Whether a year is among the excluded ones. */
bool rf_brief_excludes_year(const struct rf_brief *b, unsigned year);
/* "1980 to 1989", "since 2010", "until 1979". */
const char *rf_years_words(const struct rf_years *y, char *buf, size_t size);
/* Tells that a wish is left out; texts are copied. Says nothing where there is no memory for it. */
void rf_brief_leave_out(struct rf_brief *b, const char *wish, const char *why, const char *relaxation);

const char *rf_brief_kind_name(enum rf_brief_kind kind); /* "mood_variety", … */
const char *rf_arc_name(enum rf_arc arc);                /* "steady", "build", "peak", "wind_down" */
int rf_arc_from_name(const char *name, enum rf_arc *ret); /* takes "wind-down" too; -EINVAL */
const char *rf_term_kind_name(enum rf_term_kind kind);
const char *rf_feature_name(enum rf_feature feature);    /* "acousticness", … */
