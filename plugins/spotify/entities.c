/* Entities of HTML: "&amp;", "&#38;", "&#x26;". */
#include "spotify.h"

#include <stdlib.h>
#include <string.h>

enum { ENTITY_MAX = 10 /* "&#1114111;" */ };

/* The code point of what stands between "&" and ";"; 0: that is no entity, or none that could stand in a text. */
static unsigned long code_point(const char *name, size_t size)
{
        static const struct { const char *name; char c; } named[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
                                                                   { "apos", '\'' } };
        bool is_hex = size > 2 && name[0] == '#' && (name[1] == 'x' || name[1] == 'X');
        const char *digits = name + 1 + is_hex;
        size_t n = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
        unsigned long code;

        for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
                if (strlen(named[i].name) == size && strncmp(named[i].name, name, size) == 0)
                        return (unsigned char)named[i].c;
        if (name[0] != '#' || n == 0 || digits + n != name + size)
                return 0;
        code = strtoul(digits, NULL, is_hex ? 16 : 10);
        return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : code;
}

static char *put_utf8(char *to, unsigned long code)
{
        static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
        unsigned n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

        for (unsigned i = n - 1; i > 0; i--, code >>= 6)
                to[i] = (char)(0x80 | (code & 0x3f));
        to[0] = (char)(lead[n] | code);
        return to + n;
}

/* No entity is shorter than what it means. */
void spotify_decode_entities(char *text)
{
        char *to = text;

        for (const char *at = text; *at;) {
                size_t size = *at == '&' ? strcspn(at, ";") : 0;
                unsigned long code = size > 1 && size < ENTITY_MAX && at[size] ? code_point(at + 1, size - 1) : 0;

                if (code > 0) {
                        to = put_utf8(to, code);
                        at += size + 1;
                } else
                        *to++ = *at++;
        }
        *to = '\0';
}
