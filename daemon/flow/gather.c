#include "flow/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/analysis.h"
#include "flow/anchors.h"
#include "flow/artists.h"
#include "flow/discography.h"
#include "flow/enrich.h"
#include "flow/evaluate.h"
#include "flow/generators.h"
#include "flow/mentions.h"
#include "flow/names.h"
#include "sched/sched.h"

#define GENRE_TRACKS 24u       /* of each genre and page: seeds to choose from */
#define GENRE_TRACKS_ERA 80u   /* where years are wished: recommendations know nothing of them */
#define GENRE_TRACKS_OLD 15u   /* 120 over eight genres: all of them looked at, few of them used */
#define USER_TRACKS 20u
#define EXCLUDED_ARTISTS 100u  /* looked up for each excluded genre */
#define EXCLUDED_NAMED 8u      /* well-known ones of it */
#define EXCLUDED_GENRES_MAX 8u
#define TEXT_TRACKS 10u
#define RELATED_MAX 3u         /* genres tried in place of one that no provider knows */
#define SEED_ARTISTS 8u        /* whose tracks stand for the wish where genres can't be searched */
#define SEED_ARTIST_TRACKS 20u

#define CONFIDENCE_USER .85f
#define CONFIDENCE_GENRE .70f
#define CONFIDENCE_TEXT .50f

static uint32_t page_size(const struct rf_run *run)
{
        if (!rf_run_is_on(run, RF_OPT_EARLY_EXIT))
                return GENRE_TRACKS_OLD;
        return run->brief->year_from || run->brief->year_to ? GENRE_TRACKS_ERA : GENRE_TRACKS;
}

struct rf_query rf_gather_genre_query(const struct rf_run *run, const struct rf_run_genre *g)
{
        return (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .genre = g->name, .year_from = run->brief->year_from,
                                  .year_to = run->brief->year_to, .limit = page_size(run), .offset = g->offset };
}

/* ---- Tracks of the genres ---- */

static int take_genre(struct rf_generator *w, struct rf_run_genre *g, const struct rf_call *call)
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
        struct rf_generator *w = arg;
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
        /*
         * A slow or paced service of features begins while artists are still being looked into. Not for the many genres that a model names:
         * the tracks of the first would be looked up before those of their artists, which are as surely of them.
         */
        if (r >= 0 && w->ahead && w->finds.n > 0)
                r = rf_enrich_ahead_begin(w->ahead, &w->finds);
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
        struct rf_run *run = ((struct rf_generator *)arg)->run;
        const struct rf_brief *b = run->brief;
        size_t n = MIN(b->n_excluded_genres, (size_t)EXCLUDED_GENRES_MAX);
        struct rf_call calls[EXCLUDED_GENRES_MAX] = { 0 };
        uint64_t *artists = rf_arena_array(&run->arena, b->n_excluded_artists + 1, sizeof(*artists)), *by_genre;
        size_t n_by_genre = 0;
        int r = 0;

        by_genre = rf_arena_array(&run->arena, n * (EXCLUDED_ARTISTS + EXCLUDED_NAMED) + 1, sizeof(*by_genre));
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
        for (size_t i = 0; i < n && r >= 0; i++) {
                const char *const *named = rf_lexicon_artists(run->flow->lexicon, b->excluded_genres[i]);

                for (size_t k = 0; named && named[k] && k < EXCLUDED_NAMED; k++)
                        by_genre[n_by_genre++] = rf_name_key(named[k]);
                for (size_t k = 0; calls[i].answer && k < MIN(calls[i].answer->n_artists, (size_t)EXCLUDED_ARTISTS); k++)
                        by_genre[n_by_genre++] = rf_name_key(calls[i].answer->artists[k].name);
                if (!calls[i].answer)
                        rf_receipt_skip(run->book, b->excluded_genres[i], "no service lists its artists now: only the well-known ones are left out", 1);
        }
        rf_calls_done(calls, n);
        qsort(by_genre, n_by_genre, sizeof(*by_genre), by_value);
        run->exclusions = (struct rf_exclusions){ artists, b->n_excluded_artists, by_genre, n_by_genre };
        return r;
}

/* ---- The user's own favourites, and plain text where nothing else is known ---- */

