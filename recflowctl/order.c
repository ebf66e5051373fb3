/* order: a list of tracks from a file, in a better order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "csv.h"
#include "ctl.h"
#include "m3u.h"
#include "result.h"
#include "table.h"
#include "text.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some programs write it before UTF-8 */

static int read_all(const struct ctl *c, const char *path, struct rf_buf *b)
{
        bool is_stdin = strcmp(path, "-") == 0;
        FILE *f = is_stdin ? stdin : fopen(path, "re");
        int r = 0;

        if (!f)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: %s", path, strerror(errno));
        errno = 0; /* fread() tells no more than that there is an error */
        while (r >= 0 && !feof(f) && !ferror(f)) {
                r = rf_buf_reserve(b, 65536);
                if (r >= 0)
                        b->size += fread(b->data + b->size, 1, 65535, f);
                if (b->size > RF_MESSAGE_MAX)
                        r = -EFBIG;
        }
        if (r >= 0 && ferror(f))
                r = errno ? -errno : -EIO;
        if (!is_stdin)
                fclose(f);
        if (r < 0)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: %s", path, rf_strerror(r));
        b->data[b->size] = '\0';
        return 0;
}

static int copy_text(json_t *to, const char *name, const json_t *value)
{
        return json_is_string(value) ? json_object_set(to, name, (json_t *)value) : 0;
}

/* A track of one of our own playlists, or of JSPF. */
static json_t *track_from_json(const json_t *t)
{
        json_t *o = json_object();
        const json_t *artists = json_object_get(t, "artists"), *location = json_object_get(t, "location"),
                     *duration = json_object_get(t, "duration_ms");
        int r = o ? 0 : -1;

        if (!duration)
                duration = json_object_get(t, "duration");
        r |= copy_text(o, "title", json_object_get(t, "title"));
        r |= copy_text(o, "isrc", json_object_get(t, "isrc"));
        r |= copy_text(o, "uri", json_object_get(t, "uri"));
        r |= copy_text(o, "uri", json_is_array(location) ? json_array_get(location, 0) : location);
        r |= copy_text(o, "artist", json_object_get(t, "creator"));
        r |= copy_text(o, "artist", json_object_get(t, "artist"));
        r |= copy_text(o, "artist", json_array_get(artists, 0));
        if (json_is_integer(duration))
                r |= json_object_set(o, "duration_ms", (json_t *)duration);
        if (json_is_object(json_object_get(t, "features")))
                r |= json_object_set(o, "features", json_object_get(t, "features"));
        if (r == 0)
                return o;
        json_decref(o);
        return NULL;
}

static json_t *tracks_from_json(const json_t *root)
{
        const json_t *list = json_is_array(root) ? root : json_object_get(root, "tracks");
        json_t *tracks;

        if (!list)
                list = json_object_get(json_object_get(root, "playlist"), json_object_get(json_object_get(root, "playlist"), "track") ? "track" :
                                                                                                                                          "tracks");
        if (!json_is_array(list))
                return json_null();
        tracks = json_array();
        for (size_t i = 0; tracks && i < json_array_size(list); i++)
                if (json_array_append_new(tracks, track_from_json(json_array_get(list, i))) < 0) {
                        json_decref(tracks);
                        return NULL;
                }
        return tracks;
}

static int read_csv(const struct ctl *c, const char *path, char *text, json_t **ret)
{
        unsigned record;
        int r = csv_read(text, ret, &record);

        if (r == -EBADMSG)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: record %u: a quotation mark isn't closed, or text follows it", path, record);
        if (r == -EILSEQ)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: record %u isn't UTF-8", path, record);
        return r < 0 ? ctl_out_of_memory(c) : 0;
}

static int read_tracks(const struct ctl *c, const char *path, json_t **ret)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        _cleanup_json_ json_t *root = NULL, *tracks = NULL;
        json_error_t error;
        char *text;
        int r = read_all(c, path, &b);

        if (r != 0)
                return r;
        text = b.data + (strncmp(b.data, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0 ? strlen(BYTE_ORDER_MARK) : 0);
        text += strspn(text, " \t\r\n");
        if (*text == '<')
                return ctl_fail(c, EXIT_USAGE, "input", "%s: XSPF can't be read; use JSPF, which holds the same (--format jspf)", path);
        if (csv_is_list(text))
                return read_csv(c, path, text, ret);
        if (*text == '{' || *text == '[') {
                r = rf_json_parse(text, b.size - (size_t)(text - b.data), &root, &error);
                if (r < 0)
                        return ctl_fail(c, EXIT_FAILED, "input", "%s:%d: %s", path, error.line, error.text);
                tracks = tracks_from_json(root);
        } else
                tracks = m3u_read(text);
        if (!tracks)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: a line that isn't UTF-8, or no memory", path);
        if (!json_is_array(tracks))
                return ctl_fail(c, EXIT_FAILED, "input", "%s: neither a list of tracks, nor an object with \"tracks\", nor JSPF", path);
        *ret = TAKE_PTR(tracks);
        return 0;
}

/* As a playlist, for the formats. */
static json_t *as_playlist(const json_t *reply)
{
        return json_pack("{s:s, s:s, s:O, s:O*}", "title", "Ordered", "prompt", "", "tracks", json_object_get(reply, "tracks"), "quality",
                         json_object_get(reply, "quality"));
}

static void print_ordered(FILE *f, const json_t *playlist, unsigned columns, bool has_colour)
{
        const json_t *quality = json_object_get(playlist, "quality");
        char coherence[16], shuffled[16], fit[16];

        table_tracks(f, json_object_get(playlist, "tracks"), columns, has_colour);
        fprintf(f, "\nneighbours alike %s (shuffled %s), arc %s\n",
                text_milli(json_integer_value(json_object_get(quality, "coherence_milli")), coherence, sizeof(coherence)),
                text_milli(json_integer_value(json_object_get(quality, "coherence_shuffled_milli")), shuffled, sizeof(shuffled)),
                text_milli(json_integer_value(json_object_get(quality, "arc_fit_milli")), fit, sizeof(fit)));
}

int command_order(struct ctl *c)
{
        const struct args *a = &c->args;
        _cleanup_json_ json_t *tracks = NULL, *parameters = NULL, *reply = NULL, *playlist = NULL;
        const char *arc = a->text[OPT_ARC];
        int r = read_tracks(c, a->words[0], &tracks);

        if (r != 0)
                return r;
        parameters = json_pack("{s:O}", "tracks", tracks);
        if (!parameters || (arc && json_object_set_new(parameters, "arc", json_string(strcmp(arc, "wind-down") ? arc : "wind_down")) < 0) ||
            (a->is_set[OPT_SEED] && json_object_set_new(parameters, "seed", json_integer(a->number[OPT_SEED])) < 0))
                return ctl_out_of_memory(c);
        r = ctl_call(c, WORKFLOW ".Order", parameters, &reply);
        if (r != 0)
                return r;
        playlist = as_playlist(reply);
        return playlist ? result_show(c, &(struct result){ .playlist = playlist, .whole = reply, .print = print_ordered }) : ctl_out_of_memory(c);
}
