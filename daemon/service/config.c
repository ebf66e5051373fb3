#include "service/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/option.h"

#define PROVIDER_SECTION "provider "

struct provider {
        struct rf_provider_config config;
        size_t capacity;
};

struct rf_config {
        struct rf_arena arena;
        struct rf_value values[RF_SET_COUNT];
        const char *texts[RF_SET_COUNT]; /* as written; the default's if `where` is NULL */
        const char *where[RF_SET_COUNT];
        struct provider providers[RF_PLUGINS_MAX];
        size_t n_providers;
};

struct reading {
        struct rf_config *config;
        struct rf_config_error *error;
        const char *path;
        FILE *file;
        unsigned line;
        int result;
        bool is_given[RF_SET_COUNT]; /* in this file */
};

_printf_(3, 4) static int refuse(struct reading *rd, unsigned line, const char *format, ...)
{
        va_list args;

        if (rd->result < 0)
                return rd->result;
        rd->result = -RF_ECONFIG;
        snprintf(rd->error->file, sizeof(rd->error->file), "%s", rd->path);
        rd->error->line = line;
        va_start(args, format);
        vsnprintf(rd->error->message, sizeof(rd->error->message), format, args);
        va_end(args);
        return rd->result;
}

/* ---- Settings ---- */

static int set(struct rf_config *c, enum rf_setting s, const char *text, const char *where, char *reason, size_t size)
{
        const char *copy = rf_arena_strdup(&c->arena, text);
        struct rf_value v = { 0 };
        int r;

        if (!copy)
                return -ENOMEM;
        r = rf_option_parse(&rf_settings[s].option, copy, &v, reason, size);
        if (r < 0)
                return r;
        c->values[s] = v;
        c->texts[s] = copy;
        c->where[s] = where;
        return 0;
}

/* A value as an error may repeat it. */
static const char *shown(enum rf_setting s, const char *text)
{
        return rf_settings[s].option.flags & RF_OPTION_SECRET ? "…" : text;
}

int rf_config_set(struct rf_config *c, enum rf_setting s, const char *text, const char *where, struct rf_config_error *ret_error)
{
        char reason[256] = "";
        int r = set(c, s, text, rf_arena_strdup(&c->arena, where), reason, sizeof(reason));

        if (r == -RF_ECONFIG) {
                *ret_error = (struct rf_config_error){ 0 };
                snprintf(ret_error->file, sizeof(ret_error->file), "%s", where);
                snprintf(ret_error->message, sizeof(ret_error->message), "%s = %.160s: %s", rf_settings[s].option.name, shown(s, text),
                         reason);
        }
        return r;
}

