/* Results for programs. */
#pragma once

#include <jansson.h>

#include "sim/ablation.h"
#include "sim/measures.h"

/* New references; NULL when out of memory. */
json_t *sim_json_result(const struct sim_result *r);
json_t *sim_json_difference(const struct sim_result *from, const struct sim_result *to, size_t n_prompts, uint64_t seed);
json_t *sim_json_ablation(const struct sim_ablation *a);
