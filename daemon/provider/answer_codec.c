/*
 * The stored form of an answer: a version byte, the operation, then counted records. Reading goes through a sink, so that stored
 * records pass the same checks as those of a service.
 */
#include "provider/answer.h"

#include "base/error.h"
#include "base/limits.h"

#include <errno.h>
#include <string.h>

enum { FORMAT_VERSION = 2, FORMAT_WITHOUT_TIME = 1 /* of how long it took: read still */ };

/* The first failure of a row of puts or gets; the rest are harmless after it. */
#define FIRST_ERROR(...)                                                 \
        ({                                                               \
                const int _results[] = { __VA_ARGS__ };                  \
                int _first = 0;                                          \
                for (size_t _i = 0; _i < ARRAY_SIZE(_results); _i++)     \
                        if (_results[_i] < 0 && _first == 0)             \
                                _first = _results[_i];                   \
                _first;                                                  \
        })

/* ---- Writing ---- */

static int put_features(struct rf_buf *b, const struct rf_features *f)
{
        int r = rf_buf_put_u16(b, (uint16_t)f->has);

        for (int i = 0; i < RF_FEATURE_COUNT && r >= 0; i++)
                if (f->has & RF_FEATURE_BIT(i))
                        r = rf_buf_put_float(b, f->value[i]);
        return r;
}

static int put_track(struct rf_buf *b, const struct rf_track *t)
{
        int r = FIRST_ERROR(rf_buf_put_string(b, t->id), rf_buf_put_string(b, t->title), rf_buf_put_string(b, t->album),
                            rf_buf_put_string(b, t->album_id), rf_buf_put_string(b, t->isrc), rf_buf_put_string(b, t->uri),
                            rf_buf_put_string(b, t->spotify_id), rf_buf_put_u32(b, t->duration_ms),
                            rf_buf_put_u16(b, t->release_year), rf_buf_put_u8(b, (uint8_t)t->popularity),
                            rf_buf_put_u8(b, (uint8_t)t->is_explicit), put_features(b, &t->features),
                            rf_buf_put_u8(b, (uint8_t)t->n_artists));

        for (size_t i = 0; i < t->n_artists && r >= 0; i++)
                r = FIRST_ERROR(rf_buf_put_string(b, t->artists[i].id), rf_buf_put_string(b, t->artists[i].name));
        return r;
}

static int put_artist(struct rf_buf *b, const struct rf_artist *a)
{
        int r = FIRST_ERROR(rf_buf_put_string(b, a->id), rf_buf_put_string(b, a->name), rf_buf_put_string(b, a->uri),
                            rf_buf_put_u8(b, (uint8_t)a->popularity), rf_buf_put_u8(b, (uint8_t)a->n_genres));

        for (size_t i = 0; i < a->n_genres && r >= 0; i++)
                r = rf_buf_put_string(b, a->genres[i]);
        return r;
}

static int put_album(struct rf_buf *b, const struct rf_album *a)
{
        return FIRST_ERROR(rf_buf_put_string(b, a->id), rf_buf_put_string(b, a->name), rf_buf_put_u16(b, a->release_year),
                           rf_buf_put_u16(b, a->n_tracks));
}

static int put_track_features(struct rf_buf *b, const struct rf_track_features *f)
{
        return FIRST_ERROR(rf_buf_put_string(b, f->id), rf_buf_put_string(b, f->spotify_id), rf_buf_put_string(b, f->isrc),
                           put_features(b, &f->features));
}

int rf_answer_encode(const struct rf_answer *a, struct rf_buf *b)
{
        int r = FIRST_ERROR(rf_buf_put_u8(b, FORMAT_VERSION), rf_buf_put_u8(b, (uint8_t)a->op), rf_buf_put_u32(b, a->took_ms),
                            rf_buf_put_u16(b, (uint16_t)a->n_tracks),
                            rf_buf_put_u16(b, (uint16_t)a->n_artists), rf_buf_put_u16(b, (uint16_t)a->n_albums),
                            rf_buf_put_u16(b, (uint16_t)a->n_features), rf_buf_put_u8(b, a->created != NULL),
                            rf_buf_put_string(b, a->analysis));

        for (size_t i = 0; i < a->n_tracks && r >= 0; i++)
                r = put_track(b, &a->tracks[i]);
        for (size_t i = 0; i < a->n_artists && r >= 0; i++)
                r = put_artist(b, &a->artists[i]);
        for (size_t i = 0; i < a->n_albums && r >= 0; i++)
                r = put_album(b, &a->albums[i]);
        for (size_t i = 0; i < a->n_features && r >= 0; i++)
                r = put_track_features(b, &a->features[i]);
        if (a->created && r >= 0)
                r = FIRST_ERROR(rf_buf_put_string(b, a->created->id), rf_buf_put_string(b, a->created->uri));
        return r;
}

