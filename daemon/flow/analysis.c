#include "flow/analysis.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/limits.h"
#include "flow/calls.h"
#include "flow/names.h"

static const char *const JUDGEMENTS[RF_JUDGE_COUNT] = {
        [RF_JUDGE_INTENT] = "intent",           [RF_JUDGE_MOOD] = "mood",
        [RF_JUDGE_MENTIONS] = "mentions",       [RF_JUDGE_CANDIDATES] = "candidates",
        [RF_JUDGE_ANCHOR_STRATEGY] = "anchor_strategy", [RF_JUDGE_ANCHOR_SCORES] = "anchor_scores",
        [RF_JUDGE_ANCHORS] = "anchors",         [RF_JUDGE_ARTISTS] = "artists",
        [RF_JUDGE_SEEDS] = "seeds",             [RF_JUDGE_EVALUATION] = "evaluation",
        [RF_JUDGE_STRATEGY] = "strategy",       [RF_JUDGE_ORDER_BATCH] = "order_batch",
        [RF_JUDGE_ORDER] = "order",
};

static struct rf_call call_for(const struct rf_run *run, enum rf_judgement what)
{
        return (struct rf_call){ .query = { .op = RF_OP_ANALYSE_PROMPT, .text = run->brief->prompt, .name = JUDGEMENTS[what] } };
}

/* ---- Taking an answer: from outside, so everything is checked ---- */

static bool number_between(const json_t *j, const char *name, double low, double high, float *ret)
{
        const json_t *v = json_object_get(j, name);
        double d = json_is_number(v) ? json_number_value(v) : low - 1;

        if (!(d >= low && d <= high))
                return false;
        *ret = (float)d;
        return true;
}

static void take_features(struct rf_brief *b, const json_t *features)
{
        for (unsigned f = 0; f < RF_FEATURE_COUNT; f++) {
                const json_t *j = json_object_get(features, rf_feature_name(f));
                struct rf_target t = { .is_set = true };

                /* what the words ask for strictly stands */
                if (!j || (b->targets[f].is_set && b->targets[f].is_hard))
                        continue;
                if (number_between(j, "low", -60, 250, &t.low) && number_between(j, "high", -60, 250, &t.high) &&
                    number_between(j, "weight", 0, 1, &t.weight) && t.low <= t.high)
                        b->targets[f] = t;
        }
}

static bool is_listed(const char *const *list, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcasecmp(list[i], name) == 0)
                        return true;
        return false;
}

static int take_genres(struct rf_brief *b, const json_t *genres)
{
        const json_t *j;
        size_t i;

        json_array_foreach(genres, i, j) {
                const char *name = json_string_value(json_object_get(j, "name"));
                bool is_known = false;
                float weight;

                if (!name || strlen(name) > RF_RECORD_STRING_MAX || !number_between(j, "weight", 0, 1, &weight) ||
                    is_listed(b->excluded_genres, b->n_excluded_genres, name))
                        continue;
                for (size_t k = 0; k < b->n_genres; k++)
                        is_known |= strcasecmp(b->genres[k].name, name) == 0;
                if (is_known || b->n_genres == RF_BRIEF_TERMS_MAX)
                        continue;
                b->genres[b->n_genres].name = rf_arena_strdup(&b->arena, name);
                if (!b->genres[b->n_genres].name)
                        return -ENOMEM;
                b->genres[b->n_genres++].weight = weight;
        }
        return 0;
}

static bool is_mentioned(const struct rf_brief *b, const char *artist, const char *track)
{
        for (size_t i = 0; i < b->n_mentions; i++) {
                const struct rf_mention *m = &b->mentions[i];

                if ((!artist || (m->artist && rf_name_equal(m->artist, artist))) && (!track || (m->track && rf_name_equal(m->track, track))))
                        return true;
        }
        return false;
}

/* Neither empty nor longer than a record's. */
static bool is_name(const char *name)
{
        return !name || (*name && strlen(name) <= RF_RECORD_STRING_MAX);
}

