/* ReccoBeats over the synthetic world: leaves out what it doesn't know, in no particular order, under ids of its own. */
#include "random.h"
#include "recommend.h"
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 40 /* the rest is dropped without a word */, SEEDS = 5, RECOMMENDED = 100, PAGE = 50, UNKNOWN_PERCENT = 6, FOUND_MAX = 200 };

bool mock_reccobeat_knows(const struct mock_track *t)
{
        return mock_hash(5, t->uuid) % 100 >= UNKNOWN_PERCENT;
}

int mock_reccobeat_error(struct mock_call *call, uint16_t status, int code, const char *path, const char *message)
{
        call->status = status;
        call->json = json_pack("{s:i, s:[{s:s, s:s}]}", "status", code, "errors", "path", path, "message", message);
        return call->json ? 0 : -ENOMEM;
}

static int done(struct mock_call *call, json_t *json)
{
        call->json = json;
        return json ? 0 : -ENOMEM;
}

/* ---- Records ---- */

/* Its own id of an artist: a UUID over the number in the world. */
static void artist_uuid(const struct mock_world *w, uint32_t number, char ret[37])
{
        struct mock_random r = { .state = mock_hash(number, w->artists[number].id) };
        uint64_t a = mock_random_u64(&r), b = mock_random_u64(&r);

        snprintf(ret, 37, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                 (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffff));
}

static const struct mock_artist *find_artist(const struct mock_world *w, const char *id)
{
        char uuid[37];

        for (uint32_t i = 0; i < MOCK_ARTISTS; i++) {
                artist_uuid(w, i, uuid);
                if (strcmp(uuid, id) == 0)
                        return &w->artists[i];
        }
        return NULL;
}

static json_t *artist_json(const struct mock_world *w, uint32_t number)
{
        char uuid[37], href[64];

        artist_uuid(w, number, uuid);
        snprintf(href, sizeof(href), "https://open.spotify.com/artist/%s", w->artists[number].id);
        return json_pack("{s:s, s:s, s:s}", "id", uuid, "name", w->artists[number].name, "href", href);
}

static json_t *track_json(const struct mock_world *w, const struct mock_track *t)
{
        char href[64];
        json_t *j;

        snprintf(href, sizeof(href), "https://open.spotify.com/track/%s", t->id);
        j = json_pack("{s:s, s:s, s:[o?], s:i, s:s}", "id", t->uuid, "trackTitle", t->title, "artists", artist_json(w, t->artist),
                      "durationMs", (int)t->duration_ms, "href", href);
        if (t->has_isrc)
                json_object_set_new(j, "isrc", json_string(t->isrc));
        if (t->has_popularity)
                json_object_set_new(j, "popularity", json_integer(t->popularity));
        return j;
}

static json_t *features_json(const struct mock_track *t)
{
        char href[64];
        json_t *j;

        snprintf(href, sizeof(href), "https://open.spotify.com/track/%s", t->id);
        j = json_pack("{s:s, s:s}", "id", t->uuid, "href", href);
        if (t->has_isrc)
                json_object_set_new(j, "isrc", json_string(t->isrc));
        for (int f = 0; f < MOCK_FEATURES; f++)
                json_object_set_new(j, mock_feature_names[f],
                                    f == RF_FEATURE_KEY || f == RF_FEATURE_MODE ? json_integer((json_int_t)t->feature[f]) :
                                                                                  json_real((double)t->feature[f]));
        return j;
}

/* ---- Look-ups ---- */

static const struct mock_track *find_known(const struct mock_world *w, const char *id)
{
        const struct mock_track *t = mock_world_find_track(w, id);

        return t && mock_reccobeat_knows(t) ? t : NULL;
}

static int by_shuffle(const void *a, const void *b)
{
        const struct mock_track *x = *(const struct mock_track *const *)a, *y = *(const struct mock_track *const *)b;
        uint64_t p = mock_hash(7, x->uuid), q = mock_hash(7, y->uuid);

        return p != q ? (p < q ? -1 : 1) : 0;
}

/* The known ones of `ids`, each once, in an order of its own. False, with the error in `call`: there are no ids. */
static bool look_up(struct mock_call *call, const struct mock_track **ret, size_t *ret_n)
{
        char ids[MOCK_IDS_MAX][64];
        size_t n = mock_ids(call, mock_param(call, "ids"), ids, MOCK_IDS_MAX), n_found = 0;

        if (n == 0)
                return mock_reccobeat_error(call, 400, 4001, "ids", "must not be empty"), false;
        for (size_t i = 0; i < n && i < IDS; i++) {
                const struct mock_track *t = find_known(call->world, ids[i]);
                bool is_new = t != NULL;

                for (size_t k = 0; k < n_found; k++)
                        is_new &= ret[k] != t;
                if (is_new)
                        ret[n_found++] = t;
        }
        qsort(ret, n_found, sizeof(*ret), by_shuffle);
        *ret_n = n_found;
        return true;
}

