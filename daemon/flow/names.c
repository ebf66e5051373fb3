#include "flow/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/text.h"

#define SIMILAR_MIN 5u /* bytes of the folded name: shorter ones differ by a letter too easily */

/* What makes another version of a song, as whole words of a bracket or of what follows " - ". */
static const char *const VERSION_WORDS[] = {
        "remix", "mix", "live", "karaoke", "instrumental", "acoustic", "demo", "cover", "unplugged", "reprise", "dub",
        "rework", "bootleg", "mashup", "sped", "slowed", "orchestral", "session", "sessions",
};

/* What names a release, not a recording. */
static const char *const RELEASE_WORDS[] = {
        "remaster", "remastered", "explicit", "clean", "feat", "ft", "featuring", "with", "mono", "stereo", "bonus", "deluxe",
        "single", "album", "radio", "original", "anniversary", "edition",
};

/* Folds into `buf`. Nearly all names are ASCII, which needs no Unicode tables; the result is the same as rf_text_fold()'s. */
static size_t fold(const char *s, size_t size, char *buf)
{
        _cleanup_free_ char *copy = NULL, *folded = NULL;
        size_t n = 0;

        size = MIN(size, (size_t)RF_RECORD_STRING_MAX);
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)s[i];

                if (c >= 0x80)
                        goto unicode;
                if (c >= 'A' && c <= 'Z')
                        buf[n++] = (char)(c + ('a' - 'A'));
                else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
                        buf[n++] = (char)c;
                else if (c != '\'' && n > 0 && buf[n - 1] != ' ') /* "O'Connor" is one word */
                        buf[n++] = ' ';
        }
        if (n > 0 && buf[n - 1] == ' ')
                n--;
        buf[n] = '\0';
        return n;
unicode:
        buf[0] = '\0';
        copy = strndup(s, rf_utf8_clip(s, size));
        folded = copy ? rf_text_fold(copy) : NULL;
        if (!folded)
                return 0;
        n = MIN(strlen(folded), (size_t)RF_RECORD_STRING_MAX);
        memcpy(buf, folded, n);
        buf[n] = '\0';
        return n;
}

enum { FOLDED_MAX = RF_RECORD_STRING_MAX + 1 };

static uint64_t key_of(const char *folded, size_t n)
{
        uint64_t key;

        if (n == 0)
                return 0;
        key = rf_hash(folded, n, 0);
        return key ? key : 1;
}

uint64_t rf_name_key(const char *name)
{
        char buf[FOLDED_MAX];

        return name ? key_of(buf, fold(name, strlen(name), buf)) : 0;
}

static bool has_word(const char *s, size_t size, const char *const *words, size_t n_words)
{
        char buf[FOLDED_MAX], *save = NULL;

        fold(s, size, buf);
        for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save))
                for (size_t i = 0; i < n_words; i++)
                        if (strcmp(w, words[i]) == 0)
                                return true;
        return false;
}

static bool is_version(const char *s, size_t size)
{
        return has_word(s, size, VERSION_WORDS, ARRAY_SIZE(VERSION_WORDS));
}

static bool is_release(const char *s, size_t size)
{
        return has_word(s, size, RELEASE_WORDS, ARRAY_SIZE(RELEASE_WORDS));
}

/* The next remark of a title: "(…)", "[…]", or all behind " - ". NULL at the end. `ret_start` is where it begins, bracket included. */
static const char *next_remark(const char *s, const char **ret_start, size_t *ret_size)
{
        for (; *s; s++) {
                char closing = *s == '(' ? ')' : *s == '[' ? ']' : '\0';

                if (closing) {
                        const char *end = strchr(s, closing);

                        *ret_start = s;
                        *ret_size = end ? (size_t)(end - s) + 1 : strlen(s);
                        return s + *ret_size;
                }
                if (strncmp(s, " - ", 3) == 0) {
                        *ret_start = s;
                        *ret_size = strlen(s);
                        return s + *ret_size;
                }
        }
        return NULL;
}

bool rf_title_is_version(const char *title)
{
        const char *start;
        size_t size;

        for (const char *at = title; at && (at = next_remark(at, &start, &size));)
                if (is_version(start, size))
                        return true;
        return false;
}

uint64_t rf_title_key(const char *title, bool is_song)
{
        char kept[RF_RECORD_STRING_MAX + 1], buf[FOLDED_MAX];
        const char *at = title, *next, *start;
        size_t n = 0, size;

        if (!title)
                return 0;
        for (;; at = next) {
                next = next_remark(at, &start, &size);
                if (!next) {
                        start = at + strlen(at);
                        size = 0;
                }
                for (; at < start && n < RF_RECORD_STRING_MAX; at++)
                        kept[n++] = *at;
                if (!next)
                        break;
                /* other remarks belong to the name: "(I Can't Get No) Satisfaction" */
                if (is_version(start, size) ? is_song : is_release(start, size))
                        continue;
                for (size_t i = 0; i < size && n < RF_RECORD_STRING_MAX; i++)
                        kept[n++] = start[i];
        }
        return key_of(buf, fold(kept, n, buf));
}

bool rf_name_equal(const char *a, const char *b)
{
        char fa[FOLDED_MAX], fb[FOLDED_MAX];
        size_t na = fold(a, strlen(a), fa), nb = fold(b, strlen(b), fb);

        return na > 0 && na == nb && memcmp(fa, fb, na) == 0;
}

bool rf_name_similar(const char *a, const char *b)
{
        char fa[FOLDED_MAX], fb[FOLDED_MAX];
        size_t na = fold(a, strlen(a), fa), nb = fold(b, strlen(b), fb);

        if (na == 0 || nb == 0)
                return false;
        if (na == nb && memcmp(fa, fb, na) == 0)
                return true;
        return na >= SIMILAR_MIN && nb >= SIMILAR_MIN && rf_text_within_one_edit(fa, fb);
}
