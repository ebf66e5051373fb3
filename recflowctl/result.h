/* A finished playlist, as it is wished: --json, --format, --output and --strict, for every command that has them. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "ctl.h"

/* All borrowed. */
struct result {
        const json_t *playlist; /* NULL: there is none */
        const json_t *whole;    /* what --json prints */
        void (*print)(FILE *f, const json_t *playlist, unsigned columns, bool has_colour); /* for people */
        const char *without;    /* why there is no playlist */
};

/* The name of the format, also where none was asked for. */
const char *result_format(const struct ctl *c);
/*
 * To standard output, or into the file that was asked for. Without a playlist only --json can be had: then anything else fails.
 * Returns an exit code, after a message if it's a failure.
 */
int result_show(const struct ctl *c, const struct result *result);
