/* Building JSON objects whose members may be absent. The first failure is kept, so that it's looked at once, at the end. */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <stdint.h>

struct rf_build {
        int error; /* 0, or -ENOMEM */
};

/* Takes the reference to `value`; NULL is a failure. */
static inline void rf_build_put(struct rf_build *b, json_t *object, const char *key, json_t *value)
{
        if (json_object_set_new_nocheck(object, key, value) < 0)
                b->error = -ENOMEM;
}

static inline void rf_build_add(struct rf_build *b, json_t *array, json_t *value)
{
        if (json_array_append_new(array, value) < 0)
                b->error = -ENOMEM;
}

static inline json_t *rf_build_object(struct rf_build *b)
{
        json_t *j = json_object();

        if (!j)
                b->error = -ENOMEM;
        return j;
}

static inline json_t *rf_build_array(struct rf_build *b)
{
        json_t *j = json_array();

        if (!j)
                b->error = -ENOMEM;
        return j;
}

/* Left out where there is none. */
static inline void rf_build_string(struct rf_build *b, json_t *object, const char *key, const char *value)
{
        if (value)
                rf_build_put(b, object, key, json_string(value));
}

static inline void rf_build_int(struct rf_build *b, json_t *object, const char *key, uint64_t value)
{
        rf_build_put(b, object, key, json_integer((json_int_t)value));
}

static inline void rf_build_bool(struct rf_build *b, json_t *object, const char *key, int value)
{
        rf_build_put(b, object, key, json_boolean(value));
}

/* A list of strings; empty where there is none. */
static inline void rf_build_strings(struct rf_build *b, json_t *object, const char *key, const char *const *list, size_t n)
{
        json_t *array = rf_build_array(b);

        for (size_t i = 0; i < n; i++)
                rf_build_add(b, array, json_string(list[i]));
        rf_build_put(b, object, key, array);
}

/* The object, or NULL with everything freed after a failure. */
static inline json_t *rf_build_done(const struct rf_build *b, json_t *object)
{
        if (b->error == 0)
                return object;
        json_decref(object);
        return NULL;
}
