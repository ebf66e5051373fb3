#include "upstream/exchange.h"

#include "base/limits.h"
#include "sched/sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void failed(struct rf_exchange *e, enum rf_http_failure failure, const char *message)
{
        e->failure = rf_http_failure_name(failure);
        snprintf(e->message, sizeof(e->message), "%s", message);
}

/* A transport in process says how long its answer takes; the waiting is ours. */
static int ask_transport(struct rf_provider *transport, const char *dialect, const struct rf_request *request, uint64_t timeout_us,
                         struct rf_exchange *e)
{
        struct rf_reply *reply = &e->reply;
        int r = rf_provider_plugin(transport)->transport->answer(rf_provider_instance(transport), dialect, request, rf_now_us(), reply);

        if (r < 0)
                return r;
        if (reply->fault == RF_FAULT_HANG || reply->delay_us > timeout_us) {
                failed(e, RF_HTTP_TIMEOUT, "no answer within the timeout");
                return rf_sleep_us(timeout_us);
        }
        if (reply->delay_us > 0 && (r = rf_sleep_us(reply->delay_us)) < 0)
                return r;
        e->first_byte_us = reply->delay_us;
        if (reply->fault == RF_FAULT_REFUSED)
                failed(e, RF_HTTP_REFUSED, "connection refused");
        else if (reply->fault == RF_FAULT_RESET)
                failed(e, RF_HTTP_LOST, "connection lost before the answer was complete");
        else if (reply->body_size > RF_RESPONSE_BYTES_MAX)
                failed(e, RF_HTTP_TOO_LARGE, "the answer is too large");
        e->response = (struct rf_response){ .size = sizeof(e->response), .status = reply->status, .headers = reply->headers,
                                            .n_headers = reply->n_headers, .body = reply->body ? reply->body : "",
                                            .body_size = reply->body_size };
        return 0;
}

static int ask_http(struct rf_http *http, const struct rf_request *request, uint64_t timeout_us, bool is_idempotent, struct rf_exchange *e)
{
        const struct rf_http_request q = { .method = request->method, .url = request->url, .headers = request->headers,
                                           .n_headers = request->n_headers, .body = request->body, .body_size = request->body_size,
                                           .timeout_us = timeout_us, .is_idempotent = is_idempotent };
        struct rf_http_response *h = &e->http;
        int r = rf_http_perform(http, &q, h);

        if (r < 0)
                return r;
        if (h->failure != RF_HTTP_FINE)
                failed(e, h->failure, h->message);
        e->connect_us = h->connect_us;
        e->first_byte_us = h->first_byte_us;
        e->is_reused = h->is_reused;
        e->response = (struct rf_response){ .size = sizeof(e->response), .status = h->status, .headers = h->headers,
                                            .n_headers = h->n_headers, .body = h->body.data ? h->body.data : "",
                                            .body_size = h->body.size };
        return 0;
}

int rf_exchange(struct rf_http *http, struct rf_provider *provider, const struct rf_request *request, uint64_t timeout_us,
                bool is_idempotent, struct rf_exchange *ret)
{
        struct rf_provider *transport = rf_provider_transport(provider);
        uint64_t started_us = rf_now_us();
        int r = 0;

        *ret = (struct rf_exchange){ .reply = { .size = sizeof(ret->reply) } };
        if (transport)
                r = ask_transport(transport, rf_provider_plugin(provider)->name, request, timeout_us, ret);
        else if (http)
                r = ask_http(http, request, timeout_us, is_idempotent, ret);
        else
                failed(ret, RF_HTTP_REFUSED, "there is no HTTP here, and no transport is configured for this provider");
        ret->total_us = rf_now_us() - started_us;
        if (r < 0)
                rf_exchange_done(ret);
        return r;
}

void rf_exchange_done(struct rf_exchange *e)
{
        free(e->reply.body);
        rf_http_response_done(&e->http);
        *e = (struct rf_exchange){ 0 };
}
