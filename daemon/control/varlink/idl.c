#include "control/varlink/idl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

enum kind { KIND_BOOL, KIND_INT, KIND_FLOAT, KIND_STRING, KIND_OBJECT, KIND_STRUCT, KIND_ENUM, KIND_ARRAY, KIND_MAP, KIND_MAYBE,
            KIND_NAMED };

struct field {
        const char *name;
        struct rf_idl_type *type; /* NULL: a value of an enumeration */
};

struct rf_idl_type {
        enum kind kind;
        struct rf_idl_type *element; /* of arrays, maps, maybes; what a name stands for */
        struct field *fields;
        size_t n_fields;
        const char *name; /* of a named type */
        unsigned line;
};

struct named {
        const char *name;
        struct rf_idl_type *type;
};

struct rf_idl {
        struct rf_arena arena;
        const char *text, *name;
        struct named *types, *errors;
        struct rf_idl_method *methods;
        size_t n_types, n_errors, n_methods;
};

/* ---- Reading ---- */

struct parser {
        struct rf_idl *idl;
        const char *at;
        unsigned line, depth;
        struct rf_idl_type **names; /* to be resolved */
        size_t n_names;
        int error;
        char *message;
        size_t message_size;
};

_printf_(2, 3) static int fail(struct parser *p, const char *format, ...)
{
        va_list args;
        int n;

        if (p->error < 0)
                return p->error;
        p->error = -EBADMSG;
        n = snprintf(p->message, p->message_size, "line %u: ", p->line);
        if (n < 0 || (size_t)n >= p->message_size)
                return p->error;
        va_start(args, format);
        vsnprintf(p->message + n, p->message_size - (size_t)n, format, args);
        va_end(args);
        return p->error;
}

static int no_memory(struct parser *p)
{
        p->error = -ENOMEM;
        return -ENOMEM;
}

/* Room for one more in an array that doubles; the old ones stay in the arena. */
static void *grown(struct parser *p, void *old, size_t n, size_t size)
{
        void *bigger;

        if (n > 0 && (n & (n - 1)) != 0)
                return old;
        bigger = rf_arena_array(&p->idl->arena, n > 0 ? 2 * n : 1, size);
        if (!bigger)
                p->error = -ENOMEM;
        else if (n > 0)
                memcpy(bigger, old, n * size);
        return bigger;
}

static void skip_blanks(struct parser *p)
{
        for (;; p->at++) {
                if (*p->at == '#')
                        p->at += strcspn(p->at, "\n");
                if (*p->at == '\n')
                        p->line++;
                else if (*p->at == '\0' || !isspace((unsigned char)*p->at))
                        return;
        }
}

static bool take(struct parser *p, const char *token)
{
        size_t n = strlen(token);

        skip_blanks(p);
        if (strncmp(p->at, token, n) != 0)
                return false;
        p->at += n;
        return true;
}

static int expect(struct parser *p, const char *token)
{
        return take(p, token) ? 0 : fail(p, "'%s' expected", token);
}

/* A word of letters, digits and what `also` allows. */
static const char *take_word(struct parser *p, const char *also)
{
        const char *start, *word;

        skip_blanks(p);
        for (start = p->at; isalnum((unsigned char)*p->at) || (*p->at && strchr(also, *p->at)); p->at++)
                ;
        if (p->at == start)
                return NULL;
        word = rf_arena_strndup(&p->idl->arena, start, (size_t)(p->at - start));
        if (!word)
                p->error = -ENOMEM;
        return word;
}

static struct rf_idl_type *new_type(struct parser *p, enum kind kind)
{
        struct rf_idl_type *t = rf_arena_alloc(&p->idl->arena, sizeof(*t));

        if (!t) {
                p->error = -ENOMEM;
                return NULL;
        }
        *t = (struct rf_idl_type){ .kind = kind, .line = p->line };
        return t;
}

static struct rf_idl_type *parse_type(struct parser *p);

/* "(a: int, b: string)", or "(a, b)": an enumeration */
static struct rf_idl_type *parse_members(struct parser *p)
{
        struct rf_idl_type *t = new_type(p, KIND_STRUCT);
        bool has_types = false, has_values = false;

