#include "base/text.h"

#include "base/macros.h"

#include <stdint.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* How many bytes at the start are plain ASCII, in steps of eight: most of what services send is nothing else. */
static size_t ascii_start(const char *s, size_t size)
{
        size_t n = 0;
        uint64_t eight;

        for (; size - n >= sizeof(eight); n += sizeof(eight)) {
                memcpy(&eight, s + n, sizeof(eight));
                if (eight & 0x8080808080808080u)
                        break;
        }
        return n;
}

bool rf_utf8_is_valid(const char *s, size_t size)
{
        size_t n = ascii_start(s, size);

        return !memchr(s, '\0', size) && !u8_check((const uint8_t *)s + n, size - n);
}

static bool is_ascii(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s >= 0x80)
                        return false;
        return true;
}

static char *fold_ascii(const char *s)
{
        char *out = malloc(strlen(s) + 1);
        size_t n = 0;

        if (!out)
                return NULL;
        for (; *s; s++) {
                char c = *s;

                if (c >= 'A' && c <= 'Z')
                        c = (char)(c - 'A' + 'a');
                if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
                        out[n++] = c;
                else if (c != '\'' && n > 0 && out[n - 1] != ' ')
                        out[n++] = ' ';
        }
        if (n > 0 && out[n - 1] == ' ')
                n--;
        out[n] = '\0';
        return out;
}

char *rf_text_fold(const char *s)
{
        _cleanup_free_ uint8_t *folded = NULL;
        size_t folded_size = 0, size = strlen(s), n = 0;
        char *out;

        if (is_ascii(s))
                return fold_ascii(s);
        if (!rf_utf8_is_valid(s, size))
                return NULL;
        folded = u8_casefold((const uint8_t *)s, size, NULL, UNINORM_NFKD, NULL, &folded_size);
        if (!folded)
                return NULL;
        out = malloc(folded_size + 1);
        if (!out)
                return NULL;
        for (size_t i = 0; i < folded_size;) {
                ucs4_t c;
                int step = u8_mbtouc(&c, folded + i, folded_size - i);

                if (uc_is_property_alphabetic(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_N)) {
                        memcpy(out + n, folded + i, (size_t)step);
                        n += (size_t)step;
                } else if (c != '\'' && c != 0x2019 && !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M) && n > 0 &&
                           out[n - 1] != ' ')
                        out[n++] = ' ';
                i += (size_t)step;
        }
        if (n > 0 && out[n - 1] == ' ')
                n--;
        out[n] = '\0';
        return out;
}

/* Characters up to the first difference are skipped on both sides; what is left decides. */
bool rf_text_is_capital(const char *s)
{
        ucs4_t c;

        return u8_next(&c, (const uint8_t *)s) && uc_is_upper(c);
}

bool rf_text_within_one_edit(const char *a, const char *b)
{
        const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
        ucs4_t cx, cy;
        const uint8_t *nx, *ny;

        for (;;) {
                nx = u8_next(&cx, x);
                ny = u8_next(&cy, y);
                if (!nx || !ny || cx != cy)
                        break;
                x = nx;
                y = ny;
        }
        if (!nx && !ny)
                return true;
        if (!nx)
                return u8_next(&cy, ny) == NULL;
        if (!ny)
                return u8_next(&cx, nx) == NULL;
        if (u8_strcmp(nx, ny) == 0 || u8_strcmp(nx, y) == 0 || u8_strcmp(x, ny) == 0)
                return true;
        /* a swap: a[0] = b[1], a[1] = b[0], the rest equal */
        {
                ucs4_t dx, dy;
                const uint8_t *mx = u8_next(&dx, nx), *my = u8_next(&dy, ny);

                return mx && my && cx == dy && dx == cy && u8_strcmp(mx, my) == 0;
        }
}

size_t rf_utf8_clip(const char *s, size_t max)
{
        size_t size = strnlen(s, max);
        const uint8_t *bad = u8_check((const uint8_t *)s, size);

        return bad ? (size_t)((const char *)bad - s) : size;
}
