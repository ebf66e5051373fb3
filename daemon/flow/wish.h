/* What a person asks for: the prompt and the options beside it. Plain data, owned by whoever made it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/brief.h"

struct rf_wish {
        const char *prompt;
        uint32_t n_tracks;     /* 0 = as the prompt says; at most RF_TRACKS_MAX */
        uint32_t duration_s;   /* 0 = as the prompt says; 60..86400 */
        uint32_t deadline_ms;  /* 0 = none: time from acceptance to the answer */
        const char *const *exclude_artists;
        size_t n_exclude_artists;
        const char *const *like; /* artists, tracks ("Artist - Title", or a title), or track URIs */
        size_t n_like;
        bool no_explicit;
        bool has_arc;
        enum rf_arc arc;
        uint64_t seed;
        bool strict; /* an unmet wish is an error to the client (exit code 4); the playlist is made all the same */
};

/* Deep copy, freed with rf_wish_free(). -ENOMEM. */
int rf_wish_copy(const struct rf_wish *w, struct rf_wish **ret);
struct rf_wish *rf_wish_free(struct rf_wish *w);
DEFINE_CLEANUP(struct rf_wish *, rf_wish_free);

/* Compact binary form, for the state store. Reading takes nothing on trust: -RF_ECORRUPT. */
int rf_wish_encode(const struct rf_wish *w, struct rf_buf *b);
int rf_wish_decode(const void *data, size_t size, struct rf_wish **ret);
