#include "upstream/attempt.h"

#include "base/error.h"
#include "base/limits.h"
#include "sched/sched.h"
#include "upstream/classify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void verdict(struct rf_attempt *a, enum rf_outcome outcome, const char *message)
{
        a->verdict.outcome = outcome;
        snprintf(a->verdict.message, sizeof(a->verdict.message), "%s", message);
}

/* Waits for an in-process transport's answer as long as it says, at most the operation's timeout. */
static int exchange(struct rf_provider *p, const struct rf_operation *o, const struct rf_request *request, struct rf_reply *reply,
                    struct rf_attempt *a)
{
        struct rf_provider *t = rf_provider_transport(p);
        uint64_t timeout_us = (uint64_t)o->timeout_ms * USEC_PER_MSEC;
        int r;

        if (!t) {
                verdict(a, RF_OUTCOME_TRANSIENT, "no transport is configured for this provider");
                return 0;
        }
        r = rf_provider_plugin(t)->transport->answer(rf_provider_instance(t), rf_provider_plugin(p)->name, request, rf_now_us(), reply);
        if (r < 0)
                return r;
        if (reply->fault == RF_FAULT_HANG || reply->delay_us > timeout_us) {
                verdict(a, RF_OUTCOME_TRANSIENT, "no answer within the timeout");
                return rf_sleep_us(timeout_us);
        }
        if (reply->delay_us > 0 && (r = rf_sleep_us(reply->delay_us)) < 0)
                return r;
        if (reply->fault != RF_FAULT_NONE)
                verdict(a, RF_OUTCOME_TRANSIENT,
                        reply->fault == RF_FAULT_REFUSED ? "connection refused" : "connection lost before the answer was complete");
        return 0;
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
                verdict(a, RF_OUTCOME_MALFORMED, "the answer isn't what this service sends");
                return 0;
        }
        r = rf_sink_finish(sink, ret);
        if (r >= 0 && rf_answer_is_empty(*ret)) {
                if ((*ret)->n_refused > 0) {
                        verdict(a, RF_OUTCOME_MALFORMED, "every record of the answer was invalid");
                        *ret = rf_answer_unref(*ret);
                } else
                        a->verdict.outcome = RF_OUTCOME_EMPTY;
        }
        return r;
}

int rf_attempt(struct rf_provider *p, const struct rf_query *q, struct rf_attempt *ret, struct rf_answer **ret_answer)
{
        _cleanup_(rf_request_freep) struct rf_request_builder *b = NULL;
        const struct rf_operation *o = rf_provider_operation(p, q->op);
        const struct rf_request *request;
        struct rf_reply reply = { .size = sizeof(reply) };
        struct rf_attempt a = { 0 };
        struct rf_answer *answer = NULL;
        uint64_t started_us = rf_now_us();
        int r;

        b = rf_request_new(rf_provider_base_url(p));
        if (!b)
                return -ENOMEM;
        r = o->build(rf_provider_instance(p), q, b);
        if (r >= 0)
                r = rf_request_finish(b, &request);
        if (r < 0)
                return r;
        r = exchange(p, o, request, &reply, &a);
        if (r >= 0 && a.verdict.outcome == RF_OUTCOME_OK) {
                struct rf_response response = { .size = sizeof(response), .status = reply.status, .headers = reply.headers,
                                                .n_headers = reply.n_headers, .body = reply.body ? reply.body : "",
                                                .body_size = reply.body_size };

                a.status = reply.status;
                a.bytes = (uint32_t)reply.body_size;
                if (reply.body_size > RF_RESPONSE_BYTES_MAX)
                        verdict(&a, RF_OUTCOME_MALFORMED, "the answer is too large");
                else if (reply.status < 200 || reply.status > 299)
                        rf_classify(rf_provider_plugin(p), rf_provider_instance(p), q->op, &response, &a.verdict);
                else
                        r = parse(p, o, q, &response, &a, &answer);
        }
        free(reply.body);
        if (r < 0)
                return r;
        a.duration_us = rf_now_us() - started_us;
        *ret = a;
        *ret_answer = answer;
        return 0;
}
