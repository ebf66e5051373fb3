/* What somebody may have meant. */
#pragma once

#include <stddef.h>

/* The best guess so far. Zero-initialised is none. */
struct sim_nearest {
        char name[96];
        unsigned distance; /* edits; meaningful where there is a name */
};

/* Offers a name that would have been right. */
void sim_nearest_offer(struct sim_nearest *n, const char *wanted, const char *name);
/* ", did you mean X?", or "" if nothing comes near. Returns `buf`. */
const char *sim_nearest_text(struct sim_nearest *n, const char *wanted, char *buf, size_t size);
