/* Tokens: fetched ahead, once for all, renewed once when refused; the login of a person. */
#include "house.h"

#include "upstream/authority.h"
#include "upstream/login_record.h"

struct accounts {
        unsigned n_tokens, n_api, life_s;
        uint64_t late_us; /* every other answer of the service comes so late */
        uint16_t status; /* 0: gives tokens */
        bool is_cut; /* the refusal, after its headers */
        const char *refusal, *refresh_token; /* refresh_token NULL: not sent */
        const char *accepted; /* bearer that the service takes; NULL: the latest */
        char form[512], basic[128], token[32];
        uint16_t api_status;
        const char *api_body;
        const char *top; /* what the person likes */
        struct rf_state *state; /* that holds the second refresh token when the second access token is used; NULL: it isn't looked at */
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
                ret->fault = accounts.is_cut ? RF_FAULT_RESET : RF_FAULT_NONE;
                ret->headers[0] = (struct rf_header){ "Retry-After", "60" };
                ret->n_headers = accounts.is_cut;
                return;
        }
        snprintf(accounts.token, sizeof(accounts.token), "token%u", accounts.n_tokens);
        snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"expires_in\":%u%s%s%s}", accounts.token, accounts.life_s,
                 accounts.refresh_token ? ",\"refresh_token\":\"" : "", accounts.refresh_token ? accounts.refresh_token : "",
                 accounts.refresh_token ? "\"" : "");
        service_says(ret, 200, body);
}

static void check_that_it_is_kept(void)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        struct rf_login_record record;

        assert_int_equal(rf_state_get(accounts.state, RF_TABLE_TOKENS, "members", 7, &b), 0);
        assert_int_equal(rf_login_record_decode(b.data, b.size, &record), 0);
        assert_true(strlen("lasting2") == record.token_size && memcmp(record.token, "lasting2", record.token_size) == 0);
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
        if (accounts.state && strcmp(header(q, "Authorization"), "Bearer token2") == 0)
                check_that_it_is_kept();
        if (accounts.api_status)
                service_says(ret, accounts.api_status, accounts.api_body);
        else if (strcmp(header(q, "Authorization"), expected) == 0)
                service_says(ret, 200, accounts.top ? accounts.top : "found");
        else
                service_says(ret, 401, "expired");
}

/* Also over a restart, where there is a `next`. */
static void with_members_then(const char *const *options, bool has_cache, int (*body)(struct house *h), int (*next)(struct house *h))
{
        struct house h = { .options = house_options() };

        h.options.cache_enabled = has_cache;
        accounts = (struct accounts){ .life_s = 3600 };
        while (body) {
                house_open(&h);
                house_load(&h, "members", options);
                house_service(&h, "members")->answer = serve;
                house_run(&h, 0, body);
                house_close(&h);
                body = body == next ? NULL : next;
        }
        house_remove(&h);
}

