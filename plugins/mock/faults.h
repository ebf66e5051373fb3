/* Latency and faults of the simulated service: drawn from the seed, the request and how often it was made. */
#pragma once

#include <recflow/plugin.h>

struct mock_faults {
        uint64_t seed;
        uint64_t latency_us, jitter_us;
        double error_rate, malformed_rate, hang_rate;
        uint32_t rate_limit; /* requests in rate_window_us; 0 = any */
        uint64_t rate_window_us;
        uint64_t window_start_us;
        uint32_t in_window;
        uint32_t requests; /* made so far */
};

enum mock_fault { MOCK_FINE, MOCK_ERROR, MOCK_MALFORMED, MOCK_HANG, MOCK_RATE };

/* What befalls this request, and how long it takes. `ret_retry_s` is set for MOCK_RATE. */
enum mock_fault mock_faults_draw(struct mock_faults *f, const char *url, uint64_t now_us, uint64_t *ret_delay_us, uint32_t *ret_retry_s);
