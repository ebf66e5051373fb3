#include "flow/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/cohesion.h"
#include "flow/enrich.h"
#include "flow/evaluate.h"
#include "flow/finds.h"
#include "flow/genres.h"
#include "flow/names.h"
#include "sched/sched.h"

#define GENRE_TRACKS 24u       /* of each genre and page: seeds to choose from */
#define GENRE_TRACKS_ERA 80u   /* where years are wished: recommendations know nothing of them */
#define GENRE_ARTISTS 50u
#define MENTION_RESULTS 8u     /* among which the one meant is looked for */
#define MATCHED_MAX 20u
#define MATCHED_POPULARITY_MIN 15
#define USER_TRACKS 20u
#define EXCLUDED_ARTISTS 100u  /* looked up for each excluded genre */
#define EXCLUDED_GENRES_MAX 8u
#define TEXT_TRACKS 10u
#define ANCHORS_PER_GENRE 4u   /* seeds of one genre go into one call */
#define ANCHORS_MAX 40u
#define NEGATIVES_MAX 4u       /* fewer than the seeds of a call */
#define RELATED_MAX 3u         /* genres tried in place of one that no provider knows */

#define ARTIST_GENRE .95f       /* a track of an artist of the genre is nearly as sure as one that was found by the genre */

#define CONFIDENCE_MENTIONED 1.0f
#define CONFIDENCE_USER .85f
#define CONFIDENCE_GENRE .70f
#define CONFIDENCE_TEXT .50f
/* An anchor found by genre: its features and how well known it is (reference of the workflow: "Seed gathering"). */
#define ANCHOR_FIT .7f
#define ANCHOR_POPULARITY .3f

static uint32_t page_size(const struct rf_run *run)
{
        return run->brief->year_from || run->brief->year_to ? GENRE_TRACKS_ERA : GENRE_TRACKS;
}

struct rf_query rf_gather_genre_query(const struct rf_run *run, const struct rf_run_genre *g)
{
        return (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .genre = g->name, .year_from = run->brief->year_from,
                                  .year_to = run->brief->year_to, .limit = page_size(run), .offset = g->offset };
}

/* ---- What the prompt mentions ---- */

static bool is_uri(const char *s)
{
        const char *colon = s ? strrchr(s, ':') : NULL;

        return colon && colon[1] && strchr(s, ' ') == NULL && strchr(s, ':') != colon;
}

static struct rf_query mention_query(struct rf_run *run, const struct rf_mention *m)
{
        const char *name = m->track ? m->track : m->artist;

        if (is_uri(name)) {
                const char **id = rf_arena_alloc(&run->arena, sizeof(*id));

                if (id)
                        *id = strrchr(name, ':') + 1;
                return (struct rf_query){ .op = RF_OP_TRACKS, .ids = id, .n_ids = id ? 1 : 0 };
        }
        if (m->track)
                return (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .track = m->track, .artist = m->artist, .limit = MENTION_RESULTS };
        return (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = m->artist, .limit = MENTION_RESULTS };
}

/* The other reading of a single name: an artist that nobody knows may be a title. */
static bool other_reading(const struct rf_mention *m, struct rf_query *ret)
{
        if ((m->artist && m->track) || is_uri(m->artist) || is_uri(m->track))
                return false;
        if (m->track)
                *ret = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = m->track, .limit = MENTION_RESULTS };
        else
                *ret = (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .track = m->artist, .limit = MENTION_RESULTS };
        return true;
}

typedef bool (*name_test)(const char *a, const char *b);

static const struct rf_artist *pick_artist(const struct rf_answer *a, const char *name, name_test is)
{
        for (size_t i = 0; i < a->n_artists; i++)
                if (is(a->artists[i].name, name))
                        return &a->artists[i];
        return NULL;
}

static const struct rf_track *pick_track(const struct rf_answer *a, const char *title, const char *artist, name_test is)
{
        for (size_t i = 0; i < a->n_tracks; i++) {
                const struct rf_track *t = &a->tracks[i];
                bool by_artist = !artist;

                for (size_t k = 0; k < t->n_artists && !by_artist; k++)
                        by_artist = is(t->artists[k].name, artist);
                if (by_artist && (rf_title_key(t->title, false) == rf_title_key(title, false) || is(t->title, title)))
                        return t;
        }
        return NULL;
}

