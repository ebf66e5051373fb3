/* org.varlink.service: what every service answers about itself. Inside of the Varlink library only. */
#pragma once

#include "control/varlink/idl.h"
#include "control/varlink/server.h"

extern const char rf_varlink_standard_description[];
extern const struct rf_varlink_method rf_varlink_standard_methods[];
extern const size_t rf_varlink_standard_n_methods;

/* From server.c: its options, and its interfaces by name, or one after the other (`at` starts at 0). */
const struct rf_varlink_options *rf_varlink_server_options(const struct rf_varlink_server *s);
const struct rf_idl *rf_varlink_server_interface(const struct rf_varlink_server *s, size_t *at, const char *name);
