#include "world.h"

#include "genres.h"
#include "index.h"
#include "moods.h"
#include "names.h"
#include "random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALBUM_TRACKS_MAX = 14, ANY = 255 };

/* Shares of the catalogue, in thousandths. */
enum { NO_FEATURES = 80, NO_ISRC = 60, NO_YEAR = 40, NO_POPULARITY = 50, NO_GENRES = 80, LIVE = 40, REMIX = 30, RERELEASE = 30 };

static bool chance(struct mock_random *r, unsigned thousandths)
{
        return mock_random_below(r, 1000) < thousandths;
}

static float clamp(double v, double low, double high)
{
        return (float)(v < low ? low : v > high ? high : v);
}

/* ---- Identifiers ---- */

static void make_id(struct mock_random *r, char id[23])
{
        static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

        for (int i = 0; i < 22; i++)
                id[i] = digits[mock_random_below(r, 62)];
        id[22] = '\0';
}

static void make_uuid(struct mock_random *r, char uuid[37])
{
        uint64_t a = mock_random_u64(r), b = mock_random_u64(r);

        snprintf(uuid, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff,
                 0x8000 | ((unsigned)(b >> 48) & 0x3fff), (unsigned long long)(b & 0xffffffffffffu));
}

static void make_isrc(struct mock_random *r, const char *country, unsigned year, unsigned number, char isrc[13])
{
        snprintf(isrc, 13, "%.2s%c%c%c%02u%05u", country, 'A' + (char)mock_random_below(r, 26), 'A' + (char)mock_random_below(r, 26),
                 'A' + (char)mock_random_below(r, 26), year % 100, number % 100000);
}

/* ---- Sound ---- */

/* Moods come where the genre leaves room for them: calm is common in folk, rare in metal. */
static unsigned char pick_mood(struct mock_random *r, const struct mock_genre *g)
{
        double weights[64], total = 0, at;

        for (size_t i = 0; i < mock_n_moods; i++) {
                const struct mock_mood *m = &mock_moods[i];
                double e = (m->energy - g->energy) / 100.0, v = (m->valence - g->valence) / 100.0;

                weights[i] = 1.0 / (0.05 + e * e + v * v);
                total += weights[i];
        }
        at = mock_random_unit(r) * total;
        for (size_t i = 0; i + 1 < mock_n_moods; i++) {
                at -= weights[i];
                if (at < 0)
                        return (unsigned char)i;
        }
        return (unsigned char)(mock_n_moods - 1);
}

static double blend(struct mock_random *r, unsigned genre, unsigned mood, double spread)
{
        double centre = mood == ANY ? genre : 0.3 * genre + 0.7 * mood;

        return centre / 100.0 + spread * mock_random_normal(r);
}

/* Features in the order of enum rf_feature. Loudness follows energy, the mode valence, speech the genre. */
static void make_sound(struct mock_random *r, struct mock_track *t, const struct mock_genre *g)
{
        const struct mock_mood *m = &mock_moods[t->mood];
        double energy = blend(r, g->energy, m->energy, 0.05), valence = blend(r, g->valence, m->valence, 0.05);
        double tempo = m->tempo == ANY ? g->tempo : 0.4 * g->tempo + 0.6 * m->tempo;

        t->feature[0] = clamp(blend(r, g->acoustic, m->acoustic, 0.06), 0, 1);
        t->feature[1] = clamp(blend(r, g->dance, m->dance, 0.05), 0, 1);
        t->feature[2] = clamp(energy, 0, 1);
        t->feature[3] = clamp(blend(r, g->instrumental, m->instrumental, 0.08), 0, 1);
        t->feature[4] = clamp(0.12 + 0.05 * mock_random_normal(r), 0.02, 1);
        t->feature[5] = clamp(g->speech / 100.0 + 0.02 * mock_random_normal(r), 0.02, 1);
        t->feature[6] = clamp(valence, 0, 1);
        t->feature[7] = (float)mock_random_below(r, 12);
        t->feature[8] = mock_random_unit(r) < 0.35 + 0.5 * valence ? 1.0f : 0.0f;
        t->feature[9] = clamp(-24.0 + 20.0 * energy + 1.2 * mock_random_normal(r), -60, 2);
        t->feature[10] = clamp(tempo + 6.0 * mock_random_normal(r), 40, 220);
}

