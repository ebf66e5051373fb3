#include "upstream/attempt.h"

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "sched/sched.h"
#include "upstream/classify.h"
#include "upstream/scrub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void verdict(struct rf_attempt *a, enum rf_outcome outcome, const char *failure, const char *message)
{
        a->verdict.outcome = outcome;
        a->failure = failure;
        snprintf(a->verdict.message, sizeof(a->verdict.message), "%s", message);
}

/* What no plugin should have to see: parsers recurse, and records are UTF-8. */
static bool is_sound(const struct rf_response *response, struct rf_attempt *a)
{
        if (!rf_utf8_is_valid(response->body, response->body_size))
                verdict(a, RF_OUTCOME_MALFORMED, "not-utf8", "the answer isn't UTF-8");
        else if (rf_json_depth(response->body, response->body_size) > RF_JSON_DEPTH_MAX)
                verdict(a, RF_OUTCOME_MALFORMED, "too-deep", "the answer is nested too deeply");
        else
                return true;
        return false;
}

/* What the plugin couldn't read: cut off, not even JSON, or JSON of another shape. */
static void misunderstood(const struct rf_response *response, struct rf_attempt *a)
{
        const char *start = response->body + strspn(response->body, " \t\r\n");
        json_error_t error;
        json_t *j;

        if (*start != '{' && *start != '[')
                verdict(a, RF_OUTCOME_MALFORMED, "malformed", "the answer isn't what this service sends");
        else if (rf_json_parse(response->body, response->body_size, &j, &error) >= 0) {
                json_decref(j);
                verdict(a, RF_OUTCOME_MALFORMED, "wrong-shape", "the answer is JSON, but not what this service sends");
        } else if (json_error_code(&error) == json_error_premature_end_of_input)
                verdict(a, RF_OUTCOME_MALFORMED, "truncated-json", "the answer ends in the middle of its JSON");
        else
                verdict(a, RF_OUTCOME_MALFORMED, "invalid-json", "the answer is no valid JSON");
}

/* Of where it leads only the host is told: user, path and query are as often as not keys to something. */
static void redirected(const struct rf_response *response, struct rf_attempt *a)
{
        const char *where = "", *host;
        size_t size;

        for (size_t i = 0; i < response->n_headers; i++)
                if (strcasecmp(response->headers[i].name, "Location") == 0)
                        where = response->headers[i].value;
        host = strstr(where, "//");
        host = host ? host + 2 : "";
        size = strcspn(host, "/?#\\");
        for (const char *user; (user = memchr(host, '@', size)); host = user + 1)
                size -= (size_t)(user + 1 - host);
        verdict(a, RF_OUTCOME_INVALID, "redirect", "");
        if (size == 0)
                snprintf(a->verdict.message, sizeof(a->verdict.message), "the service redirects elsewhere, which is never followed");
        else
                snprintf(a->verdict.message, sizeof(a->verdict.message), "the service redirects to %.*s, which is never followed",
                         (int)MIN(size, rf_utf8_clip(host, 100)), host);
}

/* What the request carried for nobody else to see, where the answer repeats it. */
static void hide_credentials(const struct rf_request *request, char *message)
{
        for (size_t i = 0; i < request->n_headers; i++) {
                const char *value = request->headers[i].value, *space = strchr(value, ' ');

                if (strcasecmp(request->headers[i].name, "Authorization") == 0)
                        rf_scrub(message, space ? space + 1 : value);
        }
}

static int parse(struct rf_provider *p, const struct rf_operation *o, const struct rf_query *q, const struct rf_response *response,
                 struct rf_attempt *a, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *sink = NULL;
        int r = rf_sink_new(rf_provider_name(p), q->op, RF_ANSWER_RECORDS_MAX, &sink);

        if (r < 0)
                return r;
        r = o->parse(rf_provider_instance(p), q, response, sink);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                misunderstood(response, a);
                return 0;
        }
        r = rf_sink_finish(sink, ret);
        if (r >= 0 && rf_answer_is_empty(*ret)) {
                if ((*ret)->n_refused > 0) {
                        verdict(a, RF_OUTCOME_MALFORMED, "invalid-records", "every record of the answer was invalid");
                        *ret = rf_answer_unref(*ret);
                } else
                        a->verdict.outcome = RF_OUTCOME_EMPTY;
        }
        return r;
}

static int nothing(struct rf_provider *p, const struct rf_query *q, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *sink = NULL;
        int r = rf_sink_new(rf_provider_name(p), q->op, 1, &sink);

        return r < 0 ? r : rf_sink_finish(sink, ret);
}

static int judge(struct rf_provider *p, const struct rf_operation *o, const struct rf_query *q, const struct rf_response *response,
                 struct rf_attempt *a, struct rf_answer **ret)
{
        struct rf_response wordless = *response;

        if (!is_sound(response, a)) {
                if (response->status < 400)
                        return 0;
                wordless.body = ""; /* what the status says counts all the same: a 429 is a 429 */
                wordless.body_size = 0;
                response = &wordless;
        }
        if (response->status >= 200 && response->status <= 299)
                return parse(p, o, q, response, a, ret);
        if (response->status >= 300 && response->status <= 399)
                redirected(response, a);
        else
                rf_classify(rf_provider_plugin(p), rf_provider_instance(p), q->op, response, rf_wall_us(), &a->verdict);
        if (a->verdict.outcome == RF_OUTCOME_EMPTY) /* an error's words for "there is nothing" */
                return nothing(p, q, ret);
        return 0;
}

/* The body was cut off, hung or couldn't be taken: the status and the headers say what there is to know. */
static int judge_refusal(struct rf_provider *p, const struct rf_operation *o, const struct rf_query *q, struct rf_exchange *e,
                         struct rf_attempt *a, struct rf_answer **ret)
{
        int r;

        e->response.body = "";
        e->response.body_size = 0;
        r = judge(p, o, q, &e->response, a, ret);
        snprintf(a->verdict.message, sizeof(a->verdict.message), "%u: %.150s", e->response.status, e->message);
        return r;
}

int rf_attempt(struct rf_http *http, struct rf_provider *p, const struct rf_operation *o, const struct rf_query *q,
               const struct rf_request *request, uint64_t timeout_us, struct rf_attempt *ret, struct rf_answer **ret_answer)
{
        struct rf_exchange e;
        struct rf_attempt a = { 0 };
        struct rf_answer *answer = NULL;
        int r = rf_exchange(http, p, request, timeout_us, o->flags & RF_OPERATION_IDEMPOTENT, &e);

        if (r < 0)
                return r;
        a.status = e.response.status;
        a.bytes = (uint32_t)e.response.body_size;
        a.duration_us = e.total_us;
        a.connect_us = e.connect_us;
        a.first_byte_us = e.first_byte_us;
        if (e.failure && e.response.status == 429)
                r = judge_refusal(p, o, q, &e, &a, &answer);
        else if (e.failure && (strcmp(e.failure, "too-large") == 0 || strcmp(e.failure, "too-many-headers") == 0 ||
                               strcmp(e.failure, "protocol") == 0))
                verdict(&a, RF_OUTCOME_MALFORMED, e.failure, e.message);
        else if (e.failure)
                verdict(&a, RF_OUTCOME_TRANSIENT, e.failure, e.message);
        else
                r = judge(p, o, q, &e.response, &a, &answer);
        rf_exchange_done(&e);
        if (r < 0)
                return r;
        hide_credentials(request, a.verdict.message);
        *ret = a;
        *ret_answer = answer;
        return 0;
}
