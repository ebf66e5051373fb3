#include "control/encode.h"

#include <math.h>

#include "provider/provider.h"

static uint64_t milli(float x)
{
        return (uint64_t)lrintf(x * 1000.f);
}

/* ---- The brief ---- */

static json_t *encode_terms(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < brief->n_terms; i++) {
                const struct rf_term *t = &brief->terms[i];
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "kind", rf_term_kind_name(t->kind));
                rf_build_string(b, o, "words", t->words);
                rf_build_string(b, o, "meaning", t->meaning);
                rf_build_bool(b, o, "negated", t->negated);
                rf_build_int(b, o, "weight_milli", t->weight_milli);
                rf_build_bool(b, o, "corrected", t->corrected);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_targets(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (unsigned f = 0; f < RF_FEATURE_COUNT; f++) {
                const struct rf_target *t = &brief->targets[f];
                json_t *o;

                if (!t->is_set)
                        continue;
                o = rf_build_object(b);
                rf_build_string(b, o, "feature", rf_feature_name(f));
                rf_build_put(b, o, "low_milli", json_integer(lrintf(t->low * 1000.f)));
                rf_build_put(b, o, "high_milli", json_integer(lrintf(t->high * 1000.f)));
                rf_build_int(b, o, "weight_milli", milli(t->weight));
                rf_build_bool(b, o, "hard", t->is_hard);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_genres(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < brief->n_genres; i++) {
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "name", brief->genres[i].name);
                rf_build_int(b, o, "weight_milli", milli(brief->genres[i].weight));
                rf_build_bool(b, o, "named", brief->genres[i].is_named);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_mentions(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < brief->n_mentions; i++) {
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "artist", brief->mentions[i].artist);
                rf_build_string(b, o, "track", brief->mentions[i].track);
                rf_build_bool(b, o, "seed_only", brief->mentions[i].is_seed_only);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_excluded_years(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < brief->n_excluded_years; i++) {
                json_t *o = rf_build_object(b);

                if (brief->excluded_years[i].from)
                        rf_build_int(b, o, "from", brief->excluded_years[i].from);
                if (brief->excluded_years[i].to)
                        rf_build_int(b, o, "to", brief->excluded_years[i].to);
                rf_build_add(b, list, o);
        }
        return list;
}

/* A wish that isn't kept, in the brief or in the receipt. */
static void add_not_kept(struct rf_build *b, json_t *list, const char *wish, const char *why, const char *relaxation)
{
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "wish", wish);
        rf_build_string(b, o, "why", why);
        rf_build_string(b, o, "relaxation", relaxation);
        rf_build_add(b, list, o);
}

static json_t *encode_left_out(struct rf_build *b, const struct rf_brief *brief)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < brief->n_left_out; i++)
                add_not_kept(b, list, brief->left_out[i].wish, brief->left_out[i].why, brief->left_out[i].relaxation);
        return list;
}

json_t *rf_encode_brief(const struct rf_brief *brief)
{
        struct rf_build build = { 0 }, *b = &build;
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "kind", rf_brief_kind_name(brief->kind));
        rf_build_string(b, o, "title", brief->title);
        rf_build_put(b, o, "terms", encode_terms(b, brief));
        rf_build_put(b, o, "targets", encode_targets(b, brief));
        rf_build_put(b, o, "genres", encode_genres(b, brief));
        rf_build_strings(b, o, "excluded_genres", brief->excluded_genres, brief->n_excluded_genres);
        rf_build_put(b, o, "mentions", encode_mentions(b, brief));
        rf_build_strings(b, o, "excluded_artists", brief->excluded_artists, brief->n_excluded_artists);
        rf_build_strings(b, o, "languages", brief->languages, brief->n_languages);
        rf_build_strings(b, o, "regions", brief->regions, brief->n_regions);
        if (brief->year_from)
                rf_build_int(b, o, "year_from", brief->year_from);
        if (brief->year_to)
                rf_build_int(b, o, "year_to", brief->year_to);
        if (brief->n_excluded_years > 0)
                rf_build_put(b, o, "excluded_years", encode_excluded_years(b, brief));
        rf_build_bool(b, o, "explicit_allowed", brief->explicit_allowed != 0);
        rf_build_string(b, o, "arc", rf_arc_name(brief->arc));
        rf_build_int(b, o, "tracks", brief->n_tracks);
        rf_build_int(b, o, "tracks_min", brief->n_tracks_min);
        rf_build_int(b, o, "tracks_max", brief->n_tracks_max);
        if (brief->duration_s)
                rf_build_int(b, o, "duration_s", brief->duration_s);
        rf_build_int(b, o, "artist_cap", brief->artist_cap);
        if (brief->n_left_out > 0)
                rf_build_put(b, o, "left_out", encode_left_out(b, brief));
        return rf_build_done(b, o);
}

json_t *rf_encode_not_understood(const struct rf_brief *brief)
{
        struct rf_build b = { 0 };
        json_t *list = rf_build_array(&b);

        for (size_t i = 0; i < brief->n_not_understood; i++)
                rf_build_add(&b, list, json_string(brief->not_understood[i]));
        return rf_build_done(&b, list);
}

