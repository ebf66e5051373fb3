#include "flow/named.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "flow/grammar.h"
#include "flow/lexicon.h"
#include "flow/phrases.h"

enum { NAME_WORDS_MAX = 6 };

static const char *const the[] = { "the", NULL };
static const char *const by[] = { "by", NULL };

void rf_named_leave_out(struct rf_brief *b, const char *name)
{
        char why[80];

        snprintf(why, sizeof(why), "a wish names at most %u artists and tracks", RF_MENTIONS_MAX);
        rf_brief_leave_out(b, name, why, NULL);
}

static void take_name(struct rf_reading *rd, size_t words, bool quoted, bool as_track)
{
        struct rf_brief *b = rd->b;
        bool more_may_be = rd->may_be_name;
        const char *name = rf_reading_written(rd, rd->at, words);

        if (rd->negated) {
                rf_brief_add_text(b->excluded_artists, &b->n_excluded_artists, RF_EXCLUSIONS_MAX, name);
        } else if (b->n_mentions < RF_MENTIONS_MAX) {
                /* "So What" by Miles Davis: the artist belongs to the track just named */
                struct rf_mention *last = b->n_mentions > 0 ? &b->mentions[b->n_mentions - 1] : NULL;

                if (!as_track && last && last->track && !last->artist && rd->at > 0 && strcmp(rd->t[rd->at - 1].folded, "by") == 0)
                        last->artist = name;
                else
                        b->mentions[b->n_mentions++] = (struct rf_mention){ .artist = as_track ? NULL : name,
                                                                            .track = as_track ? name : NULL, .is_quoted = quoted,
                                                                            .is_seed_only = rd->seed_only };
        } else
                rf_named_leave_out(b, name);
        rf_reading_add_term(rd, as_track ? RF_TERM_TRACK : RF_TERM_ARTIST, words, name, false);
        rd->may_be_name = more_may_be && rf_reading_at(rd, 0) && rf_is_joiner(rf_reading_at(rd, 0)->folded);
}

/* Whether "by" and somebody stand so many words ahead: what is before them is a title. */
static bool is_title(struct rf_reading *rd, size_t words)
{
        const struct rf_token *t = rf_reading_at(rd, words), *next = rf_reading_at(rd, words + 1);
        size_t phrase;

        return !rd->negated && t && !t->begins_clause && rf_reading_is(rd, words, by) && next && !next->begins_clause &&
               (next->is_capital || next->is_quoted || rf_reading_is(rd, words + 1, the) ||
                (!rf_is_filler(next->folded) && !rf_phrases_at(rd, words + 1, &phrase)));
}

/* A quoted run is a track, unless "by" or "like" stands before it and no artist behind it. */
bool rf_named_take_quoted(struct rf_reading *rd)
{
        size_t words = 1;

        if (!rf_reading_at(rd, 0)->opens_quote)
                return false;
        while (rf_reading_at(rd, words) && rf_reading_at(rd, words)->is_quoted && !rf_reading_at(rd, words)->opens_quote)
                words++;
        take_name(rd, words, true, (!rd->expects_name && !rd->negated) || is_title(rd, words));
        return true;
}

/* ---- Without capitals ---- */

/* Words for things are parts of names ("daft punk", "beach boys"), those for how it sounds seldom are. */
static bool is_thing(const struct rf_entry *e)
{
        return e->kind == RF_TERM_GENRE || e->kind == RF_TERM_WEATHER || e->kind == RF_TERM_PLACE || e->kind == RF_TERM_TIME ||
               e->kind == RF_TERM_INSTRUMENT || e->kind == RF_TERM_REGION;
}

