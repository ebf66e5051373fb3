/* A service whose answers a test writes: the instance of the plugins alpha, beta and members. */
#pragma once

#include <recflow/plugin.h>

struct service {
        /* Set by the test. Answers a request; `ret` is all zeros but for its size. Times are scheduler time. */
        void (*answer)(struct service *s, const struct rf_request *request, uint64_t now_us, struct rf_reply *ret);
        void *arg;
        uint64_t n_calls, n_refused; /* for the test */
        const struct rf_value *values;
};
