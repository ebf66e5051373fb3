/*
 * Circuit breaker of one provider.
 *
 * Closed until `failures` failures in a row, or until more than `rate_percent` of the last RF_BREAKER_WINDOW calls failed or were slow;
 * then open for `open_us`; then half open: `probes` callers may try. All times are scheduler time in microseconds. Never yields.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_BREAKER_WINDOW 20u /* calls over which rates are taken */

struct rf_breaker;

struct rf_breaker_options {
        uint32_t failures;     /* in a row; 0 = never opens */
        uint32_t rate_percent; /* of failures, and of slow calls; 0 = rates don't count */
        uint64_t slow_us;      /* a call that takes longer is slow; 0 = none is */
        uint64_t open_us;
        uint32_t probes;       /* at once while half open */
        uint64_t probe_us;     /* a probe that isn't given back by then no longer counts */
};

enum rf_breaker_state { RF_BREAKER_CLOSED, RF_BREAKER_OPEN, RF_BREAKER_HALF_OPEN };

/* Leave to make one call. Late answers of an older generation change nothing. */
struct rf_pass {
        uint64_t generation, entered_us;
        bool is_probe, is_valid;
};

enum rf_pass_result { RF_PASS_SUCCESS, RF_PASS_FAILURE, RF_PASS_NEUTRAL /* our own cancel: says nothing of the service */ };

int rf_breaker_new(const struct rf_breaker_options *o, struct rf_breaker **ret);
struct rf_breaker *rf_breaker_free(struct rf_breaker *b);
DEFINE_CLEANUP(struct rf_breaker *, rf_breaker_free);

/*
 * Asks to make a call. On 0, `ret_pass` must be given back with rf_breaker_done(), also when the call is cancelled. Returns -RF_EOPEN
 * while open or while all probes are out; `ret_retry_us` then says for how long at most.
 */
int rf_breaker_enter(struct rf_breaker *b, uint64_t now_us, struct rf_pass *ret_pass, uint64_t *ret_retry_us);
void rf_breaker_done(struct rf_breaker *b, uint64_t now_us, struct rf_pass *pass, enum rf_pass_result result);

/* Switched off it never opens, nor is it open; it begins anew when it's switched on again. It is on at first. */
void rf_breaker_switch(struct rf_breaker *b, bool is_on);

/* Whether rf_breaker_enter() would refuse now. */
bool rf_breaker_is_open(const struct rf_breaker *b, uint64_t now_us);
enum rf_breaker_state rf_breaker_state(const struct rf_breaker *b, uint64_t now_us);
uint64_t rf_breaker_times_opened(const struct rf_breaker *b);