static int gather_user(void *arg)
{
        struct rf_generator *w = arg;
        struct rf_call call = { .query = { .op = RF_OP_USER_TOP, .limit = USER_TRACKS } };
        int r;

        if (!rf_upstream_can(w->run->flow->upstream, RF_OP_USER_TOP))
                return 0;
        r = rf_calls_make(w->run, RF_STEP_GATHER, &call, 1);
        for (size_t i = 0; r >= 0 && call.answer && i < call.answer->n_tracks; i++)
                r = rf_finds_add(&w->finds, &(struct rf_find){ .track = &call.answer->tracks[i], .answer = call.answer,
                                 .source = RF_SOURCE_SEED_BASED, .freshness = call.freshness, .via = RF_VIA_USER,
                                 .confidence = CONFIDENCE_USER });
        rf_calls_done(&call, 1);
        return r;
}

/* Where no word was understood. 1, 0: nothing to search for, -ENOMEM. */
static int text_query(struct rf_run *run, struct rf_query *ret)
{
        const struct rf_brief *b = run->brief;
        char *text = NULL;

        if (b->n_terms > 0 || b->n_not_understood == 0)
                return 0;
        for (size_t i = 0; i < b->n_not_understood; i++) {
                text = rf_arena_printf(&run->arena, "%s%s%s", text ? text : "", text ? " " : "", b->not_understood[i]);
                if (!text)
                        return -ENOMEM;
                if (strlen(text) > RF_RECORD_STRING_MAX / 4)
                        break;
        }
        *ret = (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .text = text, .limit = TEXT_TRACKS };
        return 1;
}

static int gather_text(void *arg)
{
        struct rf_generator *w = arg;
        struct rf_call call = { 0 };
        int r = text_query(w->run, &call.query);

        if (r <= 0)
                return r;
        r = rf_calls_make(w->run, RF_STEP_GATHER, &call, 1);
        for (size_t i = 0; r >= 0 && call.answer && i < call.answer->n_tracks; i++)
                r = rf_finds_add(&w->finds, &(struct rf_find){ .track = &call.answer->tracks[i], .answer = call.answer,
                                 .source = RF_SOURCE_SEED_BASED, .freshness = call.freshness, .via = RF_VIA_TEXT,
                                 .confidence = CONFIDENCE_TEXT, .genre_weight = .5f });
        rf_calls_done(&call, 1);
        return r;
}

/* ---- All of it ---- */

size_t rf_gather_first_queries(struct rf_run *run, struct rf_query *ret, size_t max)
{
        size_t n = 0;

        for (size_t i = 0; i < run->brief->n_mentions && n < max; i++)
                ret[n++] = rf_mention_query(run, &run->brief->mentions[i]);
        for (size_t i = 0; i < run->n_genres && n < max; i++)
                ret[n++] = rf_gather_genre_query(run, &run->genres[i]);
        for (size_t i = 0; i < run->n_genres && n < max; i++)
                ret[n++] = rf_artists_query(&run->genres[i]);
        for (size_t i = 0; i < run->brief->n_excluded_genres && i < EXCLUDED_GENRES_MAX && n < max; i++)
                ret[n++] = (struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .genre = run->brief->excluded_genres[i],
                                              .limit = EXCLUDED_ARTISTS };
        if (rf_upstream_can(run->flow->upstream, RF_OP_USER_TOP) && n < max)
                ret[n++] = (struct rf_query){ .op = RF_OP_USER_TOP, .limit = USER_TRACKS };
        if (n < max && text_query(run, &ret[n]) > 0)
                n++;
        return n;
}

/* Who is mentioned, and their tracks as soon as they are known. */
static int gather_mentions(void *arg)
{
        struct rf_generator *w = arg;
        int r = rf_mentions_gather(w->run);

        return r < 0 || !w->run->fetches_ahead ? r : rf_anchors_generator(w);
}

/* The artists of the genres, and their tracks as soon as they are known. */
static int gather_artists(void *arg)
{
        struct rf_generator *w = arg;
        int r = rf_artists_gather(w->run);

        return r < 0 || !w->run->fetches_ahead ? r : rf_artists_generator(w);
}

/* No service finds tracks by genre: those of the genres' artists stand for the wish. */
static int gather_from_artists(struct rf_generator *w)
{
        struct rf_run *run = w->run;
        size_t n = MIN(run->n_matched, (size_t)SEED_ARTISTS);

        run->n_looked_into = n;
        return rf_discography_look_up(run, &(struct rf_discography){
                .artists = run->matched, .n_artists = n, .top = SEED_ARTIST_TRACKS, .source = RF_SOURCE_ARTIST_DISCOVERY,
                .via = RF_VIA_ARTIST, .confidence = CONFIDENCE_GENRE }, &w->finds);
}

