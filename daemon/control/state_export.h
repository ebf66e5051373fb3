/* The method ExportState: the state's records, one reply each, between a header and an end. `arg` is the struct rf_control. */
#pragma once

#include "control/control.h"

int rf_control_export(struct rf_varlink_call *call, void *arg);