static int answer_tracks(struct mock_call *call)
{
        const struct mock_track *found[IDS];
        json_t *content;
        size_t n;

        if (!look_up(call, found, &n))
                return call->json ? 0 : -ENOMEM;
        content = json_array();
        for (size_t i = 0; i < n; i++)
                json_array_append_new(content, track_json(call->world, found[i]));
        return done(call, json_pack("{s:o?}", "content", content));
}

static int answer_many_features(struct mock_call *call)
{
        const struct mock_track *found[IDS];
        json_t *content;
        size_t n;

        if (!look_up(call, found, &n))
                return call->json ? 0 : -ENOMEM;
        content = json_array();
        for (size_t i = 0; i < n; i++)
                if (found[i]->has_features)
                        json_array_append_new(content, features_json(found[i]));
        return done(call, json_pack("{s:o?}", "content", content));
}

static int answer_features(struct mock_call *call)
{
        const struct mock_track *t = strchr(call->id, '-') ? find_known(call->world, call->id) : NULL; /* UUIDs only */

        call->n_ids = 1;
        if (!strchr(call->id, '-'))
                return mock_reccobeat_error(call, 400, 4001, "id", "must be a UUID");
        return t && t->has_features ? done(call, features_json(t)) : mock_reccobeat_error(call, 404, 4004, "id", "not found");
}

/* ---- Recommendations ---- */

static size_t known_seeds(struct mock_call *call, const char *name, const struct mock_track **ret, size_t *ret_asked)
{
        char ids[SEEDS + 1][64]; /* one more than may be tells that there are too many */
        size_t n = mock_ids(call, mock_param(call, name), ids, SEEDS + 1), known = 0;

        for (size_t i = 0; i < n && i < SEEDS; i++) {
                const struct mock_track *t = find_known(call->world, ids[i]);

                if (t)
                        ret[known++] = t;
        }
        *ret_asked = n;
        return known;
}

/* NULL, or the name of the parameter that is wrong. */
static const char *wrong_target(const struct mock_call *call, struct mock_wish *wish)
{
        const char *text = mock_param(call, "featureWeight");
        char *end;
        float weight = text ? strtof(text, &end) : 1;

        if (weight < 1 || weight > 5 || (text && *end))
                return "featureWeight";
        for (int f = 0; f < MOCK_FEATURES; f++) {
                text = mock_param(call, mock_feature_names[f]);
                if (!text)
                        continue;
                wish->has_target[f] = true;
                wish->target[f] = strtof(text, &end);
                wish->weight[f] = weight;
                if (end == text || *end)
                        return mock_feature_names[f];
        }
        return NULL;
}

static int answer_recommendations(struct mock_call *call)
{
        const struct mock_track *seeds[SEEDS], *negative[SEEDS], *found[2 * RECOMMENDED];
        struct mock_wish wish = { .seeds = seeds, .negative = negative, .size = 2 * RECOMMENDED };
        size_t n_seeds, n_negative;
        unsigned long size;
        const char *wrong;
        json_t *content;
        int n;

        wish.n_seeds = known_seeds(call, "seeds", seeds, &n_seeds);
        wish.n_negative = known_seeds(call, "negativeSeeds", negative, &n_negative);
        if (!mock_number(call, "size", 0, 1, RECOMMENDED, &size) || size == 0)
                return mock_reccobeat_error(call, 400, 4001, "size", "must be between 1 and 100");
        if (n_seeds == 0 || n_seeds > SEEDS)
                return mock_reccobeat_error(call, 400, 4001, "seeds", "size must be between 1 and 5");
        if (n_negative > SEEDS || (n_negative > 0 && n_negative >= n_seeds))
                return mock_reccobeat_error(call, 400, 4001, "negativeSeeds", "must be fewer than seeds, and at most 5");
        wrong = wrong_target(call, &wish);
        if (wrong)
                return mock_reccobeat_error(call, 400, 4001, wrong, "invalid value");
        if (wish.n_seeds == 0)
                return mock_reccobeat_error(call, 400, 4004, "seeds", "tracks not found");
        n = mock_recommend(call->world, &wish, found);
        if (n < 0)
                return n;
        content = json_array();
        for (int i = 0; i < n && json_array_size(content) < size; i++)
                if (mock_reccobeat_knows(found[i]))
                        json_array_append_new(content, track_json(call->world, found[i]));
        return done(call, json_pack("{s:o?}", "content", content));
}

