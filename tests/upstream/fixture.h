/* Providers, a scheduler on the virtual clock and an upstream, put together for a test. */
#pragma once

#include "test.h"

#include "base/error.h"
#include "provider/provider.h"
#include "sched/sched.h"
#include "upstream/upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
        struct rf_providers *providers;
        struct rf_upstream *upstream;
        struct rf_cache *cache;
        struct rf_call_record records[256];
        size_t n_records;
};

/* Options of the mock provider as "name=value" strings, NULL at the end. */
static inline void fixture_open(struct fixture *f, const char *const *options)
{
        struct rf_provider_config c = { .name = "mock" };
        char message[512], names[8][32];

        *f = (struct fixture){ .cache = f->cache };
        c.options = calloc(8, sizeof(*c.options));
        c.plugin = TEST_BUILDDIR "/.libs/mock.so";
        for (; options && *options; options++) {
                const char *equals = strchr(*options, '=');

                snprintf(names[c.n_options], sizeof(names[0]), "%.*s", (int)(equals - *options), *options);
                c.options[c.n_options].name = names[c.n_options];
                c.options[c.n_options].value = equals + 1;
                c.options[c.n_options++].where = "test";
        }
        assert_int_equal(rf_providers_new("/nonexistent", &f->providers), 0);
        if (rf_providers_load(f->providers, &c, message, sizeof(message)) < 0)
                fail_msg("%s", message);
        free(c.options);
        assert_int_equal(rf_upstream_new(&(struct rf_upstream_options){ .concurrency = 8, .retries = 2, .seed = 1, .cache_enabled = true,
                                                                        .refusal_us = 86400 * USEC_PER_SEC },
                                         f->providers, f->cache, &f->upstream), 0);
}

static inline void fixture_close(struct fixture *f)
{
        f->upstream = rf_upstream_free(f->upstream);
        f->providers = rf_providers_free(f->providers);
}

static inline void fixture_observe(void *arg, const struct rf_call_record *record)
{
        struct fixture *f = arg;

        assert_true(f->n_records < ARRAY_SIZE(f->records));
        f->records[f->n_records++] = *record;
}

static inline struct rf_caller fixture_caller(struct fixture *f)
{
        return (struct rf_caller){ .deadline_us = RF_FOREVER, .observe = fixture_observe, .observe_arg = f };
}
