#include "upstream/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int put_set(struct rf_buf *b, const char *const *items, size_t n)
{
        _cleanup_free_ const char **sorted = NULL;
        int r = rf_buf_put_u32(b, (uint32_t)n);

        if (n == 0 || r < 0)
                return r;
        sorted = reallocarray(NULL, n, sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        memcpy(sorted, items, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), by_text);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = rf_buf_put_string(b, sorted[i]);
        return r;
}

static int put_features(struct rf_buf *b, const struct rf_features *f)
{
        int r = rf_buf_put_u32(b, f->has);

        for (int i = 0; i < RF_FEATURE_COUNT && r >= 0; i++)
                if (f->has & RF_FEATURE_BIT(i))
                        r = rf_buf_put_float(b, f->value[i]);
        return r;
}

int rf_query_key(const char *provider, uint64_t login, const struct rf_query *q, struct rf_buf *b)
{
        const char *const texts[] = { q->text, q->track,  q->artist,   q->genre, q->isrc,
                                      q->market, q->playlist, q->name, q->description };
        int r;

        if ((r = rf_buf_put_string(b, provider)) < 0 || (r = rf_buf_put_u8(b, (uint8_t)q->op)) < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(texts) && r >= 0; i++)
                r = rf_buf_put_string(b, texts[i]);
        if (r < 0 || (r = rf_buf_put_u16(b, q->year_from)) < 0 || (r = rf_buf_put_u16(b, q->year_to)) < 0 ||
            (r = rf_buf_put_u32(b, q->limit)) < 0 || (r = rf_buf_put_u32(b, q->offset)) < 0 ||
            (r = rf_buf_put_u8(b, q->is_public)) < 0 || (r = put_set(b, q->ids, q->n_ids)) < 0 ||
            (r = put_set(b, q->seeds, q->n_seeds)) < 0 || (r = put_set(b, q->negative_seeds, q->n_negative_seeds)) < 0 ||
            (r = put_features(b, &q->target)) < 0 || (r = put_features(b, &q->weight)) < 0)
                return r;
        return login ? rf_buf_put_u64(b, login) : 0;
}
