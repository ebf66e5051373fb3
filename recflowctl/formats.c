#include "formats.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static json_int_t number(const json_t *o, const char *name)
{
        return json_integer_value(json_object_get(o, name));
}

/* All artists in one text. free() */
static char *artists_of(const json_t *track)
{
        const json_t *artists = json_object_get(track, "artists");
        char *s = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&s, &size);

        if (!f)
                return NULL;
        for (size_t i = 0; i < json_array_size(artists); i++) {
                const char *name = json_string_value(json_array_get(artists, i));

                fprintf(f, "%s%s", i > 0 ? ", " : "", name ? name : "");
        }
        if (fclose(f) == 0)
                return s;
        free(s);
        return NULL;
}

typedef int (*track_writer)(FILE *f, const json_t *track, const char *artists);

static int write_tracks(FILE *f, const json_t *playlist, track_writer write)
{
        const json_t *tracks = json_object_get(playlist, "tracks");
        size_t n = json_array_size(tracks);

        for (size_t i = 0; i < n; i++) {
                const json_t *t = json_array_get(tracks, i);
                _cleanup_free_ char *artists = artists_of(t);
                int r = artists ? write(f, t, artists) : -ENOMEM;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- JSPF: XSPF as JSON ---- */

static int jspf(FILE *f, const json_t *playlist)
{
        const json_t *tracks = json_object_get(playlist, "tracks");
        _cleanup_json_ json_t *list = json_array(), *all = NULL;

        for (size_t i = 0; list && i < json_array_size(tracks); i++) {
                const json_t *t = json_array_get(tracks, i);
                _cleanup_free_ char *artists = artists_of(t);
                json_t *o = artists ? json_pack("{s:s, s:s, s:s, s:I, s:i}", "title", text(t, "title"), "creator", artists, "annotation",
                                                text(t, "reason"), "duration", number(t, "duration_ms"), "trackNum", (int)i + 1) :
                                      NULL;

                if (!o || json_array_append_new(list, o) < 0)
                        return -ENOMEM;
                if (text(t, "album")[0] && json_object_set_new(o, "album", json_string(text(t, "album"))) < 0)
                        return -ENOMEM;
                if (text(t, "uri")[0] && json_object_set_new(o, "location", json_pack("[s]", text(t, "uri"))) < 0)
                        return -ENOMEM;
                if (text(t, "isrc")[0] && json_object_set_new(o, "identifier", json_pack("[o]", json_sprintf("isrc:%s", text(t, "isrc")))) < 0)
                        return -ENOMEM;
        }
        all = json_pack("{s:{s:s, s:s, s:O}}", "playlist", "title", text(playlist, "title"), "annotation", text(playlist, "prompt"), "track",
                        list);
        if (!all || json_dumpf(all, f, JSON_INDENT(2)) < 0)
                return -ENOMEM;
        fputc('\n', f);
        return 0;
}

/* ---- XSPF (xspf.org, version 1) ---- */

static void xml(FILE *f, const char *s)
{
        for (; *s; s++) {
                if (*s == '&')
                        fputs("&amp;", f);
                else if (*s == '<')
                        fputs("&lt;", f);
                else if (*s == '>')
                        fputs("&gt;", f);
                else if ((unsigned char)*s < 0x20 && *s != '\t' && *s != '\n')
                        fputc(' ', f); /* no XML can hold them */
                else
                        fputc(*s, f);
        }
}

static void element(FILE *f, const char *name, const char *value)
{
        if (!value[0])
                return;
        fprintf(f, "      <%s>", name);
        xml(f, value);
        fprintf(f, "</%s>\n", name);
}

static int xspf_track(FILE *f, const json_t *t, const char *artists)
{
        fputs("    <track>\n", f);
        element(f, "location", text(t, "uri"));
        if (text(t, "isrc")[0])
                fprintf(f, "      <identifier>isrc:%s</identifier>\n", text(t, "isrc"));
        element(f, "title", text(t, "title"));
        element(f, "creator", artists);
        element(f, "annotation", text(t, "reason"));
        element(f, "album", text(t, "album"));
        fprintf(f, "      <trackNum>%lld</trackNum>\n      <duration>%lld</duration>\n    </track>\n", (long long)number(t, "position"),
                (long long)number(t, "duration_ms"));
        return 0;
}

static int xspf(FILE *f, const json_t *playlist)
{
        int r;

        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n  <title>", f);
        xml(f, text(playlist, "title"));
        fputs("</title>\n  <annotation>", f);
        xml(f, text(playlist, "prompt"));
        fputs("</annotation>\n  <trackList>\n", f);
        r = write_tracks(f, playlist, xspf_track);
        fputs("  </trackList>\n</playlist>\n", f);
        return r;
}

/* ---- Extended M3U, in UTF-8 ---- */

/* A text that would end its line early. */
static void line(FILE *f, const char *s)
{
        for (; *s; s++)
                fputc((unsigned char)*s < 0x20 ? ' ' : *s, f);
}

static void names(FILE *f, const json_t *t, const char *artists)
{
        line(f, artists);
        fputs(artists[0] ? " - " : "", f);
        line(f, text(t, "title"));
        fputc('\n', f);
}

/* A track that was found nowhere has only its names. */
static void where(FILE *f, const json_t *t, const char *artists)
{
        const char *place = text(t, "uri")[0] ? text(t, "uri") : text(t, "id");

        if (!place[0]) {
                names(f, t, artists);
                return;
        }
        line(f, place);
        fputc('\n', f);
}

static int m3u_track(FILE *f, const json_t *t, const char *artists)
{
        fprintf(f, "#EXTINF:%lld,", (long long)((number(t, "duration_ms") + 500) / 1000));
        names(f, t, artists);
        where(f, t, artists);
        return 0;
}

static int m3u(FILE *f, const json_t *playlist)
{
        fputs("#EXTM3U\n#EXTENC:UTF-8\n#PLAYLIST:", f);
        line(f, text(playlist, "title"));
        fputc('\n', f);
        return write_tracks(f, playlist, m3u_track);
}

/* ---- CSV (RFC 4180) ---- */

static void cell(FILE *f, const char *s)
{
        if (!s[strcspn(s, ",\"\r\n")]) {
                fputs(s, f);
                return;
        }
        fputc('"', f);
        for (; *s; s++) {
                if (*s == '"')
                        fputc('"', f);
                fputc(*s, f);
        }
        fputc('"', f);
}

static int csv_track(FILE *f, const json_t *t, const char *artists)
{
        static const char *const texts[] = { "isrc", "uri", "provider", "source", "phase", "freshness", "reason" };

        fprintf(f, "%lld,", (long long)number(t, "position"));
        cell(f, text(t, "title"));
        fputc(',', f);
        cell(f, artists);
        fputc(',', f);
        cell(f, text(t, "album"));
        fprintf(f, ",%lld,%lld", (long long)number(t, "duration_ms"), (long long)number(t, "confidence_milli"));
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                fputc(',', f);
                cell(f, text(t, texts[i]));
        }
        fputs("\r\n", f);
        return 0;
}

static int csv(FILE *f, const json_t *playlist)
{
        fputs("position,title,artists,album,duration_ms,confidence_milli,isrc,uri,provider,source,phase,freshness,reason\r\n", f);
        return write_tracks(f, playlist, csv_track);
}

/* ---- The plainest ---- */

static int uri_track(FILE *f, const json_t *t, const char *artists)
{
        where(f, t, artists);
        return 0;
}

static int uris(FILE *f, const json_t *playlist)
{
        return write_tracks(f, playlist, uri_track);
}

static int plain_json(FILE *f, const json_t *playlist)
{
        if (json_dumpf(playlist, f, JSON_COMPACT) < 0)
                return -ENOMEM;
        fputc('\n', f);
        return 0;
}

int format_write(FILE *f, const char *format, const json_t *playlist)
{
        static const struct {
                const char *name;
                int (*write)(FILE *f, const json_t *playlist);
        } formats[] = { { "json", plain_json }, { "jspf", jspf }, { "xspf", xspf }, { "m3u", m3u }, { "csv", csv }, { "uris", uris } };

        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (strcmp(formats[i].name, format) == 0)
                        return formats[i].write(f, playlist);
        return -EINVAL;
}
