#include "flow/quantities.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "flow/bounds.h"
#include "flow/constraints.h"
#include "flow/counted.h"
#include "flow/durations.h"
#include "flow/eras.h"
#include "flow/numbers.h"

#define DURATION_MIN_S 60.0
#define DURATION_MAX_S 86400.0
#define SONG_MAX_S 900.0
#define TEMPO_MIN 0.0 /* where a tempo has one edge only, the other is there */
#define TEMPO_MAX 250.0
#define COUNTED_WITHIN 4u /* words from a number to what it counts */

/* Directly behind a negation; in "no vocals 45 minutes" that has done its work. */
static bool is_denied(const struct rf_reading *rd, const struct rf_bound *bound)
{
        return bound->edge == RF_EDGE_NONE && rd->negated && !rd->has_negated;
}

/* ---- Durations ---- */

/* One edge is kept by aiming inside of it: a playlist keeps its duration within a tolerance. */
static double inside_of(const struct rf_bound *bound, double seconds)
{
        if (bound->edge == RF_EDGE_UPPER)
                return seconds / (1.0 + RF_DURATION_TOLERANCE);
        return bound->edge == RF_EDGE_LOWER ? seconds / (1.0 - RF_DURATION_TOLERANCE) : seconds;
}

/* "songs shorter than 3 minutes": the length of each, which can't be wished. */
static bool is_of_songs(const struct rf_reading *rd, const struct rf_bound *bound, double seconds)
{
        struct rf_reading before = *rd;

        before.at = rd->at > 0 ? rd->at - 1 : 0;
        return bound->edge != RF_EDGE_NONE && seconds <= SONG_MAX_S && rd->at > 0 && !rd->t[rd->at].begins_clause &&
               rf_counted_at(&before, 0);
}

static void leave_song_length(struct rf_reading *rd, size_t words)
{
        rf_brief_leave_out(rd->b, rf_reading_written(rd, rd->at - 1, words + 1),
                           "only the length of the playlist can be wished, not that of its tracks", NULL);
        rd->at += words;
        rd->has_negated = true;
}

static bool take_duration(struct rf_reading *rd, const struct rf_bound *bound, size_t at)
{
        double seconds, kept;
        size_t words = rf_duration_at(rd, at, &seconds);
        char meaning[48];

        if (words == 0 || (bound->edge != RF_EDGE_NONE && !bound->is_of_amounts))
                return false;
        if (is_of_songs(rd, bound, seconds)) {
                leave_song_length(rd, at + words);
                return true;
        }
        if (is_denied(rd, bound)) {
                rf_reading_leave(rd, at + words);
                return true;
        }
        kept = CLAMP(seconds, DURATION_MIN_S, DURATION_MAX_S);
        if (kept != seconds)
                rf_brief_leave_out(rd->b, rf_reading_written(rd, rd->at, at + words),
                                   kept < seconds ? "a playlist lasts at most 24 hours" : "a playlist lasts at least a minute", NULL);
        rd->b->duration_s = (uint32_t)CLAMP(inside_of(bound, kept), DURATION_MIN_S, DURATION_MAX_S);
        rd->b->duration_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), "%s%u min", rf_bounds_words(bound), (unsigned)(kept / 60));
        rf_reading_add_term(rd, RF_TERM_DURATION, at + words, meaning, false);
        return true;
}

/* ---- Tempos ---- */

/* "120 bpm", "120bpm", "90 to 110 bpm", "90-110 bpm": of how many words it is. */
static size_t tempo_at(struct rf_reading *rd, size_t at, double *ret_low, double *ret_high)
{
        static const char *const bpm[] = { "bpm", NULL };
        static const char *const tos[] = { "and", "to", NULL };
        struct rf_number low, high;
        const struct rf_token *next;
        size_t words;

        if (!rf_number_at(rd, at, &low))
                return 0;
        *ret_low = *ret_high = low.value;
        words = low.words;
        if (strcmp(low.rest, "bpm") == 0)
                return words;
        if (*low.rest)
                return 0;
        if (rf_reading_is(rd, at + words, bpm))
                return words + 1;
        next = rf_reading_at(rd, at + words);
        if (!next || (!next->is_joined && !rf_reading_is(rd, at + words, tos)))
                return 0;
        words += next->is_joined ? 0 : 1;
        if (!rf_number_at(rd, at + words, &high) || high.value <= low.value)
                return 0;
        *ret_high = high.value;
        words += high.words;
        if (strcmp(high.rest, "bpm") == 0)
                return words;
        return !*high.rest && rf_reading_is(rd, at + words, bpm) ? words + 1 : 0;
}

static bool take_tempo(struct rf_reading *rd, const struct rf_bound *bound, size_t at)
{
        struct rf_target *t = &rd->b->targets[RF_FEATURE_TEMPO];
        double low, high;
        size_t words = tempo_at(rd, at, &low, &high);
        char meaning[48];

        if (words == 0 || (bound->edge != RF_EDGE_NONE && !bound->is_of_amounts))
                return false;
        if (is_denied(rd, bound)) {
                rf_reading_leave(rd, at + words);
                return true;
        }
        snprintf(meaning, sizeof(meaning), low == high ? "%s%.0f bpm" : "%s%.0f to %.0f bpm", rf_bounds_words(bound), low, high);
        if (bound->edge == RF_EDGE_UPPER)
                low = MIN(TEMPO_MIN, high);
        else if (bound->edge == RF_EDGE_LOWER)
                high = MAX(TEMPO_MAX, low);
        /* "over 90 bpm, under 110 bpm": both edges hold */
        if (bound->edge != RF_EDGE_NONE && t->is_hard && MAX((double)t->low, low) <= MIN((double)t->high, high)) {
                low = MAX((double)t->low, low);
                high = MIN((double)t->high, high);
        }
        *t = (struct rf_target){ .is_set = true, .low = (float)low, .high = (float)high, .weight = 1, .is_hard = true };
        rf_reading_add_term(rd, RF_TERM_TEMPO, at + words, meaning, false);
        return true;
}

