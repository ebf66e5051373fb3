/* What was learned of a provider and must not be learned again after a restart: blocks, pace, refused operations. */
#include "upstream/internal.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_VERSION = 2 };

static int encode(const struct rf_lane *lane, struct rf_buf *b)
{
        struct rf_gate_memory m = rf_gate_remember(lane->gate);
        uint64_t now_us = rf_wall_us();
        int r;

        if ((r = rf_buf_put_u8(b, RECORD_VERSION)) < 0 || (r = rf_buf_put_u64(b, m.blocked_until_us)) < 0 ||
            (r = rf_buf_put_u8(b, m.is_quota)) < 0 || (r = rf_buf_put_float(b, (float)m.scale)) < 0 ||
            (r = rf_buf_put_float(b, (float)m.ceiling)) < 0 || (r = rf_buf_put_u64(b, m.ceiling_until_us)) < 0)
                return r;
        for (unsigned op = 0; op < RF_OP_COUNT; op++)
                for (unsigned way = 0; way < RF_OPERATION_WAYS_MAX; way++) {
                        const char *reason;
                        uint64_t until_us;

                        if (!rf_provider_refused_way(lane->provider, op, way, now_us, &until_us, &reason))
                                continue;
                        if ((r = rf_buf_put_u8(b, (uint8_t)op)) < 0 || (r = rf_buf_put_u8(b, (uint8_t)way)) < 0 ||
                            (r = rf_buf_put_u64(b, until_us)) < 0 ||
                            (r = rf_buf_put_string(b, reason)) < 0)
                                return r;
                }
        return r;
}

void rf_learned_load(struct rf_lane *lane)
{
        const char *name = rf_provider_name(lane->provider);
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_gate_memory m = { 0 };
        struct rf_reader rd;
        uint8_t version, is_quota, op, way;
        float scale, ceiling;

        if (!lane->upstream->options.state ||
            rf_state_get(lane->upstream->options.state, RF_TABLE_LIMITS, name, strlen(name), &b) < 0)
                return;
        rd = (struct rf_reader){ .data = (const uint8_t *)b.data, .size = b.size };
        if (rf_reader_u8(&rd, &version) < 0 || version != RECORD_VERSION || rf_reader_u64(&rd, &m.blocked_until_us) < 0 ||
            rf_reader_u8(&rd, &is_quota) < 0 || rf_reader_float(&rd, &scale) < 0 || !(scale > 0.f && scale <= 1.f) ||
            rf_reader_float(&rd, &ceiling) < 0 || !(ceiling > 0.f && ceiling <= 1.f) || rf_reader_u64(&rd, &m.ceiling_until_us) < 0)
                return; /* of another version: it's learned again */
        m.is_quota = is_quota;
        m.scale = (double)scale;
        m.ceiling = (double)ceiling;
        rf_gate_restore(lane->gate, &m);
        while (rd.at < rd.size) {
                const char *reason;
                char text[160];
                uint64_t until_us;
                size_t size;

                if (rf_reader_u8(&rd, &op) < 0 || op >= RF_OP_COUNT || rf_reader_u8(&rd, &way) < 0 || way >= RF_OPERATION_WAYS_MAX ||
                    rf_reader_u64(&rd, &until_us) < 0 ||
                    rf_reader_string(&rd, &reason, &size) < 0)
                        return;
                snprintf(text, sizeof(text), "%.*s", (int)MIN(size, sizeof(text) - 1), reason ? reason : "");
                rf_provider_refuse_way(lane->provider, op, way, until_us, text);
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
