/* The records of an answer: collected with checks, kept in one arena, shared by reference count. */
#include "provider/answer.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 /* records */ };

/* What the caller sees, and what keeps it alive. */
struct holder {
        struct rf_answer answer;
        unsigned references;
        struct rf_arena arena; /* strings and lists */
        /* the answer's arrays while they grow, and after */
        struct rf_track *tracks;
        struct rf_artist *artists;
        struct rf_album *albums;
        struct rf_track_features *features;
};

struct rf_sink {
        struct holder *h; /* NULL once finished */
        size_t limit, n_records;
        size_t tracks_capacity, artists_capacity, albums_capacity, features_capacity;
};

/* The range of each feature, as the services define them. */
static const struct {
        float low, high;
} ranges[RF_FEATURE_COUNT] = {
        [RF_FEATURE_ACOUSTICNESS] = { 0, 1 },  [RF_FEATURE_DANCEABILITY] = { 0, 1 },
        [RF_FEATURE_ENERGY] = { 0, 1 },        [RF_FEATURE_INSTRUMENTALNESS] = { 0, 1 },
        [RF_FEATURE_LIVENESS] = { 0, 1 },      [RF_FEATURE_SPEECHINESS] = { 0, 1 },
        [RF_FEATURE_VALENCE] = { 0, 1 },       [RF_FEATURE_KEY] = { -1, 11 },
        [RF_FEATURE_MODE] = { 0, 1 },          [RF_FEATURE_LOUDNESS] = { -60, 2 },
        [RF_FEATURE_TEMPO] = { 0, 250 },       [RF_FEATURE_POPULARITY] = { 0, 100 },
};

/* ---- References ---- */

struct rf_answer *rf_answer_ref(struct rf_answer *a)
{
        container_of(a, struct holder, answer)->references++;
        return a;
}

static void holder_free(struct holder *h)
{
        if (!h)
                return;
        rf_arena_done(&h->arena);
        free(h->tracks);
        free(h->artists);
        free(h->albums);
        free(h->features);
        free(h);
}

struct rf_answer *rf_answer_unref(struct rf_answer *a)
{
        struct holder *h;

        if (!a)
                return NULL;
        h = container_of(a, struct holder, answer);
        if (--h->references == 0)
                holder_free(h);
        return NULL;
}

bool rf_answer_is_empty(const struct rf_answer *a)
{
        return a->n_tracks == 0 && a->n_artists == 0 && a->n_albums == 0 && a->n_features == 0 && !a->created && !a->analysis;
}

/* ---- Collecting ---- */

static int start(struct rf_sink *s, const char *provider, enum rf_op op)
{
        s->h = calloc(1, sizeof(*s->h));
        if (!s->h)
                return -ENOMEM;
        s->h->references = 1;
        s->h->arena.limit = RF_ANSWER_BYTES_MAX;
        s->h->answer.provider = provider;
        s->h->answer.op = op;
        return 0;
}

