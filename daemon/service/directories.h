/* Where things lie for a daemon of one person: the XDG base directories. */
#pragma once

#include <stddef.h>

enum { RF_DIRECTORY_SIZE = 1024 };

struct rf_directories {
        char config_path[RF_DIRECTORY_SIZE]; /* of the file */
        char state[RF_DIRECTORY_SIZE], cache[RF_DIRECTORY_SIZE], socket[RF_DIRECTORY_SIZE];
};

/* From the environment of this process. -RF_ECONFIG with a sentence in `message`: it names no home, or too long ones. */
int rf_directories_find(struct rf_directories *ret, char *message, size_t size);
/* Makes those of state and cache, with all above them, for their owner alone. -errno with a sentence in `message`. */
int rf_directories_make(const struct rf_directories *d, char *message, size_t size);
