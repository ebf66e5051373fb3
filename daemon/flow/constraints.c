#include "flow/constraints.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/names.h"

/* Why candidates were left out, as the receipt says it. Duplicates are counted by the pool. */
static const struct {
        const char *what, *why;
} DROPS[RF_DROP_COUNT] = {
        [RF_DROP_EXCLUDED_ARTIST] = { "tracks of excluded artists", "the wish excludes them" },
        [RF_DROP_EXCLUDED_GENRE] = { "tracks of artists of excluded genres", "the wish excludes them" },
        [RF_DROP_EXPLICIT] = { "tracks with explicit lyrics", "only clean tracks are wished" },
        [RF_DROP_VERSION] = { "remixes, live and other versions", "versions weren't wished" },
        [RF_DROP_ERA] = { "tracks of other years", "not of the wished years" },
        [RF_DROP_CLASH] = { "tracks that clash with the mood", "two critical features, or one that must fit, far outside" },
        [RF_DROP_NEGATIVE] = { "tracks to stay away from", "used as negative seeds" },
        [RF_DROP_OUTLIER] = { "outliers", "cohesion below 0.3" },
        [RF_DROP_POPULARITY] = { "tracks outside the popularity band", "deep cuts are taken between 20 and 80" },
};

static bool has_key(const uint64_t *keys, size_t n, uint64_t key)
{
        size_t from = 0, to = n;

        while (from < to) {
                size_t mid = (from + to) / 2;

                if (keys[mid] == key)
                        return true;
                if (keys[mid] < key)
                        from = mid + 1;
                else
                        to = mid;
        }
        return false;
}

static bool has_artist(const struct rf_candidate *c, const uint64_t *keys, size_t n)
{
        if (n == 0)
                return false;
        if (has_key(keys, n, c->artist_key))
                return true;
        for (size_t i = 1; i < c->track.n_artists; i++)
                if (has_key(keys, n, rf_name_key(c->track.artists[i].name)))
                        return true;
        return false;
}

/* Years outside the era; 0 inside, or where the year isn't known. */
static unsigned years_outside(const struct rf_brief *b, const struct rf_candidate *c)
{
        unsigned year = c->track.release_year;

        if (year == 0)
                return 0;
        if (b->year_from && year < b->year_from)
                return b->year_from - year;
        if (b->year_to && year > b->year_to)
                return year - b->year_to;
        return 0;
}

/* A track that doesn't say its year counts only if a search in the wished years found it; where years are only excluded, it counts. */
static bool is_of_era(const struct rf_brief *b, const struct rf_candidate *c)
{
        if (c->track.release_year && rf_brief_excludes_year(b, c->track.release_year))
                return false;
        if ((!b->year_from && !b->year_to) || !b->era_is_strict)
                return true;
        return c->track.release_year ? years_outside(b, c) == 0 : c->is_of_era;
}

void rf_constraints_filter(struct rf_pool *pool, const struct rf_brief *b, const struct rf_exclusions *x)
{
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                struct rf_candidate *c = rf_pool_at(pool, i);

                if (c->drop != RF_DROP_NONE)
                        continue;
                if (has_artist(c, x->artists, x->n_artists))
                        c->drop = RF_DROP_EXCLUDED_ARTIST;
                else if (!c->is_protected && has_key(x->genre_artists, x->n_genre_artists, c->artist_key))
                        c->drop = RF_DROP_EXCLUDED_GENRE;
                else if (b->explicit_allowed == 0 && c->track.is_explicit == 1)
                        c->drop = RF_DROP_EXPLICIT;
                else if (!b->allows_versions && c->is_version && !c->is_protected)
                        c->drop = RF_DROP_VERSION;
                else if (!c->is_protected && !is_of_era(b, c))
                        c->drop = RF_DROP_ERA;
        }
}

bool rf_constraints_duration_kept(const struct rf_brief *b, uint64_t duration_ms)
{
        double wished = b->duration_s * 1000.0;

        return b->duration_s == 0 || (duration_ms >= wished * (1.0 - RF_DURATION_TOLERANCE) &&
                                      duration_ms <= wished * (1.0 + RF_DURATION_TOLERANCE));
}

