#include "flow/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/names.h"
#include "provider/provider.h"
#include "sched/sched.h"

/*
 * By which share of the deadline each step must be done. Ordering takes milliseconds; the last tenth is for it and for the answer's way
 * to the client.
 */
static const double SHARE_UNTIL[RF_STEP_COUNT] = {
        [RF_STEP_UNDERSTAND] = .05, [RF_STEP_GATHER] = .40, [RF_STEP_GENERATE] = .70, [RF_STEP_EVALUATE] = .90, [RF_STEP_ORDER] = 1.0,
};

bool rf_run_is_on(const struct rf_run *run, enum rf_optimization o)
{
        return rf_is_on(rf_upstream_optimizations(run->flow->upstream), o);
}

int rf_run_know_artist(struct rf_run *run, const struct rf_artist *a, const char *provider, struct rf_known_artist *ret)
{
        *ret = (struct rf_known_artist){ .id = rf_arena_strdup(&run->arena, a->id), .name = rf_arena_strdup(&run->arena, a->name),
                                         .provider = provider, .key = rf_name_key(a->name), .popularity = a->popularity };
        return ret->name && (ret->id || !a->id) ? 0 : -ENOMEM;
}

/* The provider of that name, if it can do the operation now. */
static const char *find_provider(const struct rf_run *run, enum rf_op op, const char *name, size_t size)
{
        const struct rf_provider *list[RF_PLUGINS_MAX];
        size_t n = rf_upstream_providers(run->flow->upstream, op, list, ARRAY_SIZE(list));

        for (size_t i = 0; i < n; i++)
                if (strlen(rf_provider_name(list[i])) == size && strncmp(rf_provider_name(list[i]), name, size) == 0)
                        return rf_provider_name(list[i]);
        return NULL;
}

bool rf_run_can_at(const struct rf_run *run, enum rf_op op, const char *provider)
{
        return find_provider(run, op, provider, strlen(provider)) != NULL;
}

const char *rf_run_provider_of(const struct rf_run *run, const char *uri)
{
        return find_provider(run, RF_OP_TRACKS, uri, strcspn(uri, ":"));
}

void rf_run_progress(struct rf_run *run, enum rf_step step, size_t chosen, const char *format, ...)
{
        char message[160];
        va_list ap;

        if (!run->hooks->progress)
                return;
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        run->hooks->progress(run->hooks->arg, &(struct rf_progress){
                .step = step, .candidates = (uint32_t)(run->pool ? rf_pool_size(run->pool) : 0), .chosen = (uint32_t)chosen,
                .calls = rf_receipt_calls(run->book), .message = message,
        });
}

uint64_t rf_run_step_deadline(const struct rf_run *run, enum rf_step step)
{
        uint64_t whole;

        if (run->deadline_us == RF_FOREVER)
                return RF_FOREVER;
        whole = run->deadline_us > run->started_us ? run->deadline_us - run->started_us : 0;
        return run->started_us + (uint64_t)((double)whole * SHARE_UNTIL[step]);
}

bool rf_run_has_time(const struct rf_run *run, enum rf_step step)
{
        return rf_now_us() < rf_run_step_deadline(run, step);
}

void rf_run_report_cuts(struct rf_run *run)
{
        uint32_t cut = 0;
        char wish[64], why[160], relaxation[64];
        int n = 0;

        for (unsigned s = 0; s < RF_STEP_COUNT; s++)
                cut += run->cut[s];
        if (cut == 0)
                return;
        snprintf(wish, sizeof(wish), "an answer within %.1f s", (double)(run->deadline_us - run->started_us) / USEC_PER_SEC);
        for (unsigned s = 0; s < RF_STEP_COUNT && n < (int)sizeof(why) - 40; s++)
                if (run->cut[s] > 0)
                        n += snprintf(why + n, sizeof(why) - (size_t)n, "%s%s: %u %s given up", n > 0 ? ", " : "", rf_step_name(s),
                                      run->cut[s], run->cut[s] == 1 ? "call" : "calls");
        snprintf(relaxation, sizeof(relaxation), "allow %.1f s", (double)(run->deadline_us - run->started_us) * 2.0 / USEC_PER_SEC);
        rf_receipt_unmet(run->book, wish, why, relaxation);
}
