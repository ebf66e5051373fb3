/* Services written by a test, behind an upstream on the virtual clock. */
#pragma once

#include "test.h"

#include "base/error.h"
#include "provider/provider.h"
#include "sched/sched.h"
#include "service.h"
#include "upstream/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct house {
        struct rf_providers *providers;
        struct rf_upstream *upstream;
        struct rf_cache *cache;
        struct rf_state *state;
        struct rf_upstream_options options;
        char directory[64];
        struct rf_call_record last; /* record of the last call */
        int (*body)(struct house *h);
};

static inline void house_load(struct house *h, const char *name, const char *const *options)
{
        struct rf_provider_config c = { .name = name };
        char message[512], names[8][32], plugin[512];

        snprintf(plugin, sizeof(plugin), TEST_BUILDDIR "/.libs/%s_service.so", name);
        c.plugin = plugin;
        c.options = calloc(8, sizeof(*c.options));
        for (; options && *options; options++) {
                const char *equals = strchr(*options, '=');

                snprintf(names[c.n_options], sizeof(names[0]), "%.*s", (int)(equals - *options), *options);
                c.options[c.n_options].name = names[c.n_options];
                c.options[c.n_options].value = equals + 1;
                c.options[c.n_options++].where = "test";
        }
        if (rf_providers_load(h->providers, &c, message, sizeof(message)) < 0)
                fail_msg("%s", message);
        free(c.options);
}

static inline struct service *house_service(struct house *h, const char *name)
{
        return rf_provider_instance(rf_providers_find(h->providers, name));
}

/* Opens the stores, and what is remembered in them. */
static inline void house_open(struct house *h)
{
        char notice[512];

        if (!h->directory[0]) {
                strcpy(h->directory, "/tmp/recflow-test-XXXXXX");
                assert_non_null(mkdtemp(h->directory));
        }
        assert_int_equal(rf_state_open(&(struct rf_state_options){ .directory = h->directory, .size_max = 4 << 20 }, &h->state, notice,
                                       sizeof(notice)), 0);
        assert_int_equal(rf_cache_open(&(struct rf_cache_options){ .directory = h->directory, .size_max = 4 << 20,
                                                                   .sync_interval_us = USEC_PER_SEC }, &h->cache, notice,
                                       sizeof(notice)), 0);
        assert_int_equal(rf_providers_new("/nonexistent", &h->providers), 0);
}

static inline void house_close(struct house *h)
{
        h->upstream = rf_upstream_free(h->upstream);
        h->providers = rf_providers_free(h->providers);
        h->cache = rf_cache_close(h->cache);
        h->state = rf_state_close(h->state);
}

static inline void house_remove(struct house *h)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -r %s", h->directory);
        assert_int_equal(system(command), 0);
}

static inline int house_main(void *arg)
{
        struct house *h = arg;
        int r;

        h->options.state = h->state;
        assert_int_equal(rf_upstream_new(&h->options, h->providers, h->cache, &h->upstream), 0);
        rf_upstream_start(h->upstream);
        r = h->body(h);
        rf_upstream_stop(h->upstream);
        return r;
}

/* Runs a body within the scheduler, with what was loaded. `wall_s`: seconds since 2027-01-15. */
static inline void house_run(struct house *h, uint64_t wall_s, int (*body)(struct house *h))
{
        struct rf_sched *s;

        h->body = body;
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true,
                                                                  .virtual_wall_us = (1800000000 + wall_s) * USEC_PER_SEC }, &s), 0);
        assert_int_equal(rf_sched_run(s, house_main, h), 0);
        rf_sched_free(s);
}

static inline struct rf_upstream_options house_options(void)
{
        return (struct rf_upstream_options){ .concurrency = 16, .retries = 2, .seed = 1, .cache_enabled = true,
                                             .refusal_us = 86400 * USEC_PER_SEC };
}

/* The same, in a house of its own with the service alpha. */
static inline void house_with_alpha(int (*body)(struct house *h))
{
        struct house h = { .options = house_options() };

        house_open(&h);
        house_load(&h, "alpha", NULL);
        house_run(&h, 0, body);
        house_close(&h);
        house_remove(&h);
}

static inline void house_observe(void *arg, const struct rf_call_record *record)
{
        ((struct house *)arg)->last = *record;
}

/* One search; the answer is looked at only for its first title. */
static inline int house_search_as(struct house *h, const struct rf_caller *who, const char *text, char title[32])
{
        struct rf_caller caller = *who;
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .text = text };
        struct rf_answer *a = NULL;
        int r;

        caller.observe = house_observe;
        caller.observe_arg = h;
        r = rf_upstream_call(h->upstream, &caller, &q, &a);
        if (r >= 0 && title)
                snprintf(title, 32, "%s", a->n_tracks > 0 ? a->tracks[0].title : "");
        rf_answer_unref(a);
        return r;
}

static inline int house_search(struct house *h, const char *text)
{
        return house_search_as(h, &(struct rf_caller){ .deadline_us = RF_FOREVER }, text, NULL);
}

static inline void service_says(struct rf_reply *ret, uint16_t status, const char *body)
{
        ret->status = status;
        ret->body = strdup(body);
        ret->body_size = strlen(body);
}
