#include "control/optimizations.h"

#include <errno.h>
#include <string.h>

#include "control/admin.h"
#include "control/build.h"

int rf_optimizations_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        const struct rf_optimizations *set = rf_upstream_optimizations(c->upstream);
        struct rf_build build = { 0 }, *b = &build;
        json_t *o = rf_build_object(b), *list = rf_build_array(b);

        for (int i = 0; i < RF_OPT_COUNT; i++) {
                const struct rf_optimization_info *info = &rf_optimization_infos[i];
                json_t *j = rf_build_object(b);

                rf_build_string(b, j, "name", info->name);
                rf_build_string(b, j, "phase", info->phase);
                rf_build_string(b, j, "on", info->on);
                rf_build_string(b, j, "off", info->off);
                rf_build_bool(b, j, "enabled", rf_is_on(set, (enum rf_optimization)i));
                rf_build_bool(b, j, "default", rf_is_on(&c->optimizations, (enum rf_optimization)i));
                rf_build_add(b, list, j);
        }
        rf_build_put(b, o, "optimizations", list);
        o = rf_build_done(b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

int rf_set_optimization_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        const json_t *p = rf_varlink_call_parameters(call);
        const char *name = json_string_value(json_object_get(p, "name"));
        struct rf_optimizations set = *rf_upstream_optimizations(c->upstream);
        int i = rf_optimization_find(name);

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (i < 0) {
                json_t *o = json_pack("{s:s, s:s}", "name", name, "message",
                                      "there is no such optimisation; \"recflowctl optimizations\" lists them");

                return o ? rf_varlink_call_error(call, "io.recflow.admin.NoSuchOptimization", o) : -ENOMEM;
        }
        rf_optimizations_set(&set, (enum rf_optimization)i, json_is_true(json_object_get(p, "enabled")));
        rf_upstream_set_optimizations(c->upstream, &set);
        return rf_varlink_call_reply(call, NULL);
}

int rf_set_profile_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct rf_optimizations set;
        int r = rf_optimizations_profile(json_string_value(json_object_get(rf_varlink_call_parameters(call), "name")), &set);

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (r < 0) /* the interface's type has the same names */
                return r;
        rf_upstream_set_optimizations(c->upstream, &set);
        return rf_varlink_call_reply(call, NULL);
}
