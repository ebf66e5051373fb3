/* The methods BeginLogin, CompleteLogin and Logout of io.recflow.admin. */
#pragma once

#include "control/control.h"

int rf_control_begin_login(struct rf_varlink_call *call, void *arg);
int rf_control_complete_login(struct rf_varlink_call *call, void *arg);
int rf_control_logout(struct rf_varlink_call *call, void *arg);
