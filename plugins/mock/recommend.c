#include "recommend.h"

#include "genres.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_MAX = 8192, PER_ARTIST = 3 };

/* A difference of so much is one step apart. */
static const float scale[MOCK_FEATURES] = { 0.3f, 0.25f, 0.25f, 0.2f, 0.3f, 0.2f, 0.25f, 12.0f, 1.0f, 8.0f, 35.0f };

struct scored {
        const struct mock_track *track;
        float score; /* smaller is better */
};

static float distance(const struct mock_track *a, const struct mock_track *b)
{
        float sum = 0;

        for (int f = 0; f < 7; f++)
                sum += fabsf(a->feature[f] - b->feature[f]) / scale[f];
        return sum / 7;
}

static float score(const struct mock_wish *wish, const struct mock_track *t)
{
        float sum = 0, weights = 0, nearest = 4, farthest = 0;

        for (int f = 0; f < MOCK_FEATURES; f++)
                if (wish->has_target[f]) {
                        float d = fabsf(t->feature[f] - wish->target[f]) / scale[f];

                        sum += wish->weight[f] * d;
                        weights += wish->weight[f];
                }
        for (size_t i = 0; i < wish->n_seeds; i++)
                nearest = fminf(nearest, distance(t, wish->seeds[i]));
        for (size_t i = 0; i < wish->n_negative; i++)
                farthest = fmaxf(farthest, 0.5f - distance(t, wish->negative[i]));
        return (weights > 0 ? 0.7f * sum / weights + 0.3f * nearest : nearest) + farthest;
}

static int by_score(const void *a, const void *b)
{
        const struct scored *x = a, *y = b;

        if (x->score != y->score)
                return x->score < y->score ? -1 : 1;
        return strcmp(x->track->id, y->track->id);
}

static bool is_seed(const struct mock_wish *wish, const struct mock_world *w, const struct mock_track *t)
{
        for (size_t i = 0; i < wish->n_seeds; i++)
                if (wish->seeds[i] == t || &w->tracks[t->original] == wish->seeds[i])
                        return true;
        return false;
}

/* Tracks of the seeds' genres; of the whole families where these are small. */
static size_t gather(const struct mock_world *w, const struct mock_wish *wish, struct scored *pool)
{
        size_t n = 0;

        for (size_t g = 0; g < mock_n_genres; g++) {
                double near = 0;

                for (size_t i = 0; i < wish->n_seeds; i++)
                        near = fmax(near, mock_genre_nearness(g, wish->seeds[i]->genre));
                if (near < 0.5)
                        continue;
                for (size_t i = 0; i < w->n_by_genre[g] && n < POOL_MAX; i++) {
                        const struct mock_track *t = &w->tracks[w->by_genre[g][i]];

                        if (!is_seed(wish, w, t))
                                pool[n++] = (struct scored){ .track = t, .score = score(wish, t) + (near < 1 ? 0.35f : 0) };
                }
        }
        return n;
}

int mock_recommend(const struct mock_world *w, const struct mock_wish *wish, const struct mock_track **ret)
{
        struct scored *pool = malloc(POOL_MAX * sizeof(*pool));
        unsigned char *used = calloc(MOCK_ARTISTS, 1);
        int n = -ENOMEM;

        if (pool && used) {
                size_t n_pool = gather(w, wish, pool);

                n = 0;
                qsort(pool, n_pool, sizeof(*pool), by_score);
                for (size_t i = 0; i < n_pool && (size_t)n < wish->size; i++)
                        if (used[pool[i].track->artist]++ < PER_ARTIST)
                                ret[n++] = pool[i].track;
        }
        free(pool);
        free(used);
        return n;
}
