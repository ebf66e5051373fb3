/* What is told of an experiment: one table, from which the printed table and the JSON come. */
#pragma once

#include "sim/experiment.h"

enum sim_unit { SIM_UNIT_NUMBER, SIM_UNIT_PERCENT, SIM_UNIT_MS, SIM_UNIT_QUALITY /* 0..1 */, SIM_UNIT_CPU, SIM_UNIT_KIB };

struct sim_measure {
        const char *name;  /* in JSON */
        const char *label; /* for people */
        enum sim_unit unit;
        size_t offset;     /* of the double in struct sim_result */
        enum sim_quality quality; /* of which a difference can be taken; SIM_QUALITY_COUNT: none */
};

extern const struct sim_measure sim_measures[];
extern const size_t sim_n_measures;

double sim_measure_of(const struct sim_measure *m, const struct sim_result *r);

/* A result under its name: a column of a table. */
struct sim_column {
        const char *name;
        struct sim_result result;
};
