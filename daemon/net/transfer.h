/* One request inside libcurl: its easy handle and what has come back so far. Only net/ includes this. */
#pragma once

#include <curl/curl.h>

#include "net/http.h"

struct rf_transfer;

/* Sets what is the same for all requests on the new handle. `options` and `share` outlive it. NULL: out of memory. */
struct rf_transfer *rf_transfer_new(const struct rf_http_options *options, CURLSH *share);
struct rf_transfer *rf_transfer_free(struct rf_transfer *t);
CURL *rf_transfer_easy(struct rf_transfer *t);

/*
 * `addresses` for CURLOPT_RESOLVE; `uses_proxy`: the configured one, if any; `connect_us`: time for TCP and TLS. The arguments stay the
 * caller's. -ENOMEM.
 */
int rf_transfer_prepare(struct rf_transfer *t, const struct rf_http_request *request, struct curl_slist *addresses, bool uses_proxy,
                        uint64_t connect_us);
/* Waits until rf_transfer_end() was called for it (yields). -ETIMEDOUT, -ECANCELED. */
int rf_transfer_wait(struct rf_transfer *t, uint64_t deadline_us);
void rf_transfer_end(struct rf_transfer *t, int code); /* a CURLcode */
/* Ended because a kept connection had died meanwhile, before anything came back. */
bool rf_transfer_met_dead_connection(const struct rf_transfer *t);
/* Moves what came, or what failed, into the response. -ENOMEM. */
int rf_transfer_take(struct rf_transfer *t, struct rf_http_response *ret);
/* What an unfinished one was waiting for, and the status and headers that had come. -ENOMEM. */
int rf_transfer_explain_timeout(struct rf_transfer *t, struct rf_http_response *ret);
/* Forgets the request; the handle can be used again. */
void rf_transfer_reset(struct rf_transfer *t);
