/* One attempt at a call: build, send, wait, parse. */
#pragma once

#include "provider/answer.h"
#include "provider/provider.h"

struct rf_attempt {
        struct rf_verdict verdict;
        uint16_t status;      /* HTTP status; 0 if no answer came */
        uint32_t bytes;       /* of the answer */
        uint64_t duration_us; /* scheduler time */
};

/*
 * Asks `p` once (yields). 0: `ret_answer` holds the records, or the verdict says what went wrong and it is NULL. A negative error is
 * ours: -ECANCELED, -ETIMEDOUT of the caller, -ENOMEM, -ENOTSUP from the plugin: it can't do this query.
 */
int rf_attempt(struct rf_provider *p, const struct rf_query *q, struct rf_attempt *ret, struct rf_answer **ret_answer);
