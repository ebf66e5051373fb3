/* Anchors: the tracks that stand for the wish, and those to stay away from. Internal to flow/. */
#pragma once

#include "flow/run.h"

/* Marks both anew from what the pool holds now. Doesn't yield. -ENOMEM. */
int rf_anchors_mark(struct rf_run *run);
