#include "flow/mentions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/calls.h"
#include "flow/names.h"

#define MENTION_RESULTS 8u     /* among which the one meant is looked for */
#define CONFIDENCE 1.0f

static bool is_uri(const char *s)
{
        const char *colon = s ? strrchr(s, ':') : NULL;

        return colon && colon[1] && strchr(s, ' ') == NULL && strchr(s, ':') != colon;
}

struct rf_query rf_mention_query(struct rf_run *run, const struct rf_mention *m)
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
                r = rf_run_know_artist(run, artist, a->provider, &run->mentioned[run->n_mentioned]);
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
                        .freshness = call->freshness, .via = RF_VIA_MENTION, .confidence = CONFIDENCE, .genre_weight = 1.f,
                        .is_protected = !m->is_seed_only }, NULL);
        if (r < 0)
                return r;
        /* more by the same artist is wanted, too */
        if (track->n_artists > 0 && track->artists[0].id) {
                struct rf_artist by = { .id = track->artists[0].id, .name = track->artists[0].name, .popularity = -1 };

                r = rf_run_know_artist(run, &by, a->provider, &run->mentioned[run->n_mentioned]);
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

int rf_mentions_gather(struct rf_run *run)
{
        size_t n = MIN(run->brief->n_mentions, (size_t)RF_MENTIONS_MAX), n_second = 0;
        struct rf_call *first = rf_arena_array(&run->arena, n + 1, sizeof(*first));
        struct rf_call *second = rf_arena_array(&run->arena, n + 1, sizeof(*second));
        bool is_found[RF_MENTIONS_MAX] = { false };
        int r;

        run->mentioned = rf_arena_array(&run->arena, 2 * n + 1, sizeof(*run->mentioned));
        if (!first || !second || !run->mentioned)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const struct rf_mention *m = &run->brief->mentions[i];

                first[i].query = rf_mention_query(run, m);
                if (first[i].query.op == RF_OP_TRACKS)
                        first[i].at = rf_run_provider_of(run, m->track ? m->track : m->artist);
        }
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