/* ---- Tracks ---- */

static int make_title(struct mock_random *r, struct mock_track *t, const struct mock_genre *g)
{
        t->title = mock_title(r, g->language, g->family);
        if (!t->title)
                return -ENOMEM;
        t->folded = mock_fold(t->title);
        return t->folded ? 0 : -ENOMEM;
}

static void make_gaps(struct mock_random *r, struct mock_track *t)
{
        t->has_features = !chance(r, NO_FEATURES);
        t->has_isrc = !chance(r, NO_ISRC);
        t->has_year = !chance(r, NO_YEAR);
        t->has_popularity = !chance(r, NO_POPULARITY);
}

static int make_original(struct mock_world *w, struct mock_random *r, uint32_t number)
{
        struct mock_track *t = &w->tracks[number];
        const struct mock_album *album = &w->albums[t->album];
        const struct mock_artist *a = &w->artists[t->artist];
        const struct mock_genre *g;
        double popularity, length;

        t->genre = a->genres[mock_random_below(r, 100) < 80 ? 0 : mock_random_below(r, a->n_genres)];
        g = &mock_genres[t->genre];
        t->original = number;
        t->mood = pick_mood(r, g);
        t->year = album->year;
        make_sound(r, t, g);
        make_gaps(r, t);
        make_isrc(r, g->region, t->year, number, t->isrc);
        t->is_explicit = strcmp(g->family, "hip hop") == 0 ? chance(r, 450) : chance(r, 60);
        popularity = a->popularity - 30.0 * mock_random_unit(r) * mock_random_unit(r) - 4.0;
        t->popularity = (unsigned char)clamp(popularity, 0, 100);
        length = 218000.0 + 45000.0 * mock_random_normal(r);
        if (strcmp(g->family, "jazz") == 0 || strcmp(g->family, "classical") == 0 || strcmp(g->family, "ambient") == 0)
                length *= 1.3;
        t->duration_ms = (uint32_t)clamp(length, 75000, 900000);
        return make_title(r, t, g);
}

/* A live recording or remix of an earlier track, or the very same recording on a later compilation. */
static int make_version(struct mock_world *w, struct mock_random *r, uint32_t number, enum mock_version version)
{
        static const char *const halls[] = { "Lindenhof", "Harbour Hall", "Teatro Viejo", "the Old Mill", "Pier 9" };
        struct mock_track *t = &w->tracks[number];
        const struct mock_artist *a = &w->artists[t->artist];
        const struct mock_album *album = &w->albums[a->first_album];
        uint32_t original = w->tracks[album->first_track + mock_random_below(r, album->n_tracks)].original;
        const struct mock_track *o = &w->tracks[original];
        uint32_t own_artist = t->artist, own_album = t->album;
        char *title;
        int n;

        if (original == number || !o->title)
                return make_original(w, r, number);
        *t = *o;
        t->artist = own_artist;
        t->album = own_album;
        t->original = original;
        t->version = version;
        t->title = t->folded = NULL;
        t->year = w->albums[own_album].year;
        make_gaps(r, t);
        if (version == MOCK_LIVE)
                n = asprintf(&title, "%s - Live at %s", o->title, halls[mock_random_below(r, 5)]);
        else if (version == MOCK_REMIX)
                n = asprintf(&title, "%s - %s Remix", o->title, w->artists[mock_random_below(r, MOCK_ARTISTS)].name);
        else
                n = asprintf(&title, "%s", o->title);
        if (n < 0)
                return -ENOMEM;
        t->title = title;
        t->folded = mock_fold(title);
        if (!t->folded)
                return -ENOMEM;
        if (version != MOCK_RERELEASE) {
                make_isrc(r, mock_genres[t->genre].region, t->year, number, t->isrc);
                t->feature[4] = version == MOCK_LIVE ? 0.85f : t->feature[4];
                t->duration_ms = (uint32_t)(t->duration_ms * (0.9 + 0.3 * mock_random_unit(r)));
                t->popularity = (unsigned char)(t->popularity * 0.6);
        } else
                t->has_isrc = true;
        return 0;
}

