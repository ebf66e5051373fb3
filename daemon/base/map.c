#include "base/map.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { SLOT_EMPTY = UINT32_MAX, SLOT_DELETED = UINT32_MAX - 1 };

struct entry {
        char *key; /* NULL: removed */
        size_t size;
        uint64_t hash;
        void *value;
};

/* Entries stand in insertion order; `slots` is an open-addressing index into them. */
struct rf_map {
        struct entry *entries;
        size_t n_entries, n_live, capacity;
        uint32_t *slots;
        size_t n_slots; /* power of two, at least twice the capacity of entries */
};

uint64_t rf_hash(const void *data, size_t size, uint64_t seed)
{
        return XXH3_64bits_withSeed(data, size, seed);
}

struct rf_map *rf_map_new(void)
{
        return calloc(1, sizeof(struct rf_map));
}

struct rf_map *rf_map_free(struct rf_map *m)
{
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_entries; i++)
                free(m->entries[i].key);
        free(m->entries);
        free(m->slots);
        free(m);
        return NULL;
}

static void index_entry(struct rf_map *m, uint32_t entry)
{
        size_t i = m->entries[entry].hash & (m->n_slots - 1);

        while (m->slots[i] != (uint32_t)SLOT_EMPTY)
                i = (i + 1) & (m->n_slots - 1);
        m->slots[i] = entry;
}

/* Makes room for one more entry; squeezes removed ones out. */
static int make_room(struct rf_map *m)
{
        size_t capacity, n_slots, n = 0;
        struct entry *entries;
        uint32_t *slots;

        if (m->n_entries < m->capacity)
                return 0;
        capacity = MAX((size_t)8, m->n_live * 2);
        if (capacity > UINT32_MAX / 8)
                return -ENOMEM;
        n_slots = 16;
        while (n_slots < capacity * 2)
                n_slots *= 2;
        slots = malloc(n_slots * sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        entries = malloc(capacity * sizeof(*entries));
        if (!entries) {
                free(slots);
                return -ENOMEM;
        }
        for (size_t i = 0; i < m->n_entries; i++)
                if (m->entries[i].key)
                        entries[n++] = m->entries[i];
        free(m->entries);
        free(m->slots);
        m->entries = entries;
        m->n_entries = n;
        m->capacity = capacity;
        m->slots = slots;
        m->n_slots = n_slots;
        memset(m->slots, 0xff, m->n_slots * sizeof(*m->slots));
        for (size_t i = 0; i < n; i++)
                index_entry(m, (uint32_t)i);
        return 0;
}

static uint32_t *find(const struct rf_map *m, const void *key, size_t size, uint64_t hash)
{
        if (m->n_slots == 0)
                return NULL;
        for (size_t i = hash & (m->n_slots - 1);; i = (i + 1) & (m->n_slots - 1)) {
                uint32_t slot = m->slots[i];
                const struct entry *e;

                if (slot == (uint32_t)SLOT_EMPTY)
                        return NULL;
                if (slot == (uint32_t)SLOT_DELETED)
                        continue;
                e = &m->entries[slot];
                if (e->hash == hash && e->size == size && memcmp(e->key, key, size) == 0)
                        return &m->slots[i];
        }
}

int rf_map_put(struct rf_map *m, const void *key, size_t size, void *value)
{
        uint64_t hash = rf_hash(key, size, 0);
        char *copy;
        int r;

        if (find(m, key, size, hash))
                return -EEXIST;
        copy = malloc(size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, key, size);
        copy[size] = '\0';
        r = make_room(m);
        if (r < 0) {
                free(copy);
                return r;
        }
        m->entries[m->n_entries] = (struct entry){ .key = copy, .size = size, .hash = hash, .value = value };
        index_entry(m, (uint32_t)m->n_entries);
        m->n_entries++;
        m->n_live++;
        return 0;
}

void *rf_map_get(const struct rf_map *m, const void *key, size_t size)
{
        uint32_t *slot = find(m, key, size, rf_hash(key, size, 0));

        return slot ? m->entries[*slot].value : NULL;
}

void *rf_map_remove(struct rf_map *m, const void *key, size_t size)
{
        uint32_t *slot = find(m, key, size, rf_hash(key, size, 0));
        struct entry *e;

        if (!slot)
                return NULL;
        e = &m->entries[*slot];
        *slot = (uint32_t)SLOT_DELETED;
        free(e->key);
        e->key = NULL;
        m->n_live--;
        return e->value;
}

size_t rf_map_size(const struct rf_map *m)
{
        return m->n_live;
}

int rf_map_put_string(struct rf_map *m, const char *key, void *value)
{
        return rf_map_put(m, key, strlen(key), value);
}

void *rf_map_get_string(const struct rf_map *m, const char *key)
{
        return rf_map_get(m, key, strlen(key));
}

void *rf_map_remove_string(struct rf_map *m, const char *key)
{
        return rf_map_remove(m, key, strlen(key));
}

bool rf_map_next(const struct rf_map *m, size_t *at, const char **ret_key, void **ret_value)
{
        while (*at < m->n_entries) {
                const struct entry *e = &m->entries[(*at)++];

                if (!e->key)
                        continue;
                if (ret_key)
                        *ret_key = e->key;
                if (ret_value)
                        *ret_value = e->value;
                return true;
        }
        return false;
}
