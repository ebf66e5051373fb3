/*
 * From words to a brief. Read from left to right: at each place the longest phrase that means something wins; grammar words before it
 * (negation, "very", "like", "by") change what it does. What no rule takes is reported as not understood.
 */
#include "flow/understand.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "flow/cohesion.h"
#include "flow/lexicon.h"
#include "flow/tokens.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACKS_OBSCURE_MAX = 20, TRACKS_OBSCURE_MIN = 12, NAME_WORDS_MAX = 5 };

struct reading {
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
        int error;
};

static bool is_one_of(const char *word, const char *const *list)
{
        for (; *list; list++)
                if (strcmp(word, *list) == 0)
                        return true;
        return false;
}

static const char *const negations[] = { "no", "not", "without", "except", "avoid", "excluding", "exclude", "nothing", "never", "minus",
                                         "dont", "but", "ohne", "kein", "keine", "keinen", "nicht", "sin", "nada", "sans", "pas", "sem",
                                         "senza", "nao", NULL };
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
                                       "und", "mit", "con", "avec", "com", "bit", "sounds", "sound", "tunes", "play", "listen", "hour", "since", "before", "after", "until", "between",
                                       NULL };

static struct rf_token *here(struct reading *rd, size_t ahead)
{
        return rd->at + ahead < rd->n ? &rd->t[rd->at + ahead] : NULL;
}

static const char *written(struct reading *rd, size_t from, size_t n)
{
        char *joined = NULL;

        for (size_t i = from; i < from + n; i++)
                joined = joined ? rf_arena_printf(&rd->b->arena, "%s %s", joined, rd->t[i].written) :
                                  rf_arena_strdup(&rd->b->arena, rd->t[i].written);
        if (!joined)
                rd->error = -ENOMEM;
        return joined ? joined : "";
}

static void add_term(struct reading *rd, enum rf_term_kind kind, size_t words, const char *meaning, bool corrected)
{
        struct rf_brief *b = rd->b;
        char *copy = rf_arena_strdup(&b->arena, meaning);

        rd->has_negated = true;

        if (!copy)
                rd->error = -ENOMEM;
        if (b->n_terms < RF_BRIEF_TERMS_MAX && copy)
                b->terms[b->n_terms++] = (struct rf_term){ .kind = kind, .words = written(rd, rd->at, words), .meaning = copy,
                                                           .negated = rd->negated, .weight_milli = (uint16_t)(rd->emphasis * 1000),
                                                           .corrected = corrected };
        rd->at += words;
        rd->emphasis = 1;
        rd->expects_name = false;
}

static void add_text(struct reading *rd, const char **list, size_t *n, size_t max, const char *text)
{
        if (*n < max)
                list[(*n)++] = text;
        (void)rd;
}

/* ---- What phrases do ---- */

/* The other side of a range, where a feature has one: "not sad" is on the bright side, not merely anything but sad. */
static void turn_round(struct rf_target *t)
{
        float middle = (t->low + t->high) / 2;

        if (middle < 0.5f) {
                t->low = t->high + 0.1f > 0.5f ? 0.5f : t->high + 0.1f;
                t->high = 1;
        } else {
                t->high = t->low - 0.1f < 0.5f ? 0.5f : t->low - 0.1f;
                t->low = 0;
        }
}

/* Ranges that overlap are narrowed to what both allow; others meet at their weighted middle. */
static void merge_target(struct rf_target *into, const struct rf_target *t)
{
        float total = into->weight + t->weight;

        if (!into->is_set) {
                *into = *t;
                return;
        }
        if (into->is_hard != t->is_hard) {
                if (t->is_hard)
                        *into = *t;
                return;
        }
        if (MAX(into->low, t->low) <= MIN(into->high, t->high)) {
                into->low = MAX(into->low, t->low);
                into->high = MIN(into->high, t->high);
        } else if (total > 0) {
                into->low = (into->low * into->weight + t->low * t->weight) / total;
                into->high = (into->high * into->weight + t->high * t->weight) / total;
        }
        into->weight = MAX(into->weight, t->weight);
}

