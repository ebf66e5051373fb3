/* The table of options, for those that parse, explain and complete them. */
#pragma once

#include "ctl.h"

enum kind { FLAG, TEXT, LIST, INTEGER, DURATION, CHOICE, TIME };

struct option_entry {
        const char *name;
        const char *argument; /* what is meant: FILE, PATH, PROVIDER and the like are completed */
        const char *help;
        enum kind kind;
        int64_t min, max; /* durations: milliseconds */
        const char *choices;
};

extern const struct option_entry options[OPT_COUNT];

/* What every command takes. */
#define COMMON (BIT(OPT_SOCKET) | BIT(OPT_JSON) | BIT(OPT_QUIET) | BIT(OPT_HELP) | BIT(OPT_VERSION))
