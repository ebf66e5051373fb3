/* The daemon's log: lines on standard error, with the journal's priorities in front where the journal reads them. Never yields. */
#pragma once

#include <recflow/plugin.h>

#include "base/macros.h"

_printf_(2, 3) void rf_log(enum rf_log_level level, const char *format, ...);