        if (!t || expect(p, "(") < 0)
                return NULL;
        if (take(p, ")"))
                return t;
        do {
                struct field f = { .name = take_word(p, "_") };

                if (!f.name) {
                        fail(p, "a name expected");
                        return NULL;
                }
                for (size_t i = 0; i < t->n_fields; i++)
                        if (strcmp(t->fields[i].name, f.name) == 0) {
                                fail(p, "'%s' twice", f.name);
                                return NULL;
                        }
                if (take(p, ":")) {
                        f.type = parse_type(p);
                        if (!f.type)
                                return NULL;
                        has_types = true;
                } else
                        has_values = true;
                t->fields = grown(p, t->fields, t->n_fields, sizeof(f));
                if (!t->fields)
                        return NULL;
                t->fields[t->n_fields++] = f;
        } while (take(p, ","));
        if (has_types && has_values)
                fail(p, "members with and without a type");
        if (expect(p, ")") < 0)
                return NULL;
        t->kind = has_values ? KIND_ENUM : KIND_STRUCT;
        return t;
}

static struct rf_idl_type *parse_name(struct parser *p)
{
        static const char *const builtin[] = { "bool", "int", "float", "string", "object" };
        struct rf_idl_type *t = new_type(p, KIND_NAMED);
        const char *word = take_word(p, "");

        if (!t || p->error < 0)
                return NULL;
        if (!word) {
                fail(p, "a type expected");
                return NULL;
        }
        for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
                if (strcmp(word, builtin[i]) == 0) {
                        t->kind = (enum kind)i;
                        return t;
                }
        t->name = word;
        p->names = grown(p, p->names, p->n_names, sizeof(struct rf_idl_type *));
        if (!p->names)
                return NULL;
        p->names[p->n_names++] = t;
        return t;
}

static struct rf_idl_type *wrapped(struct parser *p, enum kind kind)
{
        struct rf_idl_type *t = new_type(p, kind);

        if (!t)
                return NULL;
        t->element = parse_type(p);
        if (t->element && kind == KIND_MAYBE && t->element->kind == KIND_MAYBE)
                fail(p, "'?' twice");
        return t->element && p->error == 0 ? t : NULL;
}

static struct rf_idl_type *parse_type(struct parser *p)
{
        struct rf_idl_type *t;

        if (++p->depth > RF_JSON_DEPTH_MAX) {
                fail(p, "nested too deep");
                return NULL;
        }
        if (take(p, "?"))
                t = wrapped(p, KIND_MAYBE);
        else if (take(p, "[string]"))
                t = wrapped(p, KIND_MAP);
        else if (take(p, "[]"))
                t = wrapped(p, KIND_ARRAY);
        else {
                skip_blanks(p);
                t = *p->at == '(' ? parse_members(p) : parse_name(p);
        }
        p->depth--;
        return t;
}

static struct named *find(struct named *list, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(list[i].name, name) == 0)
                        return &list[i];
        return NULL;
}

static const char *declared_name(struct parser *p)
{
        const char *name = take_word(p, "");

        if (p->error < 0)
                return NULL;
        if (!name || !isupper((unsigned char)name[0])) {
                fail(p, "a name that begins with a capital expected");
                return NULL;
        }
        if (find(p->idl->types, p->idl->n_types, name) || find(p->idl->errors, p->idl->n_errors, name) || rf_idl_method(p->idl, name)) {
                fail(p, "'%s' is declared twice", name);
                return NULL;
        }
        return name;
}

static int parse_named(struct parser *p, struct named **list, size_t *n)
{
        struct named d = { .name = declared_name(p) };

        if (!d.name || !(d.type = parse_members(p)))
                return p->error;
        *list = grown(p, *list, *n, sizeof(d));
        if (!*list)
                return p->error;
        (*list)[(*n)++] = d;
        return 0;
}

static int parse_method(struct parser *p)
{
        struct rf_idl *idl = p->idl;
        struct rf_idl_method m = { .name = declared_name(p) };

        if (!m.name || !(m.in = parse_members(p)) || expect(p, "->") < 0 || !(m.out = parse_members(p)))
                return p->error;
        idl->methods = grown(p, idl->methods, idl->n_methods, sizeof(m));
        if (!idl->methods)
                return p->error;
        idl->methods[idl->n_methods++] = m;
        return 0;
}

static int parse_declarations(struct parser *p)
{
        struct rf_idl *idl = p->idl;

        if (expect(p, "interface") < 0)
                return p->error;
        idl->name = take_word(p, ".-");
        if (p->error < 0)
                return p->error;
        if (!idl->name || !strchr(idl->name, '.'))
                return fail(p, "a name with a dot expected after 'interface'");
        for (skip_blanks(p); *p->at && p->error == 0; skip_blanks(p)) {
                if (take(p, "type"))
                        (void)parse_named(p, &idl->types, &idl->n_types);
                else if (take(p, "error"))
                        (void)parse_named(p, &idl->errors, &idl->n_errors);
                else if (take(p, "method"))
                        (void)parse_method(p);
                else
                        fail(p, "'type', 'method' or 'error' expected");
        }
        return p->error;
}

