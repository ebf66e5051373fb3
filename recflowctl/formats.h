/* A playlist in the formats of other programs. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* Writes the playlist (as io.recflow.workflow has it) in a format of --format but text; -ENOMEM, -EINVAL for a name that isn't one. */
int format_write(FILE *f, const char *format, const json_t *playlist);
