#include "warm/warm_set.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "sched/sched.h"

struct rf_warm_set {
        struct rf_state *state;
        struct rf_map *items; /* by key */
};

int rf_warm_set_new(struct rf_state *state, struct rf_warm_set **ret)
{
        struct rf_warm_set *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->state = state;
        s->items = rf_map_new();
        if (!s->items) {
                free(s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

struct rf_warm_set *rf_warm_set_free(struct rf_warm_set *s)
{
        struct rf_warm_item *i;

        if (!s)
                return NULL;
        for (size_t at = 0; (i = rf_warm_set_next(s, &at));)
                rf_warm_item_free(i);
        rf_map_free(s->items);
        free(s);
        return NULL;
}

size_t rf_warm_set_size(const struct rf_warm_set *s)
{
        return rf_map_size(s->items);
}

struct rf_warm_item *rf_warm_set_next(const struct rf_warm_set *s, size_t *at)
{
        const char *key;
        void *i;

        return rf_map_next(s->items, at, &key, &i) ? i : NULL;
}

struct rf_warm_item *rf_warm_set_find(const struct rf_warm_set *s, const uint8_t key[static RF_WARM_KEY_SIZE])
{
        return rf_map_get(s->items, key, RF_WARM_KEY_SIZE);
}

/* ---- Making and forgetting ---- */

static int put(struct rf_warm_set *s, struct rf_warm_item *i)
{
        return rf_map_put(s->items, i->key, RF_WARM_KEY_SIZE, i);
}

static void drop(struct rf_warm_set *s, struct rf_warm_item *i)
{
        rf_map_remove(s->items, i->key, RF_WARM_KEY_SIZE);
        rf_warm_item_free(i);
}

/* Of those that nobody wants kept, the one used least. Its record goes when the next is written: see rf_warm_set_save(). */
static void make_room(struct rf_warm_set *s)
{
        struct rf_warm_item *least = NULL, *i;
        double least_uses = 0;

        if (rf_map_size(s->items) < RF_WARM_ITEMS_MAX)
                return;
        for (size_t at = 0; (i = rf_warm_set_next(s, &at));) {
                double uses = rf_rhythm_total(&i->rhythm, rf_wall_us());

                if (!rf_warm_item_is_kept(i) && (!least || uses < least_uses)) {
                        least = i;
                        least_uses = uses;
                }
        }
        if (least) /* there is always one: less are kept than there are */
                drop(s, least);
}

int rf_warm_set_get(struct rf_warm_set *s, const struct rf_wish *wish, struct rf_warm_item **ret)
{
        uint8_t key[RF_WARM_KEY_SIZE];
        struct rf_warm_item *i;
        int r = rf_warm_key(wish, key);

        if (r < 0)
                return r;
        *ret = rf_warm_set_find(s, key);
        if (*ret)
                return 0;
        r = rf_warm_item_new(wish, key, &i);
        if (r < 0)
                return r;
        make_room(s);
        r = put(s, i);
        if (r < 0) {
                rf_warm_item_free(i);
                return r;
        }
        *ret = i;
        return 0;
}

static size_t n_kept(const struct rf_warm_set *s)
{
        struct rf_warm_item *i;
        size_t n = 0;

        for (size_t at = 0; (i = rf_warm_set_next(s, &at));)
                n += rf_warm_item_is_kept(i);
        return n;
}

/* ---- What is wanted ---- */

static int configure_one(struct rf_warm_set *s, const struct rf_wish *wish)
{
        struct rf_warm_item *i;
        int r = rf_warm_set_get(s, wish, &i);

        if (r < 0)
                return r;
        if (!rf_warm_item_is_kept(i) && n_kept(s) >= RF_WARM_KEPT_MAX)
                return -RF_ELIMIT;
        i->is_configured = true;
        return 0;
}

static int configure_list(struct rf_warm_set *s, const char *list, bool are_seeds)
{
        _cleanup_free_ char *copy = strdup(list ? list : "");
        char *next = NULL;
        int r = copy ? 0 : -ENOMEM;

        for (char *text = copy ? strtok_r(copy, "|", &next) : NULL; text && r >= 0; text = strtok_r(NULL, "|", &next)) {
                struct rf_wish wish = { .prompt = "" };
                const char *word;
                size_t n;

                word = text += strspn(text, " \t");
                for (n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t');)
                        text[--n] = '\0';
                if (n == 0)
                        continue;
                if (are_seeds) {
                        wish.like = &word;
                        wish.n_like = 1;
                } else
                        wish.prompt = text;
                r = configure_one(s, &wish);
        }
        return r;
}

int rf_warm_set_configure(struct rf_warm_set *s, const char *prompts, const char *seeds)
{
        struct rf_warm_item *i;
        int r;

        for (size_t at = 0; (i = rf_warm_set_next(s, &at));)
                i->is_configured = false;
        r = configure_list(s, prompts, false);
        return r < 0 ? r : configure_list(s, seeds, true);
}

static int write_added(struct rf_warm_set *s, const struct rf_warm_item *i, const uint8_t key[static RF_WARM_KEY_SIZE])
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_buf_put_u64(&b, i->added_us);

        if (r >= 0)
                r = rf_wish_encode(i->wish, &b);
        if (r >= 0 && b.size > RF_WARM_RECORD_MAX)
                r = -RF_ELIMIT;
        return r < 0 || !s->state ? r : rf_state_put(s->state, RF_TABLE_WARM, key, RF_WARM_KEY_SIZE, b.data, b.size);
}

int rf_warm_set_add(struct rf_warm_set *s, const struct rf_wish *wish)
{
        uint8_t key[RF_WARM_KEY_SIZE];
        struct rf_warm_item *i;
        int r = rf_warm_set_get(s, wish, &i);

        if (r < 0)
                return r;
        if (i->is_added)
                return 0;
        if (!i->is_configured && n_kept(s) >= RF_WARM_KEPT_MAX)
                return -RF_ELIMIT;
        i->is_added = true;
        i->added_us = rf_wall_us();
        memcpy(key, i->key, sizeof(key));
        r = write_added(s, i, key);
        i = rf_warm_set_find(s, key); /* somebody may have removed it meanwhile */
        if (r < 0 && i)
                i->is_added = false;
        return r < 0 ? r : 1;
}

int rf_warm_set_remove(struct rf_warm_set *s, const struct rf_wish *wish)
{
        uint8_t key[RF_WARM_KEY_SIZE];
        struct rf_warm_item *i;
        bool is_configured;
        int r = rf_warm_key(wish, key);

        if (r < 0)
                return r;
        i = rf_warm_set_find(s, key);
        if (!i)
                return -ENOENT;
        is_configured = i->is_configured;
        if (is_configured && !i->is_added)
                return -EPERM;
        i->is_added = false;
        if (!is_configured)
                drop(s, i);
        if (!s->state)
                return 0;
        r = rf_state_remove(s->state, RF_TABLE_WARM, key, sizeof(key));
        return r < 0 || is_configured ? r : rf_state_remove(s->state, RF_TABLE_USES, key, sizeof(key));
}

/* ---- In the store ---- */

static int load_uses(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct rf_warm_set *s = arg;
        struct rf_warm_item *i;
        int r;

        if (key_size != RF_WARM_KEY_SIZE || rf_map_size(s->items) >= RF_WARM_ITEMS_MAX || rf_warm_set_find(s, key))
                return 0;
        r = rf_warm_item_decode(value, size, key, &i);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        r = put(s, i);
        if (r < 0)
                rf_warm_item_free(i);
        return r;
}

static int load_added(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct rf_warm_set *s = arg;
        struct rf_reader reader = { .data = value, .size = size };
        _cleanup_(rf_wish_freep) struct rf_wish *wish = NULL;
        struct rf_warm_item *i;
        uint64_t added_us;
        int r = rf_reader_u64(&reader, &added_us);

        (void)key;
        (void)key_size;
        if (r >= 0)
                r = rf_wish_decode((const char *)value + reader.at, size - reader.at, &wish);
        if (r >= 0)
                r = rf_warm_set_get(s, wish, &i);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        i->is_added = true;
        i->added_us = added_us;
        return 0;
}

int rf_warm_set_load(struct rf_warm_set *s)
{
        int r;

        if (!s->state)
                return 0;
        r = rf_state_foreach(s->state, RF_TABLE_USES, false, load_uses, s);
        return r < 0 ? r : rf_state_foreach(s->state, RF_TABLE_WARM, false, load_added, s);
}

static struct rf_warm_item *first_unsaved(const struct rf_warm_set *s)
{
        struct rf_warm_item *i;

        for (size_t at = 0; (i = rf_warm_set_next(s, &at));)
                if (i->is_unsaved)
                        return i;
        return NULL;
}

bool rf_warm_set_is_unsaved(const struct rf_warm_set *s)
{
        return first_unsaved(s) != NULL;
}

/* A record whose item is gone. */
static int find_forgotten(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct rf_buf *b = arg;

        (void)value;
        (void)size;
        return rf_buf_add(b, key, key_size);
}

static int remove_forgotten(struct rf_warm_set *s)
{
        _cleanup_buf_ struct rf_buf keys = RF_BUF_INIT;
        int r;

        if (rf_state_count(s->state, RF_TABLE_USES) <= rf_map_size(s->items))
                return 0;
        r = rf_state_foreach(s->state, RF_TABLE_USES, false, find_forgotten, &keys);
        for (size_t at = 0; at + RF_WARM_KEY_SIZE <= keys.size && r >= 0; at += RF_WARM_KEY_SIZE)
                if (!rf_warm_set_find(s, (const uint8_t *)keys.data + at))
                        r = rf_state_remove(s->state, RF_TABLE_USES, keys.data + at, RF_WARM_KEY_SIZE);
        return r;
}

int rf_warm_set_save(struct rf_warm_set *s)
{
        struct rf_warm_item *i;
        int r = 0;

        if (!s->state)
                return 0;
        while (r >= 0 && (i = first_unsaved(s))) {
                _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
                uint8_t key[RF_WARM_KEY_SIZE];

                i->is_unsaved = false;
                memcpy(key, i->key, sizeof(key));
                r = rf_warm_item_encode(i, &b);
                if (r == -E2BIG) { /* a wish of that length is counted while the daemon runs, and no longer */
                        r = 0;
                        continue;
                }
                if (r >= 0)
                        r = rf_state_put(s->state, RF_TABLE_USES, key, sizeof(key), b.data, b.size);
                if (r < 0 && (i = rf_warm_set_find(s, key))) /* anew: it may be gone meanwhile */
                        i->is_unsaved = true;
        }
        return r < 0 ? r : remove_forgotten(s);
}
