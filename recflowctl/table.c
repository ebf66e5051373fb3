#include "table.h"

#include <string.h>

#include "base/macros.h"
#include "text.h"

enum { COLUMN_NUMBER, COLUMN_TITLE, COLUMN_ARTIST, COLUMN_TIME, COLUMN_PHASE, COLUMN_REASON, COLUMNS };

#define GAP 2u
#define REASON_MIN 40u /* narrower it says nothing */

struct layout {
        size_t width[COLUMNS];
};

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static json_int_t number(const json_t *o, const char *name)
{
        return json_integer_value(json_object_get(o, name));
}

static void artists_of(const json_t *track, char *buf, size_t size)
{
        const json_t *artists = json_object_get(track, "artists");
        size_t at = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < json_array_size(artists) && at < size; i++) {
                int n = snprintf(buf + at, size - at, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(artists, i)));

                at += n > 0 ? (size_t)n : 0;
        }
}

/* Titles and artists share what the fixed columns leave; reasons come where there is room for them. */
static struct layout lay_out(const json_t *tracks, unsigned columns)
{
        struct layout l = { .width = { [COLUMN_NUMBER] = 2, [COLUMN_TIME] = 5, [COLUMN_PHASE] = 7 } };
        size_t title = 5, artist = 6, reason = 0, n = json_array_size(tracks), left;
        char buf[2048];

        for (size_t i = 0; i < n; i++) {
                const json_t *t = json_array_get(tracks, i);

                artists_of(t, buf, sizeof(buf));
                title = MAX(title, text_width(text(t, "title")));
                artist = MAX(artist, text_width(buf));
                reason = MAX(reason, text_width(text(t, "reason")));
                l.width[COLUMN_TIME] = MAX(l.width[COLUMN_TIME], strlen(text_time((uint64_t)number(t, "duration_ms"), buf, sizeof(buf))));
        }
        if (n > 99)
                l.width[COLUMN_NUMBER] = 3;
        if (columns < 60)
                l.width[COLUMN_PHASE] = 0;
        left = l.width[COLUMN_NUMBER] + l.width[COLUMN_TIME] + 3 * GAP + (l.width[COLUMN_PHASE] ? l.width[COLUMN_PHASE] + GAP : 0);
        left = columns > left + 10 ? columns - left : 10;
        if (title + artist + GAP + MIN(reason, (size_t)REASON_MIN) <= left) {
                l.width[COLUMN_REASON] = MIN(left - title - artist - GAP, reason);
        } else if (title + artist > left) {
                size_t half = left * 11 / 20;

                title = artist <= left - half ? left - artist : MIN(title, half);
                artist = left - title;
        }
        l.width[COLUMN_TITLE] = title;
        l.width[COLUMN_ARTIST] = artist;
        return l;
}

static void print_gap(FILE *f)
{
        fprintf(f, "%*s", (int)GAP, "");
}

static void print_row(FILE *f, const struct layout *l, const char *const cells[COLUMNS])
{
        bool is_first = true;

        for (unsigned c = 0; c < COLUMNS; c++) {
                bool is_last = true;

                if (l->width[c] == 0)
                        continue;
                for (unsigned after = c + 1; after < COLUMNS; after++)
                        is_last = is_last && l->width[after] == 0;
                if (!is_first)
                        print_gap(f);
                is_first = false;
                text_print(f, cells[c], is_last ? MIN(l->width[c], text_width(cells[c])) : l->width[c], c == COLUMN_NUMBER || c == COLUMN_TIME);
        }
        fputc('\n', f);
}

void table_tracks(FILE *f, const json_t *tracks, unsigned columns, bool has_colour)
{
        static const char *const heads[COLUMNS] = { "#", "Title", "Artist", "Time", "Phase", "Why" };
        struct layout l = lay_out(tracks, columns);

        fputs(has_colour ? DIM : "", f);
        print_row(f, &l, heads);
        fputs(has_colour ? PLAIN : "", f);
        for (size_t i = 0; i < json_array_size(tracks); i++) {
                const json_t *t = json_array_get(tracks, i);
                char position[24], artists[2048], time[32];

                snprintf(position, sizeof(position), "%lld", (long long)number(t, "position"));
                artists_of(t, artists, sizeof(artists));
                print_row(f, &l, (const char *const[COLUMNS]){ position, text(t, "title"), artists,
                          text_time((uint64_t)number(t, "duration_ms"), time, sizeof(time)), text(t, "phase"), text(t, "reason") });
        }
}

/* "22 calls, 5 from the cache" */
static void print_receipt(FILE *f, const json_t *playlist, bool has_colour)
{
        const json_t *receipt = json_object_get(playlist, "receipt"), *quality = json_object_get(receipt, "quality");
        json_int_t calls = number(receipt, "calls"), hits = number(receipt, "cache_hits");
        size_t n = json_array_size(json_object_get(playlist, "tracks"));
        char length[32], cohesion[16], time[32];

        fputs(has_colour ? DIM : "", f);
        fprintf(f, "%zu track%s, %s; fit %s; %lld call%s, %lld from the cache; %s\n", n, n == 1 ? "" : "s",
                text_length((uint64_t)number(playlist, "duration_ms"), length, sizeof(length)),
                text_milli(number(quality, "cohesion_milli"), cohesion, sizeof(cohesion)), (long long)calls, calls == 1 ? "" : "s",
                (long long)hits, text_duration((uint64_t)number(receipt, "total_us"), time, sizeof(time)));
        if (text(playlist, "run")[0]) {
                fputs("run ", f);
                text_print(f, text(playlist, "run"), text_width(text(playlist, "run")), false);
                fputc('\n', f);
        }
        fputs(has_colour ? PLAIN : "", f);
}

static void print_line(FILE *f, const char *head, const char *s, unsigned columns)
{
        fputs(head, f);
        text_print(f, s, MIN(text_width(s), (size_t)MAX(columns, 1u) * 4), false);
        fputc('\n', f);
}

static void print_unmet(FILE *f, const json_t *playlist, unsigned columns, bool has_colour)
{
        const json_t *receipt = json_object_get(playlist, "receipt"), *unmet = json_object_get(receipt, "unmet"),
                     *words = json_object_get(receipt, "not_understood");

        for (size_t i = 0; i < json_array_size(unmet); i++) {
                const json_t *u = json_array_get(unmet, i);

                fputs(has_colour ? YELLOW : "", f);
                print_line(f, "Not kept: ", text(u, "why")[0] ? text(u, "why") : text(u, "wish"), columns);
                fputs(has_colour ? PLAIN : "", f);
                if (text(u, "relaxation")[0])
                        print_line(f, "  It would take: ", text(u, "relaxation"), columns);
        }
        if (json_array_size(words) == 0)
                return;
        fputs("Not understood:", f);
        for (size_t i = 0; i < json_array_size(words); i++) {
                const char *s = json_string_value(json_array_get(words, i));

                fputc(' ', f);
                text_print(f, s ? s : "", text_width(s ? s : ""), false);
        }
        fputc('\n', f);
}

void table_playlist(FILE *f, const json_t *playlist, unsigned columns, bool has_colour)
{
        const char *title = text(playlist, "title");

        fputs(has_colour ? BOLD : "", f);
        text_print(f, title, MIN(text_width(title), (size_t)columns), false);
        fprintf(f, "%s\n\n", has_colour ? PLAIN : "");
        table_tracks(f, json_object_get(playlist, "tracks"), columns, has_colour);
        fputc('\n', f);
        print_receipt(f, playlist, has_colour);
        print_unmet(f, playlist, columns, has_colour);
}
