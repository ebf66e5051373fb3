#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"

enum { COLUMNS_MAX = 64 };

/* What a column is for, by its name in the file. */
static const char *member_of(const char *name)
{
        static const char *const members[][2] = { { "title", "title" }, { "artists", "artist" }, { "artist", "artist" }, { "uri", "uri" },
                                                  { "isrc", "isrc" },   { "duration_ms", "duration_ms" } };

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (strcmp(members[i][0], name) == 0)
                        return members[i][1];
        return NULL;
}

/* Unquotes a cell in place. 1: another one follows in its record; 0: it was the last; -EBADMSG. */
static int next_cell(char **at, char **ret)
{
        char *p = *at, *to, end;

        if (*p == '"') {
                to = *ret = ++p;
                for (; *p && (*p != '"' || p[1] == '"'); p++) {
                        p += *p == '"';
                        *to++ = *p;
                }
                if (*p++ != '"')
                        return -EBADMSG;
        } else {
                *ret = p;
                p += strcspn(p, ",\r\n");
                to = p;
        }
        end = *p;
        if (end && !strchr(",\r\n", end))
                return -EBADMSG;
        *to = '\0';
        if (end == '\r' && p[1] == '\n')
                p++;
        *at = end ? p + 1 : p;
        return end == ',';
}

bool csv_is_list(const char *text)
{
        _cleanup_free_ char *names = strndup(text, strcspn(text, "\r\n"));
        char *at = names, *cell;
        bool has_title = false, has_more = false;
        int r = names ? 1 : 0;

        while (r > 0) {
                r = next_cell(&at, &cell);
                if (r < 0)
                        return false;
                has_title |= strcmp(cell, "title") == 0;
                has_more |= r > 0;
        }
        return has_title && has_more;
}

static int put_cell(json_t *track, const char *member, const char *cell)
{
        char *end;
        long long number;

        if (!member || !*cell)
                return 0;
        if (strcmp(member, "duration_ms") != 0)
                return json_object_set_new(track, member, json_string(cell)) < 0 ? -EILSEQ : 0;
        number = strtoll(cell, &end, 10);
        return *end || number <= 0 ? 0 : json_object_set_new(track, member, json_integer(number)) < 0 ? -ENOMEM : 0;
}

/* One record: into a track where there is one, otherwise its cells are the columns' names. */
static int read_record(char **at, const char *columns[static COLUMNS_MAX], json_t *track)
{
        int r = 1, put = 0;

        for (size_t i = 0; r > 0 && put >= 0; i++) {
                char *cell;

                r = next_cell(at, &cell);
                if (r < 0 || i >= COLUMNS_MAX)
                        continue;
                if (track)
                        put = put_cell(track, columns[i], cell);
                else
                        columns[i] = member_of(cell);
        }
        return r < 0 ? r : put;
}

int csv_read(char *text, json_t **ret, unsigned *ret_record)
{
        const char *columns[COLUMNS_MAX] = { 0 };
        _cleanup_json_ json_t *tracks = json_array();
        int r = tracks ? read_record(&text, columns, NULL) : -ENOMEM;

        for (*ret_record = 1; r >= 0 && *text; ++*ret_record) {
                json_t *track = json_object();

                r = track ? read_record(&text, columns, track) : -ENOMEM;
                /* an empty line is none */
                if (r >= 0 && json_object_size(track) > 0 && json_array_append(tracks, track) < 0)
                        r = -ENOMEM;
                json_decref(track);
        }
        if (r >= 0)
                *ret = TAKE_PTR(tracks);
        return r;
}
