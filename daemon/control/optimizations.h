/* The methods about optimisations; `arg` is the struct rf_control. What they set lasts until the next reload or restart. */
#pragma once

#include "control/control.h"

int rf_optimizations_method(struct rf_varlink_call *call, void *arg);
int rf_set_optimization_method(struct rf_varlink_call *call, void *arg);
int rf_set_profile_method(struct rf_varlink_call *call, void *arg);
