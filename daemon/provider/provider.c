#include "provider/provider.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/option.h"
#include "provider/host.h"
#include "provider/loader.h"
#include "provider/secret.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct refusal {
        uint64_t until_us; /* wall-clock time; 0 = none */
        uint64_t left_us;  /* until then, when last asked; 0 = not asked yet */
        char *reason;
};

struct rf_provider {
        char *name, *problem, *base_url;
        const struct rf_plugin *plugin;
        void *instance;
        struct rf_value *values;
        char **texts; /* what string values point into */
        const struct rf_operation *operations[RF_OP_COUNT][RF_OPERATION_WAYS_MAX]; /* in order of preference */
        struct refusal refusals[RF_OP_COUNT][RF_OPERATION_WAYS_MAX];
        unsigned char way[RF_OP_COUNT]; /* that is used now */
        struct rf_provider *transport;
};

struct rf_providers {
        char *directory;
        struct rf_provider *list[RF_PLUGINS_MAX];
        size_t n;
        struct rf_provider *transports[RF_PLUGINS_MAX]; /* that only stand in for others' services */
        size_t n_transports;
        bool only_checks; /* opens none */
};

int rf_providers_new(const char *plugin_directory, struct rf_providers **ret)
{
        struct rf_providers *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->directory = strdup(plugin_directory);
        if (!p->directory) {
                free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

static void provider_free(struct rf_provider *p)
{
        if (p->plugin)
                p->plugin->close(p->instance);
        for (size_t i = 0; p->texts && i < p->plugin->n_options; i++)
                rf_secret_free(p->texts[i]);
        for (size_t i = 0; i < RF_OP_COUNT; i++)
                for (size_t k = 0; k < RF_OPERATION_WAYS_MAX; k++)
                        free(p->refusals[i][k].reason);
        free(p->texts);
        free(p->values);
        free(p->name);
        free(p->problem);
        free(p->base_url);
        free(p);
}

struct rf_providers *rf_providers_free(struct rf_providers *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n; i++)
                provider_free(p->list[i]);
        for (size_t i = 0; i < p->n_transports; i++)
                provider_free(p->transports[i]);
        free(p->directory);
        free(p);
        return NULL;
}

/* ---- Loading one ---- */

_printf_(4, 5) static int refuse(int error, char *message, size_t size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, size, format, ap);
        va_end(ap);
        return error;
}

static int unknown_option(const struct rf_plugin *plugin, const struct rf_provider_config *c, size_t option, char *message,
                          size_t size)
{
        _cleanup_buf_ struct rf_buf known = RF_BUF_INIT;

        for (size_t i = 0; i < plugin->n_options; i++)
                if (rf_buf_addf(&known, "%s%s", i > 0 ? ", " : "", plugin->options[i].name) < 0)
                        return -ENOMEM;
        return refuse(-RF_ECONFIG, message, size, "%s: [provider %s] has no option %s; known: %s", c->options[option].where, c->name,
                      c->options[option].name, known.size > 0 ? known.data : "none");
}

static int set_option(struct rf_provider *p, size_t i, const char *text, const char *where, char *message, size_t size)
{
        const struct rf_option *o = &p->plugin->options[i];
        char reason[256] = "";
        int r;

        rf_secret_free(p->texts[i]);
        p->texts[i] = strdup(text);
        if (!p->texts[i])
                return -ENOMEM;
        r = rf_option_parse(o, p->texts[i], &p->values[i], reason, sizeof(reason));
        if (r == -RF_ECONFIG)
                return refuse(r, message, size, "%s: [provider %s] %s = %s: %s", where, p->name, o->name,
                              o->flags & RF_OPTION_SECRET ? "…" : text, reason);
        return r;
}

static size_t find_option(const struct rf_plugin *plugin, const char *name)
{
        size_t i = 0;

        while (i < plugin->n_options && strcmp(plugin->options[i].name, name) != 0)
                i++;
        return i;
}

static int set_credential(struct rf_provider *p, size_t i, char *message, size_t size)
{
        char *secret = NULL;
        int r = rf_secret_from_credential(p->name, p->plugin->options[i].name, &secret, message, size);

        if (r > 0)
                r = set_option(p, i, secret, "$CREDENTIALS_DIRECTORY", message, size);
        rf_secret_free(secret);
        return r;
}

/* OPTION_file of a secret option. */
static int set_from_file(struct rf_provider *p, const struct rf_provider_config *c, size_t j, char *message, size_t size)
{
        const char *name = c->options[j].name;
        size_t n = strlen(name), tail = strlen("_file"), i = p->plugin->n_options;
        char *secret = NULL;
        int r;

        if (n > tail && strcmp(name + n - tail, "_file") == 0)
                for (i = 0; i < p->plugin->n_options; i++)
                        if ((p->plugin->options[i].flags & RF_OPTION_SECRET) && strlen(p->plugin->options[i].name) == n - tail &&
                            strncmp(p->plugin->options[i].name, name, n - tail) == 0)
                                break;
        if (i == p->plugin->n_options)
                return unknown_option(p->plugin, c, j, message, size);
        r = rf_secret_from_file(c, j, &secret, message, size);
        if (r >= 0)
                r = set_option(p, i, secret, c->options[j].where, message, size);
        rf_secret_free(secret);
        return r;
}