/* Parts of the gathering: none needs another's answer. What they find is heard in this order. */
enum part { PART_MENTIONS, PART_GENRES, PART_ARTISTS, PART_EXCLUSIONS, PART_USER, PART_TEXT, PART_COUNT };

static const struct {
        const char *name;
        int (*gather)(void *generator);
} PARTS[PART_COUNT] = {
        [PART_MENTIONS] = { "gather-mentions", gather_mentions },       [PART_GENRES] = { "gather-genres", gather_genres },
        [PART_ARTISTS] = { "gather-artists", gather_artists },          [PART_EXCLUSIONS] = { "gather-exclusions", gather_exclusions },
        [PART_USER] = { "gather-user", gather_user },                   [PART_TEXT] = { "gather-text", gather_text },
};

static bool is_wanted(const struct rf_run *run, enum part part)
{
        switch (part) {
        case PART_GENRES:
        case PART_ARTISTS:
                return run->n_genres > 0;
        case PART_TEXT:
                return run->brief->n_terms == 0;
        default:
                return true;
        }
}

static int gather_at_once(struct rf_generator *work)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int r = rf_group_new(RF_FOREVER, &g);

        for (unsigned i = 0; i < PART_COUNT && r >= 0; i++) {
                if (!is_wanted(work[i].run, i))
                        continue;
                r = rf_group_spawn(g, PARTS[i].name, PARTS[i].gather, &work[i]);
                if (r == -EAGAIN)
                        r = PARTS[i].gather(&work[i]);
        }
        return r >= 0 ? rf_group_join(g) : r;
}

static int gather_one_after_another(struct rf_generator *work)
{
        int r = 0;

        for (unsigned i = 0; i < PART_COUNT && r >= 0; i++)
                if (is_wanted(work[i].run, i))
                        r = PARTS[i].gather(&work[i]);
        return r;
}

/* What was found, heard in a fixed order and judged; the best stand for the wish. */
static int choose_anchors(struct rf_run *run)
{
        int r;

        rf_artists_lend_genres(run);
        rf_constraints_filter(run->pool, run->brief, &run->exclusions);
        r = rf_enrich(run, RF_STEP_GATHER, rf_run_is_on(run, RF_OPT_PREFETCH_DETAILS));
        if (r < 0)
                return r;
        run->tuned = *run->brief;
        rf_evaluate_tune(run->pool, run->brief, &run->tuned);
        r = rf_evaluate_pool(run->pool, run->brief, &run->tuned);
        if (r >= 0)
                r = rf_anchors_mark(run);
        for (enum rf_judgement j = RF_JUDGE_CANDIDATES; j <= RF_JUDGE_SEEDS && r >= 0; j++)
                r = rf_analysis_judge(run, RF_STEP_GATHER, j);
        return r;
}

/* As PARTS say, or one after the other; then everything is in the pool. */
static int find_all(struct rf_run *run, struct rf_ahead *ahead)
{
        struct rf_generator work[PART_COUNT];
        int r;

        for (unsigned i = 0; i < PART_COUNT; i++)
                work[i] = (struct rf_generator){ .run = run };
        work[PART_GENRES].ahead = ahead;
        r = run->is_serial ? gather_one_after_another(work) : gather_at_once(work);
        if (r >= 0 && work[PART_GENRES].finds.n == 0 && work[PART_ARTISTS].finds.n == 0 && run->n_matched > 0)
                r = gather_from_artists(&work[PART_GENRES]);
        for (unsigned i = 0; i < PART_COUNT; i++) {
                if (r >= 0)
                        r = rf_finds_merge(&work[i].finds, run);
                rf_finds_done(&work[i].finds);
        }
        return r;
}

int rf_gather(struct rf_run *run)
{
        _cleanup_(rf_enrich_ahead_freep) struct rf_ahead *ahead = NULL;
        int r = 0;

        memcpy(run->wished, run->genres, sizeof(run->wished));
        run->fetches_ahead = rf_run_is_on(run, RF_OPT_ARTIST_PREFETCH);
        run->is_serial = !rf_run_is_on(run, RF_OPT_OVERLAP_DISCOVERY);
        if (run->fetches_ahead && !run->is_serial && !run->flow->asks_model)
                r = rf_enrich_ahead_new(run, RF_STEP_GATHER, &ahead);
        if (r >= 0)
                r = find_all(run, ahead);
        if (r >= 0 && ahead)
                rf_enrich_ahead_expect(run, ahead);
        if (r >= 0)
                r = choose_anchors(run);
        run->ahead = NULL;
        run->is_serial = false;
        return r;
}