/* ---- Tracks ---- */

/* In thousandths of the feature's unit, but for those that are whole numbers. */
static const struct {
        const char *name;
        float scale;
} FEATURES[RF_FEATURE_COUNT] = {
        [RF_FEATURE_ACOUSTICNESS] = { "acousticness_milli", 1000.f },
        [RF_FEATURE_DANCEABILITY] = { "danceability_milli", 1000.f },
        [RF_FEATURE_ENERGY] = { "energy_milli", 1000.f },
        [RF_FEATURE_INSTRUMENTALNESS] = { "instrumentalness_milli", 1000.f },
        [RF_FEATURE_LIVENESS] = { "liveness_milli", 1000.f },
        [RF_FEATURE_SPEECHINESS] = { "speechiness_milli", 1000.f },
        [RF_FEATURE_VALENCE] = { "valence_milli", 1000.f },
        [RF_FEATURE_KEY] = { "key", 1.f },
        [RF_FEATURE_MODE] = { "mode", 1.f },
        [RF_FEATURE_LOUDNESS] = { "loudness_millidb", 1000.f },
        [RF_FEATURE_TEMPO] = { "tempo_millibpm", 1000.f },
        [RF_FEATURE_POPULARITY] = { "popularity", 1.f },
};

static json_t *encode_features(struct rf_build *b, const struct rf_track *t)
{
        json_t *o = rf_build_object(b);

        for (unsigned f = 0; f < RF_FEATURE_COUNT; f++)
                if (t->features.has & RF_FEATURE_BIT(f))
                        rf_build_put(b, o, FEATURES[f].name, json_integer(lrintf(t->features.value[f] * FEATURES[f].scale)));
        if (t->popularity >= 0 && !(t->features.has & RF_FEATURE_BIT(RF_FEATURE_POPULARITY)))
                rf_build_int(b, o, "popularity", (uint64_t)t->popularity);
        return o;
}

static json_t *encode_track(struct rf_build *b, const struct rf_playlist_track *p, size_t position)
{
        const struct rf_track *t = &p->track;
        json_t *o = rf_build_object(b), *artists = rf_build_array(b);

        for (size_t i = 0; i < t->n_artists; i++)
                rf_build_add(b, artists, json_string(t->artists[i].name));
        rf_build_int(b, o, "position", position);
        rf_build_string(b, o, "title", t->title);
        rf_build_put(b, o, "artists", artists);
        rf_build_string(b, o, "album", t->album);
        if (t->release_year)
                rf_build_int(b, o, "release_year", t->release_year);
        rf_build_string(b, o, "isrc", t->isrc);
        rf_build_string(b, o, "uri", t->uri);
        rf_build_string(b, o, "id", t->id ? t->id : "");
        rf_build_string(b, o, "provider", p->provider ? p->provider : "");
        rf_build_int(b, o, "duration_ms", t->duration_ms);
        if (t->is_explicit >= 0)
                rf_build_bool(b, o, "explicit", t->is_explicit);
        rf_build_string(b, o, "source", rf_source_name(p->source));
        rf_build_string(b, o, "phase", rf_phase_name(p->phase));
        rf_build_int(b, o, "confidence_milli", p->confidence_milli);
        rf_build_int(b, o, "cohesion_milli", p->cohesion_milli);
        rf_build_string(b, o, "freshness", rf_freshness_name(p->freshness));
        rf_build_string(b, o, "reason", p->reason ? p->reason : "");
        rf_build_put(b, o, "features", encode_features(b, t));
        return o;
}

json_t *rf_encode_tracks(const struct rf_playlist *p)
{
        struct rf_build b = { 0 };
        json_t *list = rf_build_array(&b);

        for (size_t i = 0; i < p->n_tracks; i++)
                rf_build_add(&b, list, encode_track(&b, &p->tracks[i], i + 1));
        return rf_build_done(&b, list);
}

/* ---- The receipt ---- */

json_t *rf_encode_quality(const struct rf_quality *q)
{
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b);

        rf_build_int(&b, o, "overall_milli", q->overall_milli);
        rf_build_int(&b, o, "cohesion_milli", q->cohesion_milli);
        rf_build_int(&b, o, "coherence_milli", q->coherence_milli);
        rf_build_int(&b, o, "coherence_shuffled_milli", q->coherence_shuffled_milli);
        rf_build_int(&b, o, "diversity_milli", q->diversity_milli);
        rf_build_int(&b, o, "arc_fit_milli", q->arc_fit_milli);
        rf_build_int(&b, o, "ordering_gap_milli", q->ordering_gap_milli);
        rf_build_bool(&b, o, "ordering_exact", q->ordering_is_exact);
        return rf_build_done(&b, o);
}

