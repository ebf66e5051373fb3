/* The words of a prompt, as written and folded. Pure; never yields. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct rf_token {
        const char *written; /* without punctuation at its ends */
        const char *folded;  /* for comparison; the sign itself for an emoji */
        bool begins_clause;  /* a comma, a full stop or such stands before it */
        bool is_capital;     /* begins with a capital letter */
        bool is_quoted;      /* stands between quotation marks */
        bool opens_quote;    /* the first of such a run */
        bool is_joined;      /* a hyphen stands between it and a number before it: "1990-1995", "two-hour" */
        bool is_used;        /* was understood with words before it */
};

/* How many words a prompt has. */
size_t rf_tokens_count(const char *prompt);
/* -RF_ELIMIT past RF_PROMPT_WORDS_MAX words, -ENOMEM. */
int rf_tokens(struct rf_arena *a, const char *prompt, struct rf_token **ret, size_t *ret_n);
