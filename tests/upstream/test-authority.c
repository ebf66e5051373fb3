/* Tokens: fetched ahead, once for all, renewed once when refused; the login of a person. */
#include "house.h"

#include "upstream/authority.h"

struct accounts {
        unsigned n_tokens, n_api, life_s;
        uint64_t late_us; /* every other answer of the service comes so late */
        uint16_t status; /* 0: gives tokens */
        const char *refusal, *refresh_token; /* refresh_token NULL: not sent */
        const char *accepted; /* bearer that the service takes; NULL: the latest */
        char form[512], basic[128], token[32];
        uint16_t api_status;
        const char *api_body;
};

static struct accounts accounts;

static const char *header(const struct rf_request *q, const char *name)
{
        for (size_t i = 0; i < q->n_headers; i++)
                if (strcmp(q->headers[i].name, name) == 0)
                        return q->headers[i].value;
        return "";
}

static void give_token(const struct rf_request *q, struct rf_reply *ret)
{
        char body[256];

        accounts.n_tokens++;
        ret->delay_us = USEC_PER_SEC;
        snprintf(accounts.form, sizeof(accounts.form), "%.*s", (int)q->body_size, q->body);
        snprintf(accounts.basic, sizeof(accounts.basic), "%s", header(q, "Authorization"));
        if (accounts.status) {
                service_says(ret, accounts.status, accounts.refusal);
                return;
        }
        snprintf(accounts.token, sizeof(accounts.token), "token%u", accounts.n_tokens);
        snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"expires_in\":%u%s%s%s}", accounts.token, accounts.life_s,
                 accounts.refresh_token ? ",\"refresh_token\":\"" : "", accounts.refresh_token ? accounts.refresh_token : "",
                 accounts.refresh_token ? "\"" : "");
        service_says(ret, 200, body);
}

static void serve(struct service *s, const struct rf_request *q, uint64_t now_us, struct rf_reply *ret)
{
        char expected[64];

        (void)s;
        (void)now_us;
        if (strcmp(q->path, "/api/token") == 0) {
                give_token(q, ret);
                return;
        }
        accounts.n_api++;
        ret->delay_us = accounts.n_api % 2 && accounts.late_us ? accounts.late_us : 100000;
        snprintf(expected, sizeof(expected), "Bearer %s", accounts.accepted ? accounts.accepted : accounts.token);
        if (accounts.api_status)
                service_says(ret, accounts.api_status, accounts.api_body);
        else if (strcmp(header(q, "Authorization"), expected) == 0)
                service_says(ret, 200, "found");
        else
                service_says(ret, 401, "expired");
}

static void with_members(const char *const *options, int (*body)(struct house *h))
{
        struct house h = { .options = house_options() };

        h.options.cache_enabled = false;
        accounts = (struct accounts){ .life_s = 3600 };
        house_open(&h);
        house_load(&h, "members", options);
        house_service(&h, "members")->answer = serve;
        house_run(&h, 0, body);
        house_close(&h);
        house_remove(&h);
}

static const char *const app[] = { "client_id=ours", "client_secret=s3cret", NULL };
static const char *const person[] = { "client_id=ours", NULL };

struct asker {
        struct house *h;
        int n, result;
};

static int ask(void *arg)
{
        struct asker *a = arg;
        char text[16];

        snprintf(text, sizeof(text), "%d", a->n);
        a->result = house_search(a->h, text);
        return 0;
}

static void ask_at_once(struct house *h, struct asker *a, int n, int result)
{
        struct rf_group *g;

        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < n; i++) {
                a[i] = (struct asker){ .h = h, .n = i };
                assert_int_equal(rf_group_spawn(g, "asker", ask, &a[i]), 0);
        }
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        for (int i = 0; i < n; i++)
                assert_int_equal(a[i].result, result);
}

static int shares_tokens(struct house *h)
{
        static struct asker askers[20];
        uint64_t began_us;

        ask_at_once(h, askers, 20, 0);
        assert_int_equal(accounts.n_tokens, 1);
        assert_string_equal(accounts.form, "grant_type=client_credentials");
        assert_string_equal(accounts.basic, "Basic b3VyczpzM2NyZXQ="); /* ours:s3cret */
        assert_int_equal(rf_sleep_us(3550 * USEC_PER_SEC), 0); /* in its last minute */
        began_us = rf_now_us();
        accounts.accepted = "token1";
        ask_at_once(h, askers, 10, 0);
        assert_true(rf_now_us() - began_us == 100000); /* nobody waited for the next */
        assert_int_equal(rf_sleep_us(2 * USEC_PER_SEC), 0);
        assert_int_equal(accounts.n_tokens, 2);
        accounts.accepted = NULL;
        ask_at_once(h, askers, 10, 0);
        assert_int_equal(accounts.n_tokens, 2);
        assert_int_equal(accounts.n_api, 40); /* and none was refused */
        return 0;
}

