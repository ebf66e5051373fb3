#include "m3u.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INFO "#EXTINF:"
#define ENDING_MAX 4u /* letters: mp3, flac */

/* A place in a file system or on the web, not an address that a service gave: "/music/a.mp3", "C:\a.mp3", "file:///a.mp3". */
static bool is_location(const char *line)
{
        if (*line == '/' || strncmp(line, "./", 2) == 0 || strncmp(line, "../", 3) == 0 || strncmp(line, "file:", 5) == 0)
                return true;
        return isalpha((unsigned char)line[0]) && line[1] == ':' && (line[2] == '\\' || line[2] == '/');
}

/* "Album/01.mp3", "01.flac": where #EXTINF says that there's a track. */
static bool is_relative(const char *line)
{
        const char *dot = strrchr(line, '.');

        return dot && dot[1] && strlen(dot + 1) <= ENDING_MAX && !strchr(dot, ' ');
}

static bool is_address(const char *line)
{
        return strchr(line, ':') && !strchr(line, ' ');
}

/* "Artist - Title", or a title alone. */
static int add_names(json_t *track, char *names)
{
        char *dash = strstr(names, " - ");

        if (!dash)
                return json_object_set_new(track, "title", json_string(names));
        *dash = '\0';
        if (json_object_set_new(track, "artist", json_string(names)) < 0)
                return -1;
        return json_object_set_new(track, "title", json_string(dash + 3));
}

/* What a file's name tells: without directories and ending. */
static int add_file_names(json_t *track, const char *location)
{
        const char *slash = strrchr(location, '/'), *back = strrchr(location, '\\');
        const char *last = slash > back ? slash : back;
        char *name = strdup(last ? last + 1 : location), *dot = name ? strrchr(name, '.') : NULL;
        int r;

        if (dot && dot > name)
                *dot = '\0';
        r = name ? add_names(track, name) : -1;
        free(name);
        return r;
}

/* "123,Artist - Title"; seconds of 0 and below aren't known. */
static int add_info(json_t *track, char *info)
{
        long seconds = strtol(info, NULL, 10);
        char *comma = strchr(info, ',');

        if (seconds > 0 && json_object_set_new(track, "duration_ms", json_integer((json_int_t)seconds * 1000)) < 0)
                return -1;
        return comma && comma[1] ? add_names(track, comma + 1) : 0;
}

static json_t *read_track(char *line, char *info)
{
        json_t *track = json_object();
        bool is_place = is_location(line) || (info && is_relative(line)), has_uri = is_place || is_address(line);
        int r = track ? 0 : -1;

        if (r == 0 && has_uri)
                r = json_object_set_new(track, "uri", json_string(line));
        if (r == 0 && info)
                r = add_info(track, info);
        if (r == 0 && !json_object_get(track, "title") && is_place)
                r = add_file_names(track, line);
        else if (r == 0 && !json_object_get(track, "title") && !has_uri)
                r = add_names(track, line);
        if (r == 0)
                return track;
        json_decref(track);
        return NULL;
}

json_t *m3u_read(char *text)
{
        json_t *tracks = json_array();
        char *save = NULL, *info = NULL;

        for (char *line = strtok_r(text, "\r\n", &save); line && tracks; line = strtok_r(NULL, "\r\n", &save)) {
                line += strspn(line, " \t");
                if (strncmp(line, INFO, strlen(INFO)) == 0)
                        info = line + strlen(INFO);
                if (!*line || *line == '#')
                        continue;
                if (json_array_append_new(tracks, read_track(line, info)) < 0) {
                        json_decref(tracks);
                        return NULL;
                }
                info = NULL;
        }
        return tracks;
}
