#include "service/plugins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "service/messages.h"

static const struct rf_provider_config *find_section(const struct rf_config *c, const char *name)
{
        for (size_t i = 0; i < rf_config_n_providers(c); i++)
                if (strcmp(rf_config_provider(c, i)->name, name) == 0)
                        return rf_config_provider(c, i);
        return NULL;
}

/* Whether a message begins with where an option stands; then what follows that. */
static const char *after_where(const char *message, const char *where)
{
        size_t n = strlen(where);

        return strncmp(message, where, n) == 0 && strncmp(message + n, ": ", 2) == 0 ? message + n + 2 : NULL;
}

/* A sentence about a provider as a mistake of the configuration: at the option it's about, or else at the section. */
static int mistake(const struct rf_provider_config *p, const char *message, struct rf_config_error *ret)
{
        bool is_named = strncmp(message, "[provider ", strlen("[provider ")) == 0;

        for (size_t i = 0; i < p->n_options; i++) {
                const char *rest = after_where(message, p->options[i].where);

                if (rest) {
                        rf_config_place(ret, p->options[i].where);
                        snprintf(ret->message, sizeof(ret->message), "%s", rest);
                        return -RF_ECONFIG;
                }
        }
        rf_config_place(ret, p->where);
        if (is_named)
                snprintf(ret->message, sizeof(ret->message), "%s", message);
        else
                snprintf(ret->message, sizeof(ret->message), "[provider %s] %s", p->name, message);
        return -RF_ECONFIG;
}

/*
 * What a provider names as its transport and doesn't answer itself (its section says enabled = no, or there is none) is loaded once, to
 * stand in for all that name it. One that can't be loaded is a notice; without `notices` its section is a mistake, or whoever names it.
 */
static int load_transports(const struct rf_config *c, struct rf_notices *notices, struct rf_providers *providers,
                           struct rf_config_error *ret_error)
{
        const char *loaded[RF_PLUGINS_MAX];
        size_t n_loaded = 0;

        for (size_t i = 0; i < rf_config_n_providers(c); i++) {
                const struct rf_provider_config *p = rf_config_provider(c, i), *section;
                char message[512] = "";
                bool is_loaded = false;
                int r;

                if (p->is_disabled || !p->transport)
                        continue;
                section = find_section(c, p->transport);
                for (size_t k = 0; k < n_loaded; k++)
                        is_loaded |= strcmp(loaded[k], p->transport) == 0;
                if (is_loaded || (section && !section->is_disabled))
                        continue;
                loaded[n_loaded++] = p->transport;
                r = rf_providers_load_transport(providers, section ? section : &(struct rf_provider_config){ .name = p->transport },
                                                message, sizeof(message));
                if (r != -RF_EPLUGIN && r != -RF_ECONFIG && r < 0)
                        return r;
                if (r < 0 && notices)
                        rf_notices_add(notices, NULL, message);
                else if (r < 0 && section)
                        return mistake(section, message, ret_error);
        }
        return 0;
}

int rf_plugins_open(const struct rf_config *c, struct rf_notices *notices, struct rf_providers **ret)
{
        static const struct rf_provider_config embedded = { .name = "mock" };
        _cleanup_(rf_providers_freep) struct rf_providers *providers = NULL;
        size_t n = rf_config_n_providers(c);
        int r = rf_providers_new(rf_config_get(c, RF_SET_PLUGIN_DIRECTORY)->string, &providers);

        if (r >= 0)
                r = load_transports(c, notices, providers, NULL);
        if (r >= 0 && n == 0)
                rf_notices_add(notices, &(struct rf_log_fields){ .message_id = RF_MESSAGE_EMBEDDED, .provider = embedded.name },
                            "no [provider NAME] is configured: the embedded one answers, with invented music");
        for (size_t i = 0; i < MAX(n, (size_t)1) && r >= 0; i++) {
                char message[512] = "";

                if (n > 0 && rf_config_provider(c, i)->is_disabled)
                        continue;

                r = rf_providers_load(providers, n > 0 ? rf_config_provider(c, i) : &embedded, message, sizeof(message));
                if (message[0])
                        rf_notices_add(notices, &(struct rf_log_fields){ .message_id = r < 0 ? RF_MESSAGE_PROVIDER : NULL, .error = r,
                                                                .provider = n > 0 ? rf_config_provider(c, i)->name : embedded.name },
                                    message);
                if (r == -RF_EPLUGIN || r == -RF_ECONFIG)
                        r = 0; /* the others go on without it */
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(providers);
        return 0;
}

int rf_plugins_check(const struct rf_config *c, struct rf_config_error *ret_error)
{
        _cleanup_(rf_providers_freep) struct rf_providers *providers = NULL;
        int r = rf_providers_new(rf_config_get(c, RF_SET_PLUGIN_DIRECTORY)->string, &providers);

        if (r < 0)
                return r;
        rf_providers_only_check(providers);
        r = load_transports(c, NULL, providers, ret_error);
        for (size_t i = 0; i < rf_config_n_providers(c) && r >= 0; i++) {
                const struct rf_provider_config *p = rf_config_provider(c, i);
                char message[512] = "";

                if (p->is_disabled)
                        continue;
                r = rf_providers_load(providers, p, message, sizeof(message));
                if (r == -RF_EPLUGIN || r == -RF_ECONFIG || r == -RF_ELIMIT)
                        r = mistake(p, message, ret_error);
        }
        return r;
}
