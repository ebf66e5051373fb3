#include "sim/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/constraints.h"

/* A retried call could have gone well at once; a token that was waited for is needed whoever asks. */
static int keep_call(struct sim_sample *s, const struct rf_call_record *r)
{
        uint64_t told_us = r->queue_us + r->pace_us + r->upstream_us;
        struct sim_call *bigger;

        if (s->n_calls == s->capacity) {
                s->capacity = MAX(2 * s->capacity, (size_t)64);
                bigger = reallocarray(s->calls, s->capacity, sizeof(*bigger));
                if (!bigger)
                        return -ENOMEM;
                s->calls = bigger;
        }
        s->calls[s->n_calls++] = (struct sim_call){
                .provider = r->provider, .op = r->op, .started_us = r->started_us, .ended_us = r->started_us + MAX(r->total_us, told_us),
                .latency_us = r->upstream_us / r->attempts + (r->attempts == 1 && r->total_us > told_us ? r->total_us - told_us : 0),
        };
        return 0;
}

static struct sim_calls_to *calls_to(struct sim_sample *s, const char *provider)
{
        size_t i = 0;

        while (i < SIM_PROVIDERS_MAX - 1 && s->to[i].provider && strcmp(s->to[i].provider, provider) != 0)
                i++;
        s->to[i].provider = provider;
        return &s->to[i];
}

static void count(struct sim_sample *s, const struct rf_call_record *r, bool is_hit)
{
        bool is_timeout = (r->failure && strcmp(r->failure, "timeout") == 0) || (r->error == -ETIMEDOUT && r->attempts > 0);
        bool is_error = r->error < 0 && r->error != -ECANCELED;

        s->hits += is_hit;
        s->misses += !is_hit;
        s->coalesced += r->coalesced;
        s->timeouts += is_timeout;
        s->errors += is_error;
        if (!is_hit && r->provider) {
                struct sim_calls_to *to = calls_to(s, r->provider);

                to->calls++;
                to->timeouts += is_timeout;
                to->errors += is_error;
        }
}

int sim_sample_call(struct sim_sample *s, const struct rf_call_record *r)
{
        bool is_hit = r->cache == RF_CACHE_HIT || r->cache == RF_CACHE_STALE || r->cache == RF_CACHE_NEGATIVE;

        if (r->error == -ENOTSUP)
                return 0; /* the question isn't for that provider: nobody was asked */
        count(s, r, is_hit);
        if (is_hit || r->coalesced || r->attempts == 0)
                return 0;
        s->retries += r->attempts - 1;
        s->requests[r->op] += r->attempts;
        if (r->op == RF_OP_ANALYSE_PROMPT)
                s->analysis_us += r->upstream_us;
        if (r->error < 0)
                return 0;
        s->answers++;
        return keep_call(s, r);
}

/* The minimum number of tracks; where a time was wished, that. */
static bool has_enough(const struct rf_playlist *p)
{
        uint64_t duration_ms = 0;

        for (size_t i = 0; i < p->n_tracks; i++)
                duration_ms += p->tracks[i].track.duration_ms;
        return p->brief->duration_s > 0 ? rf_constraints_duration_kept(p->brief, duration_ms) : p->n_tracks >= p->brief->n_tracks_min;
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
        s->has_enough = has_enough(p);
        s->passes = p->receipt.passes;
        for (unsigned i = 0; i < RF_STEP_COUNT; i++)
                s->step_us[i] = p->receipt.steps[i].total_us;
}

int sim_sample_bound(struct sim_sample *s, const struct sim_allowance *allowances, size_t n, size_t n_services)
{
        int r = sim_bound_us(s->calls, s->n_calls, allowances, n, &s->bound_us);

        if (r >= 0)
                r = sim_bound_us(s->calls, s->n_calls, allowances, n_services, &s->services_bound_us);
        sim_sample_done(s);
        return r;
}

void sim_sample_done(struct sim_sample *s)
{
        free(s->calls);
        s->calls = NULL;
        s->n_calls = s->capacity = 0;
}
