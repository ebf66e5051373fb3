/* Spotify's search: words and filters (track, artist, album, year, isrc, genre) over the world. */
#include "genres.h"
#include "spotify_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_MAX = 1000, TERM_MAX = 256 };

struct terms {
        char words[TERM_MAX], track[TERM_MAX], artist[TERM_MAX], album[TERM_MAX], genre[TERM_MAX], isrc[TERM_MAX], year[TERM_MAX];
        unsigned long from, to;
};

/* What a filter's name writes to; NULL: it's a word like others. */
static char *filter_of(struct terms *t, const char *name, size_t n)
{
        const struct {
                const char *name;
                char *value;
        } filters[] = { { "track", t->track }, { "artist", t->artist }, { "album", t->album }, { "genre", t->genre }, { "isrc", t->isrc },
                        { "year", t->year } };

        for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
                if (strlen(filters[i].name) == n && strncmp(filters[i].name, name, n) == 0)
                        return filters[i].value;
        return NULL;
}

/* `artist:"The Name" year:1980-1989 more words` */
static void parse_terms(const char *q, struct terms *t)
{
        *t = (struct terms){ .from = 0, .to = 9999 };
        while (*q) {
                size_t n = strcspn(q, " :"), length;
                char *value = q[n] == ':' ? filter_of(t, q, n) : NULL;
                bool is_quoted;

                if (*q == ' ') {
                        q++;
                        continue;
                }
                if (!value) {
                        n = strcspn(q, " ");
                        length = strlen(t->words);
                        snprintf(t->words + length, sizeof(t->words) - length, "%s%.*s", length > 0 ? " " : "", (int)n, q);
                        q += n;
                        continue;
                }
                q += n + 1;
                is_quoted = *q == '"';
                q += is_quoted;
                n = strcspn(q, is_quoted ? "\"" : " ");
                snprintf(value, TERM_MAX, "%.*s", (int)n, q);
                q += n + (is_quoted && q[n] == '"');
        }
        if (t->year[0]) {
                char *end;

                t->from = strtoul(t->year, &end, 10);
                t->to = *end == '-' ? strtoul(end + 1, NULL, 10) : t->from;
        }
}

static bool plays(const struct mock_artist *a, int genre)
{
        for (size_t i = 0; i < a->n_genres; i++)
                if (a->genres[i] == genre)
                        return true;
        return false;
}

static bool is_wanted(const struct mock_world *w, const struct mock_track *t, const struct terms *terms, int genre)
{
        if (t->year < terms->from || t->year > terms->to)
                return false;
        if (terms->album[0] && !strcasestr(w->albums[t->album].name, terms->album))
                return false;
        return !terms->genre[0] || t->genre == genre || plays(&w->artists[t->artist], genre);
}

static size_t all_of(const struct mock_world *w, const char *isrc, uint32_t *ret, size_t max)
{
        size_t n = 0;

        for (uint32_t i = 0; i < MOCK_TRACKS && n < max; i++)
                if ((!isrc || (w->tracks[i].has_isrc && strcmp(w->tracks[i].isrc, isrc) == 0)))
                        ret[n++] = i;
        return n;
}

/* Candidates by the narrowest filter there is. */
static size_t find_tracks(const struct mock_world *w, const struct terms *t, int genre, uint32_t *ret)
{
        const char *title = t->track[0] ? t->track : t->words;
        size_t n;

        if (t->isrc[0])
                return all_of(w, t->isrc, ret, MOCK_TRACKS);
        if (t->artist[0])
                return mock_search_tracks(w, title, t->artist, ret, MOCK_TRACKS);
        if (title[0]) {
                n = mock_search_tracks(w, title, NULL, ret, MOCK_TRACKS);
                if (n == 0 && !t->track[0]) /* a name */
                        n = mock_search_tracks(w, "", title, ret, MOCK_TRACKS);
                return n;
        }
        if (t->genre[0]) {
                n = genre < 0 ? 0 : w->n_by_genre[genre];
                if (n > 0)
                        memcpy(ret, w->by_genre[genre], n * sizeof(*ret));
                return n;
        }
        return t->year[0] || t->album[0] ? all_of(w, NULL, ret, MOCK_TRACKS) : 0;
}

static json_t *page_of_tracks(struct mock_call *call, const struct terms *t, unsigned long limit, unsigned long offset)
{
        int genre = t->genre[0] ? mock_genre_find(t->genre) : -1;
        uint32_t *found = malloc(MOCK_TRACKS * sizeof(*found));
        json_t *items = json_array();
        size_t n = found ? find_tracks(call->world, t, genre, found) : 0, total = 0;

        for (size_t i = 0; i < n && total < FOUND_MAX; i++) {
                const struct mock_track *track = &call->world->tracks[found[i]];

                if (!is_wanted(call->world, track, t, genre))
                        continue;
                if (total >= offset && total < offset + limit)
                        json_array_append_new(items, mock_spotify_track(call, track));
                total++;
        }
        free(found);
        return mock_spotify_page(call, items, limit, offset, total);
}

static json_t *page_of_artists(struct mock_call *call, const struct terms *t, unsigned long limit, unsigned long offset)
{
        int genre = t->genre[0] ? mock_genre_find(t->genre) : -1;
        uint32_t *found = malloc(MOCK_ARTISTS * sizeof(*found));
        const char *name = t->artist[0] ? t->artist : t->words;
        json_t *items = json_array();
        size_t n = 0, total = 0;

        if (found && name[0])
                n = mock_search_artists(call->world, name, found, MOCK_ARTISTS);
        else if (found && t->genre[0])
                for (uint32_t i = 0; i < MOCK_ARTISTS; i++)
                        found[n++] = i;
        for (size_t i = 0; i < n; i++) {
                const struct mock_artist *a = &call->world->artists[found[i]];

                if (t->genre[0] && !plays(a, genre))
                        continue;
                if (total >= offset && total < offset + limit)
                        json_array_append_new(items, mock_spotify_artist(call, a));
                total++;
        }
        free(found);
        return mock_spotify_page(call, items, limit, offset, total);
}

int mock_spotify_search(struct mock_call *call)
{
        const char *q = mock_param(call, "q"), *type = mock_param(call, "type");
        bool wants_tracks = type && strstr(type, "track"), wants_artists = type && strstr(type, "artist");
        unsigned long limit, offset;
        struct terms terms;

        if (!q || !q[0])
                return mock_spotify_error(call, 400, "No search query");
        if (!wants_tracks && !wants_artists)
                return mock_spotify_error(call, 400, "Missing parameter type");
        if (!mock_spotify_page_of(call, call->services->is_development ? 10 : 50, &limit, &offset))
                return call->json ? 0 : -ENOMEM;
        parse_terms(q, &terms);
        call->json = json_object();
        if (wants_tracks)
                json_object_set_new(call->json, "tracks", page_of_tracks(call, &terms, limit, offset));
        if (wants_artists)
                json_object_set_new(call->json, "artists", page_of_artists(call, &terms, limit, offset));
        return call->json ? 0 : -ENOMEM;
}