/* ---- Reading ---- */

/* Strings of the record being read, until the sink has copied it. */
struct scratch {
        struct rf_reader reader;
        struct rf_buf strings;
        const char *genres[RF_RECORD_GENRES_MAX];
        struct rf_artist_ref artists[RF_RECORD_ARTISTS_MAX];
};

/*
 * The reader's strings aren't terminated; copies are. The buffer can't grow while pointers into it are held, so it is made as large
 * as the whole record text at the start.
 */
static int get_string(struct scratch *s, const char **ret)
{
        const char *text;
        size_t size;
        int r = rf_reader_string(&s->reader, &text, &size);

        if (r < 0)
                return r;
        if (!text) {
                *ret = NULL;
                return 0;
        }
        if (size > RF_RECORD_STRING_MAX || memchr(text, '\0', size))
                return -RF_ECORRUPT;
        if (s->strings.capacity - s->strings.size < size + 2)
                return -RF_ECORRUPT;
        *ret = s->strings.data + s->strings.size;
        memcpy(s->strings.data + s->strings.size, text, size);
        s->strings.data[s->strings.size + size] = '\0';
        s->strings.size += size + 1;
        return 0;
}

static int get_features(struct rf_reader *reader, struct rf_features *f)
{
        uint16_t has;
        int r = rf_reader_u16(reader, &has);

        if (r < 0)
                return r;
        if (has >> RF_FEATURE_COUNT)
                return -RF_ECORRUPT;
        *f = (struct rf_features){ .has = has };
        for (int i = 0; i < RF_FEATURE_COUNT && r >= 0; i++)
                if (has & RF_FEATURE_BIT(i))
                        r = rf_reader_float(reader, &f->value[i]);
        return r;
}

static int get_track(struct scratch *s, struct rf_sink *sink)
{
        struct rf_track t = { 0 };
        uint8_t popularity = 0, is_explicit = 0, n_artists = 0;
        int r = FIRST_ERROR(get_string(s, &t.id), get_string(s, &t.title), get_string(s, &t.album), get_string(s, &t.album_id),
                            get_string(s, &t.isrc), get_string(s, &t.uri), get_string(s, &t.spotify_id),
                            rf_reader_u32(&s->reader, &t.duration_ms), rf_reader_u16(&s->reader, &t.release_year),
                            rf_reader_u8(&s->reader, &popularity), rf_reader_u8(&s->reader, &is_explicit),
                            get_features(&s->reader, &t.features), rf_reader_u8(&s->reader, &n_artists));

        if (r < 0)
                return r;
        if (n_artists > RF_RECORD_ARTISTS_MAX)
                return -RF_ECORRUPT;
        for (size_t i = 0; i < n_artists && r >= 0; i++)
                r = FIRST_ERROR(get_string(s, &s->artists[i].id), get_string(s, &s->artists[i].name));
        if (r < 0)
                return r;
        t.popularity = (int8_t)popularity;
        t.is_explicit = (int8_t)is_explicit;
        t.artists = s->artists;
        t.n_artists = n_artists;
        return rf_sink_track(sink, &t);
}

static int get_artist(struct scratch *s, struct rf_sink *sink)
{
        struct rf_artist a = { 0 };
        uint8_t popularity = 0, n_genres = 0;
        int r = FIRST_ERROR(get_string(s, &a.id), get_string(s, &a.name), get_string(s, &a.uri),
                            rf_reader_u8(&s->reader, &popularity), rf_reader_u8(&s->reader, &n_genres));

        if (r < 0)
                return r;
        if (n_genres > RF_RECORD_GENRES_MAX)
                return -RF_ECORRUPT;
        for (size_t i = 0; i < n_genres && r >= 0; i++)
                r = get_string(s, &s->genres[i]);
        if (r < 0)
                return r;
        a.popularity = (int8_t)popularity;
        a.genres = s->genres;
        a.n_genres = n_genres;
        return rf_sink_artist(sink, &a);
}

