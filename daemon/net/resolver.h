/*
 * Names to addresses, off the loop: a few threads of its own, so that a hung lookup holds up neither the loop nor the store's syncs;
 * equal lookups under way are one; answers are kept for a short while, failures shorter.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct rf_resolver;

struct rf_resolver_options {
        uint64_t fresh_us;    /* how long an answer is kept; 0 = 60 s (getaddrinfo tells no life time) */
        uint64_t negative_us; /* a failure; 0 = 5 s */
};

int rf_resolver_new(const struct rf_resolver_options *o, struct rf_resolver **ret);
/* Nobody may wait. A thread that hangs in a lookup is left behind and ends by itself. Accepts NULL, returns NULL. */
struct rf_resolver *rf_resolver_free(struct rf_resolver *r);
DEFINE_CLEANUP(struct rf_resolver *, rf_resolver_free);

/*
 * The addresses of `host` as libcurl's CURLOPT_RESOLVE wants them ("192.0.2.1,[2001:db8::1]"), a new string. Yields. -ENOENT: there
 * is no such name; -EAGAIN: the name servers didn't answer, or RF_RESOLVER_NAMES_MAX lookups are under way; -ETIMEDOUT, -ECANCELED.
 */
int rf_resolver_lookup(struct rf_resolver *r, const char *host, uint64_t deadline_us, char **ret_addresses);
