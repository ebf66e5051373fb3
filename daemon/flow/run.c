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
 * By which share of the deadline each step must be done where something after it calls services, too. What candidates are judged by is
 * looked up until evaluation ends, whoever asks.
 */
static const double SHARE_UNTIL[RF_STEP_COUNT] = {
        [RF_STEP_UNDERSTAND] = .05, [RF_STEP_GATHER] = .40, [RF_STEP_GENERATE] = .80, [RF_STEP_EVALUATE] = .90,
};

/* What is left for the rest, which takes milliseconds, and for the answer's way to the client: a twentieth, and a second at most. */
#define REST 20u
#define REST_MAX_US USEC_PER_SEC

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

uint64_t rf_run_took_us(const struct rf_run *run, const char *provider)
{
        for (size_t i = 0; i < ARRAY_SIZE(run->took) && run->took[i].provider; i++)
                if (strcmp(run->took[i].provider, provider) == 0)
                        return run->took[i].us / run->took[i].n;
        return 0;
}

void rf_run_took(struct rf_run *run, const char *provider, uint64_t us)
{
        for (size_t i = 0; i < ARRAY_SIZE(run->took); i++) {
                struct rf_run_took *t = &run->took[i];

                if (t->provider && strcmp(t->provider, provider) != 0)
                        continue;
                t->provider = provider;
                t->us += us;
                t->n++;
                return;
        }
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

/* The last step whose time calls may take: judgements and order are computed here, unless a model is asked. */
static enum rf_step last_to_call(const struct rf_run *run)
{
        bool is_judged_elsewhere = !rf_run_is_on(run, RF_OPT_LOCAL_ANALYSIS) && rf_upstream_can(run->flow->upstream, RF_OP_ANALYSE_PROMPT);

        return is_judged_elsewhere ? RF_STEP_ORDER : RF_STEP_EVALUATE;
}

uint64_t rf_run_step_deadline(const struct rf_run *run, enum rf_step step)
{
        uint64_t whole;

        /* the old policy knew no shares */
        if (run->deadline_us == RF_FOREVER || !rf_run_is_on(run, RF_OPT_CANCEL_SLOW))
                return run->deadline_us;
        whole = run->deadline_us > run->started_us ? run->deadline_us - run->started_us : 0;
        if (step >= last_to_call(run))
                return run->started_us + whole - MIN(whole / REST, (uint64_t)REST_MAX_US);
        return run->started_us + (uint64_t)((double)whole * SHARE_UNTIL[step]);
}

bool rf_run_has_time(const struct rf_run *run, enum rf_step step)
{
        return rf_now_us() < rf_run_step_deadline(run, step);
}

/* The least deadline with which a step may last so long. */
static uint64_t whole_for(const struct rf_run *run, enum rf_step step, uint64_t us)
{
        if (!rf_run_is_on(run, RF_OPT_CANCEL_SLOW))
                return us;
        return step >= last_to_call(run) ? us + MIN(us / (REST - 1), (uint64_t)REST_MAX_US) : (uint64_t)((double)us / SHARE_UNTIL[step]);
}

/* How long a call is likely to take that was waited for so long in vain. */
static uint64_t expected_us(const struct rf_run *run, const struct rf_query *q, uint64_t waited_us)
{
        const struct rf_provider *p = NULL;
        const struct rf_operation *o = rf_upstream_operation(run->flow->upstream, q->op, &p);
        struct rf_forecast forecast;
        uint64_t us = o ? rf_run_took_us(run, rf_provider_name(p)) : 0;

        if (rf_upstream_forecast(run->flow->upstream, q, &forecast) >= 0)
                us = MAX(us, forecast.expected_us); /* such calls alone, but some may have been cut short, too */
        /* what takes longer than usual already may take all the time that it has */
        return us > waited_us ? us : MAX(waited_us, o ? o->timeout_ms * (uint64_t)USEC_PER_MSEC : 0);
}

void rf_run_cut(struct rf_run *run, enum rf_step step, enum rf_step until, const struct rf_query *q, uint64_t began_us)
{
        const struct rf_provider *judge = NULL;
        uint64_t us = began_us - run->started_us + expected_us(run, q, rf_now_us() - began_us);

        run->cut[step]++;
        run->cut_of[q->op]++;
        run->needed_us = MAX(run->needed_us, whole_for(run, until, us));
        /* what it would have found is looked up then */
        if (until < RF_STEP_EVALUATE && rf_upstream_operation(run->flow->upstream, RF_OP_AUDIO_FEATURES, &judge))
                run->needed_us = MAX(run->needed_us, whole_for(run, RF_STEP_EVALUATE, us + rf_run_took_us(run, rf_provider_name(judge))));
}

/* What calls that were given up would have been good for. */
static const char *gain_of(enum rf_op op)
{
        switch (op) {
        case RF_OP_AUDIO_FEATURES:
                return "more tracks could be judged";
        case RF_OP_RECOMMENDATIONS:
                return "recommended tracks could be chosen";
        case RF_OP_TRACKS:
                return "more would be known of the tracks";
        case RF_OP_ANALYSE_PROMPT:
                return "a model could read the prompt";
        default:
                return "more tracks could be found";
        }
}

/* "allow 66 s: recommended tracks could be chosen, more tracks could be judged". Up to the next second. */
static void say_relaxation(const struct rf_run *run, char *buf, size_t size)
{
        int n = snprintf(buf, size, "allow %llu s", run->needed_us / USEC_PER_SEC + 1);
        const char *separator = ": ";

        for (unsigned op = 0; op < RF_OP_COUNT && n < (int)size; op++) {
                const char *gain = gain_of(op);

                if (run->cut_of[op] == 0 || strstr(buf, gain))
                        continue;
                n += snprintf(buf + n, size - (size_t)n, "%s%s", separator, gain);
                separator = ", ";
        }
}

void rf_run_report_cuts(struct rf_run *run)
{
        uint32_t cut = 0;
        char wish[64], why[160], relaxation[224];
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
        say_relaxation(run, relaxation, sizeof(relaxation));
        rf_receipt_unmet(run->book, wish, why, relaxation);
}
