/*
 * Interface descriptions: parsed once, and every call is checked against them. Never yields.
 *
 * The whole language is understood (bool, int, float, string, object, enumerations, structures, arrays, maps, optional and named
 * types). Comments and white space are kept in the text, which clients ask for.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/macros.h"

struct rf_idl;
struct rf_idl_type;

struct rf_idl_method {
        const char *name; /* without the interface */
        const struct rf_idl_type *in, *out;
};

/*
 * `text` is copied. -EBADMSG with line and reason in `message` (names twice or in the wrong case, types that nobody defines,
 * syntax); -ENOMEM.
 */
int rf_idl_parse(const char *text, struct rf_idl **ret, char *message, size_t message_size);
struct rf_idl *rf_idl_free(struct rf_idl *idl);
DEFINE_CLEANUP(struct rf_idl *, rf_idl_free);

const char *rf_idl_name(const struct rf_idl *idl);
const char *rf_idl_text(const struct rf_idl *idl);
/* NULL if there is none. */
const struct rf_idl_method *rf_idl_method(const struct rf_idl *idl, const char *name);
const struct rf_idl_type *rf_idl_error(const struct rf_idl *idl, const char *name);

/*
 * Checks an object (NULL stands for {}) against a structure: -EINVAL for a member that is unknown, missing or of a wrong type. A
 * null is as good as absence where a type is optional. `ret_member` is then the outermost member's name: the description's, or
 * the object's if unknown.
 */
int rf_idl_check(const struct rf_idl_type *type, const json_t *object, const char **ret_member);