static void with_members(const char *const *options, int (*body)(struct house *h))
{
        with_members_then(options, false, body, NULL);
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

static int is_refused_in_part(struct house *h)
{
        accounts.status = 429;
        accounts.refusal = "{\"err";
        accounts.is_cut = true;
        assert_true(house_search(h, "a") < 0);
        accounts.status = 0;
        assert_int_equal(accounts.n_tokens, 1);
        assert_int_equal(rf_sleep_us(50 * USEC_PER_SEC), 0);
        assert_true(house_search(h, "b") < 0);
        assert_int_equal(accounts.n_tokens, 1); /* it said for how long */
        assert_int_equal(rf_sleep_us(11 * USEC_PER_SEC), 0);
        assert_int_equal(house_search(h, "c"), 0);
        return 0;
}

static void a_refusal_for_the_rate_counts_though_it_is_cut_off(void **state)
{
        (void)state;
        with_members(app, is_refused_in_part);
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

static int is_repeated(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");
        char message[160], *url, *login;

        accounts.status = 400;
        accounts.refusal = "{\"error\":\"invalid_client\",\"error_description\":\"no client ours:s3cret, s3cret\"}";
        assert_int_equal(house_search(h, "x"), -RF_ELOGIN);
        assert_string_equal(h->last.message, "the accounts service refused: no client ours:..., ...");
        assert_int_equal(rf_authority_begin_login(a, "http://127.0.0.1:8080/callback", &url, &login), 0);
        accounts.refusal = "{\"error\":\"invalid_grant\",\"error_description\":\"a-code-to-log-in isn't one, a-code-to\"}";
        assert_int_equal(rf_authority_complete_login(a, login, "a-code-to-log-in", message, sizeof(message)), -RF_ELOGIN);
        assert_string_equal(message, "the accounts service refused: ... isn't one, ...");
        free(url);
        free(login);
        accounts.status = 0;
        accounts.refresh_token = "lasting1";
        log_in(h);
        accounts.api_status = 400;
        accounts.api_body = "what is Bearer token3, token3?";
        assert_int_equal(house_search(h, "x"), -RF_EINVALIDCALL);
        assert_non_null(strstr(accounts.token, "token3"));
        assert_string_equal(h->last.message, "400 what is Bearer ..., ...?");
        return 0;
}

static void what_a_service_repeats_of_a_secret_is_not_told(void **state)
{
        (void)state;
        with_members(app, is_repeated);
}

static const char *problem_of(const struct house *h, bool needs_user)
{
        return rf_authority_problem(rf_upstream_authority(h->upstream, "members"), needs_user);
}

static int is_shielded(struct house *h)
{
        static const struct { uint16_t status; const char *body; } odd[] = {
                { 302, "" }, { 403, "<html>try later</html>" }, { 404, "<html>" }, { 408, "" }, { 400, "{\"error\":7}" }, { 400, "{}" },
                { 400, "{\"error\":\"invalid_request\"}" }, { 400, "{\"error\":\"temporarily_unavailable\"}" }, { 418, "[\"error\"]" },
        };

        accounts.life_s = 10;
        for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
                accounts.status = odd[i].status;
                accounts.refusal = odd[i].body;
                assert_int_equal(house_search(h, "x"), -RF_EUPSTREAM);
                assert_null(problem_of(h, false));
                accounts.status = 0;
                assert_int_equal(house_search(h, "x"), -RF_EUPSTREAM); /* left alone for a moment */
                assert_int_equal(rf_sleep_us(6 * USEC_PER_SEC), 0);
                assert_int_equal(house_search(h, "x"), 0);
                assert_int_equal(rf_sleep_us(20 * USEC_PER_SEC), 0);
        }
        accounts.status = 401;
        accounts.refusal = "{\"error\":\"unauthorized_client\"}";
        assert_int_equal(house_search(h, "x"), -RF_ELOGIN);
        assert_non_null(problem_of(h, false));
        return 0;
}

static void only_words_of_refusal_retire_the_app(void **state)
{
        (void)state;
        with_members(app, is_shielded);
}

static int is_not_taken(struct house *h)
{
        const struct rf_caller who = { .deadline_us = RF_FOREVER };
        char title[32];

        assert_int_equal(house_search(h, "x"), 0);
        accounts.accepted = "another";
        assert_int_equal(house_search(h, "y"), -RF_ELOGIN);
        assert_true(rf_upstream_can(h->upstream, RF_OP_SEARCH_TRACKS));
        assert_int_equal(house_search(h, "y"), -RF_ELOGIN);
        assert_string_equal(h->last.message, "the service doesn't take the tokens that it gives");
        assert_int_equal(accounts.n_tokens, 2); /* one renewal, and neither service is asked for a minute */
        assert_int_equal(accounts.n_api, 3);
        accounts.accepted = NULL;
        assert_int_equal(rf_sleep_us(61 * USEC_PER_SEC), 0);
        assert_int_equal(house_search_as(h, &who, "y", title), 0);
        assert_string_equal(title, "first"); /* in the best way, as before */
        return 0;
}

static void a_credential_that_is_not_taken_is_no_refused_capability(void **state)
{
        (void)state;
        with_members(app, is_not_taken);
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

static int is_used_at_once(struct house *h)
{
        static struct asker askers[20];
        struct rf_group *g;

        accounts.refresh_token = "lasting1";
        log_in(h);
        accounts.refresh_token = "lasting2";
        accounts.api_status = 200; /* whichever token it is */
        accounts.api_body = "found";
        assert_int_equal(rf_sleep_us(3550 * USEC_PER_SEC), 0);
        accounts.state = h->state;
        assert_int_equal(house_search(h, "x"), 0); /* 100 ms: the renewal takes a second */
        assert_int_equal(rf_sleep_us(900000), 0);
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        for (int i = 0; i < 20; i++) {
                askers[i] = (struct asker){ .h = h, .n = i };
                assert_int_equal(rf_group_spawn(g, "asker", ask, &askers[i]), 0);
        }
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_int_equal(accounts.n_tokens, 2);
        assert_int_equal(house_search(h, "y"), 0);
        assert_int_equal(accounts.n_tokens, 2);
        return 0;
}

static void a_refresh_token_is_on_disk_before_what_came_with_it_is_used(void **state)
{
        (void)state;
        with_members(person, is_used_at_once);
}

static int is_stopped(struct house *h)
{
        struct rf_group *g;
        static struct asker asker;

        accounts.refresh_token = "lasting1";
        log_in(h);
        assert_int_equal(rf_sleep_us(3700 * USEC_PER_SEC), 0);
        accounts.refresh_token = "lasting2";
        asker = (struct asker){ .h = h };
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "asker", ask, &asker), 0);
        assert_int_equal(rf_sleep_us(500000), 0);
        rf_group_free(g);
        return 0;
}

static int goes_on(struct house *h)
{
        assert_int_equal(house_search(h, "x"), 0);
        assert_non_null(strstr(accounts.form, "refresh_token=lasting2&"));
        return 0;
}

static void a_stop_waits_for_a_renewal(void **state)
{
        (void)state;
        with_members_then(person, false, is_stopped, goes_on);
}

