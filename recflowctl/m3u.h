/* Lists in lines: plain ones, and (extended) M3U. */
#pragma once

#include <jansson.h>

/*
 * The tracks of a list, as the Order method takes them. A line is a track's address, "Artist - Title", a title, or where a file is; then
 * #EXTINF before it tells artist, title and duration, or else the file's name does. Other lines with # are comments. Cuts up the text. NULL:
 * a line isn't UTF-8, or out of memory.
 */
json_t *m3u_read(char *text);
