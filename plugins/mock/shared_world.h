/*
 * Worlds that are in use: two instances of one seed share theirs, which takes no time to make and never changes. One thread.
 */
#pragma once

#include "world.h"

/* -ENOMEM. */
int mock_world_share(uint64_t seed, const struct mock_world **ret);
/* Accepts NULL. The last who leaves a world leaves it in store for who comes next; one is kept so, the latest. */
void mock_world_leave(const struct mock_world *w);
