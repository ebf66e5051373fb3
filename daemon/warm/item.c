#include "warm/item.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

enum { FORMAT = 1 };

static int add_folded(struct rf_buf *b, const char *text)
{
        _cleanup_free_ char *folded = rf_text_fold(text);

        return folded ? rf_buf_add(b, folded, strlen(folded) + 1) : rf_utf8_is_valid(text, strlen(text)) ? -ENOMEM : -EINVAL;
}

int rf_warm_key(const struct rf_wish *wish, uint8_t ret[static RF_WARM_KEY_SIZE])
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        uint64_t halves[2];
        int r = add_folded(&b, wish->prompt ? wish->prompt : "");

        for (size_t i = 0; i < wish->n_like && r >= 0; i++)
                r = add_folded(&b, wish->like[i]);
        if (r >= 0)
                r = rf_buf_add(&b, "", 1); /* what follows is to be left out */
        for (size_t i = 0; i < wish->n_exclude_artists && r >= 0; i++)
                r = add_folded(&b, wish->exclude_artists[i]);
        if (r < 0)
                return r;
        halves[0] = rf_hash(b.data, b.size, 1);
        halves[1] = rf_hash(b.data, b.size, 2);
        memcpy(ret, halves, RF_WARM_KEY_SIZE);
        return 0;
}

int rf_warm_item_new(const struct rf_wish *wish, const uint8_t key[static RF_WARM_KEY_SIZE], struct rf_warm_item **ret)
{
        struct rf_wish plain = *wish;
        struct rf_warm_item *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;
        plain.deadline_ms = 0;
        plain.strict = false;
        r = rf_wish_copy(&plain, &i->wish);
        if (r < 0) {
                free(i);
                return r;
        }
        memcpy(i->key, key, RF_WARM_KEY_SIZE);
        *ret = i;
        return 0;
}

struct rf_warm_item *rf_warm_item_free(struct rf_warm_item *i)
{
        if (i)
                rf_wish_free(i->wish);
        free(i);
        return NULL;
}

bool rf_warm_item_is_kept(const struct rf_warm_item *i)
{
        return i->is_configured || i->is_added;
}

int rf_warm_item_encode(const struct rf_warm_item *i, struct rf_buf *b)
{
        const uint64_t numbers[] = { i->uses, i->used_us, i->warmed_us, i->tried_us, i->passes, i->spent, i->saved };
        _cleanup_buf_ struct rf_buf wish = RF_BUF_INIT;
        size_t start = b->size;
        int r = rf_wish_encode(i->wish, &wish);

        if (r >= 0)
                r = rf_buf_put_u8(b, FORMAT);
        for (size_t n = 0; n < ARRAY_SIZE(numbers) && r >= 0; n++)
                r = rf_buf_put_u64(b, numbers[n]);
        if (r < 0 || (r = rf_rhythm_encode(&i->rhythm, b)) < 0 || (r = rf_footprint_encode(&i->footprint, b)) < 0 ||
            (r = rf_footprint_encode(&i->renewed, b)) < 0 || (r = rf_buf_put_u32(b, (uint32_t)wish.size)) < 0 ||
            (r = rf_buf_add(b, wish.data, wish.size)) < 0)
                return r;
        return b->size - start > RF_WARM_RECORD_MAX ? -E2BIG : 0;
}

int rf_warm_item_decode(const void *data, size_t size, const uint8_t key[static RF_WARM_KEY_SIZE], struct rf_warm_item **ret)
{
        _cleanup_(rf_warm_item_freep) struct rf_warm_item *i = calloc(1, sizeof(*i));
        struct rf_reader reader = { .data = data, .size = size };
        const char *wish;
        size_t wish_size;
        uint8_t format;
        int r;

        if (!i)
                return -ENOMEM;
        memcpy(i->key, key, RF_WARM_KEY_SIZE);
        r = rf_reader_u8(&reader, &format);
        if (r >= 0 && format != FORMAT)
                r = format > FORMAT ? -RF_EFOREIGN : -RF_ECORRUPT;
        if (r < 0 || (r = rf_reader_u64(&reader, &i->uses)) < 0 || (r = rf_reader_u64(&reader, &i->used_us)) < 0 ||
            (r = rf_reader_u64(&reader, &i->warmed_us)) < 0 || (r = rf_reader_u64(&reader, &i->tried_us)) < 0 ||
            (r = rf_reader_u64(&reader, &i->passes)) < 0 || (r = rf_reader_u64(&reader, &i->spent)) < 0 ||
            (r = rf_reader_u64(&reader, &i->saved)) < 0 || (r = rf_rhythm_decode(&reader, &i->rhythm)) < 0 ||
            (r = rf_footprint_decode(&reader, &i->footprint)) < 0 || (r = rf_footprint_decode(&reader, &i->renewed)) < 0 ||
            (r = rf_reader_string(&reader, &wish, &wish_size)) < 0)
                return r;
        if (!wish || reader.at != reader.size)
                return -RF_ECORRUPT;
        r = rf_wish_decode(wish, wish_size, &i->wish);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(i);
        return 0;
}