static int know_artist(struct rf_run *run, const struct rf_artist *a, const char *provider, struct rf_known_artist *ret)
{
        *ret = (struct rf_known_artist){ .id = rf_arena_strdup(&run->arena, a->id), .name = rf_arena_strdup(&run->arena, a->name),
                                         .provider = provider, .key = rf_name_key(a->name), .popularity = a->popularity };
        return ret->name && (ret->id || !a->id) ? 0 : -ENOMEM;
}

/* Takes what a mention meant from an answer. 1: found; 0: not in it. */
static int take_mention(struct rf_run *run, const struct rf_mention *m, const struct rf_call *call)
{
        const char *name = m->track ? m->track : m->artist;
        struct rf_answer *a = call->answer;
        const struct rf_artist *artist;
        const struct rf_track *track = NULL;
        int r;

        if (!a)
                return 0;
        if (call->query.op == RF_OP_SEARCH_ARTISTS) {
                artist = pick_artist(a, name, rf_name_equal);
                if (!artist)
                        artist = pick_artist(a, name, rf_name_similar);
                if (!artist)
                        return 0;
                r = know_artist(run, artist, a->provider, &run->mentioned[run->n_mentioned]);
                if (r < 0)
                        return r;
                run->mentioned[run->n_mentioned++].is_seed_only = m->is_seed_only;
                return 1;
        }
        if (call->query.op == RF_OP_TRACKS)
                track = a->n_tracks > 0 ? &a->tracks[0] : NULL;
        else {
                track = pick_track(a, name, m->track ? m->artist : NULL, rf_name_equal);
                if (!track)
                        track = pick_track(a, name, m->track ? m->artist : NULL, rf_name_similar);
        }
        if (!track)
                return 0;
        r = rf_pool_add(run->pool, &(struct rf_find){ .track = track, .answer = a, .source = RF_SOURCE_USER_ANCHOR,
                        .freshness = call->freshness, .via = RF_VIA_MENTION, .confidence = CONFIDENCE_MENTIONED, .genre_weight = 1.f,
                        .is_protected = !m->is_seed_only }, NULL);
        if (r < 0)
                return r;
        /* more by the same artist is wanted, too */
        if (track->n_artists > 0 && track->artists[0].id) {
                struct rf_artist by = { .id = track->artists[0].id, .name = track->artists[0].name, .popularity = -1 };

                r = know_artist(run, &by, a->provider, &run->mentioned[run->n_mentioned]);
                if (r < 0)
                        return r;
                run->mentioned[run->n_mentioned++].is_seed_only = m->is_seed_only;
        }
        return 1;
}

/* "mock", "spotify or reccobeats": whom we could ask. */
static const char *who_was_asked(const struct rf_call *first, const struct rf_call *second, char *buf, size_t size)
{
        const char *a = first->answer ? first->answer->provider : NULL;
        const char *b = second->answer ? second->answer->provider : NULL;

        if (!a && !b)
                snprintf(buf, size, "any service that answered");
        else if (a && b && strcmp(a, b) != 0)
                snprintf(buf, size, "%s or %s", a, b);
        else
                snprintf(buf, size, "%s", a ? a : b);
        return buf;
}

static void report_unknown(struct rf_run *run, const struct rf_mention *m, const struct rf_call *first, const struct rf_call *second)
{
        char asked[80], wish[200], why[320];

        who_was_asked(first, second, asked, sizeof(asked));
        if (m->artist && m->track)
                snprintf(wish, sizeof(wish), "\"%.80s - %.80s\"", m->artist, m->track);
        else
                snprintf(wish, sizeof(wish), "\"%.160s\"", m->track ? m->track : m->artist);
        if (first->error < 0)
                snprintf(why, sizeof(why), "%s couldn't be looked up: no service answered", wish);
        else
                snprintf(why, sizeof(why), "%s isn't known to %s", wish, asked);
        rf_receipt_unmet(run->book, wish, why, NULL);
}

