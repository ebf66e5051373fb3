/*
 * From words to a brief. Read from left to right: at each place the longest phrase that means something wins; grammar words before it
 * (negation, "very", "like", "by") change what it does. What no rule takes is reported as not understood.
 */
#include "flow/understand.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "flow/eras.h"
#include "flow/grammar.h"
#include "flow/lexicon.h"
#include "flow/named.h"
#include "flow/phrases.h"
#include "flow/quantities.h"
#include "flow/reading.h"
#include "flow/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACKS_OBSCURE_MAX = 20, TRACKS_OBSCURE_MIN = 12 };

/* ---- Grammar ---- */

/* "I would like", "I feel like" compare with nothing. */
static bool is_wish_word(const struct rf_reading *rd)
{
        static const char *const before[] = { "id", "would", "wed", "youd", "feel", "feels", NULL };

        return rd->at > 0 && rf_is_one_of(rd->t[rd->at - 1].folded, before);
}

/* "von" names who made it only before a name. */
static bool is_by(struct rf_reading *rd)
{
        const struct rf_token *next = rf_reading_at(rd, 1);
        size_t phrase;

        return strcmp(rf_reading_at(rd, 0)->folded, "by") == 0 ||
               (strcmp(rf_reading_at(rd, 0)->folded, "von") == 0 && next && next->is_capital && !rf_phrases_at(rd, 1, &phrase));
}

static bool take_grammar(struct rf_reading *rd)
{
        static const char *const louder[] = { "very", "really", "super", "extremely", "most", "mostly", "sehr", "muy", "tres", "muito", NULL };
        static const char *const softer[] = { "slightly", "little", "somewhat", "bit", "mildly", "leicht", "poco", NULL };
        static const char *const likes[] = { "like", "similar", "resembling", "wie", "como", "comme", NULL };
        const char *word = rf_reading_at(rd, 0)->folded;

        if (rf_is_one_of(word, louder) || rf_is_one_of(word, softer)) {
                rd->emphasis = rf_is_one_of(word, louder) ? 1.3f : 0.6f;
                rd->at++;
                return true;
        }
        if (is_by(rd) || rf_is_one_of(word, likes)) {
                rd->expects_name = !rf_is_one_of(word, likes) || !is_wish_word(rd);
                rd->seed_only = rf_is_one_of(word, likes);
                rd->at++;
                /* "similar to": the preposition is of it */
                rd->at += strcmp(word, "similar") == 0 && rf_reading_at(rd, 0) && strcmp(rf_reading_at(rd, 0)->folded, "to") == 0;
                return true;
        }
        return false;
}

static void leave_word(struct rf_reading *rd)
{
        static const char *const indefinite[] = { "a", "an", "some", "my", "this", "that", NULL };
        const struct rf_token *t = rf_reading_at(rd, 0);

        if (!t->is_used && !rf_is_filler(t->folded) && rd->b->n_not_understood < RF_PROMPT_WORDS_MAX)
                rd->b->not_understood[rd->b->n_not_understood++] = t->written;
        rd->expects_name &= !rf_is_one_of(t->folded, indefinite); /* "sounds like a movie" */
        rd->may_be_name &= strcmp(t->folded, "the") == 0 || rf_is_joiner(t->folded);
        rd->at++;
}

/* What a word ends of what was said before it, whatever it means itself. */
static void end_before(struct rf_reading *rd, const struct rf_token *t)
{
        static const char *const mores[] = { "more", "mehr", "mas", NULL };
        bool is_but = strcmp(t->folded, "but") == 0, is_denied = rd->at > 0 && rf_is_negation(rd->t[rd->at - 1].folded);

        if (t->begins_clause || is_but) {
                rd->negated = false;
                rd->expects_name &= !t->begins_clause;
                rd->may_be_name = false;
        }
        if (rf_is_preposition(t->folded)) {
                rd->negated &= is_denied && !rd->has_negated; /* "not for a party" */
                rd->may_be_name = rd->expects_name = false;
        }
        /* "less sad and more energetic" */
        if ((rd->negates_one && rd->has_negated && !rf_is_joiner(t->folded)) || (rf_is_one_of(t->folded, mores) && !is_denied))
                rd->negated = false;
        if (rf_is_joiner(t->folded))
                rd->has_negated = false;
}

/* A word misspelt. One with a capital is rather a name, unless its place or its language gave it that. */
static bool take_misspelt(struct rf_reading *rd)
{
        const struct rf_token *t = rf_reading_at(rd, 0);
        const struct rf_entry *similar;

        if (rf_is_filler(t->folded) || (t->is_capital && rd->at > 0 && !rd->is_german))
                return false;
        similar = rf_lexicon_find_similar(rd->l, t->folded);
        if (similar)
                rf_phrases_take_entry(rd, similar, 1, true);
        return similar != NULL;
}

