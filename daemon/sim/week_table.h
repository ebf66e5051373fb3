/* A week without the warmer beside the same with it, for people and for programs. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "sim/arguments.h"
#include "sim/week.h"

void sim_week_print(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const char *profile,
                    const struct sim_week_result *without, const struct sim_week_result *with);
json_t *sim_week_json(const struct sim_model *model, const char *profile, const struct sim_week_result *without,
                      const struct sim_week_result *with); /* a new reference; NULL: out of memory */
