#include "sim/stage.h"

#include "base/macros.h"

#define CACHE_SIZE (256u << 20)

/* Hundreds of daemons put thousands of answers into it. */
static int open_cache(struct sim_stage *s, char *message, size_t size)
{
        struct rf_cache_options o = { .size_max = CACHE_SIZE, .sync_interval_us = 3600 * USEC_PER_SEC };
        int r = sim_directory_new(&s->directory, message, size);

        if (r < 0)
                return r;
        o.directory = sim_directory_path(s->directory);
        return rf_cache_open(&o, &s->cache, message, size);
}

int sim_stage_open(const struct sim_stage_options *o, struct sim_stage *ret, char *message, size_t size)
{
        struct sim_stage s = { .plugin_directory = o->plugin_directory };
        int r = rf_lexicon_load(o->data_directory, &s.lexicon, message, size);

        if (r >= 0)
                r = mock_world_new(1, &s.world);
        if (r >= 0)
                r = sim_prompts_new(o->prompts, o->distinct, s.world, &s.prompts, message, size);
        if (r >= 0)
                r = open_cache(&s, message, size);
        if (r < 0) {
                sim_stage_close(&s);
                return r;
        }
        *ret = s;
        return 0;
}

void sim_stage_close(struct sim_stage *s)
{
        rf_cache_close(s->cache);
        sim_directory_free(s->directory);
        sim_prompts_free(s->prompts);
        mock_world_free(s->world);
        rf_lexicon_free(s->lexicon);
        *s = (struct sim_stage){ 0 };
}
