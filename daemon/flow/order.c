#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "flow/assemble.h"
#include "flow/calls.h"
#include "flow/enrich.h"
#include "flow/names.h"
#include "flow/phases.h"
#include "flow/quality.h"
#include "flow/run.h"
#include "flow/sequence.h"
#include "sched/sched.h"

/* One given track on its way: what was given, completed by what was found. */
struct given {
        struct rf_track track;
        struct rf_artist_ref artist;
        const char *provider;
        enum rf_freshness freshness;
};

struct ordering {
        struct rf_run run;
        const struct rf_order_item *items;
        struct given *given;
        struct rf_call *calls; /* one look-up per item; some aren't made */
        size_t *item_of_call;
        size_t n, n_calls;
};

static void ordering_done(struct ordering *o)
{
        rf_calls_done(o->calls, o->n_calls);
        free(o->calls);
        free(o->item_of_call);
        free(o->given);
        rf_pool_free(o->run.pool);
        rf_receipt_book_free(o->run.book);
        rf_arena_done(&o->run.arena);
}

static const char *id_of(const char *uri)
{
        const char *colon = uri ? strrchr(uri, ':') : NULL, *slash = uri ? strrchr(uri, '/') : NULL;
        const char *last = colon > slash ? colon : slash;

        return last && last[1] ? last + 1 : uri;
}

static bool needs_look_up(const struct rf_order_item *item)
{
        return !(item->features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY)) || item->duration_ms == 0 || !item->title;
}

/* A file's place is no service's address: where there is something else to go by, that is gone by. */
static bool is_by_id(const struct rf_run *run, const struct rf_order_item *item)
{
        return item->uri && (rf_run_provider_of(run, item->uri) || !strpbrk(item->uri, "/\\") || !(item->isrc || item->title));
}

/* How an item is found: by id, by ISRC, by name. False: by nothing. */
static bool look_up_query(const struct rf_run *run, const struct rf_order_item *item, const char **id, struct rf_query *ret)
{
        if (is_by_id(run, item)) {
                *id = id_of(item->uri);
                *ret = (struct rf_query){ .op = RF_OP_TRACKS, .ids = id, .n_ids = 1 };
                return true;
        }
        if (item->isrc) {
                *ret = (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .isrc = item->isrc, .limit = 1 };
                return true;
        }
        if (item->title) {
                *ret = (struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .track = item->title, .artist = item->artist, .limit = 5 };
                return true;
        }
        return false;
}

static const struct rf_track *pick(const struct rf_run *run, const struct rf_order_item *item, const struct rf_answer *a)
{
        for (size_t i = 0; a && i < a->n_tracks; i++) {
                const struct rf_track *t = &a->tracks[i];

                if (is_by_id(run, item) || item->isrc)
                        return t;
                if (rf_title_key(t->title, false) == rf_title_key(item->title, false) &&
                    (!item->artist || (t->n_artists > 0 && rf_name_equal(t->artists[0].name, item->artist))))
                        return t;
        }
        return NULL;
}

/* What was given counts; what was found fills the gaps. */
static void complete(struct given *g, const struct rf_order_item *item, const struct rf_track *found)
{
        struct rf_track t = found ? *found : (struct rf_track){ .popularity = -1, .is_explicit = -1 };

        if (item->title)
                t.title = item->title;
        if (item->isrc)
                t.isrc = item->isrc;
        if (item->uri)
                t.uri = item->uri;
        if (item->duration_ms)
                t.duration_ms = item->duration_ms;
        if (item->artist && t.n_artists == 0) {
                g->artist.name = item->artist;
                t.artists = &g->artist;
                t.n_artists = 1;
        }
        for (unsigned f = 0; f < RF_FEATURE_COUNT; f++)
                if (item->features.has & RF_FEATURE_BIT(f)) {
                        t.features.has |= RF_FEATURE_BIT(f);
                        t.features.value[f] = item->features.value[f];
                }
        if (!t.title)
                t.title = item->uri ? item->uri : item->isrc ? item->isrc : "";
        if (!t.id)
                t.id = item->uri ? id_of(item->uri) : "";
        g->track = t;
}

