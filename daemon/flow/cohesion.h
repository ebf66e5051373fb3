/*
 * How well a track's features fit the brief. Pure functions; never yield.
 */
#pragma once

#include "flow/brief.h"

#define RF_COHESION_UNKNOWN 0.75f /* of a track without features: it may fit */
#define RF_COHESION_OUTLIER 0.3f  /* below: an outlier */

/* How far a feature may lie outside the wished range before it counts nothing; in the feature's unit. */
float rf_feature_tolerance(enum rf_feature feature);

/* Distance from the wished range in the feature's unit; 0 inside, 0 for a target that isn't set. */
float rf_target_distance(const struct rf_target *t, enum rf_feature feature, float value);
/* "over 120 bpm": a strict wish so wide that its middle is no better than the rest of it. */
bool rf_target_is_wide(const struct rf_target *t, enum rf_feature feature);

/*
 * Weighted mean over the wished features of max(0, 1 - distance / tolerance), 0..1. A wished feature that isn't known counts
 * RF_COHESION_UNKNOWN, and so does everything where nothing is wished.
 */
float rf_cohesion(const struct rf_brief *b, const struct rf_features *f);

/*
 * For ranking: like cohesion, but falls off smoothly from the middle of the wished ranges, so that among tracks inside the ranges
 * those at the heart of the wish come first. 0..1.
 */
float rf_fit(const struct rf_brief *b, const struct rf_features *f);

/*
 * Whether a track clashes with the brief: two or more critical features (weight above .7) further outside than the tolerance, or one
 * hard wish. `ret_feature` (may be NULL) is the worst.
 */
bool rf_clashes(const struct rf_brief *b, const struct rf_features *f, enum rf_feature *ret_feature);

/* Whether anything at all is wished of the features. */
bool rf_brief_has_targets(const struct rf_brief *b);
