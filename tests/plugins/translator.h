/* A provider's plugin as a translator: queries to requests, fixtures to records, responses to verdicts. */
#pragma once

#include "test.h"

#include "base/error.h"
#include "base/macros.h"
#include "provider/answer.h"
#include "provider/provider.h"
#include "upstream/classify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_US (1800000000ull * USEC_PER_SEC)

static struct rf_providers *providers;
static struct rf_provider *provider;

/* Opens the plugin; `option` may be NULL. */
static inline void translator_open(const char *name, const char *option, const char *value)
{
        struct rf_provider_config c = { .name = name, .n_options = option ? 1 : 0 };
        char path[512], message[512];

        rf_providers_free(providers);
        snprintf(path, sizeof(path), TEST_BUILDDIR "/.libs/%s.so", name);
        c.plugin = path;
        c.options = calloc(1, sizeof(*c.options));
        c.options[0].name = option;
        c.options[0].value = value;
        c.options[0].where = "test";
        assert_int_equal(rf_providers_new("/nonexistent", &providers), 0);
        if (rf_providers_load(providers, &c, message, sizeof(message)) < 0)
                fail_msg("%s", message);
        free(c.options);
        provider = rf_providers_find(providers, name);
}

/* "GET /path?a=b, with the body": what a query becomes in the way that is used now; "" if it can't be built. */
static inline const char *translator_build(const struct rf_query *q)
{
        static char text[2048];
        const struct rf_operation *o = rf_provider_operation(provider, q->op);
        struct rf_request_builder *b = rf_request_new(rf_provider_base_url(provider));
        const struct rf_request *request;
        size_t at;

        text[0] = '\0';
        assert_non_null(o);
        if (o->build(rf_provider_instance(provider), q, b) == 0 && rf_request_finish(b, &request) == 0) {
                at = (size_t)snprintf(text, sizeof(text), "%s %s", request->method == RF_METHOD_POST ? "POST" : "GET", request->path);
                for (size_t i = 0; i < request->n_params; i++)
                        at += (size_t)snprintf(text + at, sizeof(text) - at, "%c%s=%s", i ? '&' : '?', request->params[i].name,
                                               request->params[i].value);
                if (request->body_size > 0)
                        snprintf(text + at, sizeof(text) - at, " %.*s", (int)request->body_size, request->body);
        }
        rf_request_free(b);
        return text;
}

static inline int translator_parse_text(const struct rf_query *q, const char *body, size_t size, struct rf_answer **ret)
{
        const struct rf_operation *o = rf_provider_operation(provider, q->op);
        struct rf_response response = { .size = sizeof(response), .status = 200, .body = body, .body_size = size };
        struct rf_sink *s;
        int r;

        assert_int_equal(rf_sink_new(rf_provider_name(provider), q->op, 512, &s), 0);
        r = o->parse(rf_provider_instance(provider), q, &response, s);
        if (r >= 0)
                assert_int_equal(rf_sink_finish(s, ret), 0);
        rf_sink_free(s);
        return r;
}

/* The records of a fixture. */
static inline struct rf_answer *translator_parse(enum rf_op op, const char *fixture)
{
        static char body[65536];
        struct rf_query q = { .op = op, .playlist = "p1" };
        struct rf_answer *a = NULL;
        char path[512];
        size_t size;
        FILE *f;

        snprintf(path, sizeof(path), TEST_SRCDIR "/tests/plugins/fixtures/%s.json", fixture);
        f = fopen(path, "re");
        if (!f)
                fail_msg("%s", path);
        size = fread(body, 1, sizeof(body) - 1, f);
        body[size] = '\0';
        fclose(f);
        if (translator_parse_text(&q, body, size, &a) < 0)
                fail_msg("%s isn't understood", fixture);
        return a;
}

/* Bodies that no list can be found in, and every cut of a fixture, are refused and nothing worse. */
static inline void translator_refuses(enum rf_op op, const char *whole)
{
        static const char *const bodies[] = { "", "null", "[]", "{}", "7", "\"text\"", "{\"tracks\":null}", "{\"content\":{}}", "<html>", "{" };
        struct rf_query q = { .op = op, .playlist = "p1" };
        struct rf_answer *a;

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
                assert_int_equal(translator_parse_text(&q, bodies[i], strlen(bodies[i]), &a), -EBADMSG);
        for (size_t n = 0; n + 1 < strlen(whole); n++) {
                char *cut = strndup(whole, n);

                assert_int_equal(translator_parse_text(&q, cut, n, &a), -EBADMSG);
                free(cut);
        }
}

static inline struct rf_verdict translator_judge(enum rf_op op, uint16_t status, const char *retry_after, const char *body)
{
        const struct rf_header header = { "Retry-After", retry_after };
        const struct rf_response response = { .size = sizeof(response), .status = status, .headers = &header,
                                              .n_headers = retry_after ? 1 : 0, .body = body, .body_size = strlen(body) };
        struct rf_verdict v;

        rf_classify(rf_provider_plugin(provider), rf_provider_instance(provider), op, &response, NOW_US, &v);
        return v;
}

static inline int translator_close(void **state)
{
        (void)state;
        providers = rf_providers_free(providers);
        return 0;
}