static json_t *encode_steps(struct rf_build *b, const struct rf_receipt *r)
{
        json_t *list = rf_build_array(b);

        for (unsigned s = 0; s < RF_STEP_COUNT; s++) {
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "name", rf_step_name(s));
                rf_build_int(b, o, "total_us", r->steps[s].total_us);
                rf_build_int(b, o, "calls", r->steps[s].calls);
                rf_build_int(b, o, "cache_hits", r->steps[s].cache_hits);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_operations(struct rf_build *b, const struct rf_receipt *r)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < r->n_by_operation; i++) {
                const struct rf_call_summary *c = &r->by_operation[i];
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "provider", c->provider ? c->provider : "");
                rf_build_string(b, o, "operation", c->operation);
                rf_build_int(b, o, "calls", c->calls);
                rf_build_int(b, o, "cache_hits", c->cache_hits);
                rf_build_int(b, o, "coalesced", c->coalesced);
                rf_build_int(b, o, "failures", c->failures);
                rf_build_int(b, o, "upstream_us", c->upstream_us);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_skipped(struct rf_build *b, const struct rf_receipt *r)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < r->n_skipped; i++) {
                json_t *o = rf_build_object(b);

                rf_build_string(b, o, "what", r->skipped[i].what);
                rf_build_string(b, o, "why", r->skipped[i].why);
                rf_build_int(b, o, "count", r->skipped[i].count);
                rf_build_add(b, list, o);
        }
        return list;
}

static json_t *encode_unmet(struct rf_build *b, const struct rf_receipt *r)
{
        json_t *list = rf_build_array(b);

        for (size_t i = 0; i < r->n_unmet; i++)
                add_not_kept(b, list, r->unmet[i].wish, r->unmet[i].why, r->unmet[i].relaxation);
        return list;
}

static json_t *encode_receipt(struct rf_build *b, const struct rf_playlist *p)
{
        const struct rf_receipt *r = &p->receipt;
        json_t *o = rf_build_object(b);

        rf_build_put(b, o, "understood", rf_encode_brief(p->brief));
        rf_build_put(b, o, "not_understood", rf_encode_not_understood(p->brief));
        rf_build_put(b, o, "steps", encode_steps(b, r));
        rf_build_int(b, o, "calls", r->calls);
        rf_build_int(b, o, "cache_hits", r->cache_hits);
        rf_build_int(b, o, "saved", r->saved);
        rf_build_put(b, o, "by_operation", encode_operations(b, r));
        rf_build_put(b, o, "skipped", encode_skipped(b, r));
        rf_build_put(b, o, "unmet", encode_unmet(b, r));
        rf_build_put(b, o, "quality", rf_encode_quality(&r->quality));
        rf_build_int(b, o, "passes", r->passes);
        rf_build_int(b, o, "total_us", r->total_us);
        return o;
}

json_t *rf_encode_playlist(const struct rf_playlist *p, const char *run)
{
        struct rf_build build = { 0 }, *b = &build;
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "run", run);
        rf_build_string(b, o, "prompt", p->brief->prompt);
        rf_build_string(b, o, "title", p->title);
        rf_build_int(b, o, "seed", p->seed);
        rf_build_int(b, o, "duration_ms", p->duration_ms);
        rf_build_put(b, o, "tracks", rf_encode_tracks(p));
        rf_build_put(b, o, "receipt", encode_receipt(b, p));
        return rf_build_done(b, o);
}

json_t *rf_encode_plan(const struct rf_plan *p)
{
        struct rf_build build = { 0 }, *b = &build;
        json_t *o = rf_build_object(b), *items = rf_build_array(b);

        for (size_t i = 0; i < p->n_items; i++) {
                const struct rf_plan_item *item = &p->items[i];
                json_t *j = rf_build_object(b);

                rf_build_string(b, j, "operation", rf_op_name(item->op));
                rf_build_string(b, j, "provider", item->provider ? item->provider : "");
                rf_build_string(b, j, "endpoint", item->endpoint ? item->endpoint : "");
                rf_build_int(b, j, "calls", item->calls);
                rf_build_int(b, j, "calls_min", item->calls_min);
                rf_build_int(b, j, "calls_max", item->calls_max);
                rf_build_int(b, j, "cached", item->cached);
                if (item->expected_us)
                        rf_build_int(b, j, "expected_us", item->expected_us);
                rf_build_bool(b, j, "estimate", item->is_estimate);
                rf_build_add(b, items, j);
        }
        rf_build_put(b, o, "brief", rf_encode_brief(p->brief));
        rf_build_put(b, o, "not_understood", rf_encode_not_understood(p->brief));
        rf_build_put(b, o, "items", items);
        rf_build_int(b, o, "calls", p->calls);
        rf_build_int(b, o, "calls_min", p->calls_min);
        rf_build_int(b, o, "calls_max", p->calls_max);
        rf_build_int(b, o, "cached", p->cached);
        rf_build_int(b, o, "expected_us", p->expected_us);
        rf_build_int(b, o, "expected_min_us", p->expected_min_us);
        rf_build_int(b, o, "expected_max_us", p->expected_max_us);
        return rf_build_done(b, o);
}
