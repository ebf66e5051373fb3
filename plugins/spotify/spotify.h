/* The Spotify Web API, as a translator: what the parts of this plugin share. */
#pragma once

#include <recflow/plugin.h>

enum spotify_profile {
        SPOTIFY_AUTO,        /* everything is tried; what the service refuses isn't asked again for a while */
        SPOTIFY_EXTENDED,    /* apps with extended quota keep everything */
        SPOTIFY_DEVELOPMENT, /* apps in development mode: no batches, no top tracks, no recommendations, short pages */
};

struct spotify {
        const struct rf_host *host;
        enum spotify_profile profile;
        const char *market; /* ISO 3166-1 alpha-2; NULL: the account's own */
};

/* requests.c */
int spotify_build_search_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_search_tracks_short(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_search_artists(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_search_artists_short(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_top_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_albums(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_album_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_tracks(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_track(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_features(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_recommendations(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_user_top(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_create(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_find(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_items(void *instance, const struct rf_query *q, struct rf_request_builder *b);
int spotify_build_add(void *instance, const struct rf_query *q, struct rf_request_builder *b);

/* answers.c */
int spotify_parse_found_tracks(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_found_artists(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_tracks(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_track(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_page_of_tracks(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_page_of_albums(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_features(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_created(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_own_playlists(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_items(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_parse_added(void *instance, const struct rf_query *q, const struct rf_response *response, struct rf_sink *s);
int spotify_classify(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret);

/* entities.c: decodes the entities of HTML in a text, in place. What isn't one stays as it is. */
void spotify_decode_entities(char *text);