static int get_album(struct scratch *s, struct rf_sink *sink)
{
        struct rf_album a = { 0 };
        int r = FIRST_ERROR(get_string(s, &a.id), get_string(s, &a.name), rf_reader_u16(&s->reader, &a.release_year),
                            rf_reader_u16(&s->reader, &a.n_tracks));

        return r < 0 ? r : rf_sink_album(sink, &a);
}

static int get_track_features(struct scratch *s, struct rf_sink *sink)
{
        struct rf_track_features f = { 0 };
        int r = FIRST_ERROR(get_string(s, &f.id), get_string(s, &f.spotify_id), get_string(s, &f.isrc),
                            get_features(&s->reader, &f.features));

        return r < 0 ? r : rf_sink_features(sink, &f);
}

static int get_created(struct scratch *s, struct rf_sink *sink)
{
        struct rf_created c = { 0 };
        int r = FIRST_ERROR(get_string(s, &c.id), get_string(s, &c.uri));

        return r < 0 ? r : rf_sink_created(sink, &c);
}

static int get_records(struct scratch *s, struct rf_sink *sink, size_t n, int (*get)(struct scratch *s, struct rf_sink *sink))
{
        for (size_t i = 0; i < n; i++) {
                int r;

                rf_buf_clear(&s->strings);
                r = get(s, sink);
                if (r < 0)
                        return r == -ENOMEM ? r : -RF_ECORRUPT;
        }
        return 0;
}

/* The analysis is longer than a record's string may be. */
static int get_analysis(struct rf_reader *reader, struct rf_sink *sink)
{
        _cleanup_free_ char *json = NULL;
        const char *text;
        size_t size;
        int r = rf_reader_string(reader, &text, &size);

        if (r < 0 || !text)
                return r;
        json = strndup(text, size);
        if (!json)
                return -ENOMEM;
        return rf_sink_analysis(sink, json) < 0 ? -RF_ECORRUPT : 0;
}

static int get_all(struct scratch *s, struct rf_sink *sink)
{
        uint16_t n_tracks, n_artists, n_albums, n_features;
        uint8_t has_created;
        int r = FIRST_ERROR(rf_reader_u16(&s->reader, &n_tracks), rf_reader_u16(&s->reader, &n_artists),
                            rf_reader_u16(&s->reader, &n_albums), rf_reader_u16(&s->reader, &n_features),
                            rf_reader_u8(&s->reader, &has_created), get_analysis(&s->reader, sink));

        if (r < 0)
                return r;
        r = get_records(s, sink, n_tracks, get_track);
        if (r >= 0)
                r = get_records(s, sink, n_artists, get_artist);
        if (r >= 0)
                r = get_records(s, sink, n_albums, get_album);
        if (r >= 0)
                r = get_records(s, sink, n_features, get_track_features);
        if (r >= 0)
                r = get_records(s, sink, has_created ? 1 : 0, get_created);
        return r >= 0 && s->reader.at != s->reader.size ? -RF_ECORRUPT : r;
}

int rf_answer_decode(const char *provider, const void *data, size_t size, struct rf_answer **ret)
{
        struct scratch s = { .reader = { .data = data, .size = size } };
        _cleanup_(rf_sink_freep) struct rf_sink *sink = NULL;
        uint8_t version, op;
        uint32_t took_ms = 0;
        int r;

        r = FIRST_ERROR(rf_reader_u8(&s.reader, &version), rf_reader_u8(&s.reader, &op));
        if (r < 0)
                return r;
        if (version == FORMAT_VERSION)
                r = rf_reader_u32(&s.reader, &took_ms);
        else if (version != FORMAT_WITHOUT_TIME)
                return version > FORMAT_VERSION ? -RF_EFOREIGN : -RF_ECORRUPT;
        if (r < 0)
                return r;
        if (op >= RF_OP_COUNT)
                return -RF_ECORRUPT;
        r = rf_sink_new(provider, op, RF_ANSWER_RECORDS_MAX, &sink);
        if (r < 0)
                return r;
        r = rf_buf_reserve(&s.strings, (RF_RECORD_STRING_MAX + 2) * (8 + 2 * RF_RECORD_ARTISTS_MAX));
        if (r >= 0)
                r = get_all(&s, sink);
        rf_buf_done(&s.strings);
        if (r >= 0)
                r = rf_sink_finish(sink, ret);
        if (r >= 0)
                (*ret)->took_ms = took_ms;
        return r;
}