static int top(struct house *h, char ret[32])
{
        const struct rf_query q = { .op = RF_OP_USER_TOP };
        struct rf_answer *a = NULL;
        int r = rf_upstream_call(h->upstream, &(struct rf_caller){ .deadline_us = RF_FOREVER }, &q, &a);

        snprintf(ret, 32, "%s", r >= 0 && a->n_tracks > 0 ? a->tracks[0].id : "");
        rf_answer_unref(a);
        return r;
}

static void likes(struct house *h, const char *expected)
{
        char id[32];

        assert_int_equal(top(h, id), 0);
        assert_string_equal(id, expected);
}

static int ask_for_top(void *arg)
{
        struct asker *a = arg;
        char id[32];

        a->result = top(a->h, id);
        return 0;
}

static int changes_hands(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");
        static struct asker asker;
        struct rf_group *g;
        uint64_t login;
        char id[32];

        accounts.refresh_token = "anna";
        log_in(h);
        login = rf_authority_login(a);
        accounts.top = "anna's";
        likes(h, "anna's");
        accounts.top = "ben's";
        likes(h, "anna's"); /* kept */
        assert_int_equal(rf_authority_logout(a), 0);
        assert_int_equal(rf_authority_login(a), 0);
        assert_int_equal(top(h, id), -RF_EUNSUPPORTED);
        accounts.refresh_token = "ben";
        log_in(h);
        assert_int_not_equal(rf_authority_login(a), login);
        assert_int_equal(rf_state_count(h->state, RF_TABLE_TOKENS), 1);
        accounts.late_us = 3 * USEC_PER_SEC;
        accounts.n_api = 0;
        asker = (struct asker){ .h = h };
        assert_int_equal(rf_group_new(RF_FOREVER, &g), 0);
        assert_int_equal(rf_group_spawn(g, "asker", ask_for_top, &asker), 0);
        assert_int_equal(rf_sleep_us(500000), 0);
        accounts.refresh_token = "cleo";
        log_in(h); /* while ben's are on their way */
        accounts.late_us = 0;
        assert_int_equal(rf_group_join(g), 0);
        rf_group_free(g);
        assert_int_equal(asker.result, 0);
        accounts.top = "cleo's";
        likes(h, "cleo's");
        return 0;
}

static void what_one_person_likes_is_not_told_of_the_next(void **state)
{
        (void)state;
        with_members_then(person, true, changes_hands, NULL);
}

static uint64_t old_login;

/* A login that an older version wrote down. */
static int is_older(struct house *h)
{
        return rf_state_put(h->state, RF_TABLE_TOKENS, "members", 7, "older", 5);
}

static int is_renewed(struct house *h)
{
        struct rf_authority *a = rf_upstream_authority(h->upstream, "members");

        assert_true(rf_authority_is_logged_in(a));
        if (old_login == 0) {
                old_login = rf_authority_login(a);
                assert_int_not_equal(old_login, 0);
                accounts.refresh_token = "older2";
                accounts.top = "dora's";
                likes(h, "dora's");
                assert_non_null(strstr(accounts.form, "refresh_token=older&"));
        }
        accounts.top = "another's";
        likes(h, "dora's");
        assert_true(rf_authority_login(a) == old_login);
        return 0;
}

static int is_renewed_and_started_anew(struct house *h)
{
        int r = is_renewed(h);

        assert_int_equal(house_search(h, "x"), 0);
        assert_non_null(strstr(accounts.form, "refresh_token=older2&"));
        return r;
}

static void a_login_of_an_older_version_goes_on(void **state)
{
        struct house h = { .options = house_options() };
        int (*const bodies[])(struct house *h) = { is_older, is_renewed, is_renewed_and_started_anew };

        (void)state;
        accounts = (struct accounts){ .life_s = 3600 };
        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                house_open(&h);
                house_load(&h, "members", person);
                house_service(&h, "members")->answer = serve;
                house_run(&h, 0, bodies[i]);
                house_close(&h);
        }
        house_remove(&h);
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
                cmocka_unit_test(a_refusal_for_the_rate_counts_though_it_is_cut_off),
                cmocka_unit_test(a_refused_app_is_not_tried_again),
                cmocka_unit_test(only_words_of_refusal_retire_the_app),
                cmocka_unit_test(a_credential_that_is_not_taken_is_no_refused_capability),
                cmocka_unit_test(what_a_service_repeats_of_a_secret_is_not_told),
                cmocka_unit_test(a_login_lasts_until_the_service_ends_it),
                cmocka_unit_test(a_renewal_outlives_whoever_asked_for_it),
                cmocka_unit_test(a_refresh_token_is_on_disk_before_what_came_with_it_is_used),
                cmocka_unit_test(a_stop_waits_for_a_renewal),
                cmocka_unit_test(what_one_person_likes_is_not_told_of_the_next),
                cmocka_unit_test(a_login_of_an_older_version_goes_on),
                cmocka_unit_test(a_login_without_a_client_id_waits_for_one),
                cmocka_unit_test(what_a_login_may_change_is_forgotten_by_it),
        };

        return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
