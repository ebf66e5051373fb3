#include "provider/loader.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/macros.h"
#include "provider/provider.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_ = 32, TIMEOUT_MAX_MS = 3600 * 1000 };

_printf_(3, 4) static int refuse(char *message, size_t size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, size, format, ap);
        va_end(ap);
        return -RF_EPLUGIN;
}

/* ---- The file ---- */

static int check_owner(const char *path, const struct stat *st, const char *what, char *message, size_t size)
{
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return refuse(message, size, "%s: %s belongs to user %u; it must belong to root or to the daemon's own user", path,
                              what, (unsigned)st->st_uid);
        if (st->st_mode & (S_IWGRP | S_IWOTH))
                return refuse(message, size, "%s: %s has mode %04o; it may be writable by its owner only (chmod go-w)", path, what,
                              (unsigned)st->st_mode & 07777);
        return 0;
}

static int check_file(const char *path, char *message, size_t size)
{
        _cleanup_free_ char *directory = NULL;
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return refuse(message, size, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return refuse(message, size, "%s: not a regular file", path);
        r = check_owner(path, &st, "the file", message, size);
        if (r < 0)
                return r;
        directory = strndup(path, MAX((size_t)(strrchr(path, '/') - path), (size_t)1));
        if (!directory)
                return -ENOMEM;
        if (stat(directory, &st) < 0)
                return refuse(message, size, "%s: %s", directory, strerror(errno));
        return check_owner(directory, &st, "the directory", message, size);
}

/* ---- The descriptor ---- */

static bool name_is_valid(const char *name)
{
        if (!name || !(name[0] >= 'a' && name[0] <= 'z'))
                return false;
        return strnlen(name, NAME_MAX_ + 1) <= NAME_MAX_ && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

/* The same operation in the same way is a slip of the table. */
static bool repeats(const struct rf_operation *operations, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (operations[k].op == operations[i].op && operations[k].build == operations[i].build)
                        return true;
        return false;
}

/* Whether no operation before this one has its pacing class. */
static bool is_new_class(const struct rf_operation *operations, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (strcmp(operations[k].pacing_class, operations[i].pacing_class) == 0)
                        return false;
        return true;
}

static int check_operations(const struct rf_plugin *p, const char *path, char *message, size_t size)
{
        unsigned char ways[RF_OP_COUNT] = { 0 };
        size_t n_classes = 0;

        if (p->n_operations == 0 || !p->operations)
                return refuse(message, size, "%s: declares no operation", path);
        if (p->n_operations > RF_PLUGIN_OPERATIONS_MAX)
                return refuse(message, size, "%s: declares %zu operations; at most %u", path, p->n_operations, RF_PLUGIN_OPERATIONS_MAX);
        for (size_t i = 0; i < p->n_operations; i++) {
                const struct rf_operation *o = &p->operations[i];

                if (o->size < sizeof(*o))
                        return refuse(message, size, "%s: operation %zu is %u bytes long; this daemon needs %zu", path, i, o->size,
                                      sizeof(*o));
                if ((unsigned)o->op >= RF_OP_COUNT)
                        return refuse(message, size, "%s: operation %zu has the unknown number %u", path, i, (unsigned)o->op);
                if (!o->build || !o->parse)
                        return refuse(message, size, "%s: operation %s lacks its %s function", path, rf_op_name(o->op),
                                      o->build ? "parse" : "build");
                if (repeats(p->operations, i))
                        return refuse(message, size, "%s: operation %s is declared twice", path, rf_op_name(o->op));
                if (++ways[o->op] > RF_OPERATION_WAYS_MAX)
                        return refuse(message, size, "%s: operation %s is declared in more than %u ways", path, rf_op_name(o->op),
                                      RF_OPERATION_WAYS_MAX);
                if (!o->endpoint || !o->pacing_class)
                        return refuse(message, size, "%s: operation %s names no %s", path, rf_op_name(o->op),
                                      o->endpoint ? "pacing class" : "endpoint");
                n_classes += is_new_class(p->operations, i);
                if (n_classes > RF_PACING_CLASSES_MAX)
                        return refuse(message, size, "%s: has more than %u pacing classes", path, RF_PACING_CLASSES_MAX);
                if (o->timeout_ms == 0 || o->timeout_ms > TIMEOUT_MAX_MS)
                        return refuse(message, size, "%s: operation %s has a timeout of %u ms; allowed: 1 to %d", path,
                                      rf_op_name(o->op), o->timeout_ms, TIMEOUT_MAX_MS);
                if (o->batch_limit > RF_QUERY_IDS_MAX)
                        return refuse(message, size, "%s: operation %s has a batch limit of %u; allowed: up to %u", path,
                                      rf_op_name(o->op), o->batch_limit, RF_QUERY_IDS_MAX);
        }
        return 0;
}

static int check_options(const struct rf_plugin *p, const char *path, char *message, size_t size)
{
        if (p->n_options > 0 && !p->options)
                return refuse(message, size, "%s: counts %zu options but has no table of them", path, p->n_options);
        for (size_t i = 0; i < p->n_options; i++)
                if (!p->options[i].name || !p->options[i].help || (unsigned)p->options[i].type > RF_OPTION_PATH ||
                    (p->options[i].type == RF_OPTION_ENUM && !p->options[i].choices))
                        return refuse(message, size, "%s: option %zu is incomplete (name, type, help, choices)", path, i);
        return 0;
}

static int check_auth(const struct rf_auth *a, const char *path, char *message, size_t size)
{
        if (a->size < sizeof(*a) || !a->token_url || !a->client_id_option ||
            ((a->flows & RF_AUTH_CLIENT_CREDENTIALS) && !a->client_secret_option) ||
            ((a->flows & RF_AUTH_PKCE) && (!a->authorize_url || !a->scopes)))
                return refuse(message, size, "%s: what it says of logging in is incomplete (addresses, options, scopes)", path);
        return 0;
}

int rf_plugin_check(const struct rf_plugin *p, const char *path, char *message, size_t size)
{
        int r;

        if (p->magic != RF_PLUGIN_MAGIC)
                return refuse(message, size, "%s: not a recflow plugin (its magic number is %08x, not %08x)", path, p->magic,
                              RF_PLUGIN_MAGIC);
        if (p->abi_major != RF_PLUGIN_ABI_MAJOR || p->abi_minor > RF_PLUGIN_ABI_MINOR)
                return refuse(message, size, "%s: built for plugin interface %u.%u; this daemon has %d.%d", path, p->abi_major,
                              p->abi_minor, RF_PLUGIN_ABI_MAJOR, RF_PLUGIN_ABI_MINOR);
        if (p->size < sizeof(*p))
                return refuse(message, size, "%s: its descriptor is %u bytes long; interface %u.%u has %zu", path, p->size,
                              p->abi_major, p->abi_minor, sizeof(*p));
        if (!name_is_valid(p->name))
                return refuse(message, size, "%s: its name must be [a-z][a-z0-9-]*, at most %d characters", path, NAME_MAX_);
        if (!p->version || !p->description)
                return refuse(message, size, "%s: it has no %s", path, p->version ? "description" : "version");
        if (!p->open || !p->close)
                return refuse(message, size, "%s: it lacks its %s function", path, p->open ? "close" : "open");
        if (p->transport && (p->transport->size < sizeof(*p->transport) || !p->transport->answer))
                return refuse(message, size, "%s: its transport is incomplete", path);
        if (!p->transport && !p->base_url)
                return refuse(message, size, "%s: it has neither a base address nor a transport", path);
        r = check_operations(p, path, message, size);
        if (r >= 0)
                r = check_options(p, path, message, size);
        return r < 0 || !p->auth ? r : check_auth(p->auth, path, message, size);
}

/* ---- Loading ---- */

int rf_plugin_load(const char *directory, const char *file, const struct rf_plugin **ret, char *message, size_t message_size)
{
        const struct rf_plugin *p;
        char path[PATH_MAX];
        void *handle;
        int r;

        if (file[0] == '/')
                r = snprintf(path, sizeof(path), "%s", file);
        else if (strchr(file, '/'))
                return refuse(message, message_size, "%s: a plugin is named by an absolute path, or by a file name inside %s", file,
                              directory);
        else
                r = snprintf(path, sizeof(path), "%s/%s", directory, file);
        if (r < 0 || (size_t)r >= sizeof(path))
                return refuse(message, message_size, "%s: the path is too long", file);
        r = check_file(path, message, message_size);
        if (r < 0)
                return r;
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle)
                return refuse(message, message_size, "%s", dlerror());
        p = dlsym(handle, RF_PLUGIN_SYMBOL);
        if (!p) {
                dlclose(handle);
                return refuse(message, message_size, "%s: not a recflow plugin (it doesn't export %s)", path, RF_PLUGIN_SYMBOL);
        }
        r = rf_plugin_check(p, path, message, message_size);
        dlclose(handle); /* stays loaded: RTLD_NODELETE */
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}