static void add_genre(struct reading *rd, const char *name, float weight, bool is_named)
{
        struct rf_brief *b = rd->b;

        for (size_t i = 0; i < b->n_genres; i++)
                if (strcmp(b->genres[i].name, name) == 0) {
                        b->genres[i].weight = MAX(b->genres[i].weight, weight);
                        b->genres[i].is_named |= is_named;
                        return;
                }
        if (b->n_genres < RF_BRIEF_TERMS_MAX)
                b->genres[b->n_genres++] = (struct rf_genre_wish){ .name = name, .weight = weight, .is_named = is_named };
}

static void apply_target(struct reading *rd, const struct rf_effect *e)
{
        struct rf_target t = { .is_set = true, .low = e->low, .high = e->high, .is_hard = e->is_hard };

        t.weight = MIN(1.0f, e->weight * rd->emphasis);
        if (rd->negated) {
                if (e->feature >= RF_FEATURE_KEY)
                        return; /* "not slow" says nothing certain of the tempo */
                turn_round(&t);
        }
        merge_target(&rd->b->targets[e->feature], &t);
}

static void apply(struct reading *rd, const struct rf_effect *e)
{
        struct rf_brief *b = rd->b;

        if (e->kind == RF_EFFECT_TARGET) {
                apply_target(rd, e);
                return;
        }
        if (rd->negated) {
                if (e->kind == RF_EFFECT_REGION)
                        add_text(rd, b->excluded_regions, &b->n_excluded_regions, RF_BRIEF_TERMS_MAX, e->name);
                return;
        }
        switch (e->kind) {
        case RF_EFFECT_GENRE:
                add_genre(rd, e->name, e->weight, false);
                break;
        case RF_EFFECT_ERA:
                b->year_from = e->year_from;
                b->year_to = e->year_to;
                break;
        case RF_EFFECT_LANGUAGE:
                add_text(rd, b->languages, &b->n_languages, RF_BRIEF_TERMS_MAX, e->name);
                break;
        case RF_EFFECT_REGION:
                add_text(rd, b->regions, &b->n_regions, RF_BRIEF_TERMS_MAX, e->name);
                break;
        case RF_EFFECT_ARC:
                b->arc = e->arc;
                b->arc_origin = RF_FROM_PROMPT;
                break;
        case RF_EFFECT_OBSCURE:
                b->wants_obscure = true;
                break;
        case RF_EFFECT_POPULAR:
                b->wants_popular = true;
                break;
        case RF_EFFECT_VERSIONS:
                b->allows_versions = true;
                break;
        default:
                b->explicit_allowed = 0;
        }
}

static void take_entry(struct reading *rd, const struct rf_entry *e, size_t words, bool corrected)
{
        if (e->kind == RF_TERM_GENRE && rd->negated)
                add_text(rd, rd->b->excluded_genres, &rd->b->n_excluded_genres, RF_BRIEF_TERMS_MAX, e->meaning);
        else if (e->kind == RF_TERM_GENRE)
                add_genre(rd, e->meaning, 1.0f, true);
        for (size_t i = 0; i < e->n_effects; i++)
                apply(rd, &e->effects[i]);
        add_term(rd, e->kind, words, e->meaning, corrected);
}

static bool take_phrase(struct reading *rd)
{
        for (size_t words = RF_PHRASE_WORDS_MAX; words > 0; words--) {
                char phrase[256] = "";
                const struct rf_entry *e;

                if (rd->at + words > rd->n)
                        continue;
                for (size_t i = 0; i < words; i++) {
                        size_t used = strlen(phrase);

                        snprintf(phrase + used, sizeof(phrase) - used, "%s%s", i > 0 ? " " : "", here(rd, i)->folded);
                }
                e = rf_lexicon_find(rd->l, phrase);
                if (e) {
                        take_entry(rd, e, words, false);
                        return true;
                }
        }
        return false;
}

/* ---- Numbers ---- */

static const char *const number_words[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                                            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
                                            "nineteen", "twenty" };

