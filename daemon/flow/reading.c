#include "flow/reading.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"

bool rf_is_one_of(const char *word, const char *const *list)
{
        for (; *list; list++)
                if (strcmp(word, *list) == 0)
                        return true;
        return false;
}

struct rf_token *rf_reading_at(struct rf_reading *rd, size_t ahead)
{
        return rd->at + ahead < rd->n ? &rd->t[rd->at + ahead] : NULL;
}

size_t rf_reading_is(struct rf_reading *rd, size_t ahead, const char *const *list)
{
        const struct rf_token *t = rf_reading_at(rd, ahead);

        return t && rf_is_one_of(t->folded, list) ? 1 : 0;
}

size_t rf_reading_matches(struct rf_reading *rd, const char *phrase)
{
        size_t words = 0;

        for (const char *p = phrase; *p; words++) {
                size_t size = strcspn(p, " ");
                const struct rf_token *t = rf_reading_at(rd, words);

                if (!t || strlen(t->folded) != size || strncmp(t->folded, p, size) != 0 || (words > 0 && t->begins_clause))
                        return 0;
                p += size + (p[size] == ' ');
        }
        return words;
}

const char *rf_reading_written(struct rf_reading *rd, size_t from, size_t n)
{
        char *joined = NULL;

        for (size_t i = from; i < from + n; i++)
                joined = joined ? rf_arena_printf(&rd->b->arena, "%s %s", joined, rd->t[i].written) :
                                  rf_arena_strdup(&rd->b->arena, rd->t[i].written);
        if (!joined)
                rd->error = -ENOMEM;
        return joined ? joined : "";
}

void rf_reading_add_term(struct rf_reading *rd, enum rf_term_kind kind, size_t words, const char *meaning, bool corrected)
{
        struct rf_brief *b = rd->b;
        char *copy = rf_arena_strdup(&b->arena, meaning);

        rd->has_negated = true;

        if (!copy)
                rd->error = -ENOMEM;
        if (b->n_terms < RF_BRIEF_TERMS_MAX && copy)
                b->terms[b->n_terms++] = (struct rf_term){ .kind = kind, .words = rf_reading_written(rd, rd->at, words), .meaning = copy,
                                                           .negated = rd->negated, .weight_milli = (uint16_t)(rd->emphasis * 1000),
                                                           .corrected = corrected };
        rd->at += words;
        rd->emphasis = 1;
        rd->expects_name = rd->may_be_name = false;
}

void rf_reading_leave(struct rf_reading *rd, size_t words)
{
        struct rf_brief *b = rd->b;

        for (size_t i = 0; i < words; i++)
                if (b->n_not_understood < RF_PROMPT_WORDS_MAX)
                        b->not_understood[b->n_not_understood++] = rf_reading_at(rd, i)->written;
        rd->at += words;
        rd->has_negated = true;
}

void rf_brief_add_text(const char **list, size_t *n, size_t max, const char *text)
{
        if (*n < max)
                list[(*n)++] = text;
}
