#include "faults.h"

#include "random.h"

static uint64_t hash(uint64_t h, const char *s)
{
        h ^= 0xcbf29ce484222325u;
        while (*s)
                h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
        return h;
}

static bool over_limit(struct mock_faults *f, uint64_t now_us, uint32_t *ret_retry_s)
{
        if (f->rate_limit == 0)
                return false;
        if (now_us - f->window_start_us >= f->rate_window_us) {
                f->window_start_us = now_us;
                f->in_window = 0;
        }
        if (f->in_window++ < f->rate_limit)
                return false;
        *ret_retry_s = (uint32_t)((f->window_start_us + f->rate_window_us - now_us + 999999) / 1000000);
        return true;
}

/*
 * The delay depends on the request alone, so that the order in which requests are made changes nothing. Faults depend on the number of
 * requests before, too: a retry has a new chance.
 */
enum mock_fault mock_faults_draw(struct mock_faults *f, const char *url, uint64_t now_us, uint64_t *ret_delay_us, uint32_t *ret_retry_s)
{
        struct mock_random r = { .state = hash(f->seed, url) };
        bool has_faults = f->error_rate > 0 || f->malformed_rate > 0 || f->hang_rate > 0;
        double dice;

        *ret_delay_us = f->latency_us + (uint64_t)((double)f->jitter_us * mock_random_unit(&r));
        if (over_limit(f, now_us, ret_retry_s))
                return MOCK_RATE;
        if (!has_faults)
                return MOCK_FINE;
        r.state += f->requests++;
        dice = mock_random_unit(&r);
        if ((dice -= f->error_rate) < 0)
                return MOCK_ERROR;
        if ((dice -= f->malformed_rate) < 0)
                return MOCK_MALFORMED;
        if ((dice -= f->hang_rate) < 0)
                return MOCK_HANG;
        return MOCK_FINE;
}
