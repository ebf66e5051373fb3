/* The methods of io.recflow.admin. `arg` is the struct rf_control. */
#pragma once

#include "control/control.h"

/* Whether the caller is root, the daemon's own user, or a member of the group that the configuration names. */
bool rf_may_administer(const struct rf_control *c, struct rf_varlink_call *call);

extern const struct rf_varlink_method rf_admin_methods[];
extern const size_t rf_admin_n_methods;
