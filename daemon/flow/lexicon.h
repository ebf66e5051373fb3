/*
 * The lexicon: words and phrases with what they mean. Loaded once from text files; immutable. Look-ups don't allocate or yield.
 */
#pragma once

#include "flow/brief.h"
#include "flow/understand.h"

enum { RF_PHRASE_WORDS_MAX = 4, RF_EFFECTS_MAX = 12 };

enum rf_effect_kind {
        RF_EFFECT_TARGET,   /* a wished range of a feature */
        RF_EFFECT_GENRE,    /* a genre implied */
        RF_EFFECT_ERA,      /* years */
        RF_EFFECT_LANGUAGE,
        RF_EFFECT_REGION,
        RF_EFFECT_ARC,
        RF_EFFECT_OBSCURE,
        RF_EFFECT_POPULAR,
        RF_EFFECT_VERSIONS, /* remixes and live recordings are wished */
        RF_EFFECT_CLEAN,
};

struct rf_effect {
        enum rf_effect_kind kind;
        enum rf_feature feature;
        float low, high, weight;
        bool is_hard;
        const char *name; /* genre, language, region */
        uint16_t year_from, year_to;
        enum rf_arc arc;
};

/* What a phrase means; belongs to the lexicon. */
struct rf_entry {
        enum rf_term_kind kind;
        const char *meaning;
        const struct rf_effect *effects;
        size_t n_effects;
};

/* By folded phrase; NULL if it means nothing. */
const struct rf_entry *rf_lexicon_find(const struct rf_lexicon *l, const char *phrase);
/*
 * The only entry within one edit of a folded word of five letters or more, in which fewer than eight only swapped, doubled and forgotten
 * letters count; NULL if there is none, or more than one meaning. An "s" at the end is no edit.
 */
const struct rf_entry *rf_lexicon_find_similar(const struct rf_lexicon *l, const char *word);
