/* What all simulated daemons share, because making it takes long: the lexicon, the world to judge by, the cache's file, the prompts. */
#pragma once

#include "flow/lexicon.h"
#include "sim/directory.h"
#include "sim/prompts.h"
#include "store/cache.h"

struct sim_stage {
        const char *plugin_directory;
        struct rf_lexicon *lexicon;
        struct mock_world *world;    /* the catalogue of the providers with the mock's default seed */
        struct sim_prompts *prompts;
        struct rf_cache *cache;      /* emptied for each daemon */
        struct sim_directory *directory; /* of the cache */
};

struct sim_stage_options {
        const char *plugin_directory, *data_directory;
        const char *prompts; /* file; NULL: the built-in ones */
        size_t distinct;     /* so many made-up ones instead; 0: none */
};

/* Strings of `o` outlive it. Negative codes come with a sentence in `message`. */
int sim_stage_open(const struct sim_stage_options *o, struct sim_stage *ret, char *message, size_t size);
void sim_stage_close(struct sim_stage *s);