/* Finds the tracks, and adds those found to a pool, where their features are looked up in batches. */
static int look_up(struct ordering *o)
{
        const char **ids = rf_arena_array(&o->run.arena, o->n + 1, sizeof(*ids));
        int r;

        if (!ids)
                return -ENOMEM;
        for (size_t i = 0; i < o->n; i++)
                if (needs_look_up(&o->items[i]) && look_up_query(&o->run, &o->items[i], &ids[i], &o->calls[o->n_calls].query)) {
                        if (is_by_id(&o->run, &o->items[i]))
                                o->calls[o->n_calls].at = rf_run_provider_of(&o->run, o->items[i].uri);
                        o->item_of_call[o->n_calls++] = i;
                }
        if (o->n_calls == 0)
                return 0;
        rf_run_progress(&o->run, RF_STEP_GATHER, 0, "looking up %zu tracks", o->n_calls);
        /* all together, so that whole batches come of them; the upstream bounds what each service gets at once */
        r = rf_calls_make_as(&o->run, RF_STEP_GATHER, &(struct rf_manner){ .together = RF_QUERY_IDS_MAX }, o->calls, o->n_calls);
        for (size_t k = 0; k < o->n_calls && r >= 0; k++) {
                const struct rf_track *found = pick(&o->run, &o->items[o->item_of_call[k]], o->calls[k].answer);

                if (found)
                        r = rf_pool_add(o->run.pool, &(struct rf_find){ .track = found, .answer = o->calls[k].answer,
                                        .freshness = o->calls[k].freshness, .is_protected = true }, NULL);
        }
        return r < 0 ? r : rf_enrich_features(&o->run, RF_STEP_GATHER);
}

/* Joins what was found back to the items; two items may be the same recording. */
static int join(struct ordering *o)
{
        for (size_t i = 0; i < o->n; i++) {
                o->given[i].provider = "";
                complete(&o->given[i], &o->items[i], NULL);
        }
        for (size_t k = 0; k < o->n_calls; k++) {
                size_t i = o->item_of_call[k], at;
                const struct rf_track *found = pick(&o->run, &o->items[i], o->calls[k].answer);
                const struct rf_candidate *c;
                int r;

                if (!found)
                        continue;
                /* known already: tells which candidate it is */
                r = rf_pool_add(o->run.pool, &(struct rf_find){ .track = found, .answer = o->calls[k].answer,
                                .freshness = o->calls[k].freshness }, &at);
                if (r < 0)
                        return r;
                c = rf_pool_at(o->run.pool, at);
                o->given[i].provider = c->provider;
                o->given[i].freshness = c->freshness;
                complete(&o->given[i], &o->items[i], &c->track);
        }
        return 0;
}

