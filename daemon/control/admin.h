/* The methods of io.recflow.admin. `arg` is the struct rf_control. */
#pragma once

#include "control/control.h"

extern const struct rf_varlink_method rf_admin_methods[];
extern const size_t rf_admin_n_methods;
