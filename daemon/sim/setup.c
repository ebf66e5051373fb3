#include "sim/setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/option.h"
#include "provider/loader.h"
#include "sim/nearest.h"

enum { OPTIONS_MAX = 64 };

struct sim_setup {
        const struct sim_model *model;
        struct rf_arena arena;
        struct rf_value values[RF_SET_COUNT];
        struct rf_provider_config providers[SIM_PROVIDERS_MAX];
        const struct rf_plugin *plugins[SIM_PROVIDERS_MAX];
        size_t n_providers;
        char seed[24]; /* what the weather's option points at */
        struct {
                uint64_t on, off;
        } switches; /* bit N: the overrides turn N on, off */
};

/* ---- Making ---- */

static int set_defaults(struct sim_setup *s)
{
        char reason[256];

        for (int i = 0; i < RF_SET_COUNT; i++) {
                const struct rf_option *o = &rf_settings[i].option;
                int r = o->default_value ? rf_option_parse(o, o->default_value, &s->values[i], reason, sizeof(reason)) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* The last one of a name wins. */
static int set_provider_option(struct sim_setup *s, size_t p, const char *name, const char *value)
{
        struct rf_provider_config *c = &s->providers[p];
        size_t at = 0;

        while (at < c->n_options && strcmp(c->options[at].name, name) != 0)
                at++;
        if (at == OPTIONS_MAX)
                return -RF_ELIMIT;
        c->options[at].name = name;
        c->options[at].value = value;
        c->options[at].where = "simulation";
        if (at == c->n_options)
                c->n_options++;
        return 0;
}

static int add_provider(struct sim_setup *s, size_t i, const char *directory, char *message, size_t size)
{
        char file[64];
        int r;

        s->providers[i].name = s->model->providers[i].name;
        s->providers[i].plugin = s->model->providers[i].plugin;
        s->providers[i].transport = s->model->providers[i].transport;
        s->providers[i].options = rf_arena_array(&s->arena, OPTIONS_MAX, sizeof(*s->providers[i].options));
        if (!s->providers[i].options)
                return -ENOMEM;
        s->n_providers++;
        for (size_t k = 0; k < SIM_PROVIDER_OPTIONS_MAX && s->model->providers[i].options[k].name; k++) {
                r = set_provider_option(s, i, s->model->providers[i].options[k].name, s->model->providers[i].options[k].value);
                if (r < 0)
                        return r;
        }
        snprintf(file, sizeof(file), "%.40s.so", s->providers[i].name);
        return rf_plugin_load(directory, s->providers[i].plugin ? s->providers[i].plugin : file, &s->plugins[i], message, size);
}

int sim_setup_new(const struct sim_model *model, const char *plugin_directory, struct sim_setup **ret, char *message, size_t size)
{
        _cleanup_(sim_setup_freep) struct sim_setup *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->model = model;
        r = set_defaults(s);
        for (size_t i = 0; i < SIM_PROVIDERS_MAX && model->providers[i].name && r >= 0; i++)
                r = add_provider(s, i, plugin_directory, message, size);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* The embedded provider answers where none is configured, as in the daemon. */
static int add_configured(struct sim_setup *s, const struct rf_provider_config *c, const char *directory, char *message, size_t size)
{
        struct rf_provider_config *p = &s->providers[s->n_providers];
        char file[64];
        int r;

        if (s->n_providers == SIM_PROVIDERS_MAX) {
                snprintf(message, size, "more than %d providers are configured", SIM_PROVIDERS_MAX);
                return -RF_ECONFIG;
        }
        *p = *c;
        p->transport = NULL;
        p->options = rf_arena_array(&s->arena, OPTIONS_MAX, sizeof(*p->options));
        p->n_options = 0;
        if (!p->options)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_options; i++) {
                r = set_provider_option(s, s->n_providers, c->options[i].name, c->options[i].value);
                if (r < 0)
                        return r;
        }
        snprintf(file, sizeof(file), "%.40s.so", c->name);
        r = rf_plugin_load(directory, c->plugin ? c->plugin : file, &s->plugins[s->n_providers], message, size);
        s->n_providers += r >= 0;
        return r;
}

/* The switches that the configuration turns off, as the daemon reads it. */
static void read_switches(struct sim_setup *s, const struct rf_config *c)
{
        struct rf_optimizations set = rf_optimizations_full();

        (void)rf_optimizations_profile(rf_config_get(c, RF_SET_PROFILE)->string, &set); /* the option takes no other names */
        s->switches.off = ~set.on;
        for (int i = 0; i < RF_OPT_COUNT; i++) {
                const enum rf_setting setting = (enum rf_setting)(RF_SET_OPTIMIZATIONS + i);
                uint64_t bit = (uint64_t)1 << i;

                if (rf_config_is_default(c, setting))
                        continue;
                s->switches.on = rf_config_get(c, setting)->integer ? s->switches.on | bit : s->switches.on & ~bit;
                s->switches.off = rf_config_get(c, setting)->integer ? s->switches.off & ~bit : s->switches.off | bit;
        }
}

int sim_setup_new_of(const struct rf_config *c, const char *plugin_directory, struct sim_setup **ret, char *message, size_t size)
{
        static const struct rf_provider_config embedded = { .name = "mock" };
        _cleanup_(sim_setup_freep) struct sim_setup *s = calloc(1, sizeof(*s));
        int r = 0;

        if (!s)
                return -ENOMEM;
        for (int i = 0; i < RF_SET_COUNT; i++)
                s->values[i] = *rf_config_get(c, (enum rf_setting)i);
        read_switches(s, c);
        for (size_t i = 0; i < rf_config_n_providers(c) && r >= 0; i++)
                if (!rf_config_provider(c, i)->is_disabled)
                        r = add_configured(s, rf_config_provider(c, i), plugin_directory, message, size);
        if (r >= 0 && rf_config_n_providers(c) == 0)
                r = add_configured(s, &embedded, plugin_directory, message, size);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct sim_setup *sim_setup_free(struct sim_setup *s)
{
        if (s)
                rf_arena_done(&s->arena);
        free(s);
        return NULL;
}

/* ---- Names ---- */

static const struct rf_option *find_option(const struct rf_plugin *plugin, const char *name)
{
        for (size_t i = 0; i < plugin->n_options; i++)
                if (strcmp(plugin->options[i].name, name) == 0)
                        return &plugin->options[i];
        return NULL;
}

static void offer(struct sim_nearest *n, const char *wanted, const char *prefix, const char *middle, const char *name)
{
        char full[128];

        snprintf(full, sizeof(full), "%s%s.%s", prefix, middle, name);
        sim_nearest_offer(n, wanted, full);
}

static int refuse_unknown(const struct sim_setup *s, const char *name, char *message, size_t size)
{
        struct sim_nearest n = { 0 };
        char near[160];

        for (int i = 0; i < RF_SET_COUNT; i++)
                if (strcmp(rf_settings[i].section, "optimizations") != 0)
                        offer(&n, name, "", rf_settings[i].section, rf_settings[i].option.name);
        for (int i = 0; i < RF_OPT_COUNT; i++)
                offer(&n, name, "optimizations", "", rf_optimization_infos[i].name);
        for (size_t p = 0; p < s->n_providers; p++)
                for (size_t i = 0; i < s->plugins[p]->n_options; i++) {
                        offer(&n, name, "provider.", s->providers[p].name, s->plugins[p]->options[i].name);
                        offer(&n, name, "limiter", "", s->plugins[p]->options[i].name);
                }
        snprintf(message, size, "there is no option %.80s%s", name, sim_nearest_text(&n, name, near, sizeof(near)));
        return -RF_ECONFIG;
}

static int parse(const struct rf_option *o, const char *name, const char *text, struct rf_value *ret, char *message, size_t size)
{
        char reason[256] = "";
        int r = rf_option_parse(o, text, ret, reason, sizeof(reason));

        if (r == -RF_ECONFIG)
                snprintf(message, size, "%.80s=%.80s: %s", name, text, reason);
        return r;
}

/* ---- Overriding ---- */

static int override_switch(struct sim_setup *s, const char *name, const char *text, char *message, size_t size)
{
        static const struct rf_option on_or_off = { .type = RF_OPTION_BOOL };
        struct rf_value v;
        int o = rf_optimization_find(name + strlen("optimizations.")), r;

        if (o < 0)
                return refuse_unknown(s, name, message, size);
        r = parse(&on_or_off, name, text, &v, message, size);
        if (r < 0)
                return r;
        s->switches.on &= ~((uint64_t)1 << o);
        s->switches.off &= ~((uint64_t)1 << o);
        *(v.integer ? &s->switches.on : &s->switches.off) |= (uint64_t)1 << o;
        return 0;
}

/* An option of one provider (NULL: of each service that has it). */
static int override_provider(struct sim_setup *s, const char *full, const char *provider, const char *option, const char *text,
                             char *message, size_t size)
{
        bool is_known = false;

        for (size_t p = 0; p < s->n_providers; p++) {
                const struct rf_option *o = find_option(s->plugins[p], option);
                struct rf_value v;
                int r;

                if (!o || (provider && strcmp(s->providers[p].name, provider) != 0) || (!provider && s->plugins[p]->transport))
                        continue;
                is_known = true;
                r = parse(o, full, text, &v, message, size);
                if (r >= 0)
                        r = set_provider_option(s, p, o->name, text);
                if (r < 0)
                        return r;
        }
        return is_known ? 0 : refuse_unknown(s, full, message, size);
}

static int override_setting(struct sim_setup *s, const char *full, const char *section, const char *name, const char *text, char *message,
                            size_t size)
{
        int i = rf_setting_find(section, name);

        return i < 0 ? refuse_unknown(s, full, message, size) : parse(&rf_settings[i].option, full, text, &s->values[i], message, size);
}

int sim_setup_override(struct sim_setup *s, const char *assignment, char *message, size_t size)
{
        const char *equals = strchr(assignment, '=');
        char *name, *text, *section, *option;

        if (!equals || equals == assignment) {
                snprintf(message, size, "%.80s: NAME=VALUE is needed, such as upstream.retries=3", assignment);
                return -RF_ECONFIG;
        }
        name = rf_arena_strndup(&s->arena, assignment, (size_t)(equals - assignment));
        section = rf_arena_strdup(&s->arena, name);
        text = rf_arena_strdup(&s->arena, equals + 1);
        if (!name || !section || !text)
                return -ENOMEM;
        if (strncmp(name, "optimizations.", strlen("optimizations.")) == 0)
                return override_switch(s, name, text, message, size);
        option = strrchr(section, '.');
        if (!option)
                return refuse_unknown(s, name, message, size);
        *option++ = '\0';
        if (strncmp(section, "provider.", strlen("provider.")) == 0)
                return override_provider(s, name, section + strlen("provider."), option, text, message, size);
        if (strcmp(section, "limiter") == 0)
                return override_provider(s, name, NULL, option, text, message, size);
        return override_setting(s, name, section, option, text, message, size);
}

/* ---- Looking ---- */

const struct sim_model *sim_setup_model(const struct sim_setup *s)
{
        return s->model;
}

const struct rf_value *sim_setup_get(const struct sim_setup *s, enum rf_setting setting)
{
        return &s->values[setting];
}

size_t sim_setup_n_providers(const struct sim_setup *s)
{
        return s->n_providers;
}

const struct rf_provider_config *sim_setup_provider(const struct sim_setup *s, size_t i)
{
        return &s->providers[i];
}

bool sim_setup_is_transport(const struct sim_setup *s, size_t i)
{
        for (size_t k = 0; k < s->n_providers; k++)
                if (s->providers[k].transport && strcmp(s->providers[k].transport, s->providers[i].name) == 0)
                        return true;
        return false;
}

/* An option as it is set, or else as it is by default; 0 without one. */
static double option_number(const struct sim_setup *s, size_t p, const char *name)
{
        const struct rf_option *o = find_option(s->plugins[p], name);
        const char *text = o ? o->default_value : NULL;
        char reason[256];
        struct rf_value v;

        for (size_t i = 0; o && i < s->providers[p].n_options; i++)
                if (strcmp(s->providers[p].options[i].name, name) == 0)
                        text = s->providers[p].options[i].value;
        if (!text || rf_option_parse(o, text, &v, reason, sizeof(reason)) < 0)
                return 0;
        return o->type == RF_OPTION_REAL ? v.real : (double)v.integer;
}

uint64_t sim_setup_least_us(const struct sim_setup *s, size_t i, uint64_t calls)
{
        double limit = option_number(s, i, "limit"), rate = option_number(s, i, "rate"), burst = option_number(s, i, "burst");

        if (calls == 0)
                return 0;
        if (limit > 0)
                return (uint64_t)((double)(calls - 1) / limit) * (uint64_t)option_number(s, i, "window");
        return rate > 0 && (double)calls > burst ? (uint64_t)(((double)calls - burst) / rate * 1e6) : 0;
}

struct rf_optimizations sim_setup_optimizations(const struct sim_setup *s, struct rf_optimizations set)
{
        return (struct rf_optimizations){ .on = (set.on | s->switches.on) & ~s->switches.off };
}

int sim_setup_seed(struct sim_setup *s, uint64_t seed)
{
        snprintf(s->seed, sizeof(s->seed), "%" PRIu64, seed % UINT64_C(1000000000000000));
        for (size_t p = 0; p < s->n_providers; p++)
                if (s->plugins[p]->transport && find_option(s->plugins[p], "weather_seed"))
                        return set_provider_option(s, p, "weather_seed", s->seed);
        return 0;
}

int sim_setup_tape(struct sim_setup *s, const char *path, bool plays)
{
        int r = 0;

        for (size_t p = 0; p < s->n_providers && r >= 0; p++)
                if (s->plugins[p]->transport && !s->providers[p].plugin) {
                        r = set_provider_option(s, p, "tape", path);
                        if (r >= 0)
                                r = set_provider_option(s, p, "tape_plays", plays ? "yes" : "no");
                }
        return r;
}