/* "45", "45min", "1h30": the number, and what stands right behind it. */
static bool read_number(const char *word, double *ret, const char **ret_rest)
{
        char *end;

        if (isdigit((unsigned char)word[0])) {
                *ret = strtod(word, &end);
                *ret_rest = end;
                return *ret < 1e6;
        }
        for (size_t i = 0; i < ARRAY_SIZE(number_words); i++)
                if (strcmp(word, number_words[i]) == 0) {
                        *ret = (double)i;
                        *ret_rest = "";
                        return true;
                }
        if (strcmp(word, "thirty") == 0 || strcmp(word, "an") == 0 || strcmp(word, "half") == 0) {
                *ret = word[0] == 't' ? 30 : word[0] == 'a' ? 1 : 0.5;
                *ret_rest = "";
                return true;
        }
        return false;
}

static double seconds_in(const char *unit)
{
        static const char *const hours[] = { "h", "hr", "hour", "hours", "hrs", "stunde", "stunden", "hora", "horas", "heure", "heures", NULL };
        static const char *const minutes[] = { "min", "mins", "minute", "minutes", "m", "minuten", "minutos", NULL };

        return is_one_of(unit, hours) ? 3600 : is_one_of(unit, minutes) ? 60 : 0;
}

static void wish_duration(struct reading *rd, double seconds, size_t words)
{
        char meaning[32];

        if (seconds < 60 || seconds > 86400)
                seconds = CLAMP(seconds, 60.0, 86400.0);
        rd->b->duration_s = (uint32_t)seconds;
        rd->b->duration_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), "%u min", (unsigned)(seconds / 60));
        add_term(rd, RF_TERM_DURATION, words, meaning, false);
}

static void wish_count(struct reading *rd, double count, size_t words)
{
        char meaning[48];

        rd->b->n_tracks = (uint32_t)CLAMP(count, 1.0, (double)RF_TRACKS_MAX);
        rd->b->n_tracks_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), count > RF_TRACKS_MAX ? "%u tracks, the most possible" : "%u tracks", rd->b->n_tracks);
        add_term(rd, RF_TERM_COUNT_WISH, words, meaning, false);
}

static void wish_tempo(struct reading *rd, double low, double high, size_t words)
{
        struct rf_target t = { .is_set = true, .low = (float)low, .high = (float)high, .weight = 1, .is_hard = true };
        char meaning[48];

        snprintf(meaning, sizeof(meaning), low == high ? "%.0f bpm" : "%.0f to %.0f bpm", low, high);
        rd->b->targets[RF_FEATURE_TEMPO] = t;
        add_term(rd, RF_TERM_TEMPO, words, meaning, false);
}

/* "80s", "1980s", "90er", "1994": years. */
static bool take_years(struct reading *rd, double v, const char *rest)
{
        static const char *const decades[] = { "s", "er", "ies", NULL };
        const struct rf_token *previous = rd->at > 0 ? &rd->t[rd->at - 1] : NULL;
        unsigned from = (unsigned)v, to = from;
        char meaning[32];

        if (is_one_of(rest, decades)) {
                if (from < 100)
                        from += from < 30 ? 2000 : 1900;
                to = from + 9;
        } else if (*rest || from < 1900 || from > 2100)
                return false;
        if (previous && (strcmp(previous->folded, "since") == 0 || strcmp(previous->folded, "after") == 0))
                to = 0;
        else if (previous && (strcmp(previous->folded, "before") == 0 || strcmp(previous->folded, "until") == 0)) {
                to = from - 1;
                from = 0;
        } else if (previous && strcmp(previous->folded, "to") == 0 && rd->b->year_from > 0 && rd->b->year_from < from)
                from = rd->b->year_from;
        rd->b->year_from = (uint16_t)from;
        rd->b->year_to = (uint16_t)to;
        rd->b->era_is_strict = true;
        snprintf(meaning, sizeof(meaning), "%u-%u", from, to);
        add_term(rd, RF_TERM_ERA, 1, meaning, false);
        return true;
}

#define COUNTED_WITHIN 4u /* words from a number to what it counts */

