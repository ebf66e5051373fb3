/*
 * What a listener would say of a playlist: by the moods planted in the synthetic world, which no service and no workflow ever sees.
 * For tests and the simulator.
 */
#pragma once

#include "world.h"

enum { MOCK_JUDGED_MAX = 20 /* tracks that count */ };

/* What a listener wishes: any of the moods in any of the genres (none: any), and years. */
struct mock_taste {
        const char *moods[3];
        const char *genres[3];
        unsigned year_from, year_to; /* 0 = open */
};

/* A prompt, and what somebody who writes it likes to hear. */
struct mock_prompt {
        const char *prompt;
        struct mock_taste taste;
};

extern const struct mock_prompt mock_prompts[];
extern const size_t mock_n_prompts;

/* The taste behind one of them; NULL. */
const struct mock_taste *mock_taste_of(const char *prompt);

/* The most that any playlist could please: gains of the best tracks there are, best first. */
struct mock_ideal {
        double gain[MOCK_JUDGED_MAX];
};

/* -ENOMEM. Looks at the whole world: keep it. */
int mock_ideal_of(const struct mock_world *w, const struct mock_taste *taste, struct mock_ideal *ret);

/* nDCG at `k` (at most MOCK_JUDGED_MAX) of a playlist of `n` world tracks; NULL for one that isn't of the world. */
double mock_ndcg(const struct mock_taste *taste, const struct mock_ideal *ideal, const struct mock_track *const *tracks, size_t n, size_t k);