static int gather_mentions(void *arg)
{
        struct rf_run *run = arg;
        size_t n = MIN(run->brief->n_mentions, (size_t)RF_MENTIONS_MAX), n_second = 0;
        struct rf_call *first = rf_arena_array(&run->arena, n + 1, sizeof(*first));
        struct rf_call *second = rf_arena_array(&run->arena, n + 1, sizeof(*second));
        bool is_found[RF_MENTIONS_MAX] = { false };
        int r;

        run->mentioned = rf_arena_array(&run->arena, 2 * n + 1, sizeof(*run->mentioned));
        if (!first || !second || !run->mentioned)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                first[i].query = mention_query(run, &run->brief->mentions[i]);
        r = n > 0 ? rf_calls_make(run, RF_STEP_GATHER, first, n) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = take_mention(run, &run->brief->mentions[i], &first[i]);
                is_found[i] = r > 0;
                if (r == 0 && other_reading(&run->brief->mentions[i], &second[n_second].query))
                        second[n_second++].tag = i;
        }
        if (r >= 0 && n_second > 0)
                r = rf_calls_make(run, RF_STEP_GATHER, second, n_second);
        for (size_t k = 0; k < n_second && r >= 0; k++) {
                r = take_mention(run, &run->brief->mentions[second[k].tag], &second[k]);
                is_found[second[k].tag] = r > 0;
        }
        for (size_t i = 0; i < n && r >= 0; i++) {
                const struct rf_call *other = &first[i];

                for (size_t k = 0; k < n_second; k++)
                        if (second[k].tag == i)
                                other = &second[k];
                if (!is_found[i])
                        report_unknown(run, &run->brief->mentions[i], &first[i], other);
        }
        rf_calls_done(first, n);
        rf_calls_done(second, n_second);
        return r < 0 ? r : 0;
}

/* ---- Tracks of the genres ---- */

struct genre_work {
        struct rf_run *run;
        struct rf_finds finds;
};

static int take_genre(struct genre_work *w, struct rf_run_genre *g, const struct rf_call *call)
{
        struct rf_answer *a = call->answer;

        if (!a)
                return 0;
        g->offset += call->query.limit;
        g->is_exhausted = a->n_tracks < call->query.limit;
        g->n_found += a->n_tracks;
        for (size_t i = 0; i < a->n_tracks; i++) {
                int r = rf_finds_add(&w->finds, &(struct rf_find){ .track = &a->tracks[i], .answer = a, .source = RF_SOURCE_SEED_BASED,
                                     .freshness = call->freshness, .via = RF_VIA_GENRE, .via_name = g->name,
                                     .confidence = CONFIDENCE_GENRE, .genre_weight = g->weight, .is_of_era = true });

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Genres that nobody knows are replaced by related ones that somebody may. */
static size_t replace_unknown(struct rf_run *run, size_t *which, size_t max)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_genres; i++) {
                const char *const *related;
                struct rf_run_genre *g = &run->genres[i];

                if (g->n_found > 0 || !g->is_exhausted)
                        continue;
                rf_receipt_skip(run->book, g->name, "no service knows tracks of this genre", 1);
                related = rf_lexicon_related_genres(run->flow->lexicon, g->name);
                for (size_t k = 0; related && related[k] && k < RELATED_MAX && n < max; k++) {
                        bool is_listed = false;

                        for (size_t j = 0; j < run->n_genres; j++)
                                is_listed |= strcmp(run->genres[j].name, related[k]) == 0;
                        for (size_t j = 0; j < run->brief->n_excluded_genres; j++)
                                is_listed |= strcmp(run->brief->excluded_genres[j], related[k]) == 0;
                        if (is_listed)
                                continue;
                        *g = (struct rf_run_genre){ .name = related[k], .weight = g->weight * .8f };
                        which[n++] = i;
                        break;
                }
        }
        return n;
}

