/* A list of tracks as CSV (RFC 4180), with a line of names first: "title", and "artists" or "artist", "uri", "isrc", "duration_ms". */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Whether a text begins with such names. */
bool csv_is_list(const char *text);
/*
 * Its tracks, as parameters of Order, in a new array. Writes into `text`. -EBADMSG: a quotation mark that isn't closed, or text behind
 * one, in the record `ret_record` (the names are the first); -EILSEQ: it isn't UTF-8; -ENOMEM.
 */
int csv_read(char *text, json_t **ret, unsigned *ret_record);