/* ---- Counts ---- */

/* "10 songs", "10 calm piano tracks": words from the number to behind the thing that it counts. "one hit wonder songs" aren't one song. */
static size_t counted_behind(struct rf_reading *rd, size_t at, const struct rf_number *n)
{
        struct rf_number other;

        for (size_t i = 0; i < COUNTED_WITHIN; i++) {
                if (rf_counted_at(rd, at + n->words + i))
                        return i > 0 && n->is_word && n->value < 2 ? 0 : n->words + i + 1;
                if (rf_number_at(rd, at + n->words + i, &other) && !*other.rest)
                        return 0;
        }
        return 0;
}

/* "3 per artist", "at most 2 jazz songs by the same artist" */
static bool take_artist_cap(struct rf_reading *rd, const struct rf_bound *bound, size_t at, const struct rf_number *n)
{
        size_t words = n->words, per = rf_counted_per_artist_at(rd, at + words);
        double most = rf_bounds_whole(bound, n->value);
        char meaning[48];

        if (per == 0) {
                words = counted_behind(rd, at, n);
                per = words > 0 ? rf_counted_per_artist_at(rd, at + words) : 0;
        }
        if (per == 0)
                return false;
        if (words > n->words + 1) { /* words between the number and the thing mean what they mean */
                for (size_t i = 0; i < per; i++)
                        rf_reading_at(rd, at + words + i)->is_used = true;
                words = at + n->words;
        } else
                words += at + per;
        if (is_denied(rd, bound) || bound->edge == RF_EDGE_LOWER || most < 1 || most > RF_TRACKS_MAX) {
                rf_reading_leave(rd, words);
                return true;
        }
        rd->b->artist_cap = (uint32_t)most;
        rd->b->artist_cap_origin = RF_FROM_PROMPT;
        snprintf(meaning, sizeof(meaning), "at most %u of one artist", rd->b->artist_cap);
        rf_reading_add_term(rd, RF_TERM_COUNT_WISH, words, meaning, false);
        return true;
}

static void wish_count(struct rf_reading *rd, const struct rf_bound *bound, double count)
{
        struct rf_brief *b = rd->b;
        uint32_t kept = (uint32_t)CLAMP(count, 1.0, (double)RF_TRACKS_MAX);

        if (bound->edge == RF_EDGE_UPPER)
                b->n_tracks_most = kept;
        else if (bound->edge == RF_EDGE_LOWER)
                b->n_tracks_least = kept;
        else {
                b->n_tracks = kept;
                b->n_tracks_origin = RF_FROM_PROMPT;
        }
}

static bool take_count(struct rf_reading *rd, const struct rf_bound *bound, size_t at, const struct rf_number *n)
{
        size_t counted = counted_behind(rd, at, n), words = at + (counted == n->words + 1 ? counted : n->words);
        double count = rf_bounds_whole(bound, n->value);
        char meaning[64], why[64], relaxation[32];
        bool is_too_many = count > RF_TRACKS_MAX && bound->edge != RF_EDGE_UPPER;

        if (counted == 0)
                return false;
        if (is_denied(rd, bound) || count < 1) {
                rf_reading_leave(rd, words);
                return true;
        }
        if (is_too_many) {
                snprintf(why, sizeof(why), "a playlist has at most %u tracks", RF_TRACKS_MAX);
                snprintf(relaxation, sizeof(relaxation), "ask for %u tracks", RF_TRACKS_MAX);
                snprintf(meaning, sizeof(meaning), "%.0f tracks", count);
                rf_brief_leave_out(rd->b, meaning, why, relaxation);
        }
        wish_count(rd, bound, count);
        snprintf(meaning, sizeof(meaning), "%s%.0f %s%s", rf_bounds_words(bound), MIN(count, (double)RF_TRACKS_MAX),
                 count == 1 ? "track" : "tracks", is_too_many ? ", the most possible" : "");
        rf_reading_add_term(rd, RF_TERM_COUNT_WISH, words, meaning, false);
        return true;
}

/* ---- All of them ---- */

static bool take_number(struct rf_reading *rd, const struct rf_bound *bound, size_t at)
{
        struct rf_number n;

        if (take_duration(rd, bound, at) || take_tempo(rd, bound, at) || rf_eras_take(rd, bound, at))
                return true;
        if ((bound->edge != RF_EDGE_NONE && !bound->is_of_amounts) || !rf_number_at(rd, at, &n) || *n.rest)
                return false;
        return take_artist_cap(rd, bound, at, &n) || take_count(rd, bound, at, &n);
}

bool rf_quantities_take(struct rf_reading *rd)
{
        struct rf_bound bound;
        size_t at = rf_bounds_take(rd, &bound);
        bool was_negated = rd->negated, is_taken;

        /* behind a comparator nothing is denied: a negation has turned it round */
        if (at > 0)
                rd->negated = false;
        is_taken = take_number(rd, &bound, at);
        rd->negated = was_negated;
        return is_taken;
}
