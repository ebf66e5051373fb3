#include "base/json.h"

#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where the string ends whose first character is at `at`: at its quotation mark, or at `size`. */
static size_t string_end(const char *text, size_t at, size_t size)
{
        const char *quote;

        while ((quote = at < size ? memchr(text + at, '"', size - at) : NULL)) {
                size_t end = (size_t)(quote - text), escapes = 0;

                while (end - escapes > at && text[end - escapes - 1] == '\\')
                        escapes++;
                if (escapes % 2 == 0)
                        return end;
                at = end + 1; /* an escaped one; what follows it begins anew */
        }
        return size;
}

unsigned rf_json_depth(const char *text, size_t size)
{
        unsigned depth = 0, deepest = 0;

        for (size_t i = 0; i < size; i++) {
                char c = text[i];

                if (c == '"')
                        i = string_end(text, i + 1, size);
                else if (c == '[' || c == '{')
                        deepest = MAX(deepest, ++depth);
                else if ((c == ']' || c == '}') && depth > 0)
                        depth--;
        }
        return deepest;
}

int rf_json_parse(const char *text, size_t size, json_t **ret, json_error_t *error)
{
        json_error_t own;
        json_t *j;

        if (!error)
                error = &own;
        if (rf_json_depth(text, size) > RF_JSON_DEPTH_MAX) {
                *error = (json_error_t){ .line = -1, .column = -1 };
                snprintf(error->text, sizeof(error->text), "nested deeper than %u levels", RF_JSON_DEPTH_MAX);
                return -EBADMSG;
        }
        j = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
        if (!j) /* jansson has no words for want of memory, but where it takes a string for a wrong token then */
                return json_error_code(error) == json_error_out_of_memory || !error->text[0] ? -ENOMEM : -EBADMSG;
        *ret = j;
        return 0;
}
