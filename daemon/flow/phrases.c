#include "flow/phrases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "flow/cohesion.h"
#include "flow/eras.h"
#include "flow/lexicon.h"

/* The other side of a range, where a feature has one: "not sad" is on the bright side, not merely anything but sad. */
static void turn_round(struct rf_target *t, float whole)
{
        float middle = (t->low + t->high) / 2, half = whole / 2, apart = whole / 10;

        if (middle < half) {
                t->low = t->high + apart > half ? half : t->high + apart;
                t->high = whole;
        } else {
                t->high = t->low - apart < half ? half : t->low - apart;
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

static void add_genre(struct rf_reading *rd, const char *name, float weight, bool is_named)
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

/* False if nothing comes of it. */
static bool apply_target(struct rf_reading *rd, const struct rf_effect *e)
{
        struct rf_target t = { .is_set = true, .low = e->low, .high = e->high, .is_hard = e->is_hard };

        t.weight = MIN(1.0f, e->weight * rd->emphasis);
        if (rd->negated) {
                if (e->feature >= RF_FEATURE_KEY && e->feature != RF_FEATURE_POPULARITY)
                        return false; /* "not slow" says nothing certain of the tempo */
                turn_round(&t, e->feature == RF_FEATURE_POPULARITY ? 100 : 1);
                t.is_hard = t.is_hard && rd->emphasis >= 1; /* "less vocals" aren't none */
        }
        merge_target(&rd->b->targets[e->feature], &t);
        return true;
}

/* What is denied. False if nothing comes of it. */
static bool apply_denied(struct rf_reading *rd, const struct rf_effect *e)
{
        struct rf_brief *b = rd->b;

        if (e->kind == RF_EFFECT_REGION)
                rf_brief_add_text(b->excluded_regions, &b->n_excluded_regions, RF_BRIEF_TERMS_MAX, e->name);
        /* versions are left out anyway, unless they were wished; what isn't clean is allowed anyway */
        return e->kind == RF_EFFECT_REGION || e->kind == RF_EFFECT_VERSIONS || e->kind == RF_EFFECT_CLEAN;
}

static bool apply(struct rf_reading *rd, const struct rf_effect *e)
{
        struct rf_brief *b = rd->b;

        if (e->kind == RF_EFFECT_TARGET)
                return apply_target(rd, e);
        if (e->kind == RF_EFFECT_ERA) {
                rf_eras_take_phrase(rd, e->year_from, e->year_to);
                return true;
        }
        if (rd->negated)
                return apply_denied(rd, e);
        switch (e->kind) {
        case RF_EFFECT_GENRE:
                add_genre(rd, e->name, e->weight, false);
                break;
        case RF_EFFECT_LANGUAGE:
                rf_brief_add_text(b->languages, &b->n_languages, RF_BRIEF_TERMS_MAX, e->name);
                break;
        case RF_EFFECT_REGION:
                rf_brief_add_text(b->regions, &b->n_regions, RF_BRIEF_TERMS_MAX, e->name);
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
        return true;
}

/*
 * Why what was denied can't be kept, NULL if it may be. The opposite of an instrument or a season is no sound: "no christmas songs"
 * aren't sadder ones.
 */
static const char *why_not_denied(const struct rf_entry *e)
{
        switch (e->kind) {
        case RF_TERM_LANGUAGE:
                return "no service tells the language of a track";
        case RF_TERM_INSTRUMENT:
                return "no service tells the instruments of a track";
        case RF_TERM_WEATHER:
        case RF_TERM_TIME:
        case RF_TERM_PLACE:
                return "no service tells what a track is about";
        default:
                return NULL;
        }
}

static void leave_out_denied(struct rf_reading *rd, size_t words, const char *why)
{
        char wish[96];

        snprintf(wish, sizeof(wish), "%s %.80s", rd->emphasis < 1 ? "less" : rd->negates_one ? "not" : "no",
                 rf_reading_written(rd, rd->at, words));
        rf_brief_leave_out(rd->b, wish, why, NULL);
}

void rf_phrases_take_entry(struct rf_reading *rd, const struct rf_entry *e, size_t words, bool corrected)
{
        const char *why = rd->negated ? why_not_denied(e) : NULL;
        bool is_kept = e->kind == RF_TERM_GENRE;

        if (e->kind == RF_TERM_GENRE && rd->negated)
                rf_brief_add_text(rd->b->excluded_genres, &rd->b->n_excluded_genres, RF_BRIEF_TERMS_MAX, e->meaning);
        else if (e->kind == RF_TERM_GENRE)
                add_genre(rd, e->meaning, 1.0f, true);
        for (size_t i = 0; i < e->n_effects && !why; i++)
                is_kept |= apply(rd, &e->effects[i]);
        if (rd->negated && !is_kept)
                leave_out_denied(rd, words, why ? why : "nothing certain follows from it for how the music sounds");
        rf_reading_add_term(rd, e->kind, words, e->meaning, corrected);
}

const struct rf_entry *rf_phrases_at(struct rf_reading *rd, size_t ahead, size_t *ret_words)
{
        for (size_t words = RF_PHRASE_WORDS_MAX; words > 0; words--) {
                char phrase[256] = "";
                const struct rf_entry *e;

                if (rd->at + ahead + words > rd->n)
                        continue;
                for (size_t i = 0; i < words; i++) {
                        size_t used = strlen(phrase);

                        snprintf(phrase + used, sizeof(phrase) - used, "%s%s", i > 0 ? " " : "", rf_reading_at(rd, ahead + i)->folded);
                }
                e = rf_lexicon_find(rd->l, phrase);
                if (e) {
                        *ret_words = words;
                        return e;
                }
        }
        return NULL;
}

bool rf_phrases_take(struct rf_reading *rd)
{
        size_t words;
        const struct rf_entry *e = rf_phrases_at(rd, 0, &words);

        if (e)
                rf_phrases_take_entry(rd, e, words, false);
        return e != NULL;
}
