#include "flow/tokens.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "flow/number_words.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The quotation marks that open or close; a straight one does both. */
static size_t quote_size(const char *s)
{
        static const char *const marks[] = { "\"", "“", "”", "„", "«", "»" };

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (strncmp(s, marks[i], strlen(marks[i])) == 0)
                        return strlen(marks[i]);
        return 0;
}

static bool is_space(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_mark(char c)
{
        return c && strchr(",.;:!?()[]{}", c) != NULL;
}

static bool has_mate(const char *after)
{
        for (; *after; after++)
                if (quote_size(after))
                        return true;
        return false;
}

/* ---- Emoji: each is a word, however closely they stand ---- */

/* The code point at `s`, and its bytes; the text is valid UTF-8. */
static uint32_t code_point(const char *s, size_t *ret_size)
{
        const unsigned char *u = (const unsigned char *)s;

        if (u[0] >= 0xf0) {
                *ret_size = 4;
                return (u[0] & 7u) << 18 | (u[1] & 63u) << 12 | (u[2] & 63u) << 6 | (u[3] & 63u);
        }
        if (u[0] >= 0xe0) {
                *ret_size = 3;
                return (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
        }
        *ret_size = u[0] >= 0xc0 ? 2 : 1;
        return *ret_size == 2 ? (u[0] & 31u) << 6 | (u[1] & 63u) : u[0];
}

/* Bytes of the pictograph at `s`; 0: it is none. Blocks: Miscellaneous Symbols, Dingbats, Stars, and the pictographs of plane 1. */
static size_t emoji_size(const char *s)
{
        size_t size;
        uint32_t c = code_point(s, &size);

        return (c >= 0x2600 && c <= 0x27bf) || (c >= 0x2b50 && c <= 0x2b55) || (c >= 0x1f000 && c <= 0x1faff) ? size : 0;
}

/* What only changes how it looks: variation selectors, skin tones, and what is joined to it. */
static size_t modifier_size(const char *s)
{
        size_t size, joined;
        uint32_t c = code_point(s, &size);

        if (c == 0x200d) {
                joined = emoji_size(s + size);
                return joined ? size + joined : size;
        }
        return c == 0xfe0f || c == 0xfe0e || (c >= 0x1f3fb && c <= 0x1f3ff) ? size : 0;
}

/* Bytes of a pictograph with what changes its looks. */
static size_t whole_emoji_size(const char *s)
{
        size_t all = emoji_size(s), more;

        while (all > 0 && (more = modifier_size(s + all)) > 0)
                all += more;
        return all;
}

/* ---- Hyphens ---- */

static size_t hyphen_size(const char *s)
{
        return *s == '-' ? 1 : strncmp(s, "–", strlen("–")) == 0 ? strlen("–") : 0;
}

/* "1990" of "1990-1995", "70s" of "70s-80s", "two" of "two-hour": what a hyphen behind it ends. */
static bool is_number(const char *s, size_t size)
{
        size_t digits = 0;

        while (digits < size && ((s[digits] >= '0' && s[digits] <= '9') || (s[digits] == '.' && digits > 0)))
                digits++;
        if (digits > 0)
                return digits == size || (digits + 1 == size && s[digits] == 's');
        return rf_number_word(s, size) >= 0;
}

/* ---- Words ---- */

/* Where the prompt is being cut into words. */
struct scan {
        const char *p;
        bool in_quote, opens, clause, joined;
};

/* One word of it, before it's copied. */
struct piece {
        const char *at;
        size_t size;
        bool is_emoji, begins_clause, is_quoted, opens_quote, is_joined;
};

static size_t word_size(const char *p, bool in_quote)
{
        size_t size = 0;

        while (p[size] && !is_space(p[size]) && !quote_size(p + size) && (p[size] == '.' || !is_mark(p[size])) &&
               (size == 0 || !emoji_size(p + size))) {
                if (size > 0 && !in_quote && hyphen_size(p + size) && is_number(p, size))
                        break;
                size++;
        }
        while (size > 1 && p[size - 1] == '.')
                size--;
        return size;
}

/* The next word; false at the end. */
static bool next_piece(struct scan *s, struct piece *ret)
{
        while (*s->p) {
                size_t quote = quote_size(s->p);

                if (quote) {
                        s->in_quote = !s->in_quote && has_mate(s->p + quote); /* an unbalanced one means nothing */
                        s->opens = s->in_quote;
                        s->p += quote;
                        continue;
                }
                if (is_space(*s->p) || (is_mark(*s->p) && !(s->p[0] == '.' && s->p[1] >= '0' && s->p[1] <= '9'))) {
                        s->clause |= is_mark(*s->p);
                        s->p++;
                        continue;
                }
                *ret = (struct piece){ .at = s->p, .size = whole_emoji_size(s->p), .begins_clause = s->clause, .is_quoted = s->in_quote,
                                       .opens_quote = s->opens, .is_joined = s->joined };
                ret->is_emoji = ret->size > 0;
                if (!ret->is_emoji)
                        ret->size = word_size(s->p, s->in_quote);
                s->p += ret->size;
                s->clause = s->opens = s->joined = false;
                /* a hyphen joins what it stands between */
                if (!s->in_quote && !ret->is_emoji && hyphen_size(s->p) && is_number(ret->at, ret->size)) {
                        s->p += hyphen_size(s->p);
                        s->joined = *s->p && !is_space(*s->p) && !is_mark(*s->p) && !quote_size(s->p) && !emoji_size(s->p);
                }
                return true;
        }
        return false;
}

static int add(struct rf_arena *a, struct rf_token *t, const struct piece *p)
{
        _cleanup_free_ char *folded = NULL;

        *t = (struct rf_token){ .written = rf_arena_strndup(a, p->at, p->size), .begins_clause = p->begins_clause,
                                .is_quoted = p->is_quoted, .opens_quote = p->opens_quote, .is_joined = p->is_joined };
        if (!t->written)
                return -ENOMEM;
        if (p->is_emoji) {
                t->folded = rf_arena_strndup(a, p->at, emoji_size(p->at));
                return t->folded ? 0 : -ENOMEM;
        }
        folded = rf_text_fold(t->written);
        if (!folded)
                return -ENOMEM;
        t->folded = folded[0] ? rf_arena_strdup(a, folded) : t->written;
        t->is_capital = rf_text_is_capital(t->written);
        return t->folded ? 0 : -ENOMEM;
}

size_t rf_tokens_count(const char *prompt)
{
        struct scan s = { .p = prompt, .clause = true };
        struct piece p;
        size_t n = 0;

        while (next_piece(&s, &p))
                n++;
        return n;
}

int rf_tokens(struct rf_arena *a, const char *prompt, struct rf_token **ret, size_t *ret_n)
{
        struct rf_token *tokens = rf_arena_array(a, RF_PROMPT_WORDS_MAX, sizeof(*tokens));
        struct scan s = { .p = prompt, .clause = true };
        struct piece p;
        size_t n = 0;

        if (!tokens)
                return -ENOMEM;
        while (next_piece(&s, &p)) {
                int r = n < RF_PROMPT_WORDS_MAX ? add(a, &tokens[n++], &p) : -RF_ELIMIT;

                if (r < 0)
                        return r;
        }
        *ret = tokens;
        *ret_n = n;
        return 0;
}
