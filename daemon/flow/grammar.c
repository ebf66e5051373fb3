#include "flow/grammar.h"

#include <string.h>

#include "base/macros.h"

static const char *const negations[] = { "no", "not", "without", "except", "avoid", "excluding", "exclude", "nothing", "never", "minus",
                                         "dont", "but", "ohne", "kein", "keine", "keinen", "nicht", "sin", "nada", "sans", "pas", "sem",
                                         "senza", "nao", "ausser", NULL };
/* These turn round the very next phrase; the others everything up to the end of the noun. */
static const char *const adverbs[] = { "not", "never", "nicht", "pas", "nao", NULL };
static const char *const joiners[] = { "or", "and", "nor", "und", "oder", "y", "o", "et", "ou", "e", NULL };
static const char *const prepositions[] = { "for", "with", "while", "during", "when", "to", "fur", "zum", "zur", "mit", "para", "con",
                                            "pour", "avec", "com", "per", NULL };
static const char *const fillers[] = { "a", "an", "and", "the", "some", "please", "for", "of", "to", "in", "on", "at", "with", "me", "my",
                                       "i", "we", "want", "music", "songs", "song", "tracks", "track", "playlist", "give", "something",
                                       "that", "is", "are", "it", "mix", "make", "need", "or", "from", "while", "when", "during", "this",
                                       "but", "just", "only", "all", "any", "too", "more", "about", "around", "feel", "feels", "mood",
                                       "vibe", "vibes", "style", "kind", "und", "fur", "zum", "zur", "musik", "musica", "musique", "para",
                                       "de", "pour", "la", "el", "le", "y", "et", "e", "per", "by", "like", "similar", "as", "be", "so",
                                       "und", "mit", "con", "avec", "com", "bit", "sounds", "sound", "tunes", "play", "listen",
                                       "hour", "since", "before", "after", "until", "between", "anything", "everything", "create",
                                       "generate", "suggest", "recommend", "show", "find", "ein", "eine", "einen", "lieder", "bitte",
                                       "von", "aus", "der", "die", "das", "den", "auf", "id", "would", "im", NULL };
static const char *const music_nouns[] = { "music", "songs", "song", "tracks", "track", "playlist", "mix", "tunes", "vibes", "style",
                                           "please", NULL };

bool rf_is_negation(const char *word)
{
        return rf_is_one_of(word, negations);
}

bool rf_is_joiner(const char *word)
{
        return rf_is_one_of(word, joiners);
}

bool rf_is_preposition(const char *word)
{
        return rf_is_one_of(word, prepositions);
}

bool rf_is_filler(const char *word)
{
        return rf_is_one_of(word, fillers);
}

bool rf_is_music_noun(const char *word)
{
        return rf_is_one_of(word, music_nouns);
}

bool rf_is_german(struct rf_reading *rd)
{
        static const char *const words[] = { "fur", "und", "oder", "ohne", "mit", "ein", "eine", "einen", "zwei", "drei", "zum", "zur",
                                             "von", "aus", "auf", "kein", "keine", "keinen", "nicht", "bitte", "musik", "lieder", "der",
                                             "das", "stunde", "stunden", "minuten", NULL };

        for (size_t i = 0; i < rd->n; i++)
                if (rf_is_one_of(rd->t[i].folded, words))
                        return true;
        return false;
}

/* ---- Denials ---- */

enum denial { CLAUSE, NAME, LESS, LIKES, NONE };

/* Those of several words, and those behind which a name may stand. "nothing but" is none; "hate" and "love" alone are moods. */
static const struct {
        const char *phrase;
        enum denial denial;
} DENIALS[] = {
        { "anything but", NAME },   { "everything but", NAME }, { "all but", NAME },      { "except", NAME },
        { "except for", NAME },     { "exclude", NAME },        { "excluding", NAME },    { "avoid", NAME },
        { "i hate", NAME },         { "we hate", NAME },        { "i really hate", NAME }, { "and hate", NAME },
        { "but hate", NAME },       { "dislike", NAME },        { "detest", NAME },       { "cant stand", NAME },
        { "dont like", NAME },      { "do not like", NAME },    { "dont want", NAME },    { "do not want", NAME },
        { "dont play", NAME },      { "dont want to hear", NAME }, { "do not want to hear", NAME },
        { "not like", NAME },       { "not a fan of", NAME },   { "no fan of", NAME },    { "not into", CLAUSE },
        { "leave out", NAME },      { "instead of", NAME },     { "rather than", NAME },  { "ausser", NAME },
        { "less", LESS },           { "fewer", LESS },          { "weniger", LESS },      { "menos", LESS },
        { "moins", LESS },          { "meno", LESS },           { "more or less", NONE },
        { "skip", NAME },           { "keep out", NAME },       { "stay away from", NAME },
        { "i love", LIKES },        { "we love", LIKES },       { "but love", LIKES },    { "i really love", LIKES },
        { "id love", NONE },        { "would love", NONE },
};

static void deny(struct rf_reading *rd, bool is_one, bool may_be_name)
{
        rd->negated = true;
        rd->negates_one = is_one;
        rd->has_negated = false;
        rd->expects_name = false;
        rd->may_be_name = may_be_name;
}

/* The longest of them that stands here, of at least so many words. */
static bool take_listed(struct rf_reading *rd, size_t least)
{
        size_t longest = 0, found = 0;

        for (size_t i = 0; i < ARRAY_SIZE(DENIALS); i++) {
                size_t words = rf_reading_matches(rd, DENIALS[i].phrase);

                if (words > longest) {
                        longest = words;
                        found = i;
                }
        }
        /* at the end of a clause there is nothing that it could turn round: "love and hate" */
        if (longest < least || (longest > 1 && (!rf_reading_at(rd, longest) || rf_reading_at(rd, longest)->begins_clause)))
                return false;
        if (DENIALS[found].denial == LIKES) {
                rd->negated = rd->may_be_name = false;
                rd->expects_name = rd->seed_only = true;
        } else if (DENIALS[found].denial != NONE)
                deny(rd, DENIALS[found].denial == LESS, DENIALS[found].denial == NAME);
        if (DENIALS[found].denial == LESS)
                rd->emphasis = RF_EMPHASIS_LESS;
        rd->at += longest;
        return true;
}

bool rf_denial_take_several(struct rf_reading *rd)
{
        return take_listed(rd, 2);
}

bool rf_denial_take(struct rf_reading *rd)
{
        const char *word = rf_reading_at(rd, 0)->folded;

        if (take_listed(rd, 1))
                return true;
        if (!rf_is_negation(word))
                return false;
        /* "but happier" turns the wish, "but not" excludes, "nothing but" is no exclusion at all */
        if (strcmp(word, "but") != 0)
                deny(rd, rf_is_one_of(word, adverbs), false);
        rd->at++;
        return true;
}
