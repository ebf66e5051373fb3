#include "flow/tokens.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

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

static int add_emoji(struct rf_arena *a, struct rf_token *t, const char *s, size_t size, size_t *ret_all)
{
        size_t all = size, more;

        while ((more = modifier_size(s + all)) > 0)
                all += more;
        t->written = rf_arena_strndup(a, s, all);
        t->folded = rf_arena_strndup(a, s, size);
        *ret_all = all;
        return t->written && t->folded ? 0 : -ENOMEM;
}

static int add(struct rf_arena *a, struct rf_token *t, const char *s, size_t size)
{
        _cleanup_free_ char *folded = NULL;

        t->written = rf_arena_strndup(a, s, size);
        if (!t->written)
                return -ENOMEM;
        folded = rf_text_fold(t->written);
        if (!folded)
                return -ENOMEM;
        t->folded = folded[0] ? rf_arena_strdup(a, folded) : t->written;
        t->is_capital = s[0] >= 'A' && s[0] <= 'Z';
        return t->folded ? 0 : -ENOMEM;
}

int rf_tokens(struct rf_arena *a, const char *prompt, struct rf_token **ret, size_t *ret_n)
{
        struct rf_token *tokens = rf_arena_array(a, RF_PROMPT_WORDS_MAX, sizeof(*tokens));
        bool in_quote = false, opens = false, clause = true;
        size_t n = 0;

        if (!tokens)
                return -ENOMEM;
        for (const char *p = prompt; *p;) {
                size_t quote = quote_size(p), size = 0;
                int r;

                if (quote) {
                        in_quote = !in_quote && has_mate(p + quote); /* an unbalanced one means nothing */
                        opens = in_quote;
                        p += quote;
                        continue;
                }
                if (is_space(*p) || (is_mark(*p) && !(p[0] == '.' && p[1] >= '0' && p[1] <= '9'))) {
                        clause |= is_mark(*p);
                        p++;
                        continue;
                }
                if (n == RF_PROMPT_WORDS_MAX)
                        return -RF_ELIMIT;
                if (emoji_size(p))
                        r = add_emoji(a, &tokens[n], p, emoji_size(p), &size);
                else {
                        while (p[size] && !is_space(p[size]) && !quote_size(p + size) && (p[size] == '.' || !is_mark(p[size])) &&
                               (size == 0 || !emoji_size(p + size)))
                                size++;
                        while (size > 1 && p[size - 1] == '.')
                                size--;
                        r = add(a, &tokens[n], p, size);
                }
                if (r < 0)
                        return r;
                tokens[n].begins_clause = clause;
                tokens[n].is_quoted = in_quote;
                tokens[n].opens_quote = opens;
                n++;
                clause = opens = false;
                p += size;
        }
        *ret = tokens;
        *ret_n = n;
        return 0;
}