static int make_track(struct mock_world *w, struct mock_random *r, uint32_t number)
{
        struct mock_track *t = &w->tracks[number];
        bool is_first_album = w->artists[t->artist].first_album == t->album;
        uint32_t dice = mock_random_below(r, 1000);
        int result;

        if (is_first_album || dice >= LIVE + REMIX + RERELEASE)
                result = make_original(w, r, number);
        else
                result = make_version(w, r, number, dice < LIVE ? MOCK_LIVE : dice < LIVE + REMIX ? MOCK_REMIX : MOCK_RERELEASE);
        make_id(r, t->id);
        make_uuid(r, t->uuid);
        return result;
}

/* ---- Artists and albums ---- */

static int make_artist(struct mock_world *w, struct mock_random *r, uint32_t number)
{
        struct mock_artist *a = &w->artists[number];
        const struct mock_genre *g;
        unsigned span;
        double p;

        /* every genre gets its share first */
        a->genres[0] = (unsigned char)(number < 8 * mock_n_genres ? number % mock_n_genres : mock_random_below(r, (uint32_t)mock_n_genres));
        g = &mock_genres[a->genres[0]];
        a->n_genres = 1;
        while (a->n_genres < 3 && chance(r, 400)) {
                unsigned char other = (unsigned char)mock_random_below(r, (uint32_t)mock_n_genres);

                if (other != a->genres[0] && mock_genre_nearness(a->genres[0], other) > 0)
                        a->genres[a->n_genres++] = other;
        }
        a->hides_genres = chance(r, NO_GENRES);
        p = mock_random_unit(r);
        a->popularity = (unsigned char)(18 + 78 * p * p);
        span = (unsigned)(g->to - g->from);
        a->year_from = (unsigned short)(g->from + mock_random_below(r, span));
        a->year_to = (unsigned short)(a->year_from + 4 + mock_random_below(r, 22));
        if (a->year_to > g->to)
                a->year_to = g->to;
        make_id(r, a->id);
        a->name = mock_artist_name(r, g->language, g->family, number);
        if (!a->name)
                return -ENOMEM;
        a->folded = mock_fold(a->name);
        return a->folded ? 0 : -ENOMEM;
}

static int make_album(struct mock_world *w, struct mock_random *r, uint32_t artist, uint32_t number, uint32_t first, uint32_t n)
{
        struct mock_album *album = &w->albums[number];
        struct mock_artist *a = &w->artists[artist];
        const struct mock_genre *g = &mock_genres[a->genres[0]];
        unsigned span = (unsigned)(a->year_to - a->year_from) + 1;

        if (a->n_albums++ == 0)
                a->first_album = number;
        album->artist = artist;
        album->first_track = first;
        album->n_tracks = n;
        album->year = (unsigned short)(a->year_from + mock_random_below(r, span));
        make_id(r, album->id);
        album->name = mock_title(r, g->language, "");
        for (uint32_t i = first; i < first + n; i++) {
                w->tracks[i].artist = artist;
                w->tracks[i].album = number;
        }
        return album->name ? 0 : -ENOMEM;
}

