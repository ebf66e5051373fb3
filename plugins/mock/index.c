#include "index.h"

#include "genres.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_SIZE = 1 << 17 /* power of two, over twice the number of ids */ };

enum kind { KIND_NONE, KIND_TRACK, KIND_ARTIST, KIND_ALBUM };

struct slot {
        const char *id;
        enum kind kind;
        uint32_t number;
};

struct mock_index {
        struct slot *table;
        uint32_t *artists; /* by folded name */
        uint32_t *tracks;  /* by folded title */
};

/* ---- Ids ---- */

static size_t hash(const char *s)
{
        uint64_t h = 0xcbf29ce484222325u;

        while (*s)
                h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
        return (size_t)(h ^ h >> 32) & (TABLE_SIZE - 1);
}

static void put(struct mock_index *x, const char *id, enum kind kind, uint32_t number)
{
        size_t i = hash(id);

        while (x->table[i].id)
                i = (i + 1) & (TABLE_SIZE - 1);
        x->table[i] = (struct slot){ .id = id, .kind = kind, .number = number };
}

static const struct slot *get(const struct mock_index *x, const char *id, enum kind kind)
{
        for (size_t i = hash(id); x->table[i].id; i = (i + 1) & (TABLE_SIZE - 1))
                if (x->table[i].kind == kind && strcmp(x->table[i].id, id) == 0)
                        return &x->table[i];
        return NULL;
}

const struct mock_track *mock_world_find_track(const struct mock_world *w, const char *id)
{
        const struct slot *s = get(w->index, id, KIND_TRACK);

        return s ? &w->tracks[s->number] : NULL;
}

const struct mock_artist *mock_world_find_artist(const struct mock_world *w, const char *id)
{
        const struct slot *s = get(w->index, id, KIND_ARTIST);

        return s ? &w->artists[s->number] : NULL;
}

const struct mock_album *mock_world_find_album(const struct mock_world *w, const char *id)
{
        const struct slot *s = get(w->index, id, KIND_ALBUM);

        return s ? &w->albums[s->number] : NULL;
}

/* ---- Lists ---- */

static int by_track_popularity(const void *a, const void *b, void *arg)
{
        const struct mock_world *w = arg;
        const struct mock_track *x = &w->tracks[*(const uint32_t *)a], *y = &w->tracks[*(const uint32_t *)b];

        return x->popularity != y->popularity ? y->popularity - x->popularity : strcmp(x->id, y->id);
}

static int by_artist_name(const void *a, const void *b, void *arg)
{
        const struct mock_world *w = arg;

        return strcmp(w->artists[*(const uint32_t *)a].folded, w->artists[*(const uint32_t *)b].folded);
}

static int by_title(const void *a, const void *b, void *arg)
{
        const struct mock_world *w = arg;
        const struct mock_track *x = &w->tracks[*(const uint32_t *)a], *y = &w->tracks[*(const uint32_t *)b];
        int r = strcmp(x->folded, y->folded);

        return r != 0 ? r : y->popularity != x->popularity ? y->popularity - x->popularity : strcmp(x->id, y->id);
}

static int list_by_genre(struct mock_world *w)
{
        w->by_genre = calloc(mock_n_genres, sizeof(*w->by_genre));
        w->n_by_genre = calloc(mock_n_genres, sizeof(*w->n_by_genre));
        if (!w->by_genre || !w->n_by_genre)
                return -ENOMEM;
        for (size_t i = 0; i < MOCK_TRACKS; i++)
                w->n_by_genre[w->tracks[i].genre]++;
        for (size_t g = 0; g < mock_n_genres; g++) {
                w->by_genre[g] = calloc(w->n_by_genre[g] + 1, sizeof(uint32_t));
                if (!w->by_genre[g])
                        return -ENOMEM;
                w->n_by_genre[g] = 0;
        }
        for (uint32_t i = 0; i < MOCK_TRACKS; i++)
                w->by_genre[w->tracks[i].genre][w->n_by_genre[w->tracks[i].genre]++] = i;
        for (size_t g = 0; g < mock_n_genres; g++)
                qsort_r(w->by_genre[g], w->n_by_genre[g], sizeof(uint32_t), by_track_popularity, w);
        return 0;
}

static int list_by_artist(struct mock_world *w)
{
        for (uint32_t i = 0; i < MOCK_TRACKS; i++)
                w->artists[w->tracks[i].artist].n_tracks++;
        for (size_t a = 0; a < MOCK_ARTISTS; a++) {
                w->artists[a].by_popularity = calloc(w->artists[a].n_tracks + 1, sizeof(uint32_t));
                if (!w->artists[a].by_popularity)
                        return -ENOMEM;
                w->artists[a].n_tracks = 0;
        }
        for (uint32_t i = 0; i < MOCK_TRACKS; i++) {
                struct mock_artist *a = &w->artists[w->tracks[i].artist];

                a->by_popularity[a->n_tracks++] = i;
        }
        for (size_t a = 0; a < MOCK_ARTISTS; a++)
                qsort_r(w->artists[a].by_popularity, w->artists[a].n_tracks, sizeof(uint32_t), by_track_popularity, w);
        return 0;
}

