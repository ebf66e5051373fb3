#include "flow/optimum.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"

#define TREES 60u              /* subgradient steps with 1-trees */
#define WALK_WORK 400000u      /* elementary steps spent on walks */
#define WALKS_MAX 80u
#define WALKS_MIN 20u          /* fewer wouldn't converge: the walks are left out */
#define AGILITY 1.2            /* first step length, in shares of the gap (Held, Wolfe and Crowder 1974) */

int rf_optimum_exact(const struct rf_sequence *s, size_t *ret_order)
{
        size_t n = s->n, sets = (size_t)1 << n, last = 0;
        _cleanup_free_ float *cost = NULL;   /* [set * n + end] */
        _cleanup_free_ uint8_t *from = NULL; /* the track before the end */

        if (n > RF_ORDER_EXACT_MAX)
                return -E2BIG;
        if (n == 0)
                return 0;
        cost = malloc(sets * n * sizeof(*cost));
        from = calloc(sets * n, sizeof(*from));
        if (!cost || !from)
                return -ENOMEM;
        for (size_t i = 0; i < sets * n; i++)
                cost[i] = FLT_MAX;
        for (size_t i = 0; i < n; i++)
                cost[((size_t)1 << i) * n + i] = s->place[i * n];
        for (size_t set = 1; set < sets; set++) {
                size_t place = (size_t)__builtin_popcountll(set);

                for (size_t end = 0; end < n; end++) {
                        float so_far = cost[set * n + end];

                        if (!(set >> end & 1) || place >= n)
                                continue;
                        for (size_t next = 0; next < n; next++) {
                                size_t grown = (set | (size_t)1 << next) * n + next;
                                float c = so_far + s->step[end * n + next] + s->place[next * n + place];

                                if (!(set >> next & 1) && c < cost[grown]) {
                                        cost[grown] = c;
                                        from[grown] = (uint8_t)end;
                                }
                        }
                }
        }
        for (size_t i = 1; i < n; i++)
                if (cost[(sets - 1) * n + i] < cost[(sets - 1) * n + last])
                        last = i;
        for (size_t set = sets - 1, place = n; place > 0; place--) {
                size_t before = from[set * n + last];

                ret_order[place - 1] = last;
                set &= ~((size_t)1 << last);
                last = before;
        }
        return 0;
}

/*
 * Cheapest assignment of tracks to places, over-simply: each place's cheapest track and each track's cheapest place are both lower
 * bounds of it. With the arc's targets made of the tracks' own energies the assignment is all but free, so no more is to be gained.
 */
static double places_bound(const struct rf_sequence *s)
{
        double by_track = 0.0, by_place = 0.0;

        for (size_t i = 0; i < s->n; i++) {
                float track = FLT_MAX, place = FLT_MAX;

                for (size_t j = 0; j < s->n; j++) {
                        track = MIN(track, s->place[i * s->n + j]);
                        place = MIN(place, s->place[j * s->n + i]);
                }
                by_track += (double)track;
                by_place += (double)place;
        }
        return MAX(by_track, by_place);
}

/* Minimum spanning tree under the prices (Prim, O(n²)); returns its priced weight, and the degrees. */
static double priced_tree(const struct rf_sequence *s, const double *price, double *near, size_t *parent, int *degree)
{
        size_t n = s->n, at = 0;
        double weight = 0.0;

        for (size_t i = 0; i < n; i++) {
                near[i] = DBL_MAX;
                parent[i] = 0;
                degree[i] = 0;
        }
        near[0] = -1.0; /* in the tree */
        for (size_t k = 1; k < n; k++) {
                size_t next = n;

                for (size_t i = 0; i < n; i++) {
                        double c = (double)s->step[at * n + i] + price[at] + price[i];

                        if (near[i] == -1.0)
                                continue;
                        if (c < near[i]) {
                                near[i] = c;
                                parent[i] = at;
                        }
                        if (next == n || near[i] < near[next])
                                next = i;
                }
                weight += near[next];
                degree[next]++;
                degree[parent[next]]++;
                near[next] = -1.0;
                at = next;
        }
        return weight;
}

/*
 * A path through all tracks is a tour through them and a free node beside them: a spanning tree and two (priced) edges to that node.
 * Prices make the tree path-like; for any prices the result is a valid bound.
 */
