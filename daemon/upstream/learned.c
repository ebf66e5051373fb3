/* What was learned of a provider and must not be learned again after a restart: blocks, pace, refused operations. */
#include "upstream/internal.h"

#include "base/buf.h"
#include "base/error.h"
#include "upstream/learned_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int encode(const struct rf_lane *lane, struct rf_buf *b)
{
        struct rf_learned_record record = { .saved_us = rf_wall_us(), .gate = rf_gate_remember(lane->gate) };

        for (unsigned op = 0; op < RF_OP_COUNT; op++)
                for (unsigned way = 0; way < RF_OPERATION_WAYS_MAX; way++) {
                        struct rf_learned_refusal *f = &record.refusals[record.n_refusals];
                        const char *reason;

                        if (!rf_provider_refused_way(lane->provider, op, way, record.saved_us, &f->until_us, &reason))
                                continue;
                        f->op = op;
                        f->way = way;
                        snprintf(f->reason, sizeof(f->reason), "%s", reason);
                        record.n_refusals++;
                }
        return rf_learned_record_encode(&record, b);
}

/* What can't be read is learned again. */
void rf_learned_load(struct rf_lane *lane)
{
        const char *name = rf_provider_name(lane->provider);
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_learned_record record;

        if (!lane->upstream->options.state ||
            rf_state_get(lane->upstream->options.state, RF_TABLE_LIMITS, name, strlen(name), &b) < 0 ||
            rf_learned_record_decode(b.data, b.size, &record) < 0)
                return;
        rf_learned_record_set_clock(&record, rf_wall_us());
        rf_gate_restore(lane->gate, &record.gate);
        for (size_t i = 0; i < record.n_refusals; i++) {
                const struct rf_learned_refusal *f = &record.refusals[i];

                rf_provider_refuse_way(lane->provider, f->op, f->way, f->until_us, f->reason);
        }
}

/* Written again until nothing changed while it was written. */
static int save(void *arg)
{
        struct rf_lane *lane = arg;
        const char *name = rf_provider_name(lane->provider);
        int r = 0;

        while (lane->is_unsaved && r >= 0) {
                _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

                lane->is_unsaved = false;
                r = encode(lane, &b);
                if (r >= 0)
                        r = rf_state_put(lane->upstream->options.state, RF_TABLE_LIMITS, name, strlen(name), b.data, b.size);
        }
        lane->is_saving = false;
        if (r < 0)
                lane->upstream->stats.unsaved++;
        return 0;
}

void rf_learned_changed(void *arg)
{
        struct rf_lane *lane = arg;
        struct rf_group *g;

        if (!lane->upstream->options.state)
                return;
        lane->is_unsaved = true;
        if (lane->is_saving)
                return;
        if (rf_background(lane->upstream, &g) < 0 || rf_group_spawn(g, "save-learned", save, lane) < 0)
                lane->upstream->stats.unsaved++;
        else
                lane->is_saving = true;
}