static const char *minutes(char *buf, size_t size, uint64_t ms)
{
        uint64_t s = (ms + 500) / 1000;

        if (s % 60 == 0 || s >= 600)
                snprintf(buf, size, "%llu min", (unsigned long long)((s + 30) / 60));
        else
                snprintf(buf, size, "%llu min %llu s", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
        return buf;
}

bool rf_constraints_fits_wider(const struct rf_brief *b, const struct rf_candidate *c, unsigned wider)
{
        return c->track.release_year && !rf_brief_excludes_year(b, c->track.release_year) && years_outside(b, c) <= wider;
}

/* By how many years the era would have to be widened for all that its years alone keep out. */
static unsigned era_widest(const struct rf_pool *pool, const struct rf_brief *b)
{
        unsigned widest = 0;

        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *c = rf_pool_at(pool, i);

                if (c->drop == RF_DROP_ERA && c->track.release_year)
                        widest = MAX(widest, years_outside(b, c));
        }
        return widest;
}

/* The least of 1..max, added to the cap per artist or to the era's years, with which so many tracks are chosen; 0: none is enough. */
static unsigned least_enough(const struct rf_pool *pool, const struct rf_brief *b, size_t tracks, unsigned max, bool is_cap)
{
        unsigned from = 1, to = max;
        size_t n;

        if (max == 0 || rf_constraints_count(pool, b, b->artist_cap + (is_cap ? max : 0), is_cap ? 0 : max, &n) < 0 || n < tracks)
                return 0;
        while (from < to) {
                unsigned middle = (from + to) / 2;

                if (rf_constraints_count(pool, b, b->artist_cap + (is_cap ? middle : 0), is_cap ? 0 : middle, &n) < 0)
                        return 0;
                if (n >= tracks)
                        to = middle;
                else
                        from = middle + 1;
        }
        return from;
}

/* The smallest change that would have given so many tracks; where none would, how many there are. */
static const char *relax(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c, size_t tracks,
                         char *buf, size_t size)
{
        unsigned more = least_enough(pool, b, tracks, c->capped > 0 && b->artist_cap < tracks ? (unsigned)tracks - b->artist_cap : 0, true);
        unsigned years = more > 0 ? 0 : least_enough(pool, b, tracks, era_widest(pool, b), false);

        if (more > 0)
                snprintf(buf, size, "allow %u tracks of one artist", b->artist_cap + more);
        else if (years > 0)
                snprintf(buf, size, "widen the era by %u %s", years, years == 1 ? "year" : "years");
        else
                snprintf(buf, size, "ask for %zu %s", c->n, c->n == 1 ? "track" : "tracks");
        return buf;
}

static void report_count(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c, struct rf_receipt_book *k)
{
        char wish[64], why[160], relaxation[96];
        size_t least = b->n_tracks_origin == RF_FROM_DEFAULT ? b->n_tracks_min : b->n_tracks;

        if (b->duration_s > 0 && b->n_tracks_origin == RF_FROM_DEFAULT)
                least = b->n_tracks_least;
        if (c->n >= least)
                return;
        snprintf(wish, sizeof(wish), b->n_tracks_origin == RF_FROM_DEFAULT ? "at least %zu tracks" : "%zu tracks", least);
        snprintf(why, sizeof(why), "only %zu of the %zu candidates fit everything that is wished", c->n, rf_pool_size(pool));
        rf_receipt_unmet(k, wish, why, relax(pool, b, c, least, relaxation, sizeof(relaxation)));
}

static void report_duration(const struct rf_brief *b, const struct rf_choice *c, struct rf_receipt_book *k)
{
        char wish[64], why[160], have[32], relaxation[64];

        if (rf_constraints_duration_kept(b, c->duration_ms))
                return;
        minutes(wish, sizeof(wish), b->duration_s * 1000ULL);
        minutes(have, sizeof(have), c->duration_ms);
        if (c->n >= RF_TRACKS_MAX)
                snprintf(why, sizeof(why), "a playlist has at most %u tracks; these give %s", RF_TRACKS_MAX, have);
        else if (b->n_tracks_origin != RF_FROM_DEFAULT)
                snprintf(why, sizeof(why), "%zu fitting tracks come no closer than %s", c->n, have);
        else
                snprintf(why, sizeof(why), "the fitting tracks come no closer than %s", have);
        snprintf(relaxation, sizeof(relaxation), "ask for %s", have);
        rf_receipt_unmet(k, wish, why, relaxation);
}

static void report_unknown(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c, struct rf_receipt_book *k)
{
        size_t no_explicit = 0, no_duration = 0;
        char why[128];

        for (size_t i = 0; i < c->n; i++) {
                const struct rf_track *t = &rf_pool_at(pool, c->tracks[i])->track;

                no_explicit += t->is_explicit < 0;
                no_duration += t->duration_ms == 0;
        }
        if (b->explicit_allowed == 0 && no_explicit > 0) {
                snprintf(why, sizeof(why), "%zu of the tracks don't say whether they are explicit", no_explicit);
                rf_receipt_unmet(k, "no explicit lyrics", why, NULL);
        }
        if (b->duration_s > 0 && no_duration > 0) {
                snprintf(why, sizeof(why), "%zu of the tracks don't say how long they are", no_duration);
                rf_receipt_skip(k, "durations", why, (uint32_t)no_duration);
        }
}

