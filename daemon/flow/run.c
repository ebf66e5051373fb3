#include "flow/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "sched/sched.h"

/*
 * By which share of the deadline each step must be done. Ordering takes milliseconds; the last tenth is for it and for the answer's way
 * to the client.
 */
static const double SHARE_UNTIL[RF_STEP_COUNT] = {
        [RF_STEP_UNDERSTAND] = .05, [RF_STEP_GATHER] = .40, [RF_STEP_GENERATE] = .70, [RF_STEP_EVALUATE] = .90, [RF_STEP_ORDER] = 1.0,
};

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
