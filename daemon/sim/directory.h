/* A directory of plain files, removed at the end. In memory where there is such a file system. */
#pragma once

#include <stddef.h>

#include "base/macros.h"

struct sim_directory;

/* -errno with a sentence in `message`. */
int sim_directory_new(struct sim_directory **ret, char *message, size_t size);
struct sim_directory *sim_directory_free(struct sim_directory *d);
DEFINE_CLEANUP(struct sim_directory *, sim_directory_free);
const char *sim_directory_path(const struct sim_directory *d);