static bool take_number(struct reading *rd)
{
        static const char *const things[] = { "songs", "song", "tracks", "track", "titles", "tunes", "pieces", "lieder", "canciones",
                                              NULL };
        const struct rf_token *next = here(rd, 1), *unit = next, *after;
        const char *rest, *second;
        double v, w;
        size_t words = 2;

        if (!read_number(here(rd, 0)->folded, &v, &rest))
                return false;
        if (seconds_in(rest) > 0) {
                wish_duration(rd, v * seconds_in(rest), 1);
                return true;
        }
        if (rest[0] == 'h' && read_number(rest + 1, &w, &second)) {
                wish_duration(rd, v * 3600 + w * 60, 1);
                return true;
        }
        if (strcmp(rest, "bpm") == 0) {
                wish_tempo(rd, v, v, 1);
                return true;
        }
        if (take_years(rd, v, rest))
                return true;
        if (*rest || !next)
                return false;
        if (strcmp(next->folded, "an") == 0 || strcmp(next->folded, "a") == 0) { /* "half an hour" */
                unit = here(rd, 2);
                words = 3;
        }
        if (unit && seconds_in(unit->folded) > 0) {
                wish_duration(rd, v * seconds_in(unit->folded), words);
                return true;
        }
        if (strcmp(next->folded, "bpm") == 0) {
                wish_tempo(rd, v, v, 2);
                return true;
        }
        after = here(rd, 2);
        if ((strcmp(next->folded, "and") == 0 || strcmp(next->folded, "to") == 0) && after && here(rd, 3) &&
            read_number(after->folded, &w, &rest) && strcmp(here(rd, 3)->folded, "bpm") == 0 && v < w) {
                wish_tempo(rd, v, w, 4);
                return true;
        }
        if (is_one_of(next->folded, things)) {
                wish_count(rd, v, 2);
                return true;
        }
        /* "10 calm piano tracks": the words between mean what they mean */
        for (size_t i = 2; i <= COUNTED_WITHIN && (after = here(rd, i)); i++)
                if (is_one_of(after->folded, things)) {
                        wish_count(rd, v, 1);
                        return true;
                }
        return false;
}

/* ---- Names ---- */

static void take_name(struct reading *rd, size_t words, bool quoted, bool as_track)
{
        struct rf_brief *b = rd->b;
        const char *name = written(rd, rd->at, words);

        if (rd->negated) {
                add_text(rd, b->excluded_artists, &b->n_excluded_artists, RF_EXCLUSIONS_MAX, name);
        } else if (b->n_mentions < RF_MENTIONS_MAX) {
                /* "So What" by Miles Davis: the artist belongs to the track just named */
                struct rf_mention *last = b->n_mentions > 0 ? &b->mentions[b->n_mentions - 1] : NULL;

                if (!as_track && last && last->track && !last->artist && rd->at > 0 && strcmp(rd->t[rd->at - 1].folded, "by") == 0)
                        last->artist = name;
                else
                        b->mentions[b->n_mentions++] = (struct rf_mention){ .artist = as_track ? NULL : name,
                                                                            .track = as_track ? name : NULL, .is_quoted = quoted,
                                                                            .is_seed_only = rd->seed_only };
        }
        add_term(rd, as_track ? RF_TERM_TRACK : RF_TERM_ARTIST, words, name, false);
}

/* A quoted run is a name for certain: a track, unless "by" or "like" stands before it. */
static bool take_quoted(struct reading *rd)
{
        size_t words = 1;

        if (!here(rd, 0)->opens_quote)
                return false;
        while (here(rd, words) && here(rd, words)->is_quoted && !here(rd, words)->opens_quote)
                words++;
        take_name(rd, words, true, !rd->expects_name && !rd->negated);
        return true;
}

/* A run of capitalised words that mean nothing else is a name; so is one word right after "by" or "like". */
static bool take_capitals(struct reading *rd)
{
        size_t words = 0;

        while (words < NAME_WORDS_MAX && here(rd, words)) {
                const struct rf_token *t = here(rd, words);

                if (!t->is_capital || (words > 0 && t->begins_clause) || (words == 0 && is_one_of(t->folded, fillers)))
                        break;
                words++;
        }
        if (words == 0 && rd->expects_name && !is_one_of(here(rd, 0)->folded, fillers))
                words = 1;
        /* a sentence begins with a capital, too: one word alone at its start is no name */
        if (words == 0 || (words == 1 && here(rd, 0)->begins_clause && rd->at == 0 && !rd->expects_name && !rd->negated))
                return false;
        take_name(rd, words, false, false);
        return true;
}