/* Whether the word so many ahead can't be of a name; `first`: where the name begins. */
static bool ends_name(struct rf_reading *rd, size_t ahead, size_t first)
{
        static const char *const pronouns[] = { "you", "he", "she", "they", "us", "our", "your", "his", "her", "what", "which", "who",
                                                "if", "those", "these", "ones", "did", "was", "were", "used", NULL };
        static const char *const inside[] = { "of", NULL };
        const struct rf_token *t = rf_reading_at(rd, ahead);

        if (!t || t->is_quoted || (ahead > 0 && t->begins_clause) || rf_is_negation(t->folded) || rf_is_one_of(t->folded, pronouns))
                return true;
        if (ahead > first && rf_is_one_of(t->folded, inside)) /* "kings of leon", "queens of the stone age" */
                return ends_name(rd, ahead + 1 + rf_reading_is(rd, ahead + 1, the), ahead + 1 + rf_reading_is(rd, ahead + 1, the));
        if (ahead > first && rf_is_one_of(t->folded, the) && strcmp(rf_reading_at(rd, ahead - 1)->folded, "of") == 0)
                return false;
        if (isdigit((unsigned char)t->folded[0]) && !(ahead == first && rd->negated))
                return true;
        return rf_is_filler(t->folded) || rf_is_joiner(t->folded) || rf_is_preposition(t->folded);
}

/* Whether what the lexicon knows so many words ahead ends a name that is wished. */
static bool ends_wished(struct rf_reading *rd, size_t ahead, size_t first)
{
        size_t phrase;
        const struct rf_entry *e = rf_phrases_at(rd, ahead, &phrase);

        if (!e)
                return false;
        if (ahead == first) /* "by snow patrol", and yet "by night" */
                return rd->seed_only || !is_thing(e) || phrase > 1 || ends_name(rd, ahead + 1, first) ||
                       rf_phrases_at(rd, ahead + 1, &phrase);
        return ahead > first + 1 || !is_thing(e);
}

/*
 * The words up to the next that can't be of a name. Where it's denied ("nothing by daft punk"), a word that means something else as
 * well is no end. Behind "or" another one follows.
 */
bool rf_named_take_lower(struct rf_reading *rd)
{
        static const char *const crowds[] = { "artists", "bands", "singers", "musicians", "composers", "groups", "people", NULL };
        const size_t first = rf_reading_is(rd, 0, the);
        const bool is_certain = rd->negated && rd->expects_name;
        size_t words = first, phrase;

        if ((!rd->expects_name && !rd->may_be_name) || rf_reading_at(rd, 0)->is_capital)
                return false;
        while (words < NAME_WORDS_MAX && !ends_name(rd, words, first) && (is_certain || !ends_wished(rd, words, first)))
                words++;
        if (words == first || (first && rf_reading_at(rd, 1)->is_capital) || rf_reading_is(rd, words - 1, crowds))
                return false;
        if (rd->expects_name && !is_certain && words == first + 1 && rf_lexicon_find_similar(rd->l, rf_reading_at(rd, first)->folded))
                return false;
        take_name(rd, words, false, rd->expects_name && rd->seed_only && is_title(rd, words));
        rd->expects_name = rf_reading_at(rd, 0) && !rf_reading_at(rd, 0)->begins_clause && rf_is_joiner(rf_reading_at(rd, 0)->folded) &&
                           rf_reading_at(rd, 1) && !rf_is_negation(rf_reading_at(rd, 1)->folded) &&
                           (is_certain || rf_reading_is(rd, 1, the) || !rf_is_filler(rf_reading_at(rd, 1)->folded)) &&
                           !rf_phrases_at(rd, 1, &phrase);
        return true;
}

/* ---- With capitals ---- */

static bool is_capital(struct rf_reading *rd, size_t ahead)
{
        const struct rf_token *t = rf_reading_at(rd, ahead);

        return t && t->is_capital;
}

/* Words in a name that have no capital: "&", "of", "of the", "and the". Up to the next capital; 0 if there is none. */
static size_t link_at(struct rf_reading *rd, size_t ahead)
{
        static const char *const ofs[] = { "of", "de", "del", "van", "von", "der", "da", "&", NULL };
        static const char *const ands[] = { "and", "n", NULL };
        size_t words = rf_reading_is(rd, ahead, ofs);

        if (words > 0)
                words += rf_reading_is(rd, ahead + 1, the) && !is_capital(rd, ahead + 1) ? 1 : 0;
        else if (rf_reading_is(rd, ahead, ands) && rf_reading_is(rd, ahead + 1, the) && !is_capital(rd, ahead + 1))
                words = 2; /* "Radiohead and Muse" are two */
        for (size_t i = 0; i <= words; i++)
                if (rf_reading_at(rd, ahead + i) && rf_reading_at(rd, ahead + i)->begins_clause)
                        return 0;
        return words > 0 && is_capital(rd, ahead + words) ? words : 0;
}