static int gather_genres(void *arg)
{
        struct genre_work *w = arg;
        struct rf_run *run = w->run;
        struct rf_call calls[RF_RUN_GENRES_MAX];
        size_t which[RF_RUN_GENRES_MAX], n = run->n_genres;
        int r = 0;

        for (size_t i = 0; i < n; i++)
                which[i] = i;
        for (unsigned round = 0; round < 2 && n > 0 && r >= 0; round++) {
                memset(calls, 0, sizeof(calls));
                for (size_t i = 0; i < n; i++)
                        calls[i].query = rf_gather_genre_query(run, &run->genres[which[i]]);
                r = rf_calls_make(run, RF_STEP_GATHER, calls, n);
                for (size_t i = 0; i < n && r >= 0; i++)
                        r = take_genre(w, &run->genres[which[i]], &calls[i]);
                rf_calls_done(calls, n);
                if (round == 0)
                        n = replace_unknown(run, which, RF_RUN_GENRES_MAX);
        }
        return r;
}

/* ---- Artists of the genres ---- */

struct artist_work {
        struct rf_run *run;
        struct rf_known_artist *found; /* by genre, then as they came */
        size_t *rank;                  /* place in its genre's answer, after sorting */
        size_t n;
        struct rf_artist_genre *seen; /* all of them */
        size_t n_seen;
};

static struct rf_query artist_query(const struct rf_run_genre *g)
{
        return (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .genre = g->name, .limit = GENRE_ARTISTS };
}

static bool prefers(const struct rf_brief *b, const struct rf_artist *x, const struct rf_artist *y)
{
        if (x->popularity != y->popularity)
                return b->wants_obscure ? x->popularity < y->popularity : x->popularity > y->popularity;
        return strcmp(x->name, y->name) < 0;
}

/* The artists of one answer worth a look, best first: insertion into a short list. */
static int take_artists(struct artist_work *w, const struct rf_run_genre *g, const struct rf_answer *a)
{
        const struct rf_artist *best[MATCHED_MAX];
        size_t n = 0;

        for (size_t i = 0; i < MIN(a->n_artists, (size_t)GENRE_ARTISTS); i++) {
                size_t at = n;

                w->seen[w->n_seen++] = (struct rf_artist_genre){ rf_name_key(a->artists[i].name), g->weight };
                if (a->artists[i].popularity >= 0 && a->artists[i].popularity < MATCHED_POPULARITY_MIN && !w->run->brief->wants_obscure)
                        continue;
                while (at > 0 && prefers(w->run->brief, &a->artists[i], best[at - 1]))
                        at--;
                if (at >= MATCHED_MAX)
                        continue;
                n = MIN(n + 1, (size_t)MATCHED_MAX);
                memmove(&best[at + 1], &best[at], (n - at - 1) * sizeof(*best));
                best[at] = &a->artists[i];
        }
        for (size_t i = 0; i < n; i++) {
                int r = know_artist(w->run, best[i], a->provider, &w->found[w->n]);

                if (r < 0)
                        return r;
                w->found[w->n].genre_weight = g->weight;
                w->rank[w->n++] = i;
        }
        return 0;
}

static int by_artist_key(const void *pa, const void *pb)
{
        const struct rf_artist_genre *a = pa, *b = pb;

        if (a->key != b->key)
                return a->key < b->key ? -1 : 1;
        return a->weight > b->weight ? -1 : a->weight < b->weight;
}

void rf_gather_apply_genres(struct rf_run *run)
{
        for (size_t i = 0; i < rf_pool_size(run->pool) && run->n_artist_genres > 0; i++) {
                struct rf_candidate *c = rf_pool_at(run->pool, i);
                size_t from = 0, to = run->n_artist_genres;

                /* the first of the artist's entries is the heaviest */
                while (from < to) {
                        size_t mid = (from + to) / 2;

                        if (run->artist_genres[mid].key < c->artist_key)
                                from = mid + 1;
                        else
                                to = mid;
                }
                if (c->artist_key && from < run->n_artist_genres && run->artist_genres[from].key == c->artist_key)
                        c->genre_weight = MAX(c->genre_weight, run->artist_genres[from].weight * ARTIST_GENRE);
        }
}