/* ---- Grammar ---- */

static bool take_grammar(struct reading *rd)
{
        static const char *const louder[] = { "very", "really", "super", "extremely", "most", "mostly", "sehr", "muy", "tres", "muito", NULL };
        static const char *const softer[] = { "slightly", "little", "somewhat", "bit", "mildly", "leicht", "poco", NULL };
        static const char *const likes[] = { "like", "similar", "resembling", "wie", "como", "comme", NULL };
        const char *word = here(rd, 0)->folded;

        if (is_one_of(word, negations)) {
                /* "but happier" turns the wish, "but not" excludes, "nothing but" is no exclusion at all */
                if (strcmp(word, "but") != 0) {
                        rd->negated = true;
                        rd->negates_one = is_one_of(word, adverbs);
                        rd->has_negated = false;
                }
                rd->at++;
                return true;
        }
        if (is_one_of(word, louder) || is_one_of(word, softer)) {
                rd->emphasis = is_one_of(word, louder) ? 1.3f : 0.6f;
                rd->at++;
                return true;
        }
        if (strcmp(word, "by") == 0 || is_one_of(word, likes)) {
                rd->expects_name = true;
                rd->seed_only = strcmp(word, "by") != 0;
                rd->at++;
                return true;
        }
        return false;
}

static void take_next(struct reading *rd)
{
        const struct rf_token *t = here(rd, 0);
        const struct rf_entry *similar;

        if (t->begins_clause || strcmp(t->folded, "but") == 0 || strcmp(t->folded, "and") == 0) {
                rd->negated = rd->negated && !t->begins_clause && strcmp(t->folded, "but") != 0;
                rd->expects_name = rd->expects_name && !t->begins_clause;
        }
        if (is_one_of(t->folded, prepositions) ||
            (rd->negates_one && rd->has_negated && !is_one_of(t->folded, joiners)))
                rd->negated = false;
        if (is_one_of(t->folded, joiners))
                rd->has_negated = false;
        if (take_quoted(rd) || take_number(rd) || (rd->expects_name && t->is_capital && take_capitals(rd)) || take_phrase(rd) ||
            take_grammar(rd) || take_capitals(rd))
                return;
        similar = t->is_capital ? NULL : rf_lexicon_find_similar(rd->l, t->folded);
        if (similar && !is_one_of(t->folded, fillers)) {
                take_entry(rd, similar, 1, true);
                return;
        }
        if (!is_one_of(t->folded, fillers) && rd->b->n_not_understood < RF_PROMPT_WORDS_MAX)
                rd->b->not_understood[rd->b->n_not_understood++] = t->written;
        rd->at++;
}

/* ---- The whole ---- */

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
        b->artist_cap = b->kind == RF_KIND_ARTIST_FOCUS ? RF_TRACKS_MAX : 2;
}

/* Options say more than words. */
static int apply_options(struct reading *rd, const struct rf_wish *w)
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
                add_text(rd, b->excluded_artists, &b->n_excluded_artists, RF_EXCLUSIONS_MAX, name);
        }
        for (size_t i = 0; i < w->n_like && b->n_mentions < RF_MENTIONS_MAX; i++) {
                const char *dash = strstr(w->like[i], " - ");
                struct rf_mention m = { .is_quoted = true, .is_seed_only = true };

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
        b->explicit_allowed = 1;
        b->arc = RF_ARC_PEAK; /* the set of a DJ: opening, build, height, descent, closure */
        return b->prompt && b->terms && b->genres && b->mentions && b->not_understood && b->excluded_artists && b->excluded_genres &&
                               b->languages && b->regions && b->excluded_regions ?
                       0 :
                       -ENOMEM;
}

int rf_understand(const struct rf_lexicon *l, const struct rf_wish *wish, struct rf_brief **ret)
{
        const char *prompt = wish->prompt ? wish->prompt : "";
        _cleanup_(rf_brief_freep) struct rf_brief *b = NULL;
        struct reading rd = { .l = l, .emphasis = 1 };
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
        while (rd.at < rd.n)
                take_next(&rd);
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