static int trees_bound(const struct rf_sequence *s, double cost, double *ret)
{
        size_t n = s->n;
        _cleanup_free_ double *price = calloc(n, sizeof(*price)), *near = calloc(n, sizeof(*near));
        _cleanup_free_ size_t *parent = calloc(n, sizeof(*parent));
        _cleanup_free_ int *degree = calloc(n, sizeof(*degree));
        double best = 0.0, agility = AGILITY;

        if (!price || !near || !parent || !degree)
                return -ENOMEM;
        for (unsigned k = 0; k < TREES; k++) {
                double bound = priced_tree(s, price, near, parent, degree), length;
                size_t first = 0, second = 1;
                int off = 0;

                for (size_t i = 0; i < n; i++) {
                        bound -= 2.0 * price[i];
                        if (i > 0 && price[i] < price[first]) {
                                second = first;
                                first = i;
                        } else if (i > 1 && price[i] < price[second])
                                second = i;
                }
                bound += price[first] + price[second];
                degree[first]++;
                degree[second]++;
                for (size_t i = 0; i < n; i++)
                        off += (degree[i] - 2) * (degree[i] - 2);
                if (bound > best)
                        best = bound;
                else
                        agility *= .95;
                if (off == 0)
                        break;
                length = agility * MAX(cost - bound, 1e-3) / off;
                for (size_t i = 0; i < n; i++)
                        price[i] += length * (degree[i] - 2);
        }
        *ret = best;
        return 0;
}

/* The cheapest walk over all places under the prices, that may visit a track often or never. Visits are counted. */
static double cheapest_walk(const struct rf_sequence *s, const double *price, float *cost, uint16_t *from, int *visits)
{
        size_t n = s->n, end = 0;
        double total;

        for (size_t i = 0; i < n; i++)
                cost[i] = s->place[i * n] - (float)price[i];
        for (size_t p = 1; p < n; p++) {
                const float *before = cost + (p - 1) * n;

                for (size_t j = 0; j < n; j++) {
                        const float *step = s->step + j * n;
                        float least = FLT_MAX;
                        size_t which = 0;

                        for (size_t i = 0; i < n; i++) {
                                float c = i == j ? FLT_MAX : before[i] + step[i];

                                if (c < least) {
                                        least = c;
                                        which = i;
                                }
                        }
                        cost[p * n + j] = least + s->place[j * n + p] - (float)price[j];
                        from[p * n + j] = (uint16_t)which;
                }
        }
        for (size_t i = 1; i < n; i++)
                if (cost[(n - 1) * n + i] < cost[(n - 1) * n + end])
                        end = i;
        total = (double)cost[(n - 1) * n + end];
        memset(visits, 0, n * sizeof(*visits));
        for (size_t p = n; p-- > 0;) {
                visits[end]++;
                if (p > 0)
                        end = from[p * n + end];
        }
        for (size_t i = 0; i < n; i++)
                total += price[i];
        return total;
}

static int walks_bound(const struct rf_sequence *s, double cost, double *ret)
{
        size_t n = s->n;
        unsigned walks = (unsigned)MIN(WALK_WORK / (n * n * n), (size_t)WALKS_MAX);
        _cleanup_free_ double *price = NULL;
        _cleanup_free_ float *costs = NULL;
        _cleanup_free_ uint16_t *from = NULL;
        _cleanup_free_ int *visits = NULL;
        double best = 0.0, agility = AGILITY;

        if (walks < WALKS_MIN) {
                *ret = 0.0;
                return 0;
        }
        price = calloc(n, sizeof(*price));
        costs = calloc(n * n, sizeof(*costs));
        from = calloc(n * n, sizeof(*from));
        visits = calloc(n, sizeof(*visits));
        if (!price || !costs || !from || !visits)
                return -ENOMEM;
        for (unsigned k = 0; k < walks; k++) {
                double bound = cheapest_walk(s, price, costs, from, visits), length;
                int off = 0;

                for (size_t i = 0; i < n; i++)
                        off += (visits[i] - 1) * (visits[i] - 1);
                if (bound > best)
                        best = bound;
                else
                        agility *= .9;
                if (off == 0)
                        break;
                length = agility * MAX(cost - bound, 1e-3) / off;
                for (size_t i = 0; i < n; i++)
                        price[i] += length * (1 - visits[i]);
        }
        *ret = best;
        return 0;
}

int rf_optimum_bound(const struct rf_sequence *s, double cost, double *ret_bound)
{
        double trees = 0.0, walks = 0.0;
        int r;

        if (s->n < 2) {
                *ret_bound = cost;
                return 0;
        }
        r = trees_bound(s, cost, &trees);
        if (r < 0)
                return r;
        r = walks_bound(s, cost, &walks);
        if (r < 0)
                return r;
        /* rounding may not lift a bound over the truth */
        *ret_bound = CLAMP(MAX(trees + places_bound(s), walks) - 1e-4, 0.0, cost);
        return 0;
}
