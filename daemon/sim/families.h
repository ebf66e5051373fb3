/* Prompts of the same mood family as a built-in one: what others may have asked for before. */
#pragma once

enum { SIM_FAMILY_MAX = 3 };

struct sim_family {
        const char *prompt;
        /* in another situation, then of another mood but the same genre or alike, or of the same mood but another genre; none is the same wish */
        const char *related[SIM_FAMILY_MAX];
};

const struct sim_family *sim_family_of(const char *prompt); /* NULL */
