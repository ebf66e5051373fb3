#include "flow/artists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/names.h"
#include "flow/understand.h"

#define GENRE_ARTISTS 50u       /* asked for each genre */
#define MATCHED_POPULARITY_MIN 15
#define SUGGESTED_MAX 8u        /* looked up by name (docs/workflow.md, "Seed gathering") */
#define SUGGESTED_PER_GENRE 6u
#define SUGGESTED_RESULTS 10u   /* among which the one meant is looked for: services answer in a noisy order */
#define ARTIST_GENRE .95f       /* a track of an artist of the genre is nearly as sure as one that was found by the genre */

struct artist_work {
        struct rf_run *run;
        struct rf_known_artist *found; /* by genre, then as they came */
        size_t *rank;                  /* place in its genre's answer, after sorting */
        size_t n;
        struct rf_artist_genre *seen; /* all of them */
        size_t n_seen;
};

struct rf_query rf_artists_query(const struct rf_run_genre *g)
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
        const struct rf_artist *best[RF_ARTISTS_MATCHED_MAX];
        size_t n = 0;

        for (size_t i = 0; i < MIN(a->n_artists, (size_t)GENRE_ARTISTS); i++) {
                size_t at = n;

                w->seen[w->n_seen++] = (struct rf_artist_genre){ rf_name_key(a->artists[i].name), g->weight };
                if (a->artists[i].popularity >= 0 && a->artists[i].popularity < MATCHED_POPULARITY_MIN && !w->run->brief->wants_obscure)
                        continue;
                while (at > 0 && prefers(w->run->brief, &a->artists[i], best[at - 1]))
                        at--;
                if (at >= RF_ARTISTS_MATCHED_MAX)
                        continue;
                n = MIN(n + 1, (size_t)RF_ARTISTS_MATCHED_MAX);
                memmove(&best[at + 1], &best[at], (n - at - 1) * sizeof(*best));
                best[at] = &a->artists[i];
        }
        for (size_t i = 0; i < n; i++) {
                int r = rf_run_know_artist(w->run, best[i], a->provider, &w->found[w->n]);

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

void rf_artists_lend_genres(struct rf_run *run)
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
static int match(struct artist_work *w)
{
        struct rf_run *run = w->run;

        run->matched = rf_arena_array(&run->arena, RF_ARTISTS_MATCHED_MAX, sizeof(*run->matched));
        if (!run->matched)
                return -ENOMEM;
        qsort(w->seen, w->n_seen, sizeof(*w->seen), by_artist_key);
        run->artist_genres = w->seen;
        run->n_artist_genres = w->n_seen;
        for (size_t rank = 0; rank < RF_ARTISTS_MATCHED_MAX; rank++)
                for (size_t i = 0; i < w->n && run->n_matched < RF_ARTISTS_MATCHED_MAX; i++) {
                        bool is_listed = false;

                        for (size_t k = 0; k < run->n_matched; k++)
                                is_listed |= run->matched[k].key == w->found[i].key;
                        if (w->rank[i] == rank && !is_listed)
                                run->matched[run->n_matched++] = w->found[i];
                }
        return 0;
}

/* The artists that services list under the genres. */
static int gather_listed(struct artist_work *w)
{
        struct rf_call calls[RF_RUN_GENRES_MAX] = { 0 };
        size_t n = w->run->n_genres;
        int r;

        for (size_t i = 0; i < n; i++)
                calls[i].query = rf_artists_query(&w->run->wished[i]);
        r = rf_calls_make(w->run, RF_STEP_GATHER, calls, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = calls[i].answer ? take_artists(w, &w->run->wished[i], calls[i].answer) : 0;
        rf_calls_done(calls, n);
        return r;
}

/* ---- Where no service lists artists by genre: those that everybody names first ---- */

/* Deals the lexicon's artists of all genres, the first of each before the second of any. The call's tag is the genre. */
static size_t suggest(const struct rf_run *run, struct rf_call *ret)
{
        size_t n = 0;

        for (size_t rank = 0; rank < SUGGESTED_PER_GENRE; rank++)
                for (size_t i = 0; i < run->n_genres && n < SUGGESTED_MAX; i++) {
                        const char *const *names = rf_lexicon_artists(run->flow->lexicon, run->wished[i].name);
                        size_t known = 0;

                        while (names && names[known])
                                known++;
                        if (rank < known)
                                ret[n++] = (struct rf_call){ .query = { .op = RF_OP_SEARCH_ARTISTS, .text = names[rank],
                                                                        .limit = SUGGESTED_RESULTS }, .tag = i };
                }
        return n;
}

static int take_suggested(struct artist_work *w, const struct rf_call *call)
{
        const struct rf_answer *a = call->answer;
        const struct rf_run_genre *g = &w->run->wished[call->tag];

        for (size_t i = 0; a && i < a->n_artists; i++) {
                int r;

                if (!rf_name_equal(a->artists[i].name, call->query.text))
                        continue;
                r = rf_run_know_artist(w->run, &a->artists[i], a->provider, &w->found[w->n]);
                if (r < 0)
                        return r;
                w->seen[w->n_seen++] = (struct rf_artist_genre){ w->found[w->n].key, g->weight };
                w->found[w->n].genre_weight = g->weight;
                w->rank[w->n] = w->n;
                w->n++;
                return 0;
        }
        return 0;
}

static int gather_suggested(struct artist_work *w)
{
        struct rf_call calls[SUGGESTED_MAX] = { 0 };
        size_t n = suggest(w->run, calls);
        int r;

        if (n == 0)
                return 0;
        rf_receipt_skip(w->run->book, "artists by genre", "no service lists them now; well-known artists of the genres were looked up", 1);
        r = rf_calls_make(w->run, RF_STEP_GATHER, calls, n);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_suggested(w, &calls[i]);
        rf_calls_done(calls, n);
        return r;
}

/*
 * Where a language model picks the artists, it gives names, and each must be found before its tracks are: the old policy's searches. Here
 * they tell nothing that the listing didn't.
 */
static int find_by_name(struct rf_run *run)
{
        struct rf_call calls[RF_ARTISTS_MATCHED_MAX] = { 0 };
        int r;

        if (rf_run_is_on(run, RF_OPT_LOCAL_ANALYSIS))
                return 0;
        for (size_t i = 0; i < run->n_matched; i++)
                calls[i].query = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = run->matched[i].name, .limit = SUGGESTED_RESULTS };
        r = rf_calls_make(run, RF_STEP_GATHER, calls, run->n_matched);
        rf_calls_done(calls, run->n_matched);
        return r;
}

int rf_artists_gather(struct rf_run *run)
{
        struct artist_work w = { .run = run };
        int r;

        w.found = rf_arena_array(&run->arena, MAX(run->n_genres * RF_ARTISTS_MATCHED_MAX, (size_t)SUGGESTED_MAX), sizeof(*w.found));
        w.rank = rf_arena_array(&run->arena, MAX(run->n_genres * RF_ARTISTS_MATCHED_MAX, (size_t)SUGGESTED_MAX), sizeof(*w.rank));
        w.seen = rf_arena_array(&run->arena, run->n_genres * GENRE_ARTISTS + SUGGESTED_MAX, sizeof(*w.seen));
        if (!w.found || !w.rank || !w.seen)
                return -ENOMEM;
        r = gather_listed(&w);
        if (r >= 0 && w.n == 0)
                r = gather_suggested(&w);
        if (r >= 0)
                r = match(&w);
        return r < 0 ? r : find_by_name(run);
}
