#include "flow/tokens.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
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
                while (p[size] && !is_space(p[size]) && !quote_size(p + size) && (p[size] == '.' || !is_mark(p[size])))
                        size++;
                while (size > 1 && p[size - 1] == '.')
                        size--;
                if (n == RF_PROMPT_WORDS_MAX)
                        return -RF_ELIMIT;
                r = add(a, &tokens[n], p, size);
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
