#include "control/run_record.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

const char *rf_run_state_name(enum rf_run_state s)
{
        static const char *const names[] = { "waiting", "running", "done", "failed", "cancelled" };

        return (size_t)s < ARRAY_SIZE(names) ? names[s] : "unknown";
}

static int put_bytes(struct rf_buf *b, const void *data, size_t size)
{
        int r = rf_buf_put_u32(b, (uint32_t)size);

        return r < 0 ? r : rf_buf_add(b, data, size);
}

int rf_run_record_encode(const struct rf_run_record *record, struct rf_buf *b)
{
        _cleanup_buf_ struct rf_buf wish = RF_BUF_INIT;
        size_t start = b->size;
        int r;

        r = rf_wish_encode(record->wish, &wish);
        if (r < 0 || (r = rf_buf_put_u8(b, (uint8_t)record->state)) < 0 || (r = rf_buf_put_u64(b, record->accepted_us)) < 0 ||
            (r = rf_buf_put_u64(b, record->ended_us)) < 0 || (r = rf_buf_put_u64(b, record->client)) < 0 ||
            (r = rf_buf_put_u32(b, (uint32_t)-record->error)) < 0 || (r = rf_buf_put_u32(b, record->n_tracks)) < 0 ||
            (r = put_bytes(b, wish.data, wish.size)) < 0 || (r = rf_buf_put_string(b, record->title)) < 0 ||
            (r = rf_buf_put_string(b, record->message)) < 0 || (r = put_bytes(b, record->playlist, record->playlist_size)) < 0)
                return r;
        return b->size - start > RF_RUN_RECORD_MAX ? -E2BIG : 0;
}

static int take_string(struct rf_reader *reader, char **ret)
{
        const char *s;
        size_t size;
        int r = rf_reader_string(reader, &s, &size);

        if (r < 0 || !s)
                return r;
        *ret = strndup(s, size);
        return *ret ? 0 : -ENOMEM;
}

int rf_run_record_decode(const void *data, size_t size, struct rf_run_record *ret, struct rf_run_memory *ret_memory)
{
        struct rf_reader reader = { .data = data, .size = size };
        struct rf_run_memory m = { 0 };
        struct rf_run_record record = { 0 };
        const char *wish;
        size_t wish_size;
        uint32_t error;
        uint8_t state;
        int r;

        if ((r = rf_reader_u8(&reader, &state)) < 0 || (r = rf_reader_u64(&reader, &record.accepted_us)) < 0 ||
            (r = rf_reader_u64(&reader, &record.ended_us)) < 0 || (r = rf_reader_u64(&reader, &record.client)) < 0 ||
            (r = rf_reader_u32(&reader, &error)) < 0 || (r = rf_reader_u32(&reader, &record.n_tracks)) < 0 ||
            (r = rf_reader_string(&reader, &wish, &wish_size)) < 0 || (r = take_string(&reader, &m.title)) < 0 ||
            (r = take_string(&reader, &m.message)) < 0 || (r = rf_reader_string(&reader, &record.playlist, &record.playlist_size)) < 0)
                goto fail;
        r = -RF_ECORRUPT;
        if (state > RF_RUN_CANCELLED || error > 100000 || !wish || reader.at != reader.size)
                goto fail;
        r = rf_wish_decode(wish, wish_size, &m.wish);
        if (r < 0)
                goto fail;
        record.state = state;
        record.error = -(int)error;
        record.wish = m.wish;
        record.title = m.title;
        record.message = m.message;
        if (record.playlist_size == 0)
                record.playlist = NULL;
        *ret = record;
        *ret_memory = m;
        return 0;
fail:
        rf_run_memory_done(&m);
        return r;
}

void rf_run_memory_done(struct rf_run_memory *m)
{
        rf_wish_free(m->wish);
        free(m->title);
        free(m->message);
        *m = (struct rf_run_memory){ 0 };
}
