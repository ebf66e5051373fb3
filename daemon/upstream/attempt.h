/* One attempt at a call: send a built request, wait, check, parse, classify. */
#pragma once

#include "provider/answer.h"
#include "upstream/exchange.h"

struct rf_attempt {
        struct rf_verdict verdict;
        const char *failure;  /* short name of what went wrong below or beside the service's own words; NULL */
        uint16_t status;      /* HTTP status; 0 if no answer came */
        uint32_t bytes;       /* of the answer */
        uint64_t duration_us, connect_us, first_byte_us; /* scheduler time */
};

/*
 * Asks `p` once, with the request that `o` built (yields). 0: `ret_answer` holds the records, or the verdict says what went wrong and it is NULL. A negative error is
 * ours: -ECANCELED, -ETIMEDOUT of the caller, -ENOMEM.
 */
int rf_attempt(struct rf_http *http, struct rf_provider *p, const struct rf_operation *o, const struct rf_query *q,
               const struct rf_request *request, uint64_t timeout_us, struct rf_attempt *ret, struct rf_answer **ret_answer);
