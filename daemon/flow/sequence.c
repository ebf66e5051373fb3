#include "flow/sequence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/random.h"
#include "flow/arc.h"
#include "flow/optimum.h"
#include "flow/phases.h"

#define PLACE_WEIGHT 2.0f        /* a full step of energy off the arc, against a joint between strangers (1) */
#define SEGMENT_MAX 3            /* longest run of tracks moved at once (or-opt) */
#define GOOD 1.05 /* of the bound: an order so cheap is left alone */
#define GAIN_MIN 1e-5f           /* smaller gains are rounding */
#define EVALUATIONS_MAX 400000u  /* a few milliseconds for the largest lists */
#define EVALUATIONS_PER_TRACK 5000u

int rf_sequence_new(const struct rf_sound *sounds, size_t n, enum rf_arc arc, struct rf_sequence **ret)
{
        _cleanup_(rf_sequence_freep) struct rf_sequence *s = NULL;
        _cleanup_free_ float *energies = NULL, *targets = NULL;
        int r;

        if (n > RF_ORDER_INPUT_MAX)
                return -E2BIG;
        s = calloc(1, sizeof(*s));
        energies = calloc(n + 1, sizeof(*energies));
        targets = calloc(n + 1, sizeof(*targets));
        if (!s || !energies || !targets)
                return -ENOMEM;
        s->n = n;
        s->step = calloc(n * n + 1, sizeof(*s->step));
        s->place = calloc(n * n + 1, sizeof(*s->place));
        if (!s->step || !s->place)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                energies[i] = sounds[i].energy;
        r = rf_arc_targets(arc, energies, n, targets);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                        s->place[i * n + j] = PLACE_WEIGHT * fabsf(energies[i] - targets[j]);
                        if (j > i)
                                s->step[i * n + j] = s->step[j * n + i] = rf_sound_step_cost(&sounds[i], &sounds[j]);
                }
        *ret = TAKE_PTR(s);
        return 0;
}

struct rf_sequence *rf_sequence_free(struct rf_sequence *s)
{
        if (s) {
                free(s->step);
                free(s->place);
                free(s);
        }
        return NULL;
}

double rf_sequence_cost(const struct rf_sequence *s, const size_t *order)
{
        double cost = 0.0;

        for (size_t p = 0; p < s->n; p++) {
                cost += s->place[order[p] * s->n + p];
                if (p > 0)
                        cost += s->step[order[p - 1] * s->n + order[p]];
        }
        return cost;
}

struct search {
        const struct rf_sequence *s;
        size_t n;
        size_t *at; /* the order */
        uint64_t budget;
};

static float joint(const struct search *x, ssize_t a, ssize_t b)
{
        if (a < 0 || b < 0 || a >= (ssize_t)x->n || b >= (ssize_t)x->n)
                return 0.f;
        return x->s->step[x->at[a] * x->n + x->at[b]];
}

/* What it costs to have the track that now stands at `from` at place `to`, against where it is. */
static float shift(const struct search *x, size_t from, size_t to)
{
        const float *place = x->s->place + x->at[from] * x->n;

        return place[to] - place[from];
}

static void reverse(size_t *a, size_t from, size_t to)
{
        for (; from < to; from++, to--) {
                size_t t = a[from];

                a[from] = a[to];
                a[to] = t;
        }
}

/*
 * Reversals (2-opt). All reversals about the same centre share their inner places, so that each further one costs two more shifts: O(1).
 */
static bool try_reversals(struct search *x)
{
        bool improved = false;

        for (size_t centre = 1; centre + 1 < 2 * x->n - 1 && x->budget > 0; centre++) {
                float inner = 0.f;

                for (ssize_t a = (ssize_t)(centre - 1) / 2, b = (ssize_t)centre - a; a >= 0 && b < (ssize_t)x->n; a--, b++) {
                        float gain;

                        inner += shift(x, (size_t)a, (size_t)b) + shift(x, (size_t)b, (size_t)a);
                        gain = joint(x, a - 1, a) + joint(x, b, b + 1) - joint(x, a - 1, b) - joint(x, a, b + 1) - inner;
                        if (x->budget > 0)
                                x->budget--;
                        if (gain > GAIN_MIN) {
                                reverse(x->at, (size_t)a, (size_t)b);
                                improved = true;
                                inner = -inner;
                        }
                }
        }
        return improved;
}

