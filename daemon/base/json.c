#include "base/json.h"

#include "base/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

unsigned rf_json_depth(const char *text, size_t size)
{
        unsigned depth = 0, deepest = 0;
        bool in_string = false;

        for (size_t i = 0; i < size; i++) {
                char c = text[i];

                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                } else if (c == '"')
                        in_string = true;
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
        if (!j)
                return json_error_code(error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
        *ret = j;
        return 0;
}
