#include <errno.h>

#include "flow/generators.h"
#include "sched/sched.h"

/* In the order in which their finds are heard: whose find comes first gives a track its reason. */
static const struct {
        const char *name;
        int (*run)(void *generator);
} GENERATORS[] = {
        { "anchors-generator", rf_anchors_generator },
        { "artists-generator", rf_artists_generator },
        { "seeds-generator", rf_seeds_generator },
};

int rf_generate(struct rf_run *run, unsigned pass)
{
        _cleanup_(rf_group_freep) struct rf_group *group = NULL;
        struct rf_generator generators[ARRAY_SIZE(GENERATORS)];
        int r = rf_group_new(RF_FOREVER, &group);

        for (size_t i = 0; i < ARRAY_SIZE(GENERATORS); i++)
                generators[i] = (struct rf_generator){ .run = run, .pass = pass };
        for (size_t i = 0; i < ARRAY_SIZE(GENERATORS) && r >= 0; i++) {
                r = rf_group_spawn(group, GENERATORS[i].name, GENERATORS[i].run, &generators[i]);
                if (r == -EAGAIN) /* no coroutine to be had: one after the other */
                        r = GENERATORS[i].run(&generators[i]);
        }
        if (r >= 0)
                r = rf_group_join(group);
        group = rf_group_free(group);
        for (size_t i = 0; i < ARRAY_SIZE(GENERATORS); i++) {
                if (r >= 0)
                        r = rf_finds_merge(&generators[i].finds, run);
                rf_finds_done(&generators[i].finds);
        }
        return r;
}
