/* What a person must hear of is said once, and when it's over. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "service/alerts.h"

struct scene {
        struct rf_alerts *alerts;
        FILE *log;
        int kept_stderr;
};

/* Standard error goes to a file; entries are lines there. */
static int set_up(void **state)
{
        struct scene *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->log = tmpfile();
        assert_non_null(s->log);
        s->kept_stderr = dup(STDERR_FILENO);
        assert_int_equal(rf_alerts_new(&s->alerts), 0);
        *state = s;
        return 0;
}

static int tear_down(void **state)
{
        struct scene *s = *state;

        rf_alerts_free(s->alerts);
        close(s->kept_stderr);
        fclose(s->log);
        free(s);
        return 0;
}

/* What was said of one call; "" for nothing. */
static const char *say(struct scene *s, const struct rf_call_record *record, const char *problem)
{
        static char text[512];
        const struct rf_caller caller = { .run = "0123456789ab" };
        ssize_t n;

        assert_int_equal(ftruncate(fileno(s->log), 0), 0);
        assert_int_equal(lseek(fileno(s->log), 0, SEEK_SET), 0);
        dup2(fileno(s->log), STDERR_FILENO);
        rf_alerts_call(s->alerts, &caller, record, problem);
        dup2(s->kept_stderr, STDERR_FILENO);
        n = pread(fileno(s->log), text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = '\0';
        return text;
}

static const struct rf_call_record fine = { .provider = "spotify", .endpoint = "search", .attempts = 1 },
                                   login = { .provider = "spotify", .endpoint = "search", .error = -RF_ELOGIN },
                                   quota = { .provider = "spotify", .endpoint = "search", .error = -RF_EQUOTA, .message = "tomorrow" },
                                   cached = { .provider = "spotify", .endpoint = "search" };

static void test_a_trouble_is_said_once(void **state)
{
        struct scene *s = *state;

        assert_string_equal(say(s, &fine, NULL), "");
        assert_string_equal(say(s, &login, "nobody is logged in"), "recflowd: warning: [provider spotify] wants a login: nobody is logged in\n");
        assert_string_equal(say(s, &login, "nobody is logged in"), "");
        assert_string_equal(say(s, &quota, NULL), "recflowd: warning: [provider spotify] the quota is used up: tomorrow\n");
        assert_string_equal(say(s, &quota, NULL), "");
}

static void test_its_end_is_said_and_then_it_may_come_again(void **state)
{
        struct scene *s = *state;

        assert_string_not_equal(say(s, &quota, NULL), "");
        /* an answer of the cache tells nothing of the service */
        assert_string_equal(say(s, &cached, NULL), "");
        assert_string_equal(say(s, &fine, NULL), "recflowd: [provider spotify] works again\n");
        assert_string_equal(say(s, &fine, NULL), "");
        assert_string_not_equal(say(s, &quota, NULL), "");
}

static void test_what_only_a_logged_in_listener_may_do_is_no_trouble(void **state)
{
        struct scene *s = *state;

        assert_string_equal(say(s, &login, NULL), "");
}

static void test_each_provider_has_troubles_of_its_own(void **state)
{
        struct scene *s = *state;
        struct rf_call_record other = { .provider = "reccobeat", .endpoint = "search", .error = -RF_EUPSTREAM, .failure = "certificate" };

        assert_string_not_equal(say(s, &quota, NULL), "");
        assert_string_equal(say(s, &other, NULL), "recflowd: warning: [provider reccobeat] the certificate isn't trusted\n");
        other.failure = "lost";
        assert_string_equal(say(s, &other, NULL), "");
        other.provider = NULL;
        other.error = -RF_EUNSUPPORTED;
        assert_string_equal(say(s, &other, NULL), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_trouble_is_said_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_its_end_is_said_and_then_it_may_come_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_only_a_logged_in_listener_may_do_is_no_trouble, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_each_provider_has_troubles_of_its_own, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
