/* Records as Spotify's Web API words them. New objects; NULL when out of memory. Internal to the simulated services. */
#pragma once

#include "service.h"

json_t *mock_spotify_track(const struct mock_call *call, const struct mock_track *t);
/* As in lists of an album's tracks: without album, identifiers and popularity. */
json_t *mock_spotify_short_track(const struct mock_call *call, const struct mock_track *t);
json_t *mock_spotify_artist(const struct mock_call *call, const struct mock_artist *a);
json_t *mock_spotify_album(const struct mock_call *call, const struct mock_album *album);

/*
 * One page of a list of `total` records, of which `items` (stolen) are those from `offset` on. NULL when out of memory.
 */
json_t *mock_spotify_page(const struct mock_call *call, json_t *items, unsigned long limit, unsigned long offset, size_t total);
/* The page that is asked for. False, with the error in `call`: a limit or offset is out of its range. */
bool mock_spotify_page_of(struct mock_call *call, unsigned long most, unsigned long *ret_limit, unsigned long *ret_offset);

/* GET /search */
int mock_spotify_search(struct mock_call *call);
