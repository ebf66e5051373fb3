/*
 * The methods BeginImport, AddToImport and CommitImport. An import belongs to its connection: it's held in memory, checked entry by
 * entry, until it's committed in one transaction, and forgotten with the connection. `arg` is the struct rf_control.
 */
#pragma once

#include "control/control.h"

int rf_control_begin_import(struct rf_varlink_call *call, void *arg);
int rf_control_add_to_import(struct rf_varlink_call *call, void *arg);
int rf_control_commit_import(struct rf_varlink_call *call, void *arg);
