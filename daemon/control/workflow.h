/* The methods of io.recflow.workflow. `arg` is the struct rf_control. */
#pragma once

#include "control/control.h"

/* The stable word for why something failed: "login", "upstream", … */
const char *rf_workflow_code(int error);
int rf_workflow_reply_no_run(struct rf_varlink_call *c, const char *run);
int rf_workflow_reply_busy(struct rf_varlink_call *c, const char *limit, uint32_t value);

extern const struct rf_varlink_method rf_workflow_methods[];
extern const size_t rf_workflow_n_methods;
