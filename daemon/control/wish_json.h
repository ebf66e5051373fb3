/* A client's parameters as a wish. The call was checked against the description; ranges and lengths are checked here. Never yields. */
#pragma once

#include <jansson.h>

#include "base/limits.h"
#include "flow/flow.h"

/* A wish that points into the parameters, which outlive it. */
struct rf_wish_json {
        struct rf_wish wish;
        const char *lists[2 * RF_WISH_LIST_MAX];
};

/* -EINVAL: `ret_parameter` is the outermost parameter that is out of range, `message` says what would be right. */
int rf_wish_from_json(const json_t *parameters, struct rf_wish_json *ret, const char **ret_parameter, char *message, size_t message_size);

/* The tracks of a call of Order; `ret_items` is calloc()ed, and points into the parameters. */
int rf_order_items_from_json(const json_t *parameters, struct rf_order_item **ret_items, size_t *ret_n, const char **ret_parameter,
                             char *message, size_t message_size);
