#include "sim/sample.h"

#include <errno.h>
#include <string.h>

void sim_sample_call(struct sim_sample *s, const struct rf_call_record *r)
{
        bool is_hit = r->cache == RF_CACHE_HIT || r->cache == RF_CACHE_STALE || r->cache == RF_CACHE_NEGATIVE;

        if (r->error == -ENOTSUP)
                return; /* the question isn't for that provider: nobody was asked */
        s->hits += is_hit;
        s->misses += !is_hit;
        s->coalesced += r->coalesced;
        s->timeouts += (r->failure && strcmp(r->failure, "timeout") == 0) || (r->error == -ETIMEDOUT && r->attempts > 0);
        s->errors += r->error < 0 && r->error != -ECANCELED;
        if (is_hit || r->coalesced || r->attempts == 0)
                return;
        s->retries += r->attempts - 1;
        if (r->error < 0)
                return;
        s->answers++;
        s->longest_us[r->op] = MAX(s->longest_us[r->op], r->upstream_us / r->attempts);
}

void sim_sample_playlist(struct sim_sample *s, const struct sim_stage *stage, const struct rf_playlist *p)
{
        const struct mock_track *tracks[MOCK_JUDGED_MAX] = { NULL };
        const struct rf_quality *q = &p->receipt.quality;
        size_t n = MIN(p->n_tracks, (size_t)MOCK_JUDGED_MAX), wished = MIN((size_t)p->brief->n_tracks, (size_t)MOCK_JUDGED_MAX);

        for (size_t i = 0; i < n; i++)
                tracks[i] = mock_world_find_track(stage->world, p->tracks[i].track.id);
        /* a playlist that is shorter than it should be is judged as one with nothing at its end */
        s->ndcg = sim_prompts_judge(stage->prompts, s->prompt, tracks, n, MAX(n, wished));
        s->cohesion = q->cohesion_milli / 1000.0;
        s->coherence = q->coherence_milli / 1000.0;
        s->diversity = q->diversity_milli / 1000.0;
        s->arc_fit = q->arc_fit_milli / 1000.0;
        s->n_tracks = (uint32_t)p->n_tracks;
        s->passes = p->receipt.passes;
        for (unsigned i = 0; i < RF_STEP_COUNT; i++)
                s->step_us[i] = p->receipt.steps[i].total_us;
}

uint64_t sim_sample_chain_us(const struct sim_sample *s)
{
        static const uint32_t stages[] = {
                1u << RF_OP_ANALYSE_PROMPT,
                1u << RF_OP_SEARCH_TRACKS | 1u << RF_OP_SEARCH_ARTISTS | 1u << RF_OP_USER_TOP,
                1u << RF_OP_ARTIST_TOP_TRACKS | 1u << RF_OP_ARTIST_ALBUMS,
                1u << RF_OP_ALBUM_TRACKS,
                1u << RF_OP_RECOMMENDATIONS,
                1u << RF_OP_TRACKS | 1u << RF_OP_AUDIO_FEATURES,
        };
        uint64_t sum = 0;

        for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
                uint64_t longest = 0;

                for (unsigned op = 0; op < RF_OP_COUNT; op++)
                        if (stages[i] >> op & 1)
                                longest = MAX(longest, s->longest_us[op]);
                sum += longest;
        }
        return sum;
}
