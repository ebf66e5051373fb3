#include "spotify_records.h"

#include "genres.h"

#include <stdio.h>
#include <string.h>

static json_t *artist_refs(const struct mock_artist *a)
{
        char uri[48];

        snprintf(uri, sizeof(uri), "spotify:artist:%s", a->id);
        return json_pack("[{s:s, s:s, s:s, s:s}]", "id", a->id, "name", a->name, "type", "artist", "uri", uri);
}

/* One in six is known by the year alone, one in six by year and month. */
static void release_date(const struct mock_album *album, char *ret, size_t size)
{
        uint64_t h = mock_hash(3, album->id);
        unsigned month = 1 + (unsigned)(h / 6 % 12), day = 1 + (unsigned)(h / 72 % 28);

        if (h % 6 == 0)
                snprintf(ret, size, "%u", album->year);
        else if (h % 6 == 1)
                snprintf(ret, size, "%u-%02u", album->year, month);
        else
                snprintf(ret, size, "%u-%02u-%02u", album->year, month, day);
}

json_t *mock_spotify_album(const struct mock_call *call, const struct mock_album *album)
{
        char uri[48], date[16];

        snprintf(uri, sizeof(uri), "spotify:album:%s", album->id);
        release_date(album, date, sizeof(date));
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o?}", "id", album->id, "name", album->name, "type", "album", "album_type",
                         album->n_tracks > 3 ? "album" : "single", "release_date", date, "total_tracks", (int)album->n_tracks, "uri", uri,
                         "artists", artist_refs(&call->world->artists[album->artist]));
}

json_t *mock_spotify_short_track(const struct mock_call *call, const struct mock_track *t)
{
        char uri[48];

        snprintf(uri, sizeof(uri), "spotify:track:%s", t->id);
        return json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:o?}", "id", t->id, "name", t->title, "type", "track", "uri", uri,
                         "duration_ms", (int)t->duration_ms, "explicit", t->is_explicit, "is_local", 0, "artists",
                         artist_refs(&call->world->artists[t->artist]));
}

json_t *mock_spotify_track(const struct mock_call *call, const struct mock_track *t)
{
        json_t *j = mock_spotify_short_track(call, t), *album = mock_spotify_album(call, &call->world->albums[t->album]);

        if (!t->has_year)
                json_object_del(album, "release_date");
        json_object_set_new(j, "album", album);
        json_object_set_new(j, "external_ids", t->has_isrc ? json_pack("{s:s}", "isrc", t->isrc) : json_object());
        if (t->has_popularity && !call->services->is_development)
                json_object_set_new(j, "popularity", json_integer(t->popularity));
        return j;
}

json_t *mock_spotify_artist(const struct mock_call *call, const struct mock_artist *a)
{
        json_t *genres = json_array(), *j;
        char uri[48];

        snprintf(uri, sizeof(uri), "spotify:artist:%s", a->id);
        for (size_t i = 0; !a->hides_genres && i < a->n_genres; i++)
                json_array_append_new(genres, json_string(mock_genres[a->genres[i]].name));
        j = json_pack("{s:s, s:s, s:s, s:s, s:o?}", "id", a->id, "name", a->name, "type", "artist", "uri", uri, "genres", genres);
        if (call->services->is_development) { /* mostly gone */
                if (mock_hash(2, a->id) % 10 != 0)
                        json_object_del(j, "genres");
                return j;
        }
        json_object_set_new(j, "popularity", json_integer(a->popularity));
        json_object_set_new(j, "followers", json_pack("{s:n, s:i}", "href", "total", (int)a->popularity * (int)a->popularity * 97));
        return j;
}

json_t *mock_spotify_page(const struct mock_call *call, json_t *items, unsigned long limit, unsigned long offset, size_t total)
{
        const char *href = call->request->url ? call->request->url : "";
        json_t *page = json_pack("{s:s, s:I, s:I, s:I, s:o?}", "href", href, "limit", (json_int_t)limit, "offset", (json_int_t)offset, "total",
                                 (json_int_t)total, "items", items);
        json_t *next = json_null(), *previous = json_null();

        if (offset + limit < total)
                next = json_sprintf("%.*s?offset=%lu&limit=%lu", (int)strcspn(href, "?"), href, offset + limit, limit);
        if (offset > 0)
                previous = json_sprintf("%.*s?offset=%lu&limit=%lu", (int)strcspn(href, "?"), href, offset > limit ? offset - limit : 0, limit);
        json_object_set_new(page, "next", next);
        json_object_set_new(page, "previous", previous);
        return page;
}

bool mock_spotify_page_of(struct mock_call *call, unsigned long most, unsigned long *ret_limit, unsigned long *ret_offset)
{
        if (!mock_number(call, "limit", most < 20 ? most : 20, 1, most, ret_limit))
                return mock_spotify_error(call, 400, "Invalid limit"), false;
        if (!mock_number(call, "offset", 0, 0, 1000, ret_offset))
                return mock_spotify_error(call, 400, "Invalid offset"), false;
        return true;
}
