/* io.recflow.admin: what is kept warm, looked at and changed. */
#pragma once

#include "control/control.h"

int rf_warm_add_method(struct rf_varlink_call *call, void *arg);
int rf_warm_remove_method(struct rf_varlink_call *call, void *arg);
int rf_warm_due_method(struct rf_varlink_call *call, void *arg);
int rf_warm_status_method(struct rf_varlink_call *call, void *arg);
