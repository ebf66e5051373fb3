/* Look-ups into the world: by id, by name, by genre. */
#pragma once

#include "world.h"

struct mock_index;

/* Also fills the world's lists by genre and by artist. -ENOMEM. */
int mock_index_new(struct mock_world *w, struct mock_index **ret);
struct mock_index *mock_index_free(struct mock_index *x);
