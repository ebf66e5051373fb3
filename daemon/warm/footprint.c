#include "warm/footprint.h"

#include "base/error.h"

static struct rf_footprint_part *find(struct rf_footprint *f, uint8_t op, bool is_served_stale)
{
        for (size_t i = 0; i < f->n; i++)
                if (f->parts[i].op == op && f->parts[i].is_served_stale == is_served_stale)
                        return &f->parts[i];
        return NULL;
}

void rf_footprint_replace(struct rf_footprint *f, const struct rf_footprint *fresh)
{
        for (size_t i = 0; i < fresh->n; i++) {
                struct rf_footprint_part *p = find(f, fresh->parts[i].op, fresh->parts[i].is_served_stale);

                *(p ? p : &f->parts[f->n++]) = fresh->parts[i]; /* there is a place for each kind */
        }
}

void rf_footprint_note(struct rf_footprint *f, const struct rf_call_record *record)
{
        struct rf_footprint_part *p = find(f, (uint8_t)record->op, record->is_served_stale);

        if (record->error < 0 || record->life_us == 0)
                return;
        if (!p) {
                p = &f->parts[f->n++];
                *p = (struct rf_footprint_part){ .op = (uint8_t)record->op, .is_served_stale = record->is_served_stale, .life_us = record->life_us,
                                                 .ends_us = record->fresh_until_us };
        }
        p->calls++;
        p->life_us = MIN(p->life_us, record->life_us);
        p->ends_us = MIN(p->ends_us, record->fresh_until_us);
}

uint32_t rf_footprint_calls(const struct rf_footprint *f, uint64_t from_us)
{
        uint32_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                if (f->parts[i].ends_us > from_us)
                        n += f->parts[i].calls;
        return n;
}

uint64_t rf_footprint_ends_us(const struct rf_footprint *f)
{
        uint64_t first_us = 0;

        for (size_t i = 0; i < f->n; i++)
                if (first_us == 0 || f->parts[i].ends_us < first_us)
                        first_us = f->parts[i].ends_us;
        return first_us;
}

int rf_footprint_encode(const struct rf_footprint *f, struct rf_buf *b)
{
        int r = rf_buf_put_u8(b, (uint8_t)f->n);

        for (size_t i = 0; i < f->n && r >= 0; i++) {
                const struct rf_footprint_part *p = &f->parts[i];

                if ((r = rf_buf_put_u8(b, p->op)) < 0 || (r = rf_buf_put_u8(b, p->is_served_stale)) < 0 || (r = rf_buf_put_u32(b, p->calls)) < 0 ||
                    (r = rf_buf_put_u64(b, p->life_us)) < 0 || (r = rf_buf_put_u64(b, p->ends_us)) < 0)
                        return r;
        }
        return r;
}

static int decode_part(struct rf_reader *reader, struct rf_footprint_part *p)
{
        uint8_t is_served_stale = 0;
        int r;

        if ((r = rf_reader_u8(reader, &p->op)) < 0 || (r = rf_reader_u8(reader, &is_served_stale)) < 0 ||
            (r = rf_reader_u32(reader, &p->calls)) < 0 || (r = rf_reader_u64(reader, &p->life_us)) < 0 ||
            (r = rf_reader_u64(reader, &p->ends_us)) < 0)
                return r;
        p->is_served_stale = is_served_stale;
        return p->op >= RF_OP_COUNT || is_served_stale > 1 || p->life_us == 0 ? -RF_ECORRUPT : 0;
}

int rf_footprint_decode(struct rf_reader *reader, struct rf_footprint *ret)
{
        struct rf_footprint f = { 0 };
        uint8_t n = 0;
        int r = rf_reader_u8(reader, &n);

        if (r >= 0 && n > RF_FOOTPRINT_PARTS)
                r = -RF_ECORRUPT;
        for (; f.n < n && r >= 0; f.n++) {
                r = decode_part(reader, &f.parts[f.n]);
                if (r >= 0 && find(&f, f.parts[f.n].op, f.parts[f.n].is_served_stale))
                        r = -RF_ECORRUPT; /* a kind twice: the next note would find no place */
        }
        if (r < 0)
                return r;
        *ret = f;
        return 0;
}