static void take_next(struct rf_reading *rd)
{
        const struct rf_token *t = rf_reading_at(rd, 0);

        if (t->is_used) {
                rd->at++;
                return;
        }
        end_before(rd, t);
        if (rf_named_take_quoted(rd) || rf_named_take_lower(rd) || rf_quantities_take(rd) ||
            (rd->expects_name && t->is_capital && rf_named_take_capitals(rd)) || rf_named_take_title(rd))
                return;
        if (rf_denial_take_several(rd) || rf_phrases_take(rd) || rf_denial_take(rd) || take_grammar(rd))
                return;
        if ((t->is_capital && rd->at == 0 && take_misspelt(rd)) || rf_named_take_capitals(rd) || take_misspelt(rd))
                return;
        leave_word(rd);
}

/* To the end; past the limit of terms the rest is told as not understood. */
static void read_all(struct rf_reading *rd)
{
        while (rd->at < rd->n && rd->b->n_terms < RF_BRIEF_TERMS_MAX)
                take_next(rd);
        while (rd->at < rd->n)
                leave_word(rd);
        rf_eras_finish(rd);
}

/* ---- The whole ---- */

/* "at least 30 songs", "no more than 10": the usual number, as far as they allow. */
static void keep_edges(struct rf_brief *b)
{
        if (b->n_tracks_least > 0) {
                b->n_tracks = MAX(b->n_tracks, b->n_tracks_least);
                b->n_tracks_min = MAX(b->n_tracks_min, b->n_tracks_least);
                b->n_tracks_max = MAX(b->n_tracks_max, b->n_tracks_least);
        }
        if (b->n_tracks_most > 0) {
                b->n_tracks = MIN(b->n_tracks, b->n_tracks_most);
                b->n_tracks_min = MIN(b->n_tracks_min, b->n_tracks_most);
                b->n_tracks_max = MIN(b->n_tracks_max, b->n_tracks_most);
        }
}

/* Playlist target (the workflow's rules): the more is wished of the features, the fewer and better the tracks. */
static void set_playlist_target(struct rf_brief *b)
{
        size_t wished = 0, heavy = 0;

        for (int f = 0; f < RF_FEATURE_COUNT; f++) {
                wished += b->targets[f].is_set;
                heavy += b->targets[f].is_set && b->targets[f].weight > 0.7f;
        }
        if (wished <= 4 || heavy <= 2) {
                b->n_tracks_min = 15;
                b->n_tracks_max = 30;
                b->quality_threshold = 0.70f;
        } else if (wished >= 8 || heavy >= 4) {
                b->n_tracks_min = 12;
                b->n_tracks_max = 25;
                b->quality_threshold = 0.80f;
        } else {
                b->n_tracks_min = 15;
                b->n_tracks_max = 25;
                b->quality_threshold = 0.75f;
        }
        b->strictness = b->quality_threshold;
        if (b->n_tracks_origin != RF_FROM_DEFAULT) {
                b->n_tracks_min = b->n_tracks_max = b->n_tracks;
                return;
        }
        b->n_tracks = wished <= 4 || heavy <= 2 ? 25 : wished >= 8 || heavy >= 4 ? 18 : 20;
        if (b->wants_obscure) {
                b->n_tracks = MIN(b->n_tracks, (uint32_t)TRACKS_OBSCURE_MAX);
                b->n_tracks_min = TRACKS_OBSCURE_MIN;
        }
        keep_edges(b);
}

static void set_kind(struct rf_brief *b)
{
        bool has_track = false, has_artist = false, names_genre = false;

        for (size_t i = 0; i < b->n_mentions; i++) {
                has_track |= b->mentions[i].track != NULL;
                has_artist |= b->mentions[i].artist != NULL && !b->mentions[i].track && !b->mentions[i].is_seed_only;
        }
        for (size_t i = 0; i < b->n_genres; i++)
                names_genre |= b->genres[i].is_named;
        b->kind = has_track    ? RF_KIND_SPECIFIC_TRACK_SIMILAR :
                  has_artist   ? RF_KIND_ARTIST_FOCUS :
                  names_genre  ? RF_KIND_GENRE_EXPLORATION :
                                 RF_KIND_MOOD_VARIETY;
        if (b->artist_cap_origin == RF_FROM_DEFAULT)
                b->artist_cap = b->kind == RF_KIND_ARTIST_FOCUS ? RF_TRACKS_MAX : 2;
}

