#include "flow/candidate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "provider/provider.h"
#include "base/map.h"
#include "flow/names.h"

#define SAME_DURATION_MS 3000u

/* Under which a recording is found again. Each is a seed of the hash, so that equal texts of different kinds stay apart. */
enum identity { BY_ISRC = 1, BY_ID, BY_SPOTIFY_ID, BY_NAME };

struct slot {
        uint64_t hash; /* 0 = free */
        uint32_t candidate;
};

struct rf_pool {
        struct rf_candidate *candidates;
        size_t n, capacity;
        struct slot *slots; /* open addressing, a power of two, at most half full */
        size_t n_slots, n_used;
        struct rf_answer **answers;
        size_t n_answers, answers_capacity;
        size_t duplicates;
};

struct rf_pool *rf_pool_new(void)
{
        return calloc(1, sizeof(struct rf_pool));
}

struct rf_pool *rf_pool_free(struct rf_pool *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_answers; i++)
                rf_answer_unref(p->answers[i]);
        free(p->answers);
        free(p->candidates);
        free(p->slots);
        free(p);
        return NULL;
}

size_t rf_pool_size(const struct rf_pool *p)
{
        return p->n;
}

struct rf_candidate *rf_pool_at(const struct rf_pool *p, size_t i)
{
        return &p->candidates[i];
}

size_t rf_pool_duplicates(const struct rf_pool *p)
{
        return p->duplicates;
}

