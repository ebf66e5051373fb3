/* Recommendations in the synthetic world: near to seeds and to wished features. */
#pragma once

#include "world.h"

struct mock_wish {
        const struct mock_track *const *seeds;
        size_t n_seeds;
        const struct mock_track *const *negative;
        size_t n_negative;
        bool has_target[MOCK_FEATURES];
        float target[MOCK_FEATURES];
        float weight[MOCK_FEATURES];
        size_t size;
};

/* `ret` gets at most `wish->size` tracks, best first, none of them a seed. Returns how many, or -ENOMEM. */
int mock_recommend(const struct mock_world *w, const struct mock_wish *wish, const struct mock_track **ret);
