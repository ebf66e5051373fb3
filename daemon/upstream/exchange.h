/* One request and its response, over HTTP or through a plugin's own transport: the only place where anything leaves recflow. */
#pragma once

#include "net/http.h"
#include "provider/provider.h"

/* What came back, or why nothing did. */
struct rf_exchange {
        const char *failure; /* NULL: a response came. Otherwise a short name, as rf_http_failure_name() */
        char message[160];   /* of a failure, for people */
        struct rf_response response;
        uint64_t connect_us, first_byte_us, total_us;
        bool is_reused;
        /* owners of what `response` points to */
        struct rf_reply reply;
        struct rf_http_response http;
};

/*
 * Sends `request` as `provider` would, and waits at most `timeout_us` (yields). `http` may be NULL if the provider has a transport. 0:
 * see `ret`, which is to be given back with rf_exchange_done(). -ECANCELED, -ETIMEDOUT (the caller's group), -ENOMEM: nothing to give
 * back.
 */
int rf_exchange(struct rf_http *http, struct rf_provider *provider, const struct rf_request *request, uint64_t timeout_us,
                bool is_idempotent, struct rf_exchange *ret);
void rf_exchange_done(struct rf_exchange *e);
