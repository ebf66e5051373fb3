#include "test.h"

#include "base/error.h"
#include "base/macros.h"
#include "upstream/classify.h"

#include <errno.h>
#include <string.h>

#define NOW_S 1800000000u /* Fri, 15 Jan 2027 08:00:00 GMT */

static struct rf_verdict judge_with(const struct rf_plugin *plugin, uint16_t status, const char *after, const char *body)
{
        const struct rf_header header = { "retry-after", after };
        const struct rf_response r = { .size = sizeof(r), .status = status, .headers = &header, .n_headers = after ? 1 : 0, .body = body,
                                       .body_size = strlen(body) };
        struct rf_verdict v;

        rf_classify(plugin, NULL, RF_OP_SEARCH_TRACKS, &r, (uint64_t)NOW_S * USEC_PER_SEC, &v);
        return v;
}

static struct rf_verdict judge(uint16_t status, const char *after, const char *body)
{
        static const struct rf_plugin plain = { .name = "plain" };

        return judge_with(&plain, status, after, body);
}

static void a_status_has_its_class(void **state)
{
        static const struct { uint16_t status; enum rf_outcome outcome; int error; } cases[] = {
                { 400, RF_OUTCOME_INVALID, -RF_EINVALIDCALL }, { 401, RF_OUTCOME_LOGIN, -RF_ELOGIN },
                { 403, RF_OUTCOME_REFUSED, -RF_EREFUSED },     { 404, RF_OUTCOME_REFUSED, -RF_EREFUSED },
                { 408, RF_OUTCOME_TRANSIENT, -RF_EUPSTREAM },  { 418, RF_OUTCOME_INVALID, -RF_EINVALIDCALL },
                { 429, RF_OUTCOME_RATE, -RF_ERATE },           { 500, RF_OUTCOME_TRANSIENT, -RF_EUPSTREAM },
                { 503, RF_OUTCOME_TRANSIENT, -RF_EUPSTREAM },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(judge(cases[i].status, NULL, "words").outcome, cases[i].outcome);
                assert_int_equal(rf_outcome_error(cases[i].outcome), cases[i].error);
        }
        assert_string_equal(judge(500, NULL, "words").message, "500 words");
        assert_int_equal(rf_outcome_error(RF_OUTCOME_OK), 0);
        assert_int_equal(rf_outcome_error(RF_OUTCOME_EMPTY), 0);
        assert_int_equal(rf_outcome_error(RF_OUTCOME_QUOTA), -RF_EQUOTA);
        assert_int_equal(rf_outcome_error(RF_OUTCOME_MALFORMED), -RF_EMALFORMED);
        assert_int_equal(rf_outcome_error(RF_OUTCOME_CANCELLED), -ECANCELED);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
        static const struct { const char *value; uint32_t seconds; } cases[] = {
                { "7", 7 }, { "1.5", 2 }, { "Fri, 15 Jan 2027 08:00:41 GMT", 41 }, { "Fri, 15 Jan 2027 07:00:00 GMT", 1 },
                { NULL, 5 }, { "", 5 }, { "0", 5 }, { "soon", 5 }, { "-9", 5 }, { "+9", 5 }, { " 9", 5 }, { "9 apples", 5 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rf_verdict v = judge(429, cases[i].value, "");

                assert_int_equal(v.outcome, RF_OUTCOME_RATE);
                assert_int_equal(v.retry_after_s, cases[i].seconds);
        }
        assert_int_equal(judge(503, "7", "").retry_after_s, 0); /* that is the breaker's matter */
}

/* Either clock may be a day off: what counts is the time between the service's two dates. */
static void a_date_is_read_by_the_services_own_clock(void **state)
{
        static const struct rf_plugin plain = { .name = "plain" };
        static const char *const now[] = { "Fri, 15 Jan 2027 08:00:30 GMT", "Thu, 14 Jan 2027 08:00:30 GMT", "Sat, 16 Jan 2027 08:00:30 GMT" };
        static const char *const after[] = { "Fri, 15 Jan 2027 08:01:00 GMT", "Thu, 14 Jan 2027 08:01:00 GMT", "Sat, 16 Jan 2027 08:01:00 GMT" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(now); i++) {
                const struct rf_header headers[] = { { "Retry-After", after[i] }, { "date", now[i] } };
                const struct rf_response r = { .size = sizeof(r), .status = 429, .headers = headers, .n_headers = 2, .body = "", .body_size = 0 };
                struct rf_verdict v;

                rf_classify(&plain, NULL, RF_OP_SEARCH_TRACKS, &r, (uint64_t)NOW_S * USEC_PER_SEC, &v);
                assert_int_equal(v.outcome, RF_OUTCOME_RATE);
                assert_int_equal(v.retry_after_s, 30);
        }
}

static void a_long_refusal_is_a_quota(void **state)
{
        (void)state;
        assert_int_equal(judge(429, "763", "").outcome, RF_OUTCOME_RATE);
        assert_int_equal(judge(429, "3600", "").outcome, RF_OUTCOME_RATE);
        assert_int_equal(judge(429, "13749", "").outcome, RF_OUTCOME_QUOTA);
        assert_int_equal(judge(429, "Sat, 16 Jan 2027 07:00:00 GMT", "").outcome, RF_OUTCOME_QUOTA);
        assert_int_equal(judge(429, "99999999999999999999", "").retry_after_s, 7 * 86400); /* nobody is believed for longer */
}

static int by_words(void *instance, enum rf_op op, const struct rf_response *response, struct rf_verdict *ret)
{
        (void)instance;
        (void)op;
        if (strcmp(response->body, "not mine") == 0)
                return -ENOTSUP;
        if (strcmp(response->body, "nonsense") == 0) {
                ret->outcome = RF_OUTCOME_CANCELLED;
                return 0;
        }
        *ret = (struct rf_verdict){ .outcome = RF_OUTCOME_QUOTA };
        memset(ret->message, '\xc3', sizeof(ret->message)); /* neither ended nor text */
        return 0;
}

static void a_plugin_knows_better_but_is_not_trusted(void **state)
{
        static const struct rf_plugin plugin = { .name = "worded", .classify = by_words };
        struct rf_verdict v = judge_with(&plugin, 403, NULL, "quota");

        (void)state;
        assert_int_equal(v.outcome, RF_OUTCOME_QUOTA);
        assert_int_equal(v.retry_after_s, 3600); /* not said: a guess */
        assert_string_equal(v.message, "");
        assert_int_equal(judge_with(&plugin, 403, NULL, "not mine").outcome, RF_OUTCOME_REFUSED);
        assert_int_equal(judge_with(&plugin, 403, NULL, "nonsense").outcome, RF_OUTCOME_REFUSED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_status_has_its_class),
                cmocka_unit_test(retry_after_is_seconds_or_a_date),
                cmocka_unit_test(a_date_is_read_by_the_services_own_clock),
                cmocka_unit_test(a_long_refusal_is_a_quota),
                cmocka_unit_test(a_plugin_knows_better_but_is_not_trusted),
        };

        return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
