#include "flow/wish.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"

#include <errno.h>
#include <string.h>

enum { FORMAT = 1 };

/* A wish that owns its strings. */
struct holder {
        struct rf_wish wish;
        struct rf_arena arena;
};

struct rf_wish *rf_wish_free(struct rf_wish *w)
{
        if (w) {
                struct holder *h = container_of(w, struct holder, wish);

                rf_arena_done(&h->arena);
                free(h);
        }
        return NULL;
}

static int copy_list(struct rf_arena *a, const char *const **list, size_t n)
{
        const char **copy = rf_arena_array(a, MAX(n, (size_t)1), sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!(copy[i] = rf_arena_strdup(a, (*list)[i])))
                        return -ENOMEM;
        *list = copy;
        return 0;
}

int rf_wish_copy(const struct rf_wish *w, struct rf_wish **ret)
{
        struct holder *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        h->wish = *w;
        h->wish.prompt = rf_arena_strdup(&h->arena, w->prompt ? w->prompt : "");
        if (!h->wish.prompt || copy_list(&h->arena, &h->wish.exclude_artists, w->n_exclude_artists) < 0 ||
            copy_list(&h->arena, &h->wish.like, w->n_like) < 0) {
                rf_wish_free(&h->wish);
                return -ENOMEM;
        }
        *ret = &h->wish;
        return 0;
}

static int put_list(struct rf_buf *b, const char *const *list, size_t n)
{
        int r = rf_buf_put_u16(b, (uint16_t)n);

        for (size_t i = 0; i < n && r >= 0; i++)
                r = rf_buf_put_string(b, list[i]);
        return r;
}

int rf_wish_encode(const struct rf_wish *w, struct rf_buf *b)
{
        int r;

        if ((r = rf_buf_put_u8(b, FORMAT)) < 0 || (r = rf_buf_put_string(b, w->prompt ? w->prompt : "")) < 0 ||
            (r = rf_buf_put_u32(b, w->n_tracks)) < 0 || (r = rf_buf_put_u32(b, w->duration_s)) < 0 ||
            (r = rf_buf_put_u32(b, w->deadline_ms)) < 0 || (r = rf_buf_put_u64(b, w->seed)) < 0 ||
            (r = rf_buf_put_u8(b, (uint8_t)(w->no_explicit | w->has_arc << 1 | w->strict << 2))) < 0 ||
            (r = rf_buf_put_u8(b, (uint8_t)w->arc)) < 0 || (r = put_list(b, w->exclude_artists, w->n_exclude_artists)) < 0)
                return r;
        return put_list(b, w->like, w->n_like);
}

static int get_string(struct rf_reader *reader, struct rf_arena *a, const char **ret)
{
        const char *text;
        size_t size;
        int r = rf_reader_string(reader, &text, &size);

        if (r < 0)
                return r;
        if (!text || memchr(text, '\0', size))
                return -RF_ECORRUPT;
        *ret = rf_arena_strndup(a, text, size);
        return *ret ? 0 : -ENOMEM;
}

static int get_list(struct rf_reader *reader, struct rf_arena *a, const char *const **ret, size_t *ret_n)
{
        uint16_t n;
        const char **list;
        int r = rf_reader_u16(reader, &n);

        if (r < 0)
                return r;
        if (n > RF_WISH_LIST_MAX)
                return -RF_ECORRUPT;
        list = rf_arena_array(a, MAX(n, 1), sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = get_string(reader, a, &list[i]);
        *ret = list;
        *ret_n = n;
        return r;
}

int rf_wish_decode(const void *data, size_t size, struct rf_wish **ret)
{
        struct rf_reader reader = { .data = data, .size = size };
        struct holder *h = calloc(1, sizeof(*h));
        uint8_t format, flags = 0, arc = 0;
        int r;

        if (!h)
                return -ENOMEM;
        r = rf_reader_u8(&reader, &format);
        if (r >= 0 && format != FORMAT)
                r = format > FORMAT ? -RF_EFOREIGN : -RF_ECORRUPT;
        if (r < 0 || (r = get_string(&reader, &h->arena, &h->wish.prompt)) < 0 ||
            (r = rf_reader_u32(&reader, &h->wish.n_tracks)) < 0 || (r = rf_reader_u32(&reader, &h->wish.duration_s)) < 0 ||
            (r = rf_reader_u32(&reader, &h->wish.deadline_ms)) < 0 || (r = rf_reader_u64(&reader, &h->wish.seed)) < 0 ||
            (r = rf_reader_u8(&reader, &flags)) < 0 || (r = rf_reader_u8(&reader, &arc)) < 0 ||
            (r = get_list(&reader, &h->arena, &h->wish.exclude_artists, &h->wish.n_exclude_artists)) < 0 ||
            (r = get_list(&reader, &h->arena, &h->wish.like, &h->wish.n_like)) < 0)
                goto fail;
        r = -RF_ECORRUPT;
        if (reader.at != reader.size || arc > RF_ARC_WIND_DOWN || flags > 7)
                goto fail;
        h->wish.no_explicit = flags & 1;
        h->wish.has_arc = flags & 2;
        h->wish.strict = flags & 4;
        h->wish.arc = arc;
        *ret = &h->wish;
        return 0;
fail:
        rf_wish_free(&h->wish);
        return r;
}