int mock_index_new(struct mock_world *w, struct mock_index **ret)
{
        struct mock_index *x = calloc(1, sizeof(*x));
        int r;

        if (!x)
                return -ENOMEM;
        x->table = calloc(TABLE_SIZE, sizeof(*x->table));
        x->artists = calloc(MOCK_ARTISTS, sizeof(uint32_t));
        x->tracks = calloc(MOCK_TRACKS, sizeof(uint32_t));
        if (!x->table || !x->artists || !x->tracks) {
                mock_index_free(x);
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < MOCK_TRACKS; i++) {
                put(x, w->tracks[i].id, KIND_TRACK, i);
                put(x, w->tracks[i].uuid, KIND_TRACK, i);
                x->tracks[i] = i;
        }
        for (uint32_t i = 0; i < MOCK_ARTISTS; i++) {
                put(x, w->artists[i].id, KIND_ARTIST, i);
                x->artists[i] = i;
        }
        for (uint32_t i = 0; i < w->n_albums; i++)
                put(x, w->albums[i].id, KIND_ALBUM, i);
        qsort_r(x->artists, MOCK_ARTISTS, sizeof(uint32_t), by_artist_name, w);
        qsort_r(x->tracks, MOCK_TRACKS, sizeof(uint32_t), by_title, w);
        r = list_by_genre(w);
        if (r >= 0)
                r = list_by_artist(w);
        if (r < 0) {
                mock_index_free(x);
                return r;
        }
        *ret = x;
        return 0;
}

struct mock_index *mock_index_free(struct mock_index *x)
{
        if (!x)
                return NULL;
        free(x->table);
        free(x->artists);
        free(x->tracks);
        free(x);
        return NULL;
}

/* ---- Names ---- */

/* Latin letters with marks, U+00C0 to U+017F, without them; '*' is no letter. */
static const char plain_letters[] = "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
                                    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                                    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

char *mock_fold(const char *s)
{
        char *out = malloc(strlen(s) + 1);
        size_t n = 0;

        if (!out)
                return NULL;
        while (*s) {
                unsigned char c = (unsigned char)*s++;

                if (c < 0x80 && isalnum(c))
                        out[n++] = (char)tolower(c);
                else if (c < 0x80) {
                        if (c != '\'' && n > 0 && out[n - 1] != ' ')
                                out[n++] = ' ';
                } else if (c >= 0xc3 && c <= 0xc5 && (*s & 0xc0) == 0x80) {
                        size_t letter = (size_t)(c - 0xc3) * 64 + ((unsigned char)*s++ & 0x3f);

                        if (letter < sizeof(plain_letters) - 1 && plain_letters[letter] != '*')
                                out[n++] = plain_letters[letter];
                } else
                        out[n++] = (char)c; /* other scripts stay as they are */
        }
        while (n > 0 && out[n - 1] == ' ')
                n--;
        out[n] = '\0';
        return out;
}

/* Bytes, not characters: good enough for folded Latin names. */
static bool within_one_edit(const char *a, const char *b)
{
        size_t x = strlen(a), y = strlen(b), i = 0;

        while (a[i] && a[i] == b[i])
                i++;
        if (x == y)
                return strcmp(a + i + (x > i), b + i + (y > i)) == 0;
        if (x == y + 1)
                return strcmp(a + i + 1, b + i) == 0;
        return y == x + 1 && strcmp(a + i, b + i + 1) == 0;
}

/* First place in a sorted list whose name isn't below the text. */
static size_t lower_bound(const struct mock_world *w, const uint32_t *list, size_t n, bool is_artist, const char *text)
{
        size_t low = 0;

        while (n > 0) {
                size_t half = n / 2;
                uint32_t at = list[low + half];

                if (strcmp(is_artist ? w->artists[at].folded : w->tracks[at].folded, text) < 0) {
                        low += half + 1;
                        n -= half + 1;
                } else
                        n = half;
        }
        return low;
}

static bool begins_with_words(const char *name, const char *text)
{
        size_t n = strlen(text);

        return strncmp(name, text, n) == 0 && (name[n] == '\0' || name[n] == ' ');
}

size_t mock_search_artists(const struct mock_world *w, const char *text, uint32_t *ret, size_t max)
{
        char *folded = mock_fold(text);
        const uint32_t *list = w->index->artists;
        size_t n = 0;

        if (folded && folded[0])
                for (size_t i = lower_bound(w, list, MOCK_ARTISTS, true, folded);
                     i < MOCK_ARTISTS && n < max && begins_with_words(w->artists[list[i]].folded, folded); i++)
                        ret[n++] = list[i];
        if (n == 0 && folded && strlen(folded) >= 5)
                for (size_t i = 0; i < MOCK_ARTISTS && n < max; i++)
                        if (within_one_edit(w->artists[list[i]].folded, folded))
                                ret[n++] = list[i];
        free(folded);
        return n;
}

static size_t search_tracks_of(const struct mock_world *w, const char *title, const char *artist, uint32_t *ret, size_t max)
{
        uint32_t artists[8];
        size_t n_artists = mock_search_artists(w, artist, artists, 8), n = 0;

        for (size_t i = 0; i < n_artists; i++)
                for (size_t j = 0; j < w->artists[artists[i]].n_tracks && n < max; j++) {
                        uint32_t number = w->artists[artists[i]].by_popularity[j];

                        if (!title[0] || begins_with_words(w->tracks[number].folded, title) ||
                            within_one_edit(w->tracks[number].folded, title))
                                ret[n++] = number;
                }
        return n;
}

size_t mock_search_tracks(const struct mock_world *w, const char *title, const char *artist, uint32_t *ret, size_t max)
{
        char *folded = mock_fold(title ? title : "");
        const uint32_t *list = w->index->tracks;
        size_t n = 0;

        if (!folded)
                return 0;
        if (artist)
                n = search_tracks_of(w, folded, artist, ret, max);
        else if (folded[0])
                for (size_t i = lower_bound(w, list, MOCK_TRACKS, false, folded);
                     i < MOCK_TRACKS && n < max && begins_with_words(w->tracks[list[i]].folded, folded); i++)
                        ret[n++] = list[i];
        free(folded);
        return n;
}
