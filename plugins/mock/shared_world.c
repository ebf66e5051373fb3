#include "shared_world.h"

#include <errno.h>
#include <stdlib.h>

struct shared {
        struct mock_world *world;
        size_t n_users;
        struct shared *next;
};

static struct shared *worlds;

int mock_world_share(uint64_t seed, const struct mock_world **ret)
{
        struct shared *s = worlds;
        int r;

        while (s && s->world->seed != seed)
                s = s->next;
        if (!s) {
                s = calloc(1, sizeof(*s));
                r = s ? mock_world_new(seed, &s->world) : -ENOMEM;
                if (r < 0) {
                        free(s);
                        return r;
                }
                s->next = worlds;
                worlds = s;
        }
        s->n_users++;
        *ret = s->world;
        return 0;
}

/* Frees what nobody uses, but for one: whoever closes and opens again has it at once. */
static void tidy(const struct shared *kept)
{
        for (struct shared **at = &worlds; *at;) {
                struct shared *s = *at;

                if (s == kept || s->n_users > 0) {
                        at = &s->next;
                        continue;
                }
                *at = s->next;
                mock_world_free(s->world);
                free(s);
        }
}

void mock_world_leave(const struct mock_world *w)
{
        struct shared *s = worlds;

        while (s && s->world != w)
                s = s->next;
        if (!s)
                return;
        s->n_users--;
        tidy(s);
}
