#include "sim/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define OP(name_) (1u << RF_OP_##name_)
#define FIND_ARTISTS (OP(SEARCH_ARTISTS))
#define FIND_TRACKS (OP(SEARCH_TRACKS) | OP(USER_TOP) | OP(ARTIST_TOP_TRACKS) | OP(ALBUM_TRACKS) | OP(RECOMMENDATIONS))
#define JUDGED_BY (OP(AUDIO_FEATURES))
#define LOOK_FOR_MORE (OP(SEARCH_TRACKS) | OP(SEARCH_ARTISTS) | OP(ARTIST_TOP_TRACKS) | OP(ARTIST_ALBUMS))

/* Operations whose answers an operation can't be asked for without; the reading of the prompt comes before all. */
static const uint32_t needs[RF_OP_COUNT] = {
        [RF_OP_ARTIST_TOP_TRACKS] = FIND_ARTISTS, [RF_OP_ARTIST_ALBUMS] = FIND_ARTISTS, [RF_OP_ALBUM_TRACKS] = OP(ARTIST_ALBUMS),
        [RF_OP_AUDIO_FEATURES] = FIND_TRACKS,     [RF_OP_TRACKS] = FIND_TRACKS,         [RF_OP_RECOMMENDATIONS] = JUDGED_BY,
        [RF_OP_ANALYSE_PROMPT] = ~OP(ANALYSE_PROMPT),
};

struct link {
        const struct sim_call *call;
        bool is_of_recommended; /* features that tell whether the run goes on */
        uint64_t head_us;       /* the longest chain before it */
        uint64_t tail_us;       /* itself, and the longest chain after it */
};

static int by_start(const void *pa, const void *pb)
{
        const struct link *a = pa, *b = pb;

        if (a->call->started_us != b->call->started_us)
                return a->call->started_us < b->call->started_us ? -1 : 1;
        return a->call < b->call ? -1 : a->call > b->call;
}

static bool needs_answer(const struct link *later, const struct link *earlier)
{
        uint32_t op = 1u << earlier->call->op;

        if (earlier->call->ended_us > later->call->started_us)
                return false;
        if (op == OP(ANALYSE_PROMPT))
                return later->call->op != RF_OP_ANALYSE_PROMPT;
        return (needs[later->call->op] & op) || (earlier->is_of_recommended && (LOOK_FOR_MORE >> later->call->op & 1));
}

static void mark_recommended(struct link *links, size_t n)
{
        uint64_t first_us = UINT64_MAX;

        for (size_t i = 0; i < n; i++)
                if (links[i].call->op == RF_OP_RECOMMENDATIONS)
                        first_us = MIN(first_us, links[i].call->ended_us);
        for (size_t i = 0; i < n; i++)
                links[i].is_of_recommended = links[i].call->op == RF_OP_AUDIO_FEATURES && links[i].call->started_us >= first_us;
}

static uint64_t chain_us(struct link *links, size_t n)
{
        uint64_t longest_us = 0;

        qsort(links, n, sizeof(*links), by_start);
        mark_recommended(links, n);
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < i; k++)
                        if (needs_answer(&links[i], &links[k]))
                                links[i].head_us = MAX(links[i].head_us, links[k].head_us + links[k].call->latency_us);
                longest_us = MAX(longest_us, links[i].head_us + links[i].call->latency_us);
        }
        for (size_t i = n; i-- > 0;) {
                uint64_t after_us = 0;

                for (size_t k = i + 1; k < n; k++)
                        if (needs_answer(&links[k], &links[i]))
                                after_us = MAX(after_us, links[k].tail_us);
                links[i].tail_us = links[i].call->latency_us + after_us;
        }
        return longest_us;
}

uint64_t sim_allowance_us(const struct sim_allowance *a, uint64_t n)
{
        uint64_t us = a->calls > 0 && n > 0 ? (n - 1) / a->calls * a->window_us : 0;

        if (a->rate_per_s > 0 && (double)n > a->burst)
                us = MAX(us, (uint64_t)(((double)n - a->burst) / a->rate_per_s * USEC_PER_SEC));
        return us;
}

/* Of the calls to a provider that nothing shorter than `head_us` comes before. */
static uint64_t allowed_us(const struct link *links, size_t n, const struct sim_allowance *a, uint64_t head_us)
{
        uint64_t count = 0, shortest_us = UINT64_MAX;

        for (size_t i = 0; i < n; i++)
                if (strcmp(links[i].call->provider, a->provider) == 0 && links[i].head_us >= head_us) {
                        count++;
                        shortest_us = MIN(shortest_us, links[i].tail_us);
                }
        return count > 0 ? head_us + sim_allowance_us(a, count) + shortest_us : 0;
}

int sim_bound_us(const struct sim_call *calls, size_t n, const struct sim_allowance *allowances, size_t n_allowances, uint64_t *ret)
{
        _cleanup_free_ struct link *links = calloc(n + 1, sizeof(*links));
        uint64_t most_us;

        if (!links)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                links[i].call = &calls[i];
        most_us = chain_us(links, n);
        for (size_t a = 0; a < n_allowances; a++)
                for (size_t i = 0; i < n; i++)
                        if (strcmp(links[i].call->provider, allowances[a].provider) == 0)
                                most_us = MAX(most_us, allowed_us(links, n, &allowances[a], links[i].head_us));
        *ret = most_us;
        return 0;
}