int rf_sink_new(const char *provider, enum rf_op op, size_t limit, struct rf_sink **ret)
{
        struct rf_sink *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->limit = MIN(limit > 0 ? limit : RF_ANSWER_RECORDS_MAX, (size_t)RF_ANSWER_RECORDS_MAX);
        r = start(s, provider, op);
        if (r < 0) {
                free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct rf_sink *rf_sink_free(struct rf_sink *s)
{
        if (!s)
                return NULL;
        holder_free(s->h);
        free(s);
        return NULL;
}

/* Counts a record that is left out, and says why to the plugin. */
static int refuse(struct rf_sink *s, int error)
{
        s->h->answer.n_refused++;
        return error;
}

static int admit(struct rf_sink *s, void **array, size_t *capacity, size_t n, size_t size)
{
        size_t larger = MIN(s->limit, MAX(*capacity * 2, (size_t)FIRST_CAPACITY));
        void *grown;

        if (s->n_records >= s->limit)
                return -E2BIG;
        if (n < *capacity)
                return 0;
        grown = reallocarray(*array, larger, size);
        if (!grown)
                return -ENOMEM;
        *array = grown;
        *capacity = larger;
        return 0;
}

/* Copies a string of a record. NULL stays NULL; over-long or not UTF-8 is refused. */
static int copy(struct rf_sink *s, const char *text, const char **ret)
{
        size_t size;

        *ret = NULL;
        if (!text)
                return 0;
        size = strnlen(text, RF_RECORD_STRING_MAX + 1);
        if (size > RF_RECORD_STRING_MAX || !rf_utf8_is_valid(text, size))
                return -EBADMSG;
        *ret = rf_arena_strndup(&s->h->arena, text, size);
        return *ret ? 0 : -ENOMEM;
}

/* The same for one that must be there. */
static int copy_needed(struct rf_sink *s, const char *text, const char **ret)
{
        return text && *text ? copy(s, text, ret) : -EBADMSG;
}

static bool features_are_valid(const struct rf_features *f)
{
        if (f->has >> RF_FEATURE_COUNT)
                return false;
        for (int i = 0; i < RF_FEATURE_COUNT; i++)
                if ((f->has & RF_FEATURE_BIT(i)) &&
                    !(isfinite(f->value[i]) && f->value[i] >= ranges[i].low && f->value[i] <= ranges[i].high))
                        return false;
        return true;
}

static bool isrc_is_valid(const char *isrc)
{
        size_t n = 0;

        if (!isrc)
                return true;
        while ((isrc[n] >= 'A' && isrc[n] <= 'Z') || (isrc[n] >= '0' && isrc[n] <= '9'))
                n++;
        return n == 12 && !isrc[n];
}

static bool track_is_valid(const struct rf_track *t)
{
        return t->n_artists <= RF_RECORD_ARTISTS_MAX && t->popularity >= -1 && t->popularity <= 100 && t->is_explicit >= -1 &&
               t->is_explicit <= 1 && (t->release_year == 0 || (t->release_year >= 1000 && t->release_year <= 9999)) &&
               t->duration_ms <= 24u * 3600 * 1000 && isrc_is_valid(t->isrc) && features_are_valid(&t->features);
}

static int copy_track(struct rf_sink *s, const struct rf_track *t, struct rf_track *out)
{
        struct rf_artist_ref *artists = NULL;
        int r;

        *out = *t;
        if (t->n_artists > 0) {
                artists = rf_arena_array(&s->h->arena, t->n_artists, sizeof(*artists));
                if (!artists)
                        return -ENOMEM;
        }
        out->artists = artists;
        if ((r = copy_needed(s, t->id, &out->id)) < 0 || (r = copy_needed(s, t->title, &out->title)) < 0 ||
            (r = copy(s, t->album, &out->album)) < 0 || (r = copy(s, t->album_id, &out->album_id)) < 0 ||
            (r = copy(s, t->isrc, &out->isrc)) < 0 || (r = copy(s, t->uri, &out->uri)) < 0 ||
            (r = copy(s, t->spotify_id, &out->spotify_id)) < 0)
                return r;
        for (size_t i = 0; i < t->n_artists; i++)
                if ((r = copy(s, t->artists[i].id, &artists[i].id)) < 0 ||
                    (r = copy_needed(s, t->artists[i].name, &artists[i].name)) < 0)
                        return r;
        return 0;
}

int rf_sink_track(struct rf_sink *s, const struct rf_track *t)
{
        struct rf_answer *a = &s->h->answer;
        int r = track_is_valid(t) ? admit(s, (void **)&s->h->tracks, &s->tracks_capacity, a->n_tracks, sizeof(*t)) : -EBADMSG;

        if (r >= 0)
                r = copy_track(s, t, &s->h->tracks[a->n_tracks]);
        if (r < 0)
                return refuse(s, r);
        a->n_tracks++;
        s->n_records++;
        return 0;
}

static int copy_artist(struct rf_sink *s, const struct rf_artist *artist, struct rf_artist *out)
{
        const char **genres = NULL;
        int r;

        *out = *artist;
        if (artist->n_genres > 0) {
                genres = rf_arena_array(&s->h->arena, artist->n_genres, sizeof(*genres));
                if (!genres)
                        return -ENOMEM;
        }
        out->genres = genres;
        if ((r = copy_needed(s, artist->id, &out->id)) < 0 || (r = copy_needed(s, artist->name, &out->name)) < 0 ||
            (r = copy(s, artist->uri, &out->uri)) < 0)
                return r;
        for (size_t i = 0; i < artist->n_genres; i++)
                if ((r = copy_needed(s, artist->genres[i], &genres[i])) < 0)
                        return r;
        return 0;
}

int rf_sink_artist(struct rf_sink *s, const struct rf_artist *artist)
{
        struct rf_answer *a = &s->h->answer;
        bool valid = artist->n_genres <= RF_RECORD_GENRES_MAX && artist->popularity >= -1 && artist->popularity <= 100;
        int r = valid ? admit(s, (void **)&s->h->artists, &s->artists_capacity, a->n_artists, sizeof(*artist)) : -EBADMSG;

        if (r >= 0)
                r = copy_artist(s, artist, &s->h->artists[a->n_artists]);
        if (r < 0)
                return refuse(s, r);
        a->n_artists++;
        s->n_records++;
        return 0;
}

int rf_sink_album(struct rf_sink *s, const struct rf_album *album)
{
        struct rf_answer *a = &s->h->answer;
        struct rf_album *out;
        int r = admit(s, (void **)&s->h->albums, &s->albums_capacity, a->n_albums, sizeof(*album));

        if (r < 0)
                return refuse(s, r);
        out = &s->h->albums[a->n_albums];
        *out = *album;
        if ((r = copy_needed(s, album->id, &out->id)) < 0 || (r = copy_needed(s, album->name, &out->name)) < 0)
                return refuse(s, r);
        a->n_albums++;
        s->n_records++;
        return 0;
}

int rf_sink_features(struct rf_sink *s, const struct rf_track_features *f)
{
        struct rf_answer *a = &s->h->answer;
        struct rf_track_features *out;
        bool valid = (f->id || f->spotify_id || f->isrc) && isrc_is_valid(f->isrc) && features_are_valid(&f->features);
        int r = valid ? admit(s, (void **)&s->h->features, &s->features_capacity, a->n_features, sizeof(*f)) : -EBADMSG;

        if (r < 0)
                return refuse(s, r);
        out = &s->h->features[a->n_features];
        *out = *f;
        if ((r = copy(s, f->id, &out->id)) < 0 || (r = copy(s, f->spotify_id, &out->spotify_id)) < 0 ||
            (r = copy(s, f->isrc, &out->isrc)) < 0)
                return refuse(s, r);
        a->n_features++;
        s->n_records++;
        return 0;
}

int rf_sink_created(struct rf_sink *s, const struct rf_created *c)
{
        struct rf_created *out;
        int r;

        if (s->h->answer.created)
                return refuse(s, -E2BIG);
        out = rf_arena_alloc(&s->h->arena, sizeof(*out));
        if (!out)
                return refuse(s, -ENOMEM);
        if ((r = copy_needed(s, c->id, &out->id)) < 0 || (r = copy(s, c->uri, &out->uri)) < 0)
                return refuse(s, r);
        s->h->answer.created = out;
        s->n_records++;
        return 0;
}

int rf_sink_analysis(struct rf_sink *s, const char *json)
{
        size_t size = strnlen(json, RF_PROMPT_MAX * 4 + 1);

        if (s->h->answer.analysis)
                return refuse(s, -E2BIG);
        if (size > RF_PROMPT_MAX * 4 || !rf_utf8_is_valid(json, size))
                return refuse(s, -EBADMSG);
        s->h->answer.analysis = rf_arena_strndup(&s->h->arena, json, size);
        if (!s->h->answer.analysis)
                return refuse(s, -ENOMEM);
        s->n_records++;
        return 0;
}

/* An answer may live for as long as a run does: what it doesn't need is given back. */
static void *fit(void *array, size_t n, size_t size)
{
        void *less = n > 0 ? reallocarray(array, n, size) : NULL;

        return less ? less : array;
}

int rf_sink_finish(struct rf_sink *s, struct rf_answer **ret)
{
        struct holder *h = TAKE_PTR(s->h);
        struct rf_answer *a;

        if (!h)
                return -EALREADY;
        a = &h->answer;
        h->tracks = fit(h->tracks, a->n_tracks, sizeof(*h->tracks));
        h->artists = fit(h->artists, a->n_artists, sizeof(*h->artists));
        h->albums = fit(h->albums, a->n_albums, sizeof(*h->albums));
        h->features = fit(h->features, a->n_features, sizeof(*h->features));
        a->tracks = a->n_tracks > 0 ? h->tracks : NULL;
        a->artists = a->n_artists > 0 ? h->artists : NULL;
        a->albums = a->n_albums > 0 ? h->albums : NULL;
        a->features = a->n_features > 0 ? h->features : NULL;
        *ret = a;
        return 0;
}