/* Moves at[from … from + length) so that it starts at `to`; what is in between closes up. */
static void move_segment(size_t *at, size_t from, size_t length, size_t to)
{
        size_t segment[SEGMENT_MAX];

        memcpy(segment, at + from, length * sizeof(*at));
        if (to > from)
                memmove(at + from, at + from + length, (to - from) * sizeof(*at));
        else
                memmove(at + to + length, at + to, (from - to) * sizeof(*at));
        memcpy(at + to, segment, length * sizeof(*at));
}

/* Slides one segment in one direction and takes the first place that is better. */
static bool try_slide(struct search *x, size_t from, size_t length, int direction)
{
        ssize_t first = (ssize_t)from, last = (ssize_t)(from + length) - 1;
        float lifted = joint(x, first - 1, first) + joint(x, last, last + 1) - joint(x, first - 1, last + 1);
        float closed_up = 0.f;

        for (ssize_t to = first + direction; to >= 0 && to + (ssize_t)length <= (ssize_t)x->n; to += direction) {
                /* the track that the segment passed this time, and the gap it goes into */
                ssize_t passed = direction > 0 ? to + (ssize_t)length - 1 : to;
                ssize_t before = direction > 0 ? passed : passed - 1, after = before + 1;
                float cost;

                closed_up += shift(x, (size_t)passed, (size_t)(passed - direction * (ssize_t)length));
                cost = closed_up - lifted + joint(x, before, first) + joint(x, last, after) - joint(x, before, after);
                for (size_t k = 0; k < length; k++)
                        cost += shift(x, from + k, (size_t)to + k);
                if (x->budget > 0)
                        x->budget--;
                if (cost < -GAIN_MIN) {
                        move_segment(x->at, from, length, (size_t)to);
                        return true;
                }
        }
        return false;
}

static bool try_moves(struct search *x)
{
        bool improved = false;

        for (size_t length = 1; length <= SEGMENT_MAX; length++)
                for (size_t from = 0; from + length <= x->n && x->budget > 0; from++)
                        improved |= try_slide(x, from, length, 1) || try_slide(x, from, length, -1);
        return improved;
}

static bool try_swaps(struct search *x)
{
        bool improved = false;

        for (ssize_t a = 0; a + 2 < (ssize_t)x->n && x->budget > 0; a++)
                for (ssize_t b = a + 2; b < (ssize_t)x->n; b++) { /* neighbours are reversals of two */
                        float cost = shift(x, (size_t)a, (size_t)b) + shift(x, (size_t)b, (size_t)a) - joint(x, a - 1, a) -
                                     joint(x, a, a + 1) - joint(x, b - 1, b) - joint(x, b, b + 1) + joint(x, a - 1, b) +
                                     joint(x, b, a + 1) + joint(x, b - 1, a) + joint(x, a, b + 1);

                        if (x->budget > 0)
                                x->budget--;
                        if (cost < -GAIN_MIN) {
                                size_t t = x->at[a];

                                x->at[a] = x->at[b];
                                x->at[b] = t;
                                improved = true;
                        }
                }
        return improved;
}

static void descend(struct search *x)
{
        bool improved;

        do {
                improved = try_moves(x);
                improved |= try_reversals(x);
                improved |= try_swaps(x);
        } while (improved && x->budget > 0);
}

/* Exchanges two neighbouring runs of tracks (a double bridge, for an open path): what the moves above can't undo in one step. */
static void kick(struct rf_random *random, size_t *at, size_t n, size_t *scratch)
{
        size_t a = rf_random_below(random, (uint32_t)n - 1), b, c;

        b = a + 1 + rf_random_below(random, (uint32_t)(n - a - 1));
        c = b + 1 + rf_random_below(random, (uint32_t)(n - b));
        memcpy(scratch, at + a, (b - a) * sizeof(*at));
        memmove(at + a, at + b, (c - b) * sizeof(*at));
        memcpy(at + a + (c - b), scratch, (b - a) * sizeof(*at));
}

