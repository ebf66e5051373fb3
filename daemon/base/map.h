/*
 * Hash map from byte strings to pointers. Keys are copied; values belong to the caller. Iteration is in insertion order
 * (removals keep the order of the rest), so that nothing depends on hash values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_map;

struct rf_map *rf_map_new(void); /* NULL when out of memory */
struct rf_map *rf_map_free(struct rf_map *m);
DEFINE_CLEANUP(struct rf_map *, rf_map_free);

/* -EEXIST if the key is there already (nothing is changed), -ENOMEM. `value` may not be NULL. */
int rf_map_put(struct rf_map *m, const void *key, size_t size, void *value);
void *rf_map_get(const struct rf_map *m, const void *key, size_t size);    /* NULL if absent */
void *rf_map_remove(struct rf_map *m, const void *key, size_t size);       /* the value, NULL if absent */
size_t rf_map_size(const struct rf_map *m);

int rf_map_put_string(struct rf_map *m, const char *key, void *value);
void *rf_map_get_string(const struct rf_map *m, const char *key);
void *rf_map_remove_string(struct rf_map *m, const char *key);

/* `at` starts at 0; false at the end. Keys are NUL-terminated beyond their size. The map may not change in between. */
bool rf_map_next(const struct rf_map *m, size_t *at, const char **ret_key, void **ret_value);

/* The hash used here (XXH3, 64 bits). */
uint64_t rf_hash(const void *data, size_t size, uint64_t seed);
