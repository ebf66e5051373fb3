#include "upstream/breaker.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

enum { BAD_FAILURE = 1, BAD_SLOW = 2 };

struct rf_breaker {
        struct rf_breaker_options options;
        uint64_t generation; /* grows whenever the state changes */
        bool is_off;
        bool is_tripped;     /* open, or half open once `until_us` is over */
        uint64_t until_us, probing_us; /* end of being open; when the latest probe went */
        uint32_t probes_out, in_a_row;
        uint8_t window[RF_BREAKER_WINDOW]; /* ring of what was bad about the last calls */
        uint32_t n_window;
        uint64_t times_opened;
};

int rf_breaker_new(const struct rf_breaker_options *o, struct rf_breaker **ret)
{
        struct rf_breaker *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->options = *o;
        *ret = b;
        return 0;
}

struct rf_breaker *rf_breaker_free(struct rf_breaker *b)
{
        free(b);
        return NULL;
}

/* Probes that were never given back lose their place after a while, or nobody would ever try again. */
static uint32_t probes_out(const struct rf_breaker *b, uint64_t now_us)
{
        return now_us - b->probing_us >= b->options.probe_us ? 0 : b->probes_out;
}

bool rf_breaker_is_open(const struct rf_breaker *b, uint64_t now_us)
{
        return b->is_tripped && (now_us < b->until_us || probes_out(b, now_us) >= b->options.probes);
}

enum rf_breaker_state rf_breaker_state(const struct rf_breaker *b, uint64_t now_us)
{
        if (!b->is_tripped)
                return RF_BREAKER_CLOSED;
        return now_us < b->until_us ? RF_BREAKER_OPEN : RF_BREAKER_HALF_OPEN;
}

uint64_t rf_breaker_times_opened(const struct rf_breaker *b)
{
        return b->times_opened;
}

int rf_breaker_enter(struct rf_breaker *b, uint64_t now_us, struct rf_pass *ret_pass, uint64_t *ret_retry_us)
{
        if (rf_breaker_is_open(b, now_us)) {
                *ret_retry_us = now_us < b->until_us ? b->until_us - now_us : b->probing_us + b->options.probe_us - now_us;
                return -RF_EOPEN;
        }
        if (b->is_tripped) {
                b->probes_out = probes_out(b, now_us) + 1;
                b->probing_us = now_us;
        }
        *ret_pass = (struct rf_pass){ .generation = b->generation, .entered_us = now_us, .is_probe = b->is_tripped, .is_valid = true };
        return 0;
}

static void change(struct rf_breaker *b, bool trips, uint64_t now_us)
{
        b->generation++;
        b->is_tripped = trips;
        b->until_us = trips ? now_us + b->options.open_us : 0;
        b->times_opened += trips;
        b->probes_out = b->in_a_row = b->n_window = 0;
}

void rf_breaker_switch(struct rf_breaker *b, bool is_on)
{
        if (b->is_off == !is_on)
                return;
        b->is_off = !is_on;
        change(b, false, 0);
}

static bool has_too_many(const struct rf_breaker *b, uint8_t bad)
{
        uint32_t n = 0;

        if (b->n_window < RF_BREAKER_WINDOW || b->options.rate_percent == 0)
                return false;
        for (uint32_t i = 0; i < RF_BREAKER_WINDOW; i++)
                n += (b->window[i] & bad) != 0;
        return n * 100 > b->options.rate_percent * RF_BREAKER_WINDOW;
}

void rf_breaker_done(struct rf_breaker *b, uint64_t now_us, struct rf_pass *pass, enum rf_pass_result result)
{
        bool is_slow = b->options.slow_us > 0 && now_us - pass->entered_us > b->options.slow_us;

        if (!pass->is_valid)
                return;
        pass->is_valid = false;
        if (pass->generation != b->generation)
                return; /* the state has changed since: an answer from before says nothing of now */
        if (pass->is_probe && b->probes_out > 0)
                b->probes_out--;
        if (result == RF_PASS_NEUTRAL || b->options.failures == 0 || b->is_off)
                return;
        if (pass->is_probe) {
                change(b, result == RF_PASS_FAILURE, now_us);
                return;
        }
        b->window[b->n_window++ % RF_BREAKER_WINDOW] =
                (uint8_t)((result == RF_PASS_FAILURE ? BAD_FAILURE : 0) | (is_slow ? BAD_SLOW : 0));
        b->in_a_row = result == RF_PASS_FAILURE ? b->in_a_row + 1 : 0;
        if (b->in_a_row >= b->options.failures || has_too_many(b, BAD_FAILURE) || has_too_many(b, BAD_SLOW))
                change(b, true, now_us);
}