/* Deals the artists of all genres into the run's list: the first of each genre, the second of each, … */
static int match_artists(struct artist_work *w)
{
        struct rf_run *run = w->run;

        run->matched = rf_arena_array(&run->arena, MATCHED_MAX, sizeof(*run->matched));
        if (!run->matched)
                return -ENOMEM;
        qsort(w->seen, w->n_seen, sizeof(*w->seen), by_artist_key);
        run->artist_genres = w->seen;
        run->n_artist_genres = w->n_seen;
        for (size_t rank = 0; rank < MATCHED_MAX; rank++)
                for (size_t i = 0; i < w->n && run->n_matched < MATCHED_MAX; i++) {
                        bool is_listed = false;

                        for (size_t k = 0; k < run->n_matched; k++)
                                is_listed |= run->matched[k].key == w->found[i].key;
                        if (w->rank[i] == rank && !is_listed)
                                run->matched[run->n_matched++] = w->found[i];
                }
        return 0;
}

static int gather_artists(void *arg)
{
        struct artist_work *w = arg;
        struct rf_call calls[RF_RUN_GENRES_MAX] = { 0 };
        size_t n = w->run->n_genres;
        int r;

        w->found = rf_arena_array(&w->run->arena, n * MATCHED_MAX, sizeof(*w->found));
        w->rank = rf_arena_array(&w->run->arena, n * MATCHED_MAX, sizeof(*w->rank));
        w->seen = rf_arena_array(&w->run->arena, n * GENRE_ARTISTS, sizeof(*w->seen));
        if (!w->found || !w->rank || !w->seen)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                calls[i].query = artist_query(&w->run->genres[i]);
        r = n > 0 ? rf_calls_make(w->run, RF_STEP_GATHER, calls, n) : 0;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = calls[i].answer ? take_artists(w, &w->run->genres[i], calls[i].answer) : 0;
        rf_calls_done(calls, n);
        return r;
}

/* ---- What must stay away ---- */

static int by_value(const void *pa, const void *pb)
{
        uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

        return a < b ? -1 : a > b;
}

static int gather_exclusions(void *arg)
{
        struct rf_run *run = arg;
        const struct rf_brief *b = run->brief;
        size_t n = MIN(b->n_excluded_genres, (size_t)EXCLUDED_GENRES_MAX);
        struct rf_call calls[EXCLUDED_GENRES_MAX] = { 0 };
        uint64_t *artists = rf_arena_array(&run->arena, b->n_excluded_artists + 1, sizeof(*artists)), *by_genre;
        size_t n_by_genre = 0;
        int r = 0;

        by_genre = rf_arena_array(&run->arena, n * EXCLUDED_ARTISTS + 1, sizeof(*by_genre));
        if (!artists || !by_genre)
                return -ENOMEM;
        for (size_t i = 0; i < b->n_excluded_artists; i++)
                artists[i] = rf_name_key(b->excluded_artists[i]);
        qsort(artists, b->n_excluded_artists, sizeof(*artists), by_value);
        for (size_t i = 0; i < n; i++)
                calls[i].query = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .genre = b->excluded_genres[i],
                                                    .limit = EXCLUDED_ARTISTS };
        if (n > 0)
                r = rf_calls_make(run, RF_STEP_GATHER, calls, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                for (size_t k = 0; calls[i].answer && k < MIN(calls[i].answer->n_artists, (size_t)EXCLUDED_ARTISTS); k++)
                        by_genre[n_by_genre++] = rf_name_key(calls[i].answer->artists[k].name);
        rf_calls_done(calls, n);
        qsort(by_genre, n_by_genre, sizeof(*by_genre), by_value);
        run->exclusions = (struct rf_exclusions){ artists, b->n_excluded_artists, by_genre, n_by_genre };
        return r;
}

/* ---- The user's own favourites, and plain text where nothing else is known ---- */

