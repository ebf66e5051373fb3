#include "service/reload.h"

#include <errno.h>

struct rf_optimizations rf_reload_optimizations(const struct rf_config *c)
{
        struct rf_optimizations set = rf_optimizations_full();

        (void)rf_optimizations_profile(rf_config_get(c, RF_SET_PROFILE)->string, &set); /* the option takes no other names */
        for (int i = 0; i < RF_OPT_COUNT; i++) {
                const enum rf_setting s = (enum rf_setting)(RF_SET_OPTIMIZATIONS + i);

                if (!rf_config_is_default(c, s))
                        rf_optimizations_set(&set, (enum rf_optimization)i, rf_config_get(c, s)->integer);
        }
        return set;
}

/* Whether a switch was set by a client and goes back now to what is configured, as before. */
static bool goes_back(enum rf_optimization o, const struct rf_optimizations *configured, const struct rf_optimizations *switched,
                      const struct rf_optimizations *fresh)
{
        return rf_is_on(switched, o) != rf_is_on(configured, o) && rf_is_on(switched, o) != rf_is_on(fresh, o);
}

int rf_reload_take(struct rf_config *config, const struct rf_config *fresh, const struct rf_optimizations *switched, struct rf_changes *ret)
{
        struct rf_optimizations configured = rf_reload_optimizations(config), then = rf_reload_optimizations(fresh);
        struct rf_changes c = { 0 };

        for (int i = 0; i < RF_SET_COUNT; i++) {
                const enum rf_setting s = (enum rf_setting)i;
                bool is_same = rf_config_same(config, fresh, s);

                if (is_same && i >= RF_SET_OPTIMIZATIONS &&
                    goes_back((enum rf_optimization)(i - RF_SET_OPTIMIZATIONS), &configured, switched, &then))
                        c.live[c.n_live++] = rf_setting_label(s);
                if (is_same)
                        continue;
                if (!rf_settings[s].is_live)
                        c.restart[c.n_restart++] = rf_setting_label(s);
                else if (rf_config_copy(config, fresh, s) < 0)
                        return -ENOMEM;
                else
                        c.live[c.n_live++] = rf_setting_label(s);
        }
        if (!rf_config_same_providers(config, fresh))
                c.restart[c.n_restart++] = "[provider]";
        *ret = c;
        return 0;
}
