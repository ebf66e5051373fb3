#include "upstream/learned_record.h"

#include <stdio.h>

#include "base/error.h"

/* The first had no `saved_us`, the second no `settled_us`. */
enum { FIRST_VERSION = 2, SECOND_VERSION = 3, RECORD_VERSION = 4 };

int rf_learned_record_encode(const struct rf_learned_record *record, struct rf_buf *b)
{
        const struct rf_gate_memory *m = &record->gate;
        int r;

        if ((r = rf_buf_put_u8(b, RECORD_VERSION)) < 0 || (r = rf_buf_put_u64(b, record->saved_us)) < 0 ||
            (r = rf_buf_put_u64(b, m->blocked_until_us)) < 0 || (r = rf_buf_put_u8(b, m->is_quota)) < 0 ||
            (r = rf_buf_put_float(b, (float)m->scale)) < 0 || (r = rf_buf_put_float(b, (float)m->ceiling)) < 0 ||
            (r = rf_buf_put_u64(b, m->ceiling_until_us)) < 0 || (r = rf_buf_put_u64(b, m->settled_us)) < 0)
                return r;
        for (size_t i = 0; i < record->n_refusals; i++) {
                const struct rf_learned_refusal *f = &record->refusals[i];

                if ((r = rf_buf_put_u8(b, (uint8_t)f->op)) < 0 || (r = rf_buf_put_u8(b, (uint8_t)f->way)) < 0 ||
                    (r = rf_buf_put_u64(b, f->until_us)) < 0 || (r = rf_buf_put_string(b, f->reason)) < 0)
                        return r;
        }
        return 0;
}

static int take_refusal(struct rf_reader *rd, struct rf_learned_refusal *ret)
{
        const char *reason;
        uint8_t op, way;
        size_t size;

        if (rf_reader_u8(rd, &op) < 0 || op >= RF_OP_COUNT || rf_reader_u8(rd, &way) < 0 || way >= RF_OPERATION_WAYS_MAX ||
            rf_reader_u64(rd, &ret->until_us) < 0 || rf_reader_string(rd, &reason, &size) < 0)
                return -RF_ECORRUPT;
        ret->op = op;
        ret->way = way;
        snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)MIN(size, sizeof(ret->reason) - 1), reason ? reason : "");
        return 0;
}

int rf_learned_record_decode(const void *data, size_t size, struct rf_learned_record *ret)
{
        struct rf_reader rd = { .data = data, .size = size };
        struct rf_learned_record record = { 0 };
        struct rf_gate_memory *m = &record.gate;
        uint8_t version, is_quota;
        float scale, ceiling;

        if (rf_reader_u8(&rd, &version) < 0)
                return -RF_ECORRUPT;
        if (version < FIRST_VERSION || version > RECORD_VERSION)
                return -RF_EFOREIGN;
        if ((version >= SECOND_VERSION && rf_reader_u64(&rd, &record.saved_us) < 0) || rf_reader_u64(&rd, &m->blocked_until_us) < 0 ||
            rf_reader_u8(&rd, &is_quota) < 0 || is_quota > 1 || rf_reader_float(&rd, &scale) < 0 || !(scale > 0.f && scale <= 1.f) ||
            rf_reader_float(&rd, &ceiling) < 0 || !(ceiling > 0.f && ceiling <= 1.f) || rf_reader_u64(&rd, &m->ceiling_until_us) < 0 ||
            (version >= RECORD_VERSION && rf_reader_u64(&rd, &m->settled_us) < 0))
                return -RF_ECORRUPT;
        m->is_quota = is_quota;
        m->scale = (double)scale;
        m->ceiling = (double)ceiling;
        while (rd.at < rd.size) {
                if (record.n_refusals == RF_LEARNED_REFUSALS_MAX || take_refusal(&rd, &record.refusals[record.n_refusals]) < 0)
                        return -RF_ECORRUPT;
                record.n_refusals++;
        }
        *ret = record;
        return 0;
}

void rf_learned_record_set_clock(struct rf_learned_record *r, uint64_t now_us)
{
        uint64_t back_us = r->saved_us > now_us ? r->saved_us - now_us : 0;

        r->gate.blocked_until_us -= MIN(r->gate.blocked_until_us, back_us);
        r->gate.ceiling_until_us -= MIN(r->gate.ceiling_until_us, back_us);
        r->gate.settled_us -= MIN(r->gate.settled_us, back_us);
        for (size_t i = 0; i < r->n_refusals; i++)
                r->refusals[i].until_us -= MIN(r->refusals[i].until_us, back_us);
        r->saved_us = MIN(r->saved_us, now_us);
}
