/* A playlist for people: a table that fits the terminal, and what the receipt says in a few lines. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

void table_playlist(FILE *f, const json_t *playlist, unsigned columns, bool has_colour);
/* The tracks alone, of Order. */
void table_tracks(FILE *f, const json_t *tracks, unsigned columns, bool has_colour);