static int gather_user(void *arg)
{
        struct genre_work *w = arg;
        struct rf_call call = { .query = { .op = RF_OP_USER_TOP, .limit = USER_TRACKS } };
        int r;

        if (!rf_upstream_can(w->run->flow->upstream, RF_OP_USER_TOP))
                return 0;
        r = rf_calls_make(w->run, RF_STEP_GATHER, &call, 1);
        for (size_t i = 0; r >= 0 && call.answer && i < call.answer->n_tracks; i++)
                r = rf_finds_add(&w->finds, &(struct rf_find){ .track = &call.answer->tracks[i], .answer = call.answer,
                                 .source = RF_SOURCE_SEED_BASED, .freshness = call.freshness, .via = RF_VIA_USER,
                                 .confidence = CONFIDENCE_USER });
        /* nobody is logged in: that is no failure of the run */
        if (call.error < 0 && w->run->first_error == call.error)
                w->run->first_error = 0;
        rf_calls_done(&call, 1);
        return r;
}

static int gather_text(void *arg)
{
        struct genre_work *w = arg;
        const struct rf_brief *b = w->run->brief;
        struct rf_call call = { .query = { .op = RF_OP_SEARCH_TRACKS, .limit = TEXT_TRACKS } };
        char *text = NULL;
        int r;

        if (b->n_not_understood == 0)
                return 0;
        for (size_t i = 0; i < b->n_not_understood; i++) {
                text = rf_arena_printf(&w->run->arena, "%s%s%s", text ? text : "", text ? " " : "", b->not_understood[i]);
                if (!text)
                        return -ENOMEM;
                if (strlen(text) > RF_RECORD_STRING_MAX / 4)
                        break;
        }
        call.query.text = text;
        r = rf_calls_make(w->run, RF_STEP_GATHER, &call, 1);
        for (size_t i = 0; r >= 0 && call.answer && i < call.answer->n_tracks; i++)
                r = rf_finds_add(&w->finds, &(struct rf_find){ .track = &call.answer->tracks[i], .answer = call.answer,
                                 .source = RF_SOURCE_SEED_BASED, .freshness = call.freshness, .via = RF_VIA_TEXT,
                                 .confidence = CONFIDENCE_TEXT, .genre_weight = .5f });
        rf_calls_done(&call, 1);
        return r;
}

/* ---- Anchors ---- */

struct ranked {
        float value;
        size_t at;
};

static int by_rank(const void *pa, const void *pb)
{
        const struct ranked *a = pa, *b = pb;

        if (a->value != b->value)
                return a->value > b->value ? -1 : 1;
        return a->at < b->at ? -1 : a->at > b->at;
}

static float anchor_value(const struct rf_candidate *c)
{
        float popularity = c->track.popularity >= 0 ? (float)c->track.popularity / 100.f : .5f;

        if (c->is_protected || c->via == RF_VIA_MENTION)
                return 2.f; /* mentioned ones stand for the wish before all others */
        return ANCHOR_FIT * c->fit + ANCHOR_POPULARITY * popularity;
}

/* At most ANCHORS_PER_GENRE for each way that tracks were found, so that every genre is stood for. */
static bool is_crowded(const struct rf_run *run, const struct rf_candidate *c)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_anchors; i++) {
                const struct rf_candidate *other = rf_pool_at(run->pool, run->anchors[i]);

                if (other->artist_key == c->artist_key && c->artist_key != 0 && !c->is_protected)
                        return true;
                n += other->via_name == c->via_name && other->via == c->via;
        }
        return n >= ANCHORS_PER_GENRE;
}

