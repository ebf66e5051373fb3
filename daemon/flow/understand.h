/*
 * Understanding a prompt without a language model: words and phrases of the lexicon, grammar of wishes (negation, comparison,
 * numbers, eras, mentions). Deterministic, well under a millisecond, never yields.
 */
#pragma once

#include "flow/brief.h"
#include "flow/wish.h"

struct rf_lexicon;

/*
 * Loads the lexicon from a data directory (genres.tsv, lexicon.tsv and artists.tsv there). -RF_ECORRUPT with file, line and reason in
 * `message`, -errno if it can't be read.
 */
int rf_lexicon_load(const char *directory, struct rf_lexicon **ret, char *message, size_t message_size);
struct rf_lexicon *rf_lexicon_free(struct rf_lexicon *l);
DEFINE_CLEANUP(struct rf_lexicon *, rf_lexicon_free);

size_t rf_lexicon_size(const struct rf_lexicon *l); /* words and phrases */

/*
 * Makes the brief of a wish: the prompt's meaning, then the wish's options over it. -RF_EPROMPT: the prompt is empty and no option
 * says anything; -RF_ELIMIT: longer than RF_PROMPT_MAX; -EINVAL: not UTF-8.
 */
int rf_understand(const struct rf_lexicon *l, const struct rf_wish *wish, struct rf_brief **ret);

/* Genres related to one, nearest first, NULL-terminated; NULL if unknown. Belongs to the lexicon. */
const char *const *rf_lexicon_related_genres(const struct rf_lexicon *l, const char *genre);
/* Artists who stand for a genre, the best known first, NULL-terminated; NULL if unknown. Belongs to the lexicon. */
const char *const *rf_lexicon_artists(const struct rf_lexicon *l, const char *genre);