/* Options say more than words. */
static int apply_options(struct rf_reading *rd, const struct rf_wish *w)
{
        struct rf_brief *b = rd->b;

        if (w->n_tracks > 0) {
                b->n_tracks = MIN(w->n_tracks, RF_TRACKS_MAX);
                b->n_tracks_origin = RF_FROM_OPTION;
        }
        if (w->duration_s > 0) {
                b->duration_s = w->duration_s;
                b->duration_origin = RF_FROM_OPTION;
        }
        if (w->has_arc) {
                b->arc = w->arc;
                b->arc_origin = RF_FROM_OPTION;
        }
        if (w->no_explicit)
                b->explicit_allowed = 0;
        for (size_t i = 0; i < w->n_exclude_artists; i++) {
                const char *name = rf_arena_strdup(&b->arena, w->exclude_artists[i]);

                if (!name)
                        return -ENOMEM;
                rf_brief_add_text(b->excluded_artists, &b->n_excluded_artists, RF_EXCLUSIONS_MAX, name);
        }
        for (size_t i = 0; i < w->n_like; i++) {
                const char *dash = strstr(w->like[i], " - ");
                struct rf_mention m = { .is_quoted = true, .is_seed_only = true };

                if (b->n_mentions == RF_MENTIONS_MAX) {
                        rf_named_leave_out(b, w->like[i]);
                        continue;
                }
                m.artist = dash ? rf_arena_strndup(&b->arena, w->like[i], (size_t)(dash - w->like[i])) :
                                  rf_arena_strdup(&b->arena, w->like[i]);
                m.track = dash ? rf_arena_strdup(&b->arena, dash + 3) : NULL;
                if (!m.artist || (dash && !m.track))
                        return -ENOMEM;
                b->mentions[b->n_mentions++] = m;
        }
        return 0;
}

static int set_title(struct rf_brief *b)
{
        char *title;

        if (b->n_terms == 0) {
                b->title = "Playlist";
                return 0;
        }
        title = rf_arena_strndup(&b->arena, b->prompt, rf_utf8_clip(b->prompt, 60));
        if (!title)
                return -ENOMEM;
        for (char *c = title; *c; c++)
                if (*c >= 'a' && *c <= 'z' && (c == title || c[-1] == ' '))
                        *c = (char)(*c - 'a' + 'A');
        b->title = title;
        return 0;
}

static int allocate(struct rf_brief *b, const char *prompt)
{
        b->prompt = rf_arena_strdup(&b->arena, prompt);
        b->terms = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(*b->terms));
        b->genres = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(*b->genres));
        b->mentions = rf_arena_array(&b->arena, RF_MENTIONS_MAX, sizeof(*b->mentions));
        b->not_understood = rf_arena_array(&b->arena, RF_PROMPT_WORDS_MAX, sizeof(char *));
        b->excluded_artists = rf_arena_array(&b->arena, RF_EXCLUSIONS_MAX, sizeof(char *));
        b->excluded_genres = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(char *));
        b->languages = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(char *));
        b->regions = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(char *));
        b->excluded_regions = rf_arena_array(&b->arena, RF_BRIEF_TERMS_MAX, sizeof(char *));
        b->excluded_years = rf_arena_array(&b->arena, 2 * RF_BRIEF_TERMS_MAX, sizeof(*b->excluded_years));
        b->left_out = rf_arena_array(&b->arena, RF_LEFT_OUT_MAX, sizeof(*b->left_out));
        b->explicit_allowed = 1;
        b->arc = RF_ARC_PEAK; /* the set of a DJ: opening, build, height, descent, closure */
        return b->prompt && b->terms && b->genres && b->mentions && b->not_understood && b->excluded_artists && b->excluded_genres &&
                               b->languages && b->regions && b->excluded_regions && b->excluded_years && b->left_out ?
                       0 :
                       -ENOMEM;
}

int rf_understand(const struct rf_lexicon *l, const struct rf_wish *wish, struct rf_brief **ret)
{
        const char *prompt = wish->prompt ? wish->prompt : "";
        _cleanup_(rf_brief_freep) struct rf_brief *b = NULL;
        struct rf_reading rd = { .l = l, .emphasis = 1 };
        int r;

        if (strlen(prompt) > RF_PROMPT_MAX)
                return -RF_ELIMIT;
        if (!rf_utf8_is_valid(prompt, strlen(prompt)))
                return -EINVAL;
        b = rf_brief_new();
        if (!b)
                return -ENOMEM;
        r = allocate(b, prompt);
        if (r >= 0)
                r = rf_tokens(&b->arena, prompt, &rd.t, &rd.n);
        if (r < 0)
                return r;
        if (rd.n == 0 && wish->n_like == 0)
                return -RF_EPROMPT;
        rd.b = b;
        rd.is_german = rf_is_german(&rd);
        rd.all_capital = rf_named_all_capital(&rd);
        read_all(&rd);
        r = rd.error < 0 ? rd.error : apply_options(&rd, wish);
        if (r < 0)
                return r;
        set_kind(b);
        set_playlist_target(b);
        r = set_title(b);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}