static int resolve_names(struct parser *p)
{
        for (size_t i = 0; i < p->n_names; i++) {
                struct named *d = find(p->idl->types, p->idl->n_types, p->names[i]->name);

                p->line = p->names[i]->line;
                if (!d)
                        return fail(p, "there is no type '%s'", p->names[i]->name);
                p->names[i]->element = d->type;
        }
        return 0;
}

int rf_idl_parse(const char *text, struct rf_idl **ret, char *message, size_t message_size)
{
        _cleanup_(rf_idl_freep) struct rf_idl *idl = calloc(1, sizeof(*idl));
        struct parser p = { .idl = idl, .line = 1, .message = message, .message_size = message_size };
        int r;

        if (!idl)
                return -ENOMEM;
        idl->text = rf_arena_strdup(&idl->arena, text);
        if (!idl->text)
                return no_memory(&p);
        p.at = idl->text;
        r = parse_declarations(&p);
        if (r >= 0)
                r = resolve_names(&p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(idl);
        return 0;
}

struct rf_idl *rf_idl_free(struct rf_idl *idl)
{
        if (idl) {
                rf_arena_done(&idl->arena);
                free(idl);
        }
        return NULL;
}

const char *rf_idl_name(const struct rf_idl *idl)
{
        return idl->name;
}

const char *rf_idl_text(const struct rf_idl *idl)
{
        return idl->text;
}

const struct rf_idl_method *rf_idl_method(const struct rf_idl *idl, const char *name)
{
        for (size_t i = 0; i < idl->n_methods; i++)
                if (strcmp(idl->methods[i].name, name) == 0)
                        return &idl->methods[i];
        return NULL;
}

const struct rf_idl_type *rf_idl_error(const struct rf_idl *idl, const char *name)
{
        struct named *d = find(idl->errors, idl->n_errors, name);

        return d ? d->type : NULL;
}

/* ---- Checking ---- */

static bool is_valid(const struct rf_idl_type *t, const json_t *j);

static bool is_value(const struct rf_idl_type *t, const char *word)
{
        for (size_t i = 0; i < t->n_fields; i++)
                if (strcmp(t->fields[i].name, word) == 0)
                        return true;
        return false;
}

static bool are_valid(const struct rf_idl_type *t, json_t *j)
{
        if (json_is_array(j)) {
                for (size_t i = 0; i < json_array_size(j); i++)
                        if (!is_valid(t->element, json_array_get(j, i)))
                                return false;
                return true;
        }
        for (void *at = json_object_iter(j); at; at = json_object_iter_next(j, at))
                if (!is_valid(t->element, json_object_iter_value(at)))
                        return false;
        return true;
}

static bool is_valid(const struct rf_idl_type *t, const json_t *j)
{
        const char *member;

        switch (t->kind) {
        case KIND_BOOL:
                return json_is_boolean(j);
        case KIND_INT:
                return json_is_integer(j);
        case KIND_FLOAT:
                return json_is_number(j);
        case KIND_STRING:
                return json_is_string(j);
        case KIND_OBJECT:
                return json_is_object(j);
        case KIND_STRUCT:
                return json_is_object(j) && rf_idl_check(t, j, &member) == 0;
        case KIND_ENUM:
                return json_is_string(j) && is_value(t, json_string_value(j));
        case KIND_ARRAY:
                return json_is_array(j) && are_valid(t, (json_t *)j);
        case KIND_MAP:
                return json_is_object(j) && are_valid(t, (json_t *)j);
        case KIND_MAYBE:
                return json_is_null(j) || is_valid(t->element, j);
        case KIND_NAMED:
                return is_valid(t->element, j);
        }
        return false;
}

static bool is_optional(const struct rf_idl_type *t)
{
        return t->kind == KIND_MAYBE || (t->kind == KIND_NAMED && t->element->kind == KIND_MAYBE);
}

int rf_idl_check(const struct rf_idl_type *type, const json_t *object, const char **ret_member)
{
        json_t *o = (json_t *)object; /* jansson's iterators take no const, but change nothing */
        size_t known = 0;

        for (size_t i = 0; i < type->n_fields; i++) {
                const struct field *f = &type->fields[i];
                const json_t *value = json_object_get(o, f->name);

                known += value != NULL;
                if (value ? is_valid(f->type, value) : is_optional(f->type))
                        continue;
                *ret_member = f->name;
                return -EINVAL;
        }
        if (known == json_object_size(o))
                return 0;
        for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at))
                if (!is_value(type, json_object_iter_key(at))) {
                        *ret_member = json_object_iter_key(at);
                        return -EINVAL;
                }
        return 0;
}
