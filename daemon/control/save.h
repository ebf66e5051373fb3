/* The method Save of io.recflow.workflow: a playlist into an account at a service. */
#pragma once

#include "control/control.h"

int rf_control_save(struct rf_varlink_call *call, void *arg);
