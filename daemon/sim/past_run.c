#include "sim/past_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static int fail(int r, const char *id, const char *what, char *message, size_t size)
{
        snprintf(message, size, "run %.40s: %s", id, what);
        return r;
}

int sim_past_run_load(struct rf_state *state, const char *id, struct sim_past_run *ret, char *message, size_t size)
{
        struct sim_past_run run = { .data = RF_BUF_INIT };
        int r;

        if (snprintf(run.id, sizeof(run.id), "%s", id) >= (int)sizeof(run.id))
                return fail(-RF_ENORUN, id, "that is no run's number", message, size);
        r = rf_state_get(state, RF_TABLE_RUNS, id, strlen(id), &run.data);
        if (r == -ENOENT)
                return fail(-RF_ENORUN, id, "it isn't in the state directory", message, size);
        if (r >= 0)
                r = rf_run_record_decode(run.data.data, run.data.size, &run.record, &run.memory);
        if (r < 0) {
                rf_buf_done(&run.data);
                return fail(r, id, rf_strerror(r), message, size);
        }
        if (run.record.playlist)
                run.playlist = json_loadb(run.record.playlist, run.record.playlist_size, 0, NULL);
        if (run.record.state == RF_RUN_WAITING || run.record.state == RF_RUN_RUNNING) {
                sim_past_run_done(&run);
                return fail(-RF_ECONFIG, id, "it hasn't ended yet", message, size);
        }
        *ret = run;
        return 0;
}

void sim_past_run_done(struct sim_past_run *r)
{
        rf_run_memory_done(&r->memory);
        rf_buf_done(&r->data);
        json_decref(r->playlist);
        *r = (struct sim_past_run){ 0 };
}

bool sim_past_run_passes(const struct sim_past_run *r, uint32_t *ret)
{
        const json_t *passes = json_object_get(json_object_get(r->playlist, "receipt"), "passes");

        if (!json_is_integer(passes) || json_integer_value(passes) < 0 || json_integer_value(passes) > UINT32_MAX)
                return false;
        *ret = (uint32_t)json_integer_value(passes);
        return true;
}

uint64_t sim_past_run_latency_us(const struct sim_past_run *r, const char *provider, const char *operation)
{
        const json_t *list = json_object_get(json_object_get(r->playlist, "receipt"), "by_operation"), *item;
        size_t i;

        json_array_foreach(list, i, item) {
                const char *p = json_string_value(json_object_get(item, "provider"));
                const char *o = json_string_value(json_object_get(item, "operation"));
                json_int_t calls = json_integer_value(json_object_get(item, "calls"));
                json_int_t us = json_integer_value(json_object_get(item, "upstream_us"));

                if (p && o && calls > 0 && us > 0 && strcmp(p, provider) == 0 && strcmp(o, operation) == 0)
                        return (uint64_t)(us / calls);
        }
        return 0;
}