static int set_defaults(struct rf_config *c)
{
        for (int s = 0; s < RF_SET_COUNT; s++) {
                const char *text = rf_settings[s].option.default_value;
                char reason[256];
                int r = text ? set(c, (enum rf_setting)s, text, NULL, reason, sizeof(reason)) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- Providers ---- */

static struct provider *provider_of(struct reading *rd, const char *name)
{
        struct rf_config *c = rd->config;

        for (size_t i = 0; i < c->n_providers; i++)
                if (strcmp(c->providers[i].config.name, name) == 0)
                        return &c->providers[i];
        if (c->n_providers == RF_PLUGINS_MAX) {
                refuse(rd, rd->line, "[provider %s]: more than %u providers", name, RF_PLUGINS_MAX);
                return NULL;
        }
        if (!name[0] || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name)) {
                refuse(rd, rd->line, "[provider %.80s]: a provider's name has small letters, digits, - and _", name);
                return NULL;
        }
        c->providers[c->n_providers].config.name = rf_arena_strdup(&c->arena, name);
        c->providers[c->n_providers].config.where = rf_arena_printf(&c->arena, "%s:%u", rd->path, rd->line);
        if (!c->providers[c->n_providers].config.name || !c->providers[c->n_providers].config.where) {
                rd->result = -ENOMEM;
                return NULL;
        }
        return &c->providers[c->n_providers++];
}

/* The last one of a name wins, as it does for the daemon's own options. */
static int add_option(struct reading *rd, struct provider *p, const char *name, const char *value, const char *where)
{
        struct rf_provider_config *c = &p->config;
        size_t at = 0;

        while (at < c->n_options && strcmp(c->options[at].name, name) != 0)
                at++;
        if (at == p->capacity) {
                void *bigger = reallocarray(c->options, 2 * p->capacity + 8, sizeof(*c->options));

                if (!bigger)
                        return rd->result = -ENOMEM;
                c->options = bigger;
                p->capacity = 2 * p->capacity + 8;
        }
        c->options[at].name = name;
        c->options[at].value = value;
        c->options[at].where = where;
        if (at == c->n_options)
                c->n_options++;
        return 0;
}

static int take_provider_option(struct reading *rd, const char *provider, const char *name, const char *value)
{
        struct provider *p = provider_of(rd, provider);
        struct rf_arena *arena = &rd->config->arena;
        char *n = rf_arena_strdup(arena, name), *v = rf_arena_strdup(arena, value);
        char *where = rf_arena_printf(arena, "%s:%u", rd->path, rd->line);

        if (!p)
                return rd->result;
        if (!n || !v || !where)
                return rd->result = -ENOMEM;
        if (strcmp(name, "plugin") == 0)
                p->config.plugin = v;
        else if (strcmp(name, "transport") == 0)
                p->config.transport = v;
        else if (strcmp(name, "api_url") == 0)
                p->config.api_url = v;
        else if (strcmp(name, "enabled") == 0) {
                bool is_no = strcmp(v, "no") == 0 || strcmp(v, "false") == 0 || strcmp(v, "0") == 0 || strcmp(v, "off") == 0;

                if (!is_no && strcmp(v, "yes") != 0 && strcmp(v, "true") != 0 && strcmp(v, "1") != 0 && strcmp(v, "on") != 0)
                        return refuse(rd, rd->line, "[provider %s] enabled = %s: yes or no", provider, v);
                p->config.is_disabled = is_no;
        }
        else
                return add_option(rd, p, n, v, where);
        return 0;
}

/* ---- Files ---- */

/* A provider may do without options, and inih tells of options only. */
static void note_section(struct reading *rd, const char *line)
{
        char section[128];

        if (sscanf(line, " [%127[^]\n]]", section) == 1 && strncmp(section, PROVIDER_SECTION, strlen(PROVIDER_SECTION)) == 0)
                (void)provider_of(rd, section + strlen(PROVIDER_SECTION)); /* a mistake is kept in rd */
}

static char *read_line(char *buf, int size, void *arg)
{
        struct reading *rd = arg;
        size_t n;

        if (rd->result < 0 || !fgets(buf, size, rd->file))
                return NULL;
        rd->line++;
        n = strlen(buf);
        if (n + 1 == (size_t)size && buf[n - 1] != '\n') {
                refuse(rd, rd->line, "the line is longer than %d bytes", size - 2);
                return NULL;
        }
        note_section(rd, buf);
        return buf;
}

static const char *nearest_setting(const char *section, const char *name)
{
        for (int i = 0; i < RF_SET_COUNT; i++)
                if (strcmp(rf_settings[i].section, section) == 0 &&
                    (strstr(rf_settings[i].option.name, name) || strstr(name, rf_settings[i].option.name)))
                        return rf_settings[i].option.name;
        return NULL;
}

/* "[daemon], [runs], ": each section of the table once. */
static const char *list_sections(char *buf, size_t size)
{
        size_t at = 0;

        buf[0] = '\0';
        for (int i = 0; i < RF_SET_COUNT; i++) {
                bool is_new = true;

                for (int k = 0; k < i; k++)
                        is_new = is_new && strcmp(rf_settings[k].section, rf_settings[i].section) != 0;
                if (is_new && at < size)
                        at += (size_t)snprintf(buf + at, size - at, "[%s], ", rf_settings[i].section);
        }
        return buf;
}

static int refuse_unknown(struct reading *rd, const char *section, const char *name)
{
        const char *near = nearest_setting(section, name);
        char sections[256];

        if (!section[0])
                return refuse(rd, rd->line, "%.80s stands before the first [section]", name);
        if (!rf_setting_has_section(section))
                return refuse(rd, rd->line, "there is no section [%.80s]; there are %sand [provider NAME]", section,
                              list_sections(sections, sizeof(sections)));
        if (near)
                return refuse(rd, rd->line, "[%s] has no option %.80s; did you mean %s?", section, name, near);
        return refuse(rd, rd->line, "[%s] has no option %.80s; recflowd --sample prints all of them", section, name);
}

/* inih's handler: 1 to go on, 0 for a mistake. */
static int take(void *arg, const char *section, const char *name, const char *value)
{
        struct reading *rd = arg;
        char reason[256] = "";
        int s, r;

        if (rd->result < 0)
                return 0;
        if (strncmp(section, PROVIDER_SECTION, strlen(PROVIDER_SECTION)) == 0)
                return take_provider_option(rd, section + strlen(PROVIDER_SECTION), name, value) >= 0;
        s = rf_setting_find(section, name);
        if (s < 0)
                return refuse_unknown(rd, section, name) >= 0;
        if (rf_settings[s].is_list && rd->is_given[s])
                value = rf_arena_printf(&rd->config->arena, "%s|%s", rd->config->texts[s], value);
        if (!value)
                rd->result = -ENOMEM;
        if (rd->result < 0)
                return 0;
        rd->is_given[s] = true;
        r = set(rd->config, (enum rf_setting)s, value, rf_arena_printf(&rd->config->arena, "%s:%u", rd->path, rd->line), reason,
                sizeof(reason));
        if (r == -RF_ECONFIG)
                refuse(rd, rd->line, "[%s] %s = %.160s: %s", section, name, shown((enum rf_setting)s, value), reason);
        else if (r < 0)
                rd->result = r;
        return r >= 0;
}

static int read_file(struct rf_config *c, const char *path, bool is_required, struct rf_config_error *error)
{
        struct reading rd = { .config = c, .error = error, .path = path };
        int bad_line;

        rd.file = fopen(path, "re");
        if (!rd.file && errno == ENOENT && !is_required)
                return 0;
        if (!rd.file)
                return errno == ENOMEM ? -ENOMEM : refuse(&rd, 0, "can't be read: %s", rf_strerror(-errno)); /* the first may pass */
        bad_line = ini_parse_stream(read_line, &rd, take, &rd);
        if (ferror(rd.file))
                refuse(&rd, 0, "can't be read: %s", rf_strerror(-EIO));
        fclose(rd.file);
        if (bad_line == -2)
                return -ENOMEM;
        if (bad_line > 0)
                refuse(&rd, (unsigned)bad_line, "neither \"name = value\" nor \"[section]\"");
        return rd.result;
}

static int is_drop_in(const struct dirent *e)
{
        size_t n = strlen(e->d_name);

        return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_ins(struct rf_config *c, const char *path, struct rf_config_error *error)
{
        struct dirent **entries;
        char *directory = rf_arena_printf(&c->arena, "%s.d", path);
        int n, r = 0;

        if (!directory)
                return -ENOMEM;
        n = scandir(directory, &entries, is_drop_in, by_name);
        if (n < 0 && errno == ENOMEM)
                return -ENOMEM;
        if (n < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 :
                                                             refuse(&(struct reading){ .error = error, .path = directory }, 0, "can't be read: %s",
                                                                    rf_strerror(-errno));
        for (int i = 0; i < n; i++) {
                char *file = rf_arena_printf(&c->arena, "%s/%s", directory, entries[i]->d_name);

                if (r >= 0)
                        r = file ? read_file(c, file, true, error) : -ENOMEM;
                free(entries[i]);
        }
        free(entries);
        return r;
}

int rf_config_load(const char *path, bool is_required, struct rf_config **ret, struct rf_config_error *ret_error)
{
        _cleanup_(rf_config_freep) struct rf_config *c = calloc(1, sizeof(*c));
        int r;

        *ret_error = (struct rf_config_error){ 0 };
        if (!c)
                return -ENOMEM;
        r = set_defaults(c);
        if (r >= 0)
                r = read_file(c, path, is_required, ret_error);
        if (r >= 0)
                r = read_drop_ins(c, path, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

struct rf_config *rf_config_free(struct rf_config *c)
{
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_providers; i++)
                free(c->providers[i].config.options);
        rf_arena_done(&c->arena);
        free(c);
        return NULL;
}

const struct rf_value *rf_config_get(const struct rf_config *c, enum rf_setting setting)
{
        return &c->values[setting];
}

bool rf_config_is_default(const struct rf_config *c, enum rf_setting setting)
{
        return !c->where[setting];
}

const char *rf_config_where(const struct rf_config *c, enum rf_setting setting)
{
        return c->where[setting] ? c->where[setting] : "the default";
}

void rf_config_place(struct rf_config_error *e, const char *where)
{
        const char *colon = strrchr(where, ':');
        bool has_line = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);

        e->line = has_line ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
        snprintf(e->file, sizeof(e->file), "%.*s", has_line ? (int)(colon - where) : (int)strlen(where), where);
}

size_t rf_config_n_providers(const struct rf_config *c)
{
        return c->n_providers;
}

const struct rf_provider_config *rf_config_provider(const struct rf_config *c, size_t i)
{
        return &c->providers[i].config;
}

/* ---- Comparing ---- */

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

bool rf_config_same(const struct rf_config *a, const struct rf_config *b, enum rf_setting setting)
{
        return same_text(a->texts[setting], b->texts[setting]);
}

static bool same_provider(const struct rf_provider_config *a, const struct rf_provider_config *b)
{
        if (!same_text(a->name, b->name) || !same_text(a->plugin, b->plugin) || !same_text(a->transport, b->transport) ||
            !same_text(a->api_url, b->api_url) || a->is_disabled != b->is_disabled || a->n_options != b->n_options)
                return false;
        for (size_t i = 0; i < a->n_options; i++)
                if (!same_text(a->options[i].name, b->options[i].name) || !same_text(a->options[i].value, b->options[i].value))
                        return false;
        return true;
}

bool rf_config_same_providers(const struct rf_config *a, const struct rf_config *b)
{
        if (a->n_providers != b->n_providers)
                return false;
        for (size_t i = 0; i < a->n_providers; i++)
                if (!same_provider(&a->providers[i].config, &b->providers[i].config))
                        return false;
        return true;
}

int rf_config_copy(struct rf_config *to, const struct rf_config *from, enum rf_setting setting)
{
        char reason[256];
        const char *where = from->where[setting] ? rf_arena_strdup(&to->arena, from->where[setting]) : NULL;

        if (from->texts[setting])
                return set(to, setting, from->texts[setting], where, reason, sizeof(reason));
        to->values[setting] = (struct rf_value){ 0 };
        to->texts[setting] = to->where[setting] = NULL;
        return 0;
}