static int take_mentions(struct rf_brief *b, const json_t *mentions)
{
        const json_t *j;
        size_t i;

        json_array_foreach(mentions, i, j) {
                const char *artist = json_string_value(json_object_get(j, "artist"));
                const char *track = json_string_value(json_object_get(j, "track"));
                struct rf_mention *m = &b->mentions[b->n_mentions];

                if (b->n_mentions == RF_MENTIONS_MAX)
                        return 0;
                if ((!artist && !track) || !is_name(artist) || !is_name(track) || is_mentioned(b, artist, track) || (artist && is_listed(b->excluded_artists, b->n_excluded_artists, artist)))
                        continue;
                *m = (struct rf_mention){ .artist = rf_arena_strdup(&b->arena, artist), .track = rf_arena_strdup(&b->arena, track) };
                if ((artist && !m->artist) || (track && !m->track))
                        return -ENOMEM;
                b->n_mentions++;
        }
        return 0;
}

/* A word is lost only if neither made anything of it. */
static void take_not_understood(struct rf_brief *b, const json_t *words)
{
        size_t n = 0;

        if (!json_is_array(words))
                return;
        for (size_t i = 0; i < b->n_not_understood; i++) {
                const json_t *j;
                bool is_lost = false;
                size_t k;

                json_array_foreach(words, k, j)
                        is_lost |= json_is_string(j) && strcasecmp(json_string_value(j), b->not_understood[i]) == 0;
                if (is_lost)
                        b->not_understood[n++] = b->not_understood[i];
        }
        b->n_not_understood = n;
}

static int take(struct rf_run *run, struct rf_brief *b, const struct rf_call *call)
{
        _cleanup_json_ json_t *j = NULL;
        const char *text = call->answer ? call->answer->analysis : NULL;
        int r;

        r = text ? rf_json_parse(text, strlen(text), &j, NULL) : -EBADMSG;
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !json_is_object(j)) {
                rf_receipt_skip(run->book, "analysis of the prompt", "the provider that reads prompts didn't answer; the words were read here", 1);
                return 0;
        }
        take_features(b, json_object_get(j, "features"));
        take_not_understood(b, json_object_get(j, "not_understood"));
        r = take_genres(b, json_object_get(j, "genres"));
        return r < 0 ? r : take_mentions(b, json_object_get(j, "mentions"));
}

/* ---- Asking ---- */

static bool can_ask(struct rf_run *run)
{
        if (rf_upstream_can(run->flow->upstream, RF_OP_ANALYSE_PROMPT))
                return true;
        rf_receipt_skip(run->book, "analysis by a language model", "no provider offers it now; the words were read here", 1);
        return false;
}

int rf_analysis_read(struct rf_run *run, struct rf_brief *brief)
{
        struct rf_call calls[] = { call_for(run, RF_JUDGE_INTENT), call_for(run, RF_JUDGE_MOOD) };
        bool is_local = rf_run_is_on(run, RF_OPT_LOCAL_ANALYSIS);
        int r;

        if ((is_local && !run->flow->asks_model) || !can_ask(run))
                return 0;
        r = rf_calls_make_as(run, RF_STEP_UNDERSTAND, &(struct rf_manner){ .together = is_local ? 2 : 1 }, calls, ARRAY_SIZE(calls));
        for (size_t i = 0; i < ARRAY_SIZE(calls) && r >= 0; i++)
                r = take(run, brief, &calls[i]);
        rf_calls_done(calls, ARRAY_SIZE(calls));
        return r < 0 ? r : rf_analysis_judge(run, RF_STEP_UNDERSTAND, RF_JUDGE_MENTIONS);
}

int rf_analysis_judge(struct rf_run *run, enum rf_step step, enum rf_judgement what)
{
        struct rf_call call = call_for(run, what);
        int r;

        if (rf_run_is_on(run, RF_OPT_LOCAL_ANALYSIS) || !can_ask(run))
                return 0;
        r = rf_calls_make_as(run, step, &(struct rf_manner){ .together = 1, .anew = true }, &call, 1);
        rf_calls_done(&call, 1);
        return r;
}