int rf_gather_anchors(struct rf_run *run)
{
        size_t n = rf_pool_size(run->pool);
        _cleanup_free_ struct ranked *ranked = calloc(n + 1, sizeof(*ranked));

        if (!run->anchors)
                run->anchors = rf_arena_array(&run->arena, ANCHORS_MAX, sizeof(*run->anchors));
        if (!run->negatives)
                run->negatives = rf_arena_array(&run->arena, NEGATIVES_MAX, sizeof(*run->negatives));
        if (!ranked || !run->anchors || !run->negatives)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                ranked[i] = (struct ranked){ anchor_value(rf_pool_at(run->pool, i)), i };
        qsort(ranked, n, sizeof(*ranked), by_rank);
        run->n_anchors = run->n_negatives = 0;
        for (size_t i = 0; i < n && run->n_anchors < ANCHORS_MAX; i++) {
                const struct rf_candidate *c = rf_pool_at(run->pool, ranked[i].at);

                if (c->drop == RF_DROP_NONE && !is_crowded(run, c))
                        run->anchors[run->n_anchors++] = ranked[i].at;
        }
        for (size_t i = n; i-- > 0 && run->n_negatives < NEGATIVES_MAX;) {
                const struct rf_candidate *c = rf_pool_at(run->pool, ranked[i].at);

                if (c->drop == RF_DROP_CLASH || c->drop == RF_DROP_OUTLIER)
                        run->negatives[run->n_negatives++] = ranked[i].at;
        }
        return 0;
}

/* ---- All of it ---- */

size_t rf_gather_first_queries(struct rf_run *run, struct rf_query *ret, size_t max)
{
        size_t n = 0;

        for (size_t i = 0; i < run->brief->n_mentions && n < max; i++)
                ret[n++] = mention_query(run, &run->brief->mentions[i]);
        for (size_t i = 0; i < run->n_genres && n < max; i++)
                ret[n++] = rf_gather_genre_query(run, &run->genres[i]);
        for (size_t i = 0; i < run->n_genres && n < max; i++)
                ret[n++] = artist_query(&run->genres[i]);
        for (size_t i = 0; i < run->brief->n_excluded_genres && i < EXCLUDED_GENRES_MAX && n < max; i++)
                ret[n++] = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .genre = run->brief->excluded_genres[i],
                                              .limit = EXCLUDED_ARTISTS };
        if (rf_upstream_can(run->flow->upstream, RF_OP_USER_TOP) && n < max)
                ret[n++] = (struct rf_query){ .op = RF_OP_USER_TOP, .limit = USER_TRACKS };
        return n;
}

int rf_gather(struct rf_run *run)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        struct genre_work genres = { .run = run }, user = { .run = run }, text = { .run = run };
        struct artist_work artists = { .run = run };
        const struct {
                const char *name;
                int (*fn)(void *arg);
                void *arg;
                bool is_wanted;
        } parts[] = {
                { "gather-mentions", gather_mentions, run, true },
                { "gather-genres", gather_genres, &genres, run->n_genres > 0 },
                { "gather-artists", gather_artists, &artists, run->n_genres > 0 },
                { "gather-exclusions", gather_exclusions, run, true },
                { "gather-user", gather_user, &user, true },
                { "gather-text", gather_text, &text, run->brief->n_terms == 0 },
        };
        int r = rf_group_new(RF_FOREVER, &g);

        for (size_t i = 0; i < ARRAY_SIZE(parts) && r >= 0; i++) {
                if (!parts[i].is_wanted)
                        continue;
                r = rf_group_spawn(g, parts[i].name, parts[i].fn, parts[i].arg);
                if (r == -EAGAIN)
                        r = parts[i].fn(parts[i].arg);
        }
        if (r >= 0)
                r = rf_group_join(g);
        else
                rf_group_cancel(g);
        g = rf_group_free(g);
        if (r >= 0)
                r = match_artists(&artists);
        if (r >= 0)
                r = rf_finds_merge(&genres.finds, run);
        if (r >= 0)
                r = rf_finds_merge(&user.finds, run);
        if (r >= 0)
                r = rf_finds_merge(&text.finds, run);
        rf_finds_done(&genres.finds);
        rf_finds_done(&user.finds);
        rf_finds_done(&text.finds);
        if (r < 0)
                return r;
        rf_constraints_filter(run->pool, run->brief, &run->exclusions);
        r = rf_enrich_features(run, RF_STEP_GATHER);
        if (r < 0)
                return r;
        rf_gather_apply_genres(run);
        run->tuned = *run->brief;
        rf_evaluate_tune(run->pool, run->brief, &run->tuned);
        r = rf_evaluate_pool(run->pool, run->brief, &run->tuned);
        return r < 0 ? r : rf_gather_anchors(run);
}
