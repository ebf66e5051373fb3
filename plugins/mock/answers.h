/* The service's side: answers a request of its own dialect from the world, as a JSON text. */
#pragma once

#include <recflow/plugin.h>

#include "world.h"

struct mock_service {
        const struct mock_world *world;
        bool has_user;
        uint32_t n_playlists;
};

/* Returns the HTTP status; `ret_body` is a new string. 0: out of memory. */
uint16_t mock_answer(struct mock_service *s, const struct rf_request *request, char **ret_body);