/* "Earth, Wind & Fire": a comma before the last but one. */
static bool is_listed(struct rf_reading *rd, size_t ahead)
{
        const struct rf_token *sign = rf_reading_at(rd, ahead + 1);

        return ahead == 1 && sign && !sign->begins_clause && strcmp(sign->written, "&") == 0 && is_capital(rd, ahead + 2);
}

/* How many words of a name with capitals begin here. */
static size_t capitals_at(struct rf_reading *rd)
{
        size_t words = rf_reading_is(rd, 0, the) && is_capital(rd, 0) && is_capital(rd, 1) ? 1 : 0, link;

        if (words == 0 && rf_is_filler(rf_reading_at(rd, 0)->folded))
                return 0;
        while (words < NAME_WORDS_MAX && rf_reading_at(rd, words)) {
                const struct rf_token *t = rf_reading_at(rd, words);

                if (t->is_capital && (words == 0 || !t->begins_clause || is_listed(rd, words)))
                        words++;
                else if (words > 0 && (link = link_at(rd, words)) > 0)
                        words += link;
                else
                        break;
        }
        while (words > 1 && rf_is_music_noun(rf_reading_at(rd, words - 1)->folded))
                words--;
        return words;
}

bool rf_named_all_capital(struct rf_reading *rd)
{
        static const char *const small[] = { "a", "an", "and", "the", "of", "in", "on", "for", "to", "with", NULL };

        for (size_t i = 0; i < rd->n; i++)
                if (!rd->t[i].is_capital && isalpha((unsigned char)rd->t[i].folded[0]) && !rf_is_one_of(rd->t[i].folded, small))
                        return false;
        return true;
}

/* Whether the lexicon knows all of the next words. */
static bool is_covered(struct rf_reading *rd, size_t words)
{
        size_t at = 0, phrase;

        while (at < words)
                if (rf_phrases_at(rd, at, &phrase))
                        at += phrase;
                else if (rf_is_filler(rf_reading_at(rd, at)->folded))
                        at++;
                else
                        return false;
        return true;
}

bool rf_named_take_title(struct rf_reading *rd)
{
        size_t words = capitals_at(rd), phrase;
        const struct rf_entry *e;

        if (words < 2 || (rd->all_capital && !rf_reading_is(rd, 0, the)) || is_covered(rd, words))
                return false;
        e = rf_phrases_at(rd, 0, &phrase);
        /* a sentence begins with a capital, too: "Sad Radiohead songs" */
        if (e && (phrase > 1 || (rd->at == 0 && !is_thing(e))))
                return false;
        take_name(rd, words, false, is_title(rd, words));
        return true;
}

/* "Radiohead", "Radiohead songs", "Radiohead, Muse": not merely how a sentence begins. */
static bool stands_alone(struct rf_reading *rd)
{
        const struct rf_token *next = rf_reading_at(rd, 1);

        return !next || next->begins_clause || rf_is_music_noun(next->folded) ||
               (rf_is_joiner(next->folded) && is_capital(rd, 2));
}

bool rf_named_take_capitals(struct rf_reading *rd)
{
        size_t words = capitals_at(rd);
        bool is_sure = rd->expects_name || rd->negated;

        if (words == 0)
                return false;
        if (words == 1 && rd->at == 0 && !is_sure && !stands_alone(rd))
                return false;
        if (words == 1 && rd->is_german && !rd->expects_name && !rd->may_be_name && rd->n > 1)
                return false;
        take_name(rd, words, false, (words > 1 || (rd->expects_name && rd->seed_only)) && is_title(rd, words));
        return true;
}