static int keep_answer(struct rf_pool *p, struct rf_answer *a)
{
        /* the records of one answer come one after the other */
        for (size_t i = p->n_answers; i > 0 && i + 4 > p->n_answers; i--)
                if (p->answers[i - 1] == a)
                        return 0;
        if (p->n_answers == p->answers_capacity) {
                size_t capacity = MAX(p->answers_capacity * 2, (size_t)32);
                struct rf_answer **grown = reallocarray(p->answers, capacity, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                p->answers = grown;
                p->answers_capacity = capacity;
        }
        p->answers[p->n_answers++] = rf_answer_ref(a);
        return 0;
}

static uint64_t identity_hash(enum identity kind, const char *provider, const char *text)
{
        uint64_t seed = kind, hash;

        if (provider)
                seed = rf_hash(provider, strlen(provider), seed);
        hash = rf_hash(text, strlen(text), seed);
        return hash ? hash : 1;
}

static void insert(struct slot *slots, size_t n_slots, uint64_t hash, uint32_t candidate)
{
        size_t i = hash & (n_slots - 1);

        while (slots[i].hash != 0)
                i = (i + 1) & (n_slots - 1);
        slots[i] = (struct slot){ hash, candidate };
}

static int remember(struct rf_pool *p, uint64_t hash, size_t candidate)
{
        if (p->n_used * 2 >= p->n_slots) {
                size_t n_slots = MAX(p->n_slots * 2, (size_t)256);
                struct slot *slots = calloc(n_slots, sizeof(*slots));

                if (!slots)
                        return -ENOMEM;
                for (size_t i = 0; i < p->n_slots; i++)
                        if (p->slots[i].hash)
                                insert(slots, n_slots, p->slots[i].hash, p->slots[i].candidate);
                free(p->slots);
                p->slots = slots;
                p->n_slots = n_slots;
        }
        insert(p->slots, p->n_slots, hash, (uint32_t)candidate);
        p->n_used++;
        return 0;
}

/* Candidates remembered under a hash, one after the other; `at` starts at SIZE_MAX. NULL: no more. */
static struct rf_candidate *recall(const struct rf_pool *p, uint64_t hash, size_t *at)
{
        if (p->n_slots == 0)
                return NULL;
        *at = *at == SIZE_MAX ? (hash & (p->n_slots - 1)) : ((*at + 1) & (p->n_slots - 1));
        for (; p->slots[*at].hash != 0; *at = (*at + 1) & (p->n_slots - 1))
                if (p->slots[*at].hash == hash)
                        return &p->candidates[p->slots[*at].candidate];
        return NULL;
}

static bool same_text(const char *a, const char *b)
{
        return a && b && strcmp(a, b) == 0;
}

static struct rf_candidate *find_by_text(const struct rf_pool *p, enum identity kind, const char *provider, const char *text)
{
        struct rf_candidate *c;
        size_t at = SIZE_MAX;
        uint64_t hash;

        if (!text || !*text)
                return NULL;
        hash = identity_hash(kind, kind == BY_ID ? provider : NULL, text);
        while ((c = recall(p, hash, &at)))
                if ((kind == BY_ISRC && same_text(c->track.isrc, text)) ||
                    (kind == BY_ID && same_text(c->track.id, text) && same_text(c->provider, provider)) ||
                    (kind == BY_SPOTIFY_ID && same_text(c->track.spotify_id, text)))
                        return c;
        return NULL;
}

static uint64_t name_hash(uint64_t artist, uint64_t title)
{
        uint64_t keys[2] = { artist, title }, hash = rf_hash(keys, sizeof(keys), BY_NAME);

        return hash ? hash : 1;
}

static struct rf_candidate *find_by_name(const struct rf_pool *p, uint64_t artist, uint64_t title, uint32_t duration_ms)
{
        struct rf_candidate *c;
        size_t at = SIZE_MAX;

        if (artist == 0 || title == 0)
                return NULL;
        while ((c = recall(p, name_hash(artist, title), &at))) {
                uint32_t a = c->track.duration_ms;

                if (c->artist_key != artist || c->title_key != title)
                        continue;
                if (a == 0 || duration_ms == 0 || (a > duration_ms ? a - duration_ms : duration_ms - a) <= SAME_DURATION_MS)
                        return c;
        }
        return NULL;
}

static int remember_all(struct rf_pool *p, size_t i, const struct rf_track *t, const char *provider)
{
        int r = 0;

        if (t->isrc && *t->isrc)
                r = remember(p, identity_hash(BY_ISRC, NULL, t->isrc), i);
        if (r >= 0 && t->id)
                r = remember(p, identity_hash(BY_ID, provider, t->id), i);
        if (r >= 0 && t->spotify_id)
                r = remember(p, identity_hash(BY_SPOTIFY_ID, NULL, t->spotify_id), i);
        return r;
}

static void merge_features(struct rf_features *into, const struct rf_features *from)
{
        for (unsigned i = 0; i < RF_FEATURE_COUNT; i++)
                if ((from->has & RF_FEATURE_BIT(i)) && !(into->has & RF_FEATURE_BIT(i))) {
                        into->value[i] = from->value[i];
                        into->has |= RF_FEATURE_BIT(i);
                }
}

/* Popularity is a feature like the others, but comes with the track. */
static void take_popularity(struct rf_track *t)
{
        if (t->popularity >= 0 && !(t->features.has & RF_FEATURE_BIT(RF_FEATURE_POPULARITY))) {
                t->features.value[RF_FEATURE_POPULARITY] = (float)t->popularity;
                t->features.has |= RF_FEATURE_BIT(RF_FEATURE_POPULARITY);
        }
}

/* Returns whether an identity became known that wasn't before. */
static bool merge_track(struct rf_track *into, const struct rf_track *from)
{
        bool is_new = (!into->isrc && from->isrc) || (!into->spotify_id && from->spotify_id);

        if (!into->isrc)
                into->isrc = from->isrc;
        if (!into->spotify_id)
                into->spotify_id = from->spotify_id;
        if (!into->uri)
                into->uri = from->uri;
        if (!into->album) {
                into->album = from->album;
                into->album_id = from->album_id;
        }
        if (into->duration_ms == 0)
                into->duration_ms = from->duration_ms;
        if (into->release_year == 0)
                into->release_year = from->release_year;
        if (into->popularity < 0)
                into->popularity = from->popularity;
        if (into->is_explicit < 0)
                into->is_explicit = from->is_explicit;
        merge_features(&into->features, &from->features);
        take_popularity(into);
        return is_new;
}

/* The same recording under another provider's id: more can be asked of that one, too. */
static void take_other_id(struct rf_candidate *c, const struct rf_track *t, const char *provider)
{
        if (c->other_provider || same_text(c->provider, provider) || !t->id)
                return;
        c->other_provider = provider;
        c->other_id = t->id;
}

static int merge_find(struct rf_pool *p, struct rf_candidate *c, const struct rf_find *f)
{
        size_t index = (size_t)(c - p->candidates);
        int r;

        p->duplicates++;
        r = keep_answer(p, f->answer);
        if (r < 0)
                return r;
        /* the surest of the ways it was found is its reason */
        if (f->confidence > c->confidence) {
                c->confidence = f->confidence;
                c->source = f->source;
                c->via = f->via;
                c->via_name = f->via_name;
                c->via_seed = f->via_seed;
        }
        c->genre_weight = MAX(c->genre_weight, f->genre_weight);
        c->is_protected |= f->is_protected;
        c->is_of_era |= f->is_of_era;
        merge_track(&c->track, f->track);
        take_other_id(c, f->track, f->answer->provider);
        if (!same_text(c->track.id, f->track->id) || !same_text(c->provider, f->answer->provider))
                return remember_all(p, index, f->track, f->answer->provider);
        return 0;
}

static int grow(struct rf_pool *p)
{
        size_t capacity = MAX(p->capacity * 2, (size_t)128);
        struct rf_candidate *grown = reallocarray(p->candidates, capacity, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        p->candidates = grown;
        p->capacity = capacity;
        return 0;
}

int rf_pool_add(struct rf_pool *p, const struct rf_find *f, size_t *ret_index)
{
        const struct rf_track *t = f->track;
        uint64_t artist = t->n_artists > 0 ? rf_name_key(t->artists[0].name) : 0, title;
        struct rf_candidate *c;
        int r;

        c = find_by_text(p, BY_ISRC, NULL, t->isrc);
        if (!c)
                c = find_by_text(p, BY_ID, f->answer->provider, t->id);
        if (!c)
                c = find_by_text(p, BY_SPOTIFY_ID, NULL, t->spotify_id);
        title = c ? 0 : rf_title_key(t->title, false);
        if (!c)
                c = find_by_name(p, artist, title, t->duration_ms);
        if (c) {
                if (ret_index)
                        *ret_index = (size_t)(c - p->candidates);
                return merge_find(p, c, f);
        }
        if (p->n >= RF_CANDIDATES_MAX)
                return -ENOSPC;
        if (p->n == p->capacity && (r = grow(p)) < 0)
                return r;
        r = keep_answer(p, f->answer);
        if (r < 0)
                return r;
        r = remember_all(p, p->n, t, f->answer->provider);
        if (r >= 0 && artist && title)
                r = remember(p, name_hash(artist, title), p->n);
        if (r < 0)
                return r;
        c = &p->candidates[p->n];
        *c = (struct rf_candidate){
                .track = *t, .provider = f->answer->provider, .via_name = f->via_name, .via_seed = f->via_seed, .via = f->via,
                .source = f->source, .freshness = f->freshness,
                .is_protected = f->is_protected, .is_of_era = f->is_of_era, .artist_key = artist, .title_key = title,
                .genre_weight = f->genre_weight, .confidence = f->confidence,
        };
        c->is_version = rf_title_is_version(t->title);
        c->song_key = c->is_version || title == 0 ? rf_title_key(t->title, true) : title;
        take_popularity(&c->track);
        if (ret_index)
                *ret_index = p->n;
        p->n++;
        return 1;
}

static struct rf_candidate *find_any(const struct rf_pool *p, const char *provider, const char *id, const char *spotify_id,
                                     const char *isrc)
{
        struct rf_candidate *c = find_by_text(p, BY_ID, provider, id);

        if (!c)
                c = find_by_text(p, BY_SPOTIFY_ID, NULL, spotify_id);
        if (!c)
                c = find_by_text(p, BY_SPOTIFY_ID, NULL, id); /* a provider may answer under the id it was asked by */
        return c ? c : find_by_text(p, BY_ISRC, NULL, isrc);
}

int rf_pool_join(struct rf_pool *p, struct rf_answer *a, enum rf_freshness freshness)
{
        struct rf_candidate *c;

        for (size_t i = 0; i < a->n_features; i++) {
                const struct rf_track_features *f = &a->features[i];

                c = find_any(p, a->provider, f->id, f->spotify_id, f->isrc);
                if (!c)
                        continue;
                merge_features(&c->track.features, &f->features);
                c->freshness = MAX(c->freshness, freshness);
        }
        for (size_t i = 0; i < a->n_tracks; i++) {
                const struct rf_track *t = &a->tracks[i];

                c = find_any(p, a->provider, t->id, t->spotify_id, t->isrc);
                if (!c && t->n_artists > 0)
                        c = find_by_name(p, rf_name_key(t->artists[0].name), rf_title_key(t->title, false), t->duration_ms);
                if (!c)
                        continue;
                merge_track(&c->track, t);
                take_other_id(c, t, a->provider);
                c->freshness = MAX(c->freshness, freshness);
        }
        return a->n_tracks > 0 ? keep_answer(p, a) : 0;
}

const char *rf_candidate_id_at(const struct rf_candidate *c, const struct rf_provider *provider, enum rf_id_kind *ret_kind)
{
        const char *name = rf_provider_name(provider), *id = NULL;
        enum rf_id_kind kind = RF_ID_SPOTIFY;

        if (same_text(c->provider, name)) {
                id = c->track.id;
                kind = RF_ID_OWN;
        } else if (same_text(c->other_provider, name)) {
                id = c->other_id;
                kind = RF_ID_OTHER;
        } else if (rf_provider_takes_spotify_ids(provider))
                id = c->track.spotify_id;
        if (ret_kind)
                *ret_kind = kind;
        return id;
}

static int compare_text(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "");
}

int rf_candidate_compare(const struct rf_candidate *a, const struct rf_candidate *b)
{
        int d;

        if (a->score != b->score)
                return a->score > b->score ? -1 : 1;
        d = compare_text(a->track.isrc, b->track.isrc);
        if (d == 0)
                d = compare_text(a->provider, b->provider);
        return d ? d : compare_text(a->track.id, b->track.id);
}
