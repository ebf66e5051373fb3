#include "flow/anchors.h"

#include <errno.h>
#include <stdlib.h>

#define ANCHORS_PER_GENRE 4u   /* seeds of one genre go into one call */
#define ANCHORS_MAX 40u
#define NEGATIVES_MAX 4u       /* fewer than the seeds of a call */
/* An anchor found by genre: its features and how well known it is (docs/workflow.md, "Seed gathering"). */
#define ANCHOR_FIT .7f
#define ANCHOR_POPULARITY .3f

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

int rf_anchors_mark(struct rf_run *run)
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
