/*
 * The daemon's log. Where standard error is the journal, entries go there with fields of their own, so that "journalctl RECFLOW_RUN=…"
 * finds what belongs to a run; elsewhere it's lines on standard error. Never yields.
 */
#pragma once

#include <recflow/plugin.h>

#include "base/macros.h"

/* What an entry is about; NULL and 0 for what doesn't apply. */
struct rf_log_fields {
        const char *message_id; /* one of messages.h */
        const char *run, *provider, *endpoint;
        const char *file;       /* of the configuration, with the line where there is one */
        unsigned line;
        int error;              /* a negative code */
};

_printf_(2, 3) void rf_log(enum rf_log_level level, const char *format, ...);
/* `fields` may be NULL. */
_printf_(3, 4) void rf_log_with(enum rf_log_level level, const struct rf_log_fields *fields, const char *format, ...);