static int set_options(struct rf_provider *p, const struct rf_provider_config *c, char *message, size_t size)
{
        const struct rf_plugin *plugin = p->plugin;
        int r;

        p->values = calloc(plugin->n_options + 1, sizeof(*p->values));
        p->texts = calloc(plugin->n_options + 1, sizeof(*p->texts));
        if (!p->values || !p->texts)
                return -ENOMEM;
        for (size_t i = 0; i < plugin->n_options; i++)
                if (plugin->options[i].default_value) {
                        r = set_option(p, i, plugin->options[i].default_value, "default", message, size);
                        if (r < 0)
                                return r;
                }
        for (size_t i = 0; i < plugin->n_options; i++)
                if (plugin->options[i].flags & RF_OPTION_SECRET) {
                        r = set_credential(p, i, message, size);
                        if (r < 0)
                                return r;
                }
        for (size_t j = 0; j < c->n_options; j++) {
                size_t i = find_option(plugin, c->options[j].name);

                if (i < plugin->n_options && (plugin->options[i].flags & RF_OPTION_SECRET))
                        rf_secret_warn(c, j, message, size);
                if (i < plugin->n_options)
                        r = set_option(p, i, c->options[j].value, c->options[j].where, message, size);
                else
                        r = set_from_file(p, c, j, message, size);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A provider that answers itself, too, or one that only stands in. */
static struct rf_provider *find_transport(const struct rf_providers *all, const char *name)
{
        struct rf_provider *p = rf_providers_find(all, name);

        for (size_t i = 0; i < all->n_transports && !p; i++)
                if (strcmp(all->transports[i]->name, name) == 0)
                        p = all->transports[i];
        return p && p->plugin && p->plugin->transport && !p->problem ? p : NULL;
}

static int open_provider(struct rf_providers *all, struct rf_provider *p, const struct rf_provider_config *c, char *message,
                         size_t size)
{
        const struct rf_plugin *plugin;
        char file[64];
        int r;

        if (!c->plugin)
                snprintf(file, sizeof(file), "%.40s.so", c->name);
        r = rf_plugin_load(all->directory, c->plugin ? c->plugin : file, &plugin, message, size);
        if (r < 0)
                return r;
        p->plugin = plugin;
        r = set_options(p, c, message, size);
        if (r < 0)
                return r;
        if (c->transport) {
                p->transport = find_transport(all, c->transport);
                if (!p->transport)
                        return refuse(-RF_ECONFIG, message, size,
                                      "[provider %s] transport = %s: there is no usable provider of that name, listed before this one, "
                                      "with a transport of its own",
                                      c->name, c->transport);
        } else if (plugin->transport)
                p->transport = p;
        if (c->api_url || plugin->base_url) {
                p->base_url = strdup(c->api_url ? c->api_url : plugin->base_url);
                if (!p->base_url)
                        return -ENOMEM;
        }
        if (all->only_checks)
                return 0;
        r = plugin->open(rf_host(), p->values, &p->instance);
        if (r < 0)
                return refuse(-RF_EPLUGIN, message, size, "[provider %s] the plugin could not be opened: %s", c->name, rf_strerror(r));
        for (size_t i = 0; i < plugin->n_operations; i++) {
                const struct rf_operation *o = &plugin->operations[i], **ways = p->operations[o->op];

                if (!plugin->supports || plugin->supports(p->instance, o))
                        ways[ways[0] ? 1 : 0] = o;
        }
        return 0;
}

/* Opens one at the end of a list; there it stays, unusable and with its problem, if it can't be opened. */
static int append(struct rf_providers *all, struct rf_provider **list, size_t *n, const struct rf_provider_config *c, char *message,
                  size_t message_size)
{
        struct rf_provider *p;
        int r;

        message[0] = '\0';
        if (*n == RF_PLUGINS_MAX)
                return refuse(-RF_ELIMIT, message, message_size, "[provider %s] there are %u providers already, the most possible",
                              c->name, RF_PLUGINS_MAX);
        for (size_t i = 0; i < *n; i++)
                if (strcmp(list[i]->name, c->name) == 0)
                        return refuse(-RF_ECONFIG, message, message_size, "[provider %s] is configured twice", c->name);
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->name = strdup(c->name);
        if (!p->name) {
                free(p);
                return -ENOMEM;
        }
        list[(*n)++] = p;
        r = open_provider(all, p, c, message, message_size);
        if (r < 0) {
                if (!message[0])
                        snprintf(message, message_size, "[provider %s] %s", c->name, rf_strerror(r));
                p->problem = strdup(message);
                if (!p->problem)
                        return -ENOMEM;
                memset(p->operations, 0, sizeof(p->operations));
        }
        return r;
}

int rf_providers_load(struct rf_providers *all, const struct rf_provider_config *c, char *message, size_t message_size)
{
        return append(all, all->list, &all->n, c, message, message_size);
}

int rf_providers_load_transport(struct rf_providers *all, const struct rf_provider_config *c, char *message, size_t message_size)
{
        return append(all, all->transports, &all->n_transports, c, message, message_size);
}

void rf_providers_only_check(struct rf_providers *p)
{
        p->only_checks = true;
}

/* ---- Looking at them ---- */

size_t rf_providers_count(const struct rf_providers *p)
{
        return p->n;
}

struct rf_provider *rf_providers_at(const struct rf_providers *p, size_t i)
{
        return i < p->n ? p->list[i] : NULL;
}

struct rf_provider *rf_providers_find(const struct rf_providers *p, const char *name)
{
        for (size_t i = 0; i < p->n; i++)
                if (strcmp(p->list[i]->name, name) == 0)
                        return p->list[i];
        return NULL;
}

const char *rf_provider_name(const struct rf_provider *p)
{
        return p->name;
}

const char *rf_provider_problem(const struct rf_provider *p)
{
        return p->problem;
}

const struct rf_plugin *rf_provider_plugin(const struct rf_provider *p)
{
        return p->plugin;
}

void *rf_provider_instance(const struct rf_provider *p)
{
        return p->instance;
}

const char *rf_provider_base_url(const struct rf_provider *p)
{
        return p->base_url;
}

struct rf_provider *rf_provider_transport(const struct rf_provider *p)
{
        return p->transport;
}

const struct rf_operation *rf_provider_operation(const struct rf_provider *p, enum rf_op op)
{
        return (unsigned)op < RF_OP_COUNT ? p->operations[op][p->way[op]] : NULL;
}

const struct rf_value *rf_provider_value(const struct rf_provider *p, const char *option)
{
        if (!p->plugin || !p->values)
                return NULL;
        for (size_t i = 0; i < p->plugin->n_options; i++)
                if (strcmp(p->plugin->options[i].name, option) == 0)
                        return p->values[i].is_set ? &p->values[i] : NULL;
        return NULL;
}

bool rf_provider_takes_spotify_ids(const struct rf_provider *p)
{
        const struct rf_value *v = rf_provider_value(p, "share_spotify_ids");

        return strcmp(p->name, "spotify") == 0 || (v && v->integer);
}

/* ---- What was refused ---- */

void rf_provider_refuse(struct rf_provider *p, enum rf_op op, uint64_t until_us, const char *reason)
{
        rf_provider_refuse_way(p, op, p->way[op], until_us, reason);
}

void rf_provider_refuse_way(struct rf_provider *p, enum rf_op op, unsigned way, uint64_t until_us, const char *reason)
{
        struct refusal *f = &p->refusals[op][way];
        char *copy = strdup(reason);

        free(f->reason);
        f->reason = copy; /* without memory the refusal still holds, only its text is lost */
        f->until_us = until_us;
        f->left_us = 0;
        if (way == p->way[op] && way + 1 < RF_OPERATION_WAYS_MAX && p->operations[op][way + 1])
                p->way[op]++;
}

void rf_provider_forgive(struct rf_provider *p)
{
        for (size_t op = 0; op < RF_OP_COUNT; op++) {
                for (size_t way = 0; way < RF_OPERATION_WAYS_MAX; way++)
                        p->refusals[op][way].until_us = 0;
                p->way[op] = 0;
        }
}

/* There is less and less left of it; where there is more, the clock was set back, and the end goes with it. */
static bool still_holds(struct refusal *f, uint64_t now_wall_us)
{
        if (f->until_us <= now_wall_us)
                return false;
        if (f->left_us > 0 && f->until_us - now_wall_us > f->left_us)
                f->until_us = now_wall_us + f->left_us;
        f->left_us = f->until_us - now_wall_us;
        return true;
}

const char *rf_provider_refusal(struct rf_provider *p, enum rf_op op, uint64_t now_wall_us)
{
        struct refusal *f;

        if (p->way[op] > 0 && !still_holds(&p->refusals[op][0], now_wall_us))
                p->way[op] = 0; /* the better way is tried again */
        f = &p->refusals[op][p->way[op]];
        if (!still_holds(f, now_wall_us))
                return NULL;
        return f->reason && f->reason[0] ? f->reason : "refused";
}

bool rf_provider_refused_way(const struct rf_provider *p, enum rf_op op, unsigned way, uint64_t now_wall_us, uint64_t *ret_until_us,
                             const char **ret_reason)
{
        const struct refusal *f = &p->refusals[op][way];

        if (f->until_us <= now_wall_us)
                return false;
        *ret_until_us = f->until_us;
        *ret_reason = f->reason ? f->reason : "";
        return true;
}
