#include "observe/series.h"

#include <errno.h>

#include "base/error.h"

struct slot {
        uint64_t number; /* of the stretch since 1970, plus one; 0 = empty */
        struct rf_buf data;
        bool is_changed;
};

struct rf_series {
        uint64_t width_us;
        size_t n_slots;
        struct slot slots[];
};

int rf_series_new(uint64_t width_us, size_t n_slots, struct rf_series **ret)
{
        struct rf_series *s = calloc(1, sizeof(*s) + n_slots * sizeof(s->slots[0]));

        if (!s)
                return -ENOMEM;
        s->width_us = width_us;
        s->n_slots = n_slots;
        *ret = s;
        return 0;
}

struct rf_series *rf_series_free(struct rf_series *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_slots; i++)
                rf_buf_done(&s->slots[i].data);
        free(s);
        return NULL;
}

static int decode_figures(const struct rf_buf *data, struct rf_figures *to)
{
        struct rf_reader rd = { .data = (const uint8_t *)data->data, .size = data->size };

        return data->size > 0 ? rf_figures_decode(&rd, to) : 0;
}

int rf_series_add(struct rf_series *s, uint64_t wall_us, const struct rf_figures *f)
{
        _cleanup_(rf_figures_freep) struct rf_figures *sum = rf_figures_new();
        _cleanup_buf_ struct rf_buf data = RF_BUF_INIT;
        uint64_t number = wall_us / s->width_us;
        struct slot *slot = &s->slots[number % s->n_slots];
        int r;

        if (!sum)
                return -ENOMEM;
        r = slot->number == number + 1 ? decode_figures(&slot->data, sum) : 0;
        if (r >= 0)
                r = rf_figures_merge(sum, f);
        if (r >= 0)
                r = rf_figures_encode(sum, &data);
        if (r < 0)
                return r;
        rf_buf_done(&slot->data);
        slot->data = data;
        data = RF_BUF_INIT;
        slot->number = number + 1;
        slot->is_changed = true;
        return 0;
}

int rf_series_sum(const struct rf_series *s, uint64_t from_us, uint64_t until_us, struct rf_figures *to, uint64_t *ret_from_us)
{
        uint64_t first_us = until_us;

        for (size_t i = 0; i < s->n_slots; i++) {
                const struct slot *slot = &s->slots[i];
                uint64_t start_us = (slot->number - 1) * s->width_us;
                int r;

                if (slot->number == 0 || start_us > until_us || start_us + s->width_us <= from_us)
                        continue;
                r = decode_figures(&slot->data, to);
                if (r < 0)
                        return r;
                first_us = MIN(first_us, start_us);
        }
        *ret_from_us = first_us;
        return 0;
}

bool rf_series_is_changed(const struct rf_series *s, size_t slot)
{
        return s->slots[slot].is_changed;
}

void rf_series_mark(struct rf_series *s, size_t slot, bool is_changed)
{
        s->slots[slot].is_changed = is_changed;
}

int rf_series_encode(const struct rf_series *s, size_t slot, struct rf_buf *b)
{
        int r = rf_buf_put_u64(b, s->slots[slot].number);

        return r < 0 ? r : rf_buf_add(b, s->slots[slot].data.data, s->slots[slot].data.size);
}

int rf_series_decode(struct rf_series *s, size_t slot, struct rf_reader *rd)
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = rf_figures_new();
        _cleanup_buf_ struct rf_buf data = RF_BUF_INIT;
        uint64_t number;
        int r = rf_reader_u64(rd, &number);

        if (!f)
                return -ENOMEM;
        if (r >= 0 && (number == 0 || (number - 1) % s->n_slots != slot || number > UINT64_MAX / s->width_us))
                r = -RF_ECORRUPT;
        if (r >= 0)
                r = rf_figures_decode(rd, f);
        if (r >= 0)
                r = rf_figures_encode(f, &data);
        if (r < 0)
                return r;
        rf_buf_done(&s->slots[slot].data);
        s->slots[slot] = (struct slot){ .number = number, .data = data };
        data = RF_BUF_INIT;
        return 0;
}