static int arrange(struct ordering *o, enum rf_arc arc, struct rf_playlist *p, size_t *order)
{
        _cleanup_free_ struct rf_sound *sounds = calloc(o->n, sizeof(*sounds)), *heard = calloc(o->n, sizeof(*heard));
        _cleanup_free_ struct rf_features *features = calloc(o->n, sizeof(*features));
        struct rf_playlist_track *tracks = rf_arena_array(&p->arena, o->n, sizeof(*tracks));
        struct rf_sequence_result result;
        int r;

        if (!sounds || !heard || !features || !tracks)
                return -ENOMEM;
        for (size_t i = 0; i < o->n; i++) {
                const struct rf_track *t = &o->given[i].track;

                sounds[i] = rf_sound_of(&t->features, t->n_artists > 0 ? rf_name_key(t->artists[0].name) : 0);
        }
        r = rf_sequence_order(sounds, o->n, arc, o->run.seed, rf_run_is_on(&o->run, RF_OPT_SKIP_ORDERING), order, &result);
        for (size_t i = 0; i < o->n && r >= 0; i++) {
                const struct given *g = &o->given[order[i]];
                bool is_known = g->track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY);

                tracks[i] = (struct rf_playlist_track){ .provider = g->provider, .source = RF_SOURCE_USER_ANCHOR,
                                                        .phase = rf_phase_at(i, o->n), .freshness = g->freshness,
                                                        .confidence_milli = 1000, .cohesion_milli = is_known ? 1000 : 750,
                                                        .reason = is_known ? "given" : "given; its sound isn't known" };
                heard[i] = sounds[order[i]];
                features[i] = g->track.features;
                p->duration_ms += g->track.duration_ms;
                r = rf_assemble_track(&g->track, &p->arena, &tracks[i].track);
                if (!is_known)
                        rf_receipt_skip(o->run.book, "audio features", "no service knows them; placed by what is known", 1);
        }
        if (r < 0)
                return r;
        p->tracks = tracks;
        p->n_tracks = o->n;
        p->seed = o->run.seed;
        p->receipt.ordering_was_skipped = result.was_good;
        return rf_quality_measure(&(struct rf_quality_input){ .sounds = heard, .features = features, .n = o->n, .arc = arc,
                                  .seed = o->run.seed, .cohesion = 1.f, .overall = 1.f, .ordering = result }, &p->receipt.quality);
}

static int finish(struct ordering *o, enum rf_arc arc, struct rf_playlist *p)
{
        struct rf_quality quality = p->receipt.quality;
        bool was_skipped = p->receipt.ordering_was_skipped;
        struct rf_brief *b = rf_brief_new();
        int r;

        if (!b)
                return -ENOMEM;
        p->brief = b;
        b->prompt = "";
        b->title = p->title = "Ordered";
        b->arc = arc;
        b->arc_origin = RF_FROM_OPTION;
        b->explicit_allowed = 1;
        b->n_tracks = b->n_tracks_min = b->n_tracks_max = (uint32_t)o->n;
        rf_run_report_cuts(&o->run);
        r = rf_receipt_finish(o->run.book, &p->arena, &p->receipt);
        p->receipt.quality = quality;
        p->receipt.ordering_was_skipped = was_skipped;
        p->receipt.total_us = rf_now_us() - o->run.started_us;
        return r;
}

int rf_flow_order(const struct rf_flow *f, const struct rf_order_item *items, size_t n_items, enum rf_arc arc, uint64_t seed,
                  const struct rf_run_hooks *hooks, struct rf_playlist **ret, size_t **ret_order)
{
        _cleanup_(ordering_done) struct ordering o = { .items = items, .n = n_items };
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        _cleanup_free_ size_t *order = NULL;
        int r;

        if (n_items == 0)
                return -EINVAL;
        if (n_items > RF_ORDER_INPUT_MAX)
                return -RF_ELIMIT;
        o.run = (struct rf_run){ .flow = f, .hooks = hooks, .seed = seed, .started_us = rf_now_us(), .pool = rf_pool_new(),
                                 .book = rf_receipt_book_new(),
                                 .deadline_us = hooks->deadline_us ? hooks->deadline_us : RF_FOREVER };
        o.given = calloc(n_items, sizeof(*o.given));
        o.calls = calloc(n_items, sizeof(*o.calls));
        o.item_of_call = calloc(n_items, sizeof(*o.item_of_call));
        order = calloc(n_items, sizeof(*order));
        p = calloc(1, sizeof(*p));
        if (!o.run.pool || !o.run.book || !o.given || !o.calls || !o.item_of_call || !order || !p)
                return -ENOMEM;
        r = look_up(&o);
        rf_receipt_time(o.run.book, RF_STEP_GATHER, rf_now_us() - o.run.started_us);
        if (r >= 0)
                r = join(&o);
        if (r >= 0)
                r = arrange(&o, arc, p, order);
        if (r >= 0)
                r = finish(&o, arc, p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        *ret_order = TAKE_PTR(order);
        return 0;
}
