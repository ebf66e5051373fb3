/* Loading a plugin's shared object, with everything checked before it is used. Never unloaded again. Doesn't yield. */
#pragma once

#include <recflow/plugin.h>
#include <stddef.h>

/*
 * Loads `file`: an absolute path, or a name inside `directory`. -RF_EPLUGIN with a sentence in `message` that names the file, what
 * is wrong with it and what would be right.
 */
int rf_plugin_load(const char *directory, const char *file, const struct rf_plugin **ret, char *message, size_t message_size);

/* Checks a descriptor as the loader does; for tests and for authors of plugins. `path` is for the message. */
int rf_plugin_check(const struct rf_plugin *p, const char *path, char *message, size_t message_size);