/* Deals all tracks to albums, all albums to artists, one artist after another. */
static int make_catalogue(struct mock_world *w, struct mock_random *r)
{
        uint32_t track = 0;

        for (uint32_t artist = 0; artist < MOCK_ARTISTS; artist++) {
                uint32_t until = (uint32_t)((uint64_t)MOCK_TRACKS * (artist + 1) / MOCK_ARTISTS);

                while (track < until) {
                        uint32_t n = 4 + mock_random_below(r, 5);
                        int result;

                        if (n > until - track || until - track - n < 3)
                                n = until - track;
                        if (n > ALBUM_TRACKS_MAX)
                                n = ALBUM_TRACKS_MAX;
                        result = make_album(w, r, artist, (uint32_t)w->n_albums++, track, n);
                        if (result < 0)
                                return result;
                        track += n;
                }
        }
        for (uint32_t i = 0; i < MOCK_TRACKS; i++) {
                int result = make_track(w, r, i);

                if (result < 0)
                        return result;
        }
        return 0;
}

int mock_world_new(uint64_t seed, struct mock_world **ret)
{
        struct mock_world *w = calloc(1, sizeof(*w));
        struct mock_random r = { .state = seed };
        int result = -ENOMEM;

        if (!w)
                return -ENOMEM;
        w->seed = seed;
        w->artists = calloc(MOCK_ARTISTS, sizeof(*w->artists));
        w->tracks = calloc(MOCK_TRACKS, sizeof(*w->tracks));
        w->albums = calloc(MOCK_TRACKS, sizeof(*w->albums));
        if (!w->artists || !w->tracks || !w->albums)
                goto fail;
        for (uint32_t i = 0; i < MOCK_ARTISTS; i++) {
                result = make_artist(w, &r, i);
                if (result < 0)
                        goto fail;
        }
        result = make_catalogue(w, &r);
        if (result >= 0)
                result = mock_index_new(w, &w->index);
        if (result < 0)
                goto fail;
        *ret = w;
        return 0;
fail:
        mock_world_free(w);
        return result;
}

struct mock_world *mock_world_free(struct mock_world *w)
{
        if (!w)
                return NULL;
        mock_index_free(w->index);
        for (size_t i = 0; w->artists && i < MOCK_ARTISTS; i++) {
                free(w->artists[i].name);
                free(w->artists[i].folded);
                free(w->artists[i].by_popularity);
        }
        for (size_t i = 0; w->albums && i < w->n_albums; i++)
                free(w->albums[i].name);
        for (size_t i = 0; w->tracks && i < MOCK_TRACKS; i++) {
                free(w->tracks[i].title);
                free(w->tracks[i].folded);
        }
        for (size_t i = 0; w->by_genre && i < mock_n_genres; i++)
                free(w->by_genre[i]);
        free(w->by_genre);
        free(w->n_by_genre);
        free(w->artists);
        free(w->albums);
        free(w->tracks);
        free(w);
        return NULL;
}

/* ---- Truth ---- */

double mock_world_relevance(const struct mock_track *t, const char *mood, const char *genre)
{
        double relevance = 1.0;

        if (mood) {
                int m = mock_mood_find(mood);

                relevance *= m < 0 ? 0 : mock_mood_nearness(t->mood, (size_t)m);
        }
        if (genre) {
                int g = mock_genre_find(genre);

                relevance *= g < 0 ? 0 : mock_genre_nearness(t->genre, (size_t)g);
        }
        return relevance;
}

static uint64_t mix(uint64_t h, const void *data, size_t size)
{
        const unsigned char *p = data;

        while (size-- > 0)
                h = (h ^ *p++) * 0x100000001b3u; /* FNV-1a */
        return h;
}

uint64_t mock_world_fingerprint(const struct mock_world *w)
{
        uint64_t h = 0xcbf29ce484222325u;

        for (size_t i = 0; i < MOCK_TRACKS; i++) {
                const struct mock_track *t = &w->tracks[i];

                h = mix(h, t->id, 22);
                h = mix(h, t->title, strlen(t->title));
                h = mix(h, &t->mood, 1);
                for (int f = 0; f < MOCK_FEATURES; f++) {
                        int32_t milli = (int32_t)(t->feature[f] * 1000.0f);

                        h = mix(h, &milli, sizeof(milli));
                }
        }
        return h;
}
