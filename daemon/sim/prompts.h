/* What is asked for: the built-in prompts, whose tastes are known, or those of a file. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/macros.h"
#include "judge.h"

struct sim_prompts;

/* `path` NULL: the built-in ones, or, with `distinct`, so many made-up ones, no two alike. -RF_ECONFIG, -errno with a sentence in `message`. */
int sim_prompts_new(const char *path, size_t distinct, const struct mock_world *world, struct sim_prompts **ret, char *message, size_t size);
struct sim_prompts *sim_prompts_free(struct sim_prompts *p);
DEFINE_CLEANUP(struct sim_prompts *, sim_prompts_free);

size_t sim_prompts_count(const struct sim_prompts *p);
const char *sim_prompts_text(const struct sim_prompts *p, size_t i);
/*
 * At most `max` others of the same mood family (families.h); of a prompt without one, those of the list that share a mood or a genre; if
 * there are none, the next. How many. They live as long as `p`.
 */
size_t sim_prompts_related(const struct sim_prompts *p, size_t i, const char **ret, size_t max);
/* nDCG of world tracks at `k`; below 0: nobody knows the taste behind this prompt. */
double sim_prompts_judge(const struct sim_prompts *p, size_t i, const struct mock_track *const *tracks, size_t n, size_t k);
