#include "upstream/scrub.h"

#include <string.h>

#include "base/macros.h"

enum { SECRET_MIN = 6 /* anything shorter is a word that may well stand in a text by chance */, BEGINNING = 8 };

static size_t common(const char *a, const char *b)
{
        size_t n = 0;

        while (a[n] && a[n] == b[n])
                n++;
        return n;
}

void rf_scrub(char *text, const char *secret)
{
        size_t size = secret ? strlen(secret) : 0;

        if (size < SECRET_MIN)
                return;
        for (char *at = text; *at; at++) {
                size_t n = common(at, secret);

                if (n >= MIN(size, (size_t)BEGINNING)) {
                        memmove(at + 3, at + n, strlen(at + n) + 1); /* n is more than three */
                        memcpy(at, "...", 3);
                        at += 2;
                }
        }
}