static void a_token_is_fetched_ahead_and_once_for_all(void **state)
{
        (void)state;
        with_members(app, shares_tokens);
}

static int is_revoked(struct house *h)
{
        static struct asker askers[10];

        assert_int_equal(house_search(h, "x"), 0);
        accounts.accepted = "token2";
        accounts.late_us = 3 * USEC_PER_SEC; /* some hear that token1 is no good when there is token2 already */
        ask_at_once(h, askers, 10, 0);
        assert_int_equal(accounts.n_tokens, 2); /* ten 401s, one renewal */
        assert_int_equal(accounts.n_api, 21);
        accounts.accepted = "another";
        assert_int_equal(house_search(h, "y"), -RF_ELOGIN);
        assert_int_equal(accounts.n_tokens, 3); /* one renewal, one more try, and that was it */
        assert_int_equal(accounts.n_api, 23);
        return 0;
}

static void a_401_costs_one_renewal_and_one_try(void **state)
{
        (void)state;
        with_members(app, is_revoked);
}

static int lives_shortly(struct house *h)
{
        accounts.life_s = 1;
        assert_int_equal(house_search(h, "x"), 0);
        assert_int_equal(accounts.n_tokens, 1);
        return 0;
}

static void a_token_of_a_second_is_not_fetched_for_ever(void **state)
{
        (void)state;
        with_members(app, lives_shortly);
}

static int is_in_trouble(struct house *h)
{
        static struct asker askers[10];

        accounts.status = 503;
        accounts.refusal = "down";
        ask_at_once(h, askers, 10, -RF_EUPSTREAM);
        assert_int_equal(house_search(h, "x"), -RF_EUPSTREAM);
        assert_int_equal(accounts.n_tokens, 1); /* not asked again and again */
        accounts.status = 0;
        assert_int_equal(rf_sleep_us(6 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "y"), 0);
        return 0;
}

static void an_accounts_service_in_trouble_is_left_alone_for_a_moment(void **state)
{
        (void)state;
        with_members(app, is_in_trouble);
}

static int is_refused(struct house *h)
{
        accounts.status = 400;
        accounts.refusal = "{\"error\":\"invalid_client\",\"error_description\":\"Invalid client secret\"}";
        assert_int_equal(house_search(h, "x"), -RF_ELOGIN);
        assert_non_null(strstr(h->last.message, "Invalid client secret"));
        assert_int_equal(house_search(h, "y"), -RF_EUNSUPPORTED);
        assert_int_equal(accounts.n_tokens, 1);
        return 0;
}

static void a_refused_app_is_not_tried_again(void **state)
{
        (void)state;
        with_members(app, is_refused);
}

static void log_in(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");
        char message[160], *url, *login;

        assert_int_equal(rf_authority_begin_login(a, "http://127.0.0.1:8080/callback", &url, &login), 0);
        assert_non_null(strstr(url, "https://accounts.example/authorize?response_type=code&client_id=ours&redirect_uri=http%3A%2F%2F127.0.0.1"));
        assert_non_null(strstr(url, "&code_challenge_method=S256&code_challenge="));
        assert_non_null(strstr(url, login));
        assert_int_equal(rf_authority_complete_login(a, "forged", "code", message, sizeof(message)), -EINVAL);
        assert_int_equal(rf_authority_complete_login(a, login, "c0de", message, sizeof(message)), 0);
        assert_non_null(strstr(accounts.form, "grant_type=authorization_code&code=c0de&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcallback"
                                              "&client_id=ours&code_verifier="));
        assert_string_equal(accounts.basic, ""); /* no secret in this flow */
        free(url);
        free(login);
}