int rf_sequence_improve(const struct rf_sequence *s, uint64_t seed, size_t *order)
{
        _cleanup_free_ size_t *best = NULL, *scratch = NULL;
        struct rf_random random;
        struct search x = { .s = s, .n = s->n, .at = order };
        double best_cost;

        if (s->n < 3)
                return 0;
        best = calloc(s->n, sizeof(*best));
        scratch = calloc(s->n, sizeof(*scratch));
        if (!best || !scratch)
                return -ENOMEM;
        rf_random_seed_named(&random, seed, "sequence");
        x.budget = MIN(EVALUATIONS_MAX, (uint64_t)s->n * EVALUATIONS_PER_TRACK);
        memcpy(best, order, s->n * sizeof(*best));
        best_cost = rf_sequence_cost(s, order);
        for (;;) {
                double cost;

                descend(&x);
                cost = rf_sequence_cost(s, order);
                if (cost < best_cost - (double)GAIN_MIN) {
                        best_cost = cost;
                        memcpy(best, order, s->n * sizeof(*best));
                } else
                        memcpy(order, best, s->n * sizeof(*best));
                if (x.budget == 0)
                        break;
                kick(&random, order, s->n, scratch);
        }
        memcpy(order, best, s->n * sizeof(*best));
        return 0;
}

/* Whether the tracks may stay in the order in which they are given: 1 if so, with what it's worth in `ret`. */
static int is_good_as_given(const struct rf_sequence *s, const size_t *dealt, size_t *given, struct rf_sequence_result *ret)
{
        int r;

        for (size_t i = 0; i < s->n; i++)
                given[i] = i;
        *ret = (struct rf_sequence_result){ .cost = rf_sequence_cost(s, given), .was_good = true };
        if (ret->cost > rf_sequence_cost(s, dealt)) /* even the phases alone do better: no need to look for the bound */
                return 0;
        r = rf_optimum_bound(s, ret->cost, &ret->bound);
        return r < 0 ? r : ret->cost <= ret->bound * GOOD;
}

int rf_sequence_order(const struct rf_sound *sounds, size_t n, enum rf_arc arc, uint64_t seed, bool leaves_good, size_t *ret_order,
                      struct rf_sequence_result *ret)
{
        _cleanup_(rf_sequence_freep) struct rf_sequence *s = NULL;
        _cleanup_free_ size_t *given = calloc(n + 1, sizeof(*given));
        struct rf_sequence_result result = { 0 };
        int r = given ? rf_sequence_new(sounds, n, arc, &s) : -ENOMEM;

        if (r >= 0)
                r = rf_phases_deal(sounds, n, arc, ret_order);
        if (r < 0)
                return r;
        r = leaves_good ? is_good_as_given(s, ret_order, given, &result) : 0;
        if (r < 0)
                return r;
        if (r > 0) {
                memcpy(ret_order, given, n * sizeof(*given));
                *ret = result;
                return 0;
        }
        result = (struct rf_sequence_result){ .is_exact = n <= RF_ORDER_EXACT_MAX };
        r = result.is_exact ? rf_optimum_exact(s, ret_order) : rf_sequence_improve(s, seed, ret_order);
        if (r < 0)
                return r;
        result.cost = result.bound = rf_sequence_cost(s, ret_order);
        if (!result.is_exact)
                r = rf_optimum_bound(s, result.cost, &result.bound);
        if (r < 0)
                return r;
        *ret = result;
        return 0;
}

uint16_t rf_sequence_gap_milli(const struct rf_sequence_result *r)
{
        double gap;

        if (r->cost <= r->bound + 1e-6)
                return 0;
        if (r->bound <= 1e-6)
                return UINT16_MAX;
        gap = (r->cost / r->bound - 1.0) * 1000.0;
        return (uint16_t)MIN(lrint(MIN(gap, 1e6)), (long)UINT16_MAX);
}