/* ---- Artists ---- */

static bool page_of(struct mock_call *call, unsigned long *ret_page, unsigned long *ret_size)
{
        if (!mock_number(call, "size", 25, 1, PAGE, ret_size))
                return mock_reccobeat_error(call, 400, 4001, "size", "must be between 1 and 50"), false;
        if (!mock_number(call, "page", 0, 0, 1000, ret_page))
                return mock_reccobeat_error(call, 400, 4001, "page", "must be between 0 and 1000"), false;
        return true;
}

static int paged(struct mock_call *call, json_t *content, unsigned long page, unsigned long size, size_t total)
{
        return done(call, json_pack("{s:o?, s:I, s:I, s:I, s:I}", "content", content, "page", (json_int_t)page, "size", (json_int_t)size,
                                    "totalElements", (json_int_t)total, "totalPages", (json_int_t)((total + size - 1) / size)));
}

/* The best match isn't always the first. */
static int answer_artist_search(struct mock_call *call)
{
        const char *text = mock_param(call, "searchText");
        unsigned long page, size;
        uint32_t found[FOUND_MAX];
        json_t *content;
        size_t n, turn;

        if (!text || !text[0])
                return mock_reccobeat_error(call, 400, 4001, "searchText", "must not be empty");
        if (!page_of(call, &page, &size))
                return call->json ? 0 : -ENOMEM;
        n = mock_search_artists(call->world, text, found, FOUND_MAX);
        turn = n > 1 ? mock_hash(9, text) % n : 0;
        content = json_array();
        for (size_t i = page * size; i < n && i < (page + 1) * size; i++)
                json_array_append_new(content, artist_json(call->world, found[(i + turn) % n]));
        return paged(call, content, page, size, n);
}

static int answer_artist_tracks(struct mock_call *call)
{
        const struct mock_artist *a = find_artist(call->world, call->id);
        unsigned long page, size;
        json_t *content;
        size_t n = 0;

        call->n_ids = 1;
        if (!page_of(call, &page, &size))
                return call->json ? 0 : -ENOMEM;
        if (!a)
                return mock_reccobeat_error(call, 404, 4004, "id", "not found");
        content = json_array();
        for (uint32_t i = 0; i < a->n_tracks; i++) {
                const struct mock_track *t = &call->world->tracks[a->by_popularity[i]];

                if (!mock_reccobeat_knows(t))
                        continue;
                if (n >= page * size && n < (page + 1) * size)
                        json_array_append_new(content, track_json(call->world, t));
                n++;
        }
        return paged(call, content, page, size, n);
}

/* ---- Who may ---- */

/* The shield before it takes libraries' own names for robots. */
static bool is_robot(const struct mock_call *call)
{
        static const char *const robots[] = { "curl/", "libcurl", "Python-urllib", "python-requests", "Go-http-client" };
        const char *agent = mock_header(call, "User-Agent");

        for (size_t i = 0; agent && i < sizeof(robots) / sizeof(robots[0]); i++)
                if (strncmp(agent, robots[i], strlen(robots[i])) == 0)
                        return true;
        return !agent || !agent[0];
}

static bool admit(struct mock_call *call, const struct mock_endpoint *endpoint)
{
        if (call->services->options.checks_user_agent && is_robot(call)) {
                call->status = 403;
                call->text = "error code: 1010";
                return false;
        }
        if (!endpoint)
                return mock_reccobeat_error(call, 404, 4040, "", "no such resource"), false;
        return true;
}

static const struct mock_endpoint endpoints[] = {
        { RF_METHOD_GET, "/track/recommendation", 0, answer_recommendations },
        { RF_METHOD_GET, "/track", 0, answer_tracks },
        { RF_METHOD_GET, "/audio-features", 0, answer_many_features },
        { RF_METHOD_GET, "/track/{id}/audio-features", 0, answer_features },
        { RF_METHOD_GET, "/artist/search", 0, answer_artist_search },
        { RF_METHOD_GET, "/artist/{id}/track", 0, answer_artist_tracks },
};

const struct mock_endpoints mock_reccobeat_endpoints = { endpoints, sizeof(endpoints) / sizeof(endpoints[0]), admit };