/* Chosen tracks that don't say their year. One that a search in the wished years found is of them, but may be of an excluded one. */
static void report_unknown_years(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c, struct rf_receipt_book *k)
{
        size_t no_year = 0, not_of_era = 0;
        char why[128], years[32], wish[64];

        for (size_t i = 0; i < c->n; i++) {
                const struct rf_candidate *chosen = rf_pool_at(pool, c->tracks[i]);

                no_year += chosen->track.release_year == 0;
                not_of_era += chosen->track.release_year == 0 && !chosen->is_of_era;
        }
        if (b->era_is_strict && (b->year_from || b->year_to) && not_of_era > 0) {
                rf_years_words(&(struct rf_years){ b->year_from, b->year_to }, years, sizeof(years));
                snprintf(wish, sizeof(wish), "years %s", years);
                snprintf(why, sizeof(why), "%zu of the tracks don't say when they were released", not_of_era);
                rf_receipt_unmet(k, wish, why, NULL);
        }
        for (size_t i = 0; i < b->n_excluded_years && no_year > 0; i++) {
                rf_years_words(&b->excluded_years[i], years, sizeof(years));
                snprintf(wish, sizeof(wish), "nothing of the years %s", years);
                snprintf(why, sizeof(why), "%zu of the tracks don't say when they were released", no_year);
                rf_receipt_unmet(k, wish, why, NULL);
        }
}

static void report_versions_and_caps(const struct rf_pool *pool, const struct rf_choice *c, struct rf_receipt_book *k)
{
        rf_receipt_skip(k, "duplicates", "the same recording was found before", (uint32_t)rf_pool_duplicates(pool));
        rf_receipt_skip(k, "further tracks of artists", "their artist had enough tracks", c->capped);
}

/* A sound that isn't known isn't always one that nobody knows. */
static void report_features(const struct rf_pool *pool, const struct rf_choice *c, struct rf_receipt_book *k)
{
        enum { NOT_ASKED = RF_UNHEARD_COUNT, COUNT };
        static const char *const WHY[COUNT] = {
                [RF_UNHEARD_NOT] = "no provider knows them; they count 0.75",
                [RF_UNHEARD_FAILED] = "the service didn't answer; they count 0.75",
                [RF_UNHEARD_CUT] = "given up at the deadline; they count 0.75",
                [NOT_ASKED] = "they weren't looked up; they count 0.75",
        };
        uint32_t chosen[COUNT] = { 0 }, cut = 0;
        size_t judged = 0;
        char why[96];

        for (size_t i = 0; i < c->n; i++) {
                const struct rf_candidate *t = rf_pool_at(pool, c->tracks[i]);

                chosen[t->asked_features ? t->unheard : NOT_ASKED] += !(t->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY));
        }
        for (size_t i = 0; i < rf_pool_size(pool); i++) {
                const struct rf_candidate *t = rf_pool_at(pool, i);
                bool is_known = t->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY);

                judged += is_known;
                cut += !is_known && t->unheard == RF_UNHEARD_CUT;
        }
        snprintf(why, sizeof(why), "given up at the deadline; %zu tracks could be judged", judged);
        rf_receipt_skip(k, "audio features of candidates", why, cut);
        for (size_t i = 0; i < COUNT; i++)
                rf_receipt_skip(k, "audio features of chosen tracks", WHY[i], chosen[i]);
}

void rf_constraints_report(const struct rf_pool *pool, const struct rf_brief *b, const struct rf_choice *c,
                           struct rf_receipt_book *k)
{
        uint32_t drops[RF_DROP_COUNT] = { 0 };

        for (size_t i = 0; i < rf_pool_size(pool); i++)
                drops[rf_pool_at(pool, i)->drop]++;
        for (size_t d = 1; d < RF_DROP_COUNT; d++)
                rf_receipt_skip(k, DROPS[d].what, DROPS[d].why, drops[d]);
        report_versions_and_caps(pool, c, k);
        report_features(pool, c, k);
        report_count(pool, b, c, k);
        report_duration(b, c, k);
        report_unknown(pool, b, c, k);
        report_unknown_years(pool, b, c, k);
}
