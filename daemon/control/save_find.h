/* Which of a service's tracks is which track of a playlist. */
#pragma once

#include <jansson.h>

#include "provider/provider.h"
#include "upstream/upstream.h"

/*
 * Finds the ids at `provider` of the tracks of a playlist (a list of Track, as the interface has it): its own, those that the track
 * carries along, else by ISRC, else by artist and title. `ret_ids`: a list of strings, each once, in the playlist's order;
 * `ret_not_saved`: those that can't be had, as a list of NotSaved. Yields. On failure of the service: its error, with what it said in
 * `message`; -ENOMEM.
 */
int rf_save_find(struct rf_upstream *u, const struct rf_provider *provider, const json_t *tracks, json_t **ret_ids, json_t **ret_not_saved,
                 char *message, size_t size);
