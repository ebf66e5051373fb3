/* Good bodies made bad, in the ways that clients have been seen to fail at. */
#include "random.h"
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEEP_LEVELS = 5000, TYPES_LEVELS = 12 };

static int replace(char **body, size_t *size, char *fresh, size_t fresh_size)
{
        if (!fresh)
                return -ENOMEM;
        free(*body);
        *body = fresh;
        *size = fresh_size;
        return 0;
}

/* {"content":[[[[…: never closed */
static int make_deep(char **body, size_t *size)
{
        static const char start[] = "{\"content\":";
        char *fresh = malloc(sizeof(start) + DEEP_LEVELS);

        if (fresh) {
                memcpy(fresh, start, sizeof(start) - 1);
                memset(fresh + sizeof(start) - 1, '[', DEEP_LEVELS);
                fresh[sizeof(start) - 1 + DEEP_LEVELS] = '\0';
        }
        return replace(body, size, fresh, sizeof(start) - 1 + DEEP_LEVELS);
}

/* The good body, and blanks after it without end: valid as long as one reads on. */
static int make_huge(char **body, size_t *size)
{
        char *fresh = malloc(MOCK_HUGE_BYTES + 1);

        if (fresh) {
                size_t n = *size < MOCK_HUGE_BYTES ? *size : MOCK_HUGE_BYTES;

                memcpy(fresh, *body, n);
                memset(fresh + n, ' ', MOCK_HUGE_BYTES - n);
                fresh[MOCK_HUGE_BYTES] = '\0';
        }
        return replace(body, size, fresh, MOCK_HUGE_BYTES);
}

static json_t *distort(const json_t *j, enum mock_spoil spoil, struct mock_random *r, unsigned level);

static json_t *distort_leaf(const json_t *j, enum mock_spoil spoil, struct mock_random *r)
{
        if (mock_random_below(r, 2) == 0)
                return json_deep_copy(j);
        if (spoil == MOCK_SPOIL_NULLS)
                return json_null();
        return json_is_string(j) ? json_integer(42) : json_is_number(j) ? json_string("12") : json_array();
}

static json_t *distort(const json_t *j, enum mock_spoil spoil, struct mock_random *r, unsigned level)
{
        json_t *copy, *value;
        const char *key;
        size_t i;

        if (level == TYPES_LEVELS || (!json_is_object(j) && !json_is_array(j)))
                return distort_leaf(j, spoil, r);
        if (json_is_array(j)) {
                copy = json_array();
                json_array_foreach(j, i, value)
                        json_array_append_new(copy, distort(value, spoil, r, level + 1));
                return copy;
        }
        copy = json_object();
        json_object_foreach((json_t *)j, key, value)
                json_object_set_new(copy, key, distort(value, spoil, r, level + 1));
        return copy;
}

static int make_distorted(enum mock_spoil spoil, uint64_t key, char **body, size_t *size)
{
        struct mock_random r = { .state = key };
        json_t *j = json_loadb(*body, *size, 0, NULL), *bad = j ? distort(j, spoil, &r, 0) : json_null();
        char *fresh = bad ? json_dumps(bad, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

        json_decref(j);
        json_decref(bad);
        return replace(body, size, fresh, fresh ? strlen(fresh) : 0);
}

int mock_spoil(enum mock_spoil spoil, uint64_t key, char **body, size_t *size)
{
        switch (spoil) {
        case MOCK_SPOIL_TRUNCATED:
                (*body)[*size /= 2] = '\0';
                return 0;
        case MOCK_SPOIL_DEEP:
                return make_deep(body, size);
        case MOCK_SPOIL_HUGE:
                return make_huge(body, size);
        case MOCK_SPOIL_TYPES:
        case MOCK_SPOIL_NULLS:
                return make_distorted(spoil, key, body, size);
        case MOCK_SPOIL_UTF8:
                if (*size > 0)
                        (*body)[*size / 2] = (char)0xff;
                return 0;
        case MOCK_SPOIL_DRIP: /* the body is good: it's the sending */
        case MOCK_SPOIL_COUNT:
                break;
        }
        return 0;
}
