/*
 * Evaluation: scores of candidates, and how good a choice is. Pure functions over the pool; never yield.
 */
#pragma once

#include "flow/brief.h"
#include "flow/candidate.h"
#include "flow/constraints.h"

/*
 * Wishes are relative to the genre: calm techno is calm for techno. Where a genre is named, moves the wished ranges a part of the way
 * towards the middle of the genre's tracks in the pool. `tuned` starts as a shallow copy of the brief. Hard wishes stay.
 */
void rf_evaluate_tune(const struct rf_pool *pool, const struct rf_brief *b, struct rf_brief *tuned);

/*
 * Cohesion, fit, clashes and score of every candidate that is still in. Cohesion and clashes are measured against the brief, the fit
 * against the tuned one. Genre knowledge spreads to all tracks of an artist. -ENOMEM.
 */
int rf_evaluate_pool(struct rf_pool *pool, const struct rf_brief *b, const struct rf_brief *tuned);

/* How good a choice is. */
struct rf_evaluation {
        float cohesion;   /* mean, 0..1 */
        float coverage;   /* tracks over the target, at most 1 */
        float confidence; /* mean */
        float variety;    /* unique artists over tracks over .6, at most 1 */
        float overall;    /* .4 cohesion + .25 coverage + .2 confidence + .15 variety */
        size_t outliers;  /* cohesion below RF_COHESION_OUTLIER */
        float fit;        /* mean of the ranking's own measure */
        bool passes;      /* quality, count and outliers as the brief demands */
};

struct rf_evaluation rf_evaluate_choice(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c);
