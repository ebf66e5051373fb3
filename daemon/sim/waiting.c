#include "sim/waiting.h"

#include <errno.h>
#include <stdlib.h>

#include "control/runs.h"
#include "sched/sched.h"
#include "sim/directory.h"

enum { RUNS_MAX = 1000 };

#define STATE_SIZE (64u << 20)

struct line {
        const struct sim_trial *trial;
        struct rf_runs *runs;
        size_t n, bytes;
};

static int line_up(void *arg)
{
        struct line *l = arg;
        size_t start = sim_memory_heap(), resumed;
        int r = rf_runs_start(l->runs, &resumed);

        for (size_t i = 0; i < l->n && r >= 0; i++) {
                struct rf_wish wish = { .prompt = sim_prompts_text(l->trial->stage->prompts, l->trial->prompts[i]) };
                struct rf_job *j = NULL;
                const char *limit;
                uint32_t value;

                r = rf_runs_accept(l->runs, &wish, i + 1, &j, &limit, &value);
                rf_job_unref(j); /* nobody watches it */
        }
        l->bytes = sim_memory_heap() - start;
        rf_runs_stop(l->runs);
        return r;
}

int sim_waiting_measure(const struct sim_trial *t, double *ret_kib, char *message, size_t size)
{
        _cleanup_(sim_directory_freep) struct sim_directory *directory = NULL;
        _cleanup_(rf_state_closep) struct rf_state *state = NULL;
        _cleanup_(rf_sched_freep) struct rf_sched *s = NULL;
        struct line l = { .trial = t, .n = MIN(t->n, (size_t)RUNS_MAX) };
        struct rf_runs_options o = { .active_max = 0, .waiting_max = RUNS_MAX, .waiting_per_client_max = RUNS_MAX, .kept_max = RUNS_MAX };
        int r = sim_directory_new(&directory, message, size);

        if (r >= 0)
                r = rf_state_open(&(struct rf_state_options){ .directory = sim_directory_path(directory), .size_max = STATE_SIZE }, &state,
                                  message, size);
        if (r >= 0)
                r = rf_runs_new(&o, NULL, state, &l.runs);
        if (r >= 0)
                r = rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true }, &s);
        if (r >= 0)
                r = rf_sched_run(s, line_up, &l);
        rf_runs_free(l.runs);
        if (r >= 0)
                *ret_kib = (double)l.bytes / 1024 / (double)l.n;
        return r;
}