static int logs_in(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");
        char message[160], *url, *login;

        assert_int_equal(house_search(h, "x"), -RF_EUNSUPPORTED);
        accounts.refresh_token = "lasting1";
        log_in(h);
        assert_int_equal(house_search(h, "x"), 0);
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        accounts.refresh_token = NULL; /* an answer without one: the old one is kept */
        assert_int_equal(house_search(h, "x"), 0);
        assert_string_equal(accounts.form, "grant_type=refresh_token&refresh_token=lasting1&client_id=ours");
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        accounts.refresh_token = "lasting2";
        assert_int_equal(house_search(h, "x"), 0);
        assert_string_equal(accounts.form, "grant_type=refresh_token&refresh_token=lasting1&client_id=ours");
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "x"), 0);
        assert_string_equal(accounts.form, "grant_type=refresh_token&refresh_token=lasting2&client_id=ours");
        /* a login that fails doesn't end the one there is */
        assert_int_equal(rf_authority_begin_login(a, "http://127.0.0.1:8080/callback", &url, &login), 0);
        accounts.status = 400;
        accounts.refusal = "{\"error\":\"invalid_grant\"}";
        assert_int_equal(rf_authority_complete_login(a, login, "wrong", message, sizeof(message)), -RF_ELOGIN);
        free(url);
        free(login);
        assert_true(rf_authority_is_logged_in(a));
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "x"), -RF_ELOGIN);
        assert_string_equal(h->last.message, "the login has ended; log in again");
        assert_false(rf_authority_is_logged_in(a));
        assert_int_equal(rf_state_count(h->state, RF_TABLE_TOKENS), 0);
        return 0;
}

static void a_login_lasts_until_the_service_ends_it(void **state)
{
        (void)state;
        with_members(person, logs_in);
}

static int is_cancelled(struct house *h)
{
        static struct asker asker;
        struct rf_group *g;

        accounts.refresh_token = "lasting1";
        log_in(h);
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        accounts.refresh_token = "lasting2";
        asker = (struct asker){ .h = h };
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "asker", ask, &asker), 0);
        assert_int_equal(rf_sleep_us(500000), 0); /* the service has taken lasting1 in payment by now */
        rf_group_free(g);
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "x"), 0);
        assert_non_null(strstr(accounts.form, "lasting2"));
        return 0;
}

static void a_renewal_outlives_whoever_asked_for_it(void **state)
{
        (void)state;
        with_members(person, is_cancelled);
}

static int has_lost_its_client_id(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");

        assert_true(rf_authority_is_logged_in(a));
        assert_int_equal(house_search(h, "x"), -RF_EUNSUPPORTED);
        assert_string_equal(rf_authority_problem(a, true), "no client id is configured");
        assert_int_equal(accounts.n_tokens, 1); /* the service wasn't asked for a second one */
        return 0;
}

static int logs_in_once(struct house *h)
{
        accounts.refresh_token = "lasting";
        log_in(h);
        return 0;
}

static void a_login_without_a_client_id_waits_for_one(void **state)
{
        struct house h = { .options = house_options() };

        (void)state;
        accounts = (struct accounts){ .life_s = 3600 };
        for (int i = 0; i < 2; i++) {
                house_open(&h);
                house_load(&h, "members", i == 0 ? person : NULL);
                house_service(&h, "members")->answer = serve;
                house_run(&h, 0, i == 0 ? logs_in_once : has_lost_its_client_id);
                house_close(&h);
        }
        house_remove(&h);
}

static int is_allowed_more(struct house *h)
{
        accounts.refresh_token = "lasting";
        accounts.api_status = 403;
        accounts.api_body = "insufficient scope";
        assert_int_equal(house_search(h, "x"), -RF_EREFUSED);
        assert_false(rf_upstream_can(h->upstream, RF_OP_SEARCH_TRACKS));
        log_in(h);
        accounts.api_status = 0;
        assert_int_equal(house_search(h, "x"), 0);
        return 0;
}

static void what_a_login_may_change_is_forgotten_by_it(void **state)
{
        (void)state;
        with_members(app, is_allowed_more);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_token_is_fetched_ahead_and_once_for_all),
                cmocka_unit_test(a_401_costs_one_renewal_and_one_try),
                cmocka_unit_test(a_token_of_a_second_is_not_fetched_for_ever),
                cmocka_unit_test(an_accounts_service_in_trouble_is_left_alone_for_a_moment),
                cmocka_unit_test(a_refused_app_is_not_tried_again),
                cmocka_unit_test(a_login_lasts_until_the_service_ends_it),
                cmocka_unit_test(a_renewal_outlives_whoever_asked_for_it),
                cmocka_unit_test(a_login_without_a_client_id_waits_for_one),
                cmocka_unit_test(what_a_login_may_change_is_forgotten_by_it),
        };

        return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
