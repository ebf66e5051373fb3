/* Results for people. */
#pragma once

#include "sim/ablation.h"
#include "sim/arguments.h"
#include "sim/measures.h"

/* One model: a column for each of its results. */
void sim_table_print(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const struct sim_stage *stage,
                     const struct sim_column *columns, size_t n);
/* How much better the second of two columns is, with intervals. -ENOMEM. */
int sim_table_print_difference(FILE *f, const struct sim_arguments *a, const struct sim_stage *stage, const struct sim_column *from,
                               const struct sim_column *to);
void sim_table_print_ablation(FILE *f, const struct sim_arguments *a, const struct sim_model *model, const struct sim_ablation *ablation);
