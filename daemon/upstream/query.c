#include "upstream/query.h"

#include <errno.h>

static int copy_text(struct rf_arena *a, const char **text)
{
        if (!*text)
                return 0;
        *text = rf_arena_strdup(a, *text);
        return *text ? 0 : -ENOMEM;
}

static int copy_list(struct rf_arena *a, const char *const **list, size_t n)
{
        const char **copy;

        if (n == 0)
                return 0;
        copy = rf_arena_array(a, n, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!(copy[i] = rf_arena_strdup(a, (*list)[i])))
                        return -ENOMEM;
        *list = copy;
        return 0;
}

int rf_query_copy(struct rf_arena *a, const struct rf_query *q, struct rf_query *ret)
{
        struct rf_query c = *q;
        const char **const texts[] = { &c.text, &c.track, &c.artist, &c.genre, &c.isrc, &c.market, &c.playlist, &c.name, &c.description };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(texts) && r >= 0; i++)
                r = copy_text(a, texts[i]);
        if (r < 0 || (r = copy_list(a, &c.ids, c.n_ids)) < 0 || (r = copy_list(a, &c.seeds, c.n_seeds)) < 0 ||
            (r = copy_list(a, &c.negative_seeds, c.n_negative_seeds)) < 0)
                return r;
        *ret = c;
        return 0;
}
