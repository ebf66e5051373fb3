/* The methods of io.recflow.workflow. `arg` is the struct rf_control. */
#pragma once

#include "control/control.h"

extern const struct rf_varlink_method rf_workflow_methods[];
extern const size_t rf_workflow_n_methods;
