/* A prompt being read: its words, where the reader is, and what grammar words before it say about the next phrase. Internal to flow/. */
#pragma once

#include "base/limits.h"
#include "flow/brief.h"
#include "flow/tokens.h"

/* Less of something is wished: by how much it counts then. */
#define RF_EMPHASIS_LESS 0.8f

struct rf_lexicon;

struct rf_reading {
        const struct rf_lexicon *l;
        struct rf_brief *b;
        struct rf_token *t;
        size_t n, at;
        bool negated;      /* until the clause ends, or its noun does: "without vocals for work" */
        bool negates_one;  /* "not sad folk": only the next phrase, and what "or" and "and" add to it */
        bool has_negated;  /* that phrase was taken */
        float emphasis;    /* of the next phrase */
        bool expects_name; /* after "like" or "by" */
        bool seed_only;    /* after "like" */
        bool may_be_name;  /* after "exclude" or such: what means nothing else is a name */
        bool is_german, all_capital; /* the prompt: then a capital says less */
        struct rf_years wished[RF_BRIEF_TERMS_MAX]; /* flow/eras.h */
        size_t n_wished;
        int error;
};

/* The word `ahead` of the present one, NULL behind the end. */
struct rf_token *rf_reading_at(struct rf_reading *rd, size_t ahead);
/* 1 where the word so many ahead is one of these, else 0; `list` is ended by NULL. */
size_t rf_reading_is(struct rf_reading *rd, size_t ahead, const char *const *list);
/* Of how many words the phrase is, if it stands here in one clause; else 0. */
size_t rf_reading_matches(struct rf_reading *rd, const char *phrase);
/* Words as they were written, joined, in the brief's arena; "" and rd->error when there is no memory. */
const char *rf_reading_written(struct rf_reading *rd, size_t from, size_t n);
/* The next `words` words meant this: they are told in the brief, and the reader goes on behind them. `meaning` is copied. */
void rf_reading_add_term(struct rf_reading *rd, enum rf_term_kind kind, size_t words, const char *meaning, bool corrected);
/* The next `words` words were read, and yet nothing can be made of them: they are told as not understood. */
void rf_reading_leave(struct rf_reading *rd, size_t words);

/* Appends, unless the list is full. */
void rf_brief_add_text(const char **list, size_t *n, size_t max, const char *text);
bool rf_is_one_of(const char *word, const char *const *list); /* ended by NULL */
