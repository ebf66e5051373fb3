/* Tracks of artists: the well-known ones and, from their albums, the others. Internal to flow/. */
#pragma once

#include "flow/finds.h"
#include "flow/run.h"

#define RF_DISCOGRAPHY_ALBUMS_MAX 8u

struct rf_discography {
        const struct rf_known_artist *artists;
        size_t n_artists;
        uint32_t top;         /* best-known tracks of each */
        uint32_t albums;      /* albums of each to look into, at most RF_DISCOGRAPHY_ALBUMS_MAX; 0 = none */
        enum rf_source source;
        enum rf_via via;
        float confidence;
};

/*
 * Looks into all of them, at once (yields): top tracks where the artist's provider has them, else a search by the artist's name; then albums and their
 * tracks. Deep cuts are taken only from the middle of popularity. -ECANCELED, -ENOMEM.
 */
int rf_discography_look_up(struct rf_run *run, const struct rf_discography *d, struct rf_finds *finds);
