/* Names of operations and outcomes, for receipts, logs and figures. */
#include "provider/provider.h"

static const char *const ops[RF_OP_COUNT] = {
        [RF_OP_SEARCH_TRACKS] = "search_tracks",
        [RF_OP_SEARCH_ARTISTS] = "search_artists",
        [RF_OP_ARTIST_TOP_TRACKS] = "artist_top_tracks",
        [RF_OP_ARTIST_ALBUMS] = "artist_albums",
        [RF_OP_ALBUM_TRACKS] = "album_tracks",
        [RF_OP_TRACKS] = "tracks",
        [RF_OP_AUDIO_FEATURES] = "audio_features",
        [RF_OP_RECOMMENDATIONS] = "recommendations",
        [RF_OP_USER_TOP] = "user_top",
        [RF_OP_CREATE_PLAYLIST] = "create_playlist",
        [RF_OP_ADD_TO_PLAYLIST] = "add_to_playlist",
        [RF_OP_ANALYSE_PROMPT] = "analyse_prompt",
        [RF_OP_PLAYLIST_TRACKS] = "playlist_tracks",
        [RF_OP_FIND_PLAYLIST] = "find_playlist",
};

static const char *const outcomes[RF_OUTCOME_COUNT] = {
        [RF_OUTCOME_OK] = "ok",
        [RF_OUTCOME_EMPTY] = "empty",
        [RF_OUTCOME_REFUSED] = "refused",
        [RF_OUTCOME_LOGIN] = "login",
        [RF_OUTCOME_RATE] = "rate",
        [RF_OUTCOME_QUOTA] = "quota",
        [RF_OUTCOME_TRANSIENT] = "transient",
        [RF_OUTCOME_MALFORMED] = "malformed",
        [RF_OUTCOME_INVALID] = "invalid",
        [RF_OUTCOME_CANCELLED] = "cancelled",
};

const char *rf_op_name(enum rf_op op)
{
        return (unsigned)op < RF_OP_COUNT ? ops[op] : "unknown";
}

const char *rf_outcome_name(enum rf_outcome o)
{
        return (unsigned)o < RF_OUTCOME_COUNT ? outcomes[o] : "unknown";
}
