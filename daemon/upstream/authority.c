#include "upstream/authority.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "sched/sched.h"
#include "upstream/classify.h"
#include "upstream/exchange.h"
#include "upstream/form.h"
#include "upstream/login_record.h"
#include "upstream/scrub.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define AHEAD_US (60 * USEC_PER_SEC)      /* a token is renewed so long before its end */
#define LIFE_DEFAULT_S 3600
#define FETCH_TIMEOUT_US (15 * USEC_PER_SEC)
#define PAUSE_US (5 * USEC_PER_SEC)       /* after a failed fetch, unless the service says for how long */
#define TOKEN_MAX ((size_t)RF_LOGIN_TOKEN_MAX)
#define STOP_US (3 * USEC_PER_SEC)        /* a stop waits so long for a refresh token that may be on its way */
#define FORM_MAX (3 * TOKEN_MAX + 2048u)  /* bytes of a form: reserved at once, so that no copy of a secret is left behind by growing */
#define UNTAKEN_US (60 * USEC_PER_SEC)    /* after the service didn't take a token that it had just given */
#define LOGIN_US (600 * USEC_PER_SEC)     /* time for a person to log in */

#define REPLACED "the login was ended or replaced meanwhile"

enum slot { SLOT_APP, SLOT_USER, SLOT_COUNT };

/* One kind of access token. */
struct access {
        char *token;
        uint64_t number;   /* of the token; grows with each */
        uint64_t renew_us, until_us;
        bool is_fetching;
        struct rf_waiters waiters;
        uint64_t n_failures, not_before_us; /* fetches that failed; when the next may be tried */
        int error;         /* of the last */
        char message[160];
};

struct rf_authority {
        struct rf_provider *provider;
        struct rf_http *http;
        struct rf_state *state;
        const struct rf_auth *auth; /* NULL: none */
        struct access access[SLOT_COUNT];
        char *refresh_token;
        uint64_t login;   /* which login that belongs to; 0: none */
        bool is_rejected; /* the app's own credential was refused; only a restart or new configuration helps */
        uint64_t logins;  /* grows with each login and logout: what was asked before one says nothing after it */
        struct rf_group *group; /* fetches: they outlive their callers, because a refresh token may be good for one use */
        void (*logged_in)(void *arg);
        void *arg;
        char *login_state, *login_verifier, *login_redirect;
        uint64_t login_until_us;
};

static void wipe_buf(struct rf_buf *b)
{
        if (b->data)
                OPENSSL_cleanse(b->data, b->size);
        rf_buf_done(b);
}

static char *wipe(char *secret)
{
        if (secret)
                OPENSSL_cleanse(secret, strlen(secret));
        free(secret);
        return NULL;
}

static const char *option(const struct rf_authority *a, const char *name)
{
        const struct rf_value *v = name ? rf_provider_value(a->provider, name) : NULL;

        return v && v->string && v->string[0] ? v->string : NULL;
}

/*
 * A number for a login, by which the person's own answers are told from those of whoever logs in next. Services don't name the account
 * in a token's answer; what each login surely has of its own is its first refresh token.
 */
static uint64_t number_of(const char *refresh_token)
{
        unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
        uint64_t n = 0;

        (void)EVP_Digest(refresh_token, strlen(refresh_token), digest, NULL, EVP_sha256(), NULL);
        for (size_t i = 0; i < sizeof(n); i++)
                n = n << 8 | digest[i];
        n &= INT64_MAX;
        return MAX(n, (uint64_t)1);
}

static void load_login(struct rf_authority *a)
{
        _cleanup_(wipe_buf) struct rf_buf b = RF_BUF_INIT;
        const char *name = rf_provider_name(a->provider);
        struct rf_login_record record;

        if (!a->state || rf_state_get(a->state, RF_TABLE_TOKENS, name, strlen(name), &b) < 0 ||
            rf_login_record_decode(b.data, b.size, &record) < 0)
                return;
        a->refresh_token = strndup(record.token, record.token_size);
        if (a->refresh_token)
                a->login = record.login ? record.login : number_of(a->refresh_token);
}

int rf_authority_new(struct rf_provider *p, struct rf_http *http, struct rf_state *state, struct rf_authority **ret)
{
        struct rf_authority *a = calloc(1, sizeof(*a));
        const struct rf_plugin *plugin = rf_provider_plugin(p);

        if (!a)
                return -ENOMEM;
        a->provider = p;
        a->http = http;
        a->state = state;
        a->auth = plugin ? plugin->auth : NULL;
        for (size_t i = 0; i < SLOT_COUNT; i++)
                rf_waiters_init(&a->access[i].waiters);
        if (a->auth)
                load_login(a);
        *ret = a;
        return 0;
}

static void end_login(struct rf_authority *a)
{
        a->login_state = wipe(a->login_state);
        a->login_verifier = wipe(a->login_verifier);
        free(a->login_redirect);
        a->login_redirect = NULL;
}

struct rf_authority *rf_authority_free(struct rf_authority *a)
{
        if (!a)
                return NULL;
        rf_group_free(a->group); /* its coroutines have ended with the scheduler, if it wasn't stopped */
        for (size_t i = 0; i < SLOT_COUNT; i++)
                wipe(a->access[i].token);
        wipe(a->refresh_token);
        end_login(a);
        free(a);
        return NULL;
}

void rf_authority_stop(struct rf_authority *a)
{
        uint64_t deadline_us = rf_deadline_in(STOP_US);

        while (a->access[SLOT_USER].is_fetching && rf_wait(&a->access[SLOT_USER].waiters, deadline_us) >= 0)
                ;
        a->group = rf_group_free(a->group);
}

void rf_authority_on_login(struct rf_authority *a, void (*logged_in)(void *arg), void *arg)
{
        a->logged_in = logged_in;
        a->arg = arg;
}

bool rf_authority_is_logged_in(const struct rf_authority *a)
{
        return a->refresh_token != NULL;
}

uint64_t rf_authority_login(const struct rf_authority *a)
{
        return a->login;
}

static bool has_app_credential(const struct rf_authority *a)
{
        return (a->auth->flows & RF_AUTH_CLIENT_CREDENTIALS) && option(a, a->auth->client_id_option) &&
               option(a, a->auth->client_secret_option) && !a->is_rejected;
}

const char *rf_authority_problem(const struct rf_authority *a, bool needs_user)
{
        if (!a->auth)
                return NULL;
        if (!option(a, a->auth->client_id_option)) /* a login is renewed with it, too */
                return "no client id is configured";
        if (a->refresh_token)
                return NULL;
        if (a->is_rejected)
                return "the service refused the configured client id and secret";
        if (needs_user)
                return "nobody is logged in; recflowctl login does that";
        return has_app_credential(a) ? NULL : "no client secret is configured, and nobody is logged in";
}

/* ---- Asking the accounts service ---- */

/* What follows scheme and host; NULL. */
static const char *path_of(const char *address)
{
        const char *host = strstr(address, "://");

        return host ? strchr(host + 3, '/') : NULL;
}

/* An address of the accounts service: the plugin's, with scheme and host replaced where that is configured. */
static int accounts_address(const struct rf_authority *a, const char *address, struct rf_buf *ret)
{
        const char *base = option(a, a->auth->accounts_url_option), *path = path_of(address);

        if (base && !strstr(base, "://"))
                return -RF_ECONFIG;
        return base && path ? rf_buf_addf(ret, "%s%s", base, path) : rf_buf_add_string(ret, address);
}

/* "Basic " and the base64 of id:secret (RFC 7617). */
static int add_basic(const struct rf_authority *a, struct rf_buf *b)
{
        _cleanup_(wipe_buf) struct rf_buf plain = RF_BUF_INIT;
        int r = rf_buf_reserve(&plain, 1024);

        if (r >= 0)
                r = rf_buf_addf(&plain, "%s:%s", option(a, a->auth->client_id_option), option(a, a->auth->client_secret_option));

        if (r >= 0)
                r = rf_buf_add_string(b, "Basic ");
        if (r >= 0)
                r = rf_buf_reserve(b, plain.size / 3 * 4 + 8);
        if (r < 0)
                return r;
        b->size += (size_t)EVP_EncodeBlock((unsigned char *)b->data + b->size, (const unsigned char *)plain.data, (int)plain.size);
        return 0;
}

static int say(char *message, size_t size, int error, const char *text)
{
        snprintf(message, size, "%s", text);
        return error;
}

/*
 * A refresh token is on disk before what came along with it is used. The service may have ended the last one in the same breath: a
 * daemon that is killed after the answer was sent and before this is written has lost its login, and the next one says that somebody
 * has to log in again. That can't be closed from this side. What can: the write comes first, no stop comes in between
 * (rf_authority_stop()), and where the disk doesn't take the token it's kept in memory, and the next renewal brings another.
 */
static int keep_login(struct rf_authority *a, const char *token, bool is_login, char *message, size_t size)
{
        _cleanup_(wipe_buf) struct rf_buf b = RF_BUF_INIT;
        const char *name = rf_provider_name(a->provider);
        uint64_t login = is_login ? number_of(token) : a->login, logins = is_login ? ++a->logins : a->logins;
        struct rf_login_record record = { .token = token, .token_size = strlen(token), .login = login };
        char *copy = strdup(token);
        int r = copy ? rf_buf_reserve(&b, record.token_size + 32) : -ENOMEM;

        if (r >= 0)
                r = rf_login_record_encode(&record, &b);
        if (r >= 0 && a->state)
                r = rf_state_put(a->state, RF_TABLE_TOKENS, name, strlen(name), b.data, b.size);
        if (a->logins != logins) { /* and what that wrote was written after this */
                wipe(copy);
                return say(message, size, -RF_ELOGIN, REPLACED);
        }
        if (!copy || (is_login && r < 0)) {
                wipe(copy);
                return r;
        }
        wipe(a->refresh_token);
        a->refresh_token = copy;
        a->login = login;
        return r;
}

static int forget_login(struct rf_authority *a)
{
        const char *name = rf_provider_name(a->provider);

        a->refresh_token = wipe(a->refresh_token);
        a->login = 0;
        a->access[SLOT_USER].token = wipe(a->access[SLOT_USER].token);
        return a->state ? rf_state_remove(a->state, RF_TABLE_TOKENS, name, strlen(name)) : 0;
}

static bool is_token(const char *t)
{
        size_t n = t ? strlen(t) : 0;

        return n > 0 && n <= TOKEN_MAX && !t[strcspn(t, " \t\r\n")];
}

static void wipe_field(const json_t *j, const char *name)
{
        json_t *field = json_object_get(j, name);

        if (json_is_string(field))
                OPENSSL_cleanse((char *)json_string_value(field), json_string_length(field));
}

static int take_tokens(struct rf_authority *a, enum slot slot, bool is_login, const json_t *j, char *message, size_t size)
{
        const char *token = json_string_value(json_object_get(j, "access_token"));
        const char *refresh = json_string_value(json_object_get(j, "refresh_token"));
        const json_t *life = json_object_get(j, "expires_in");
        json_int_t life_s = json_is_integer(life) ? json_integer_value(life) : LIFE_DEFAULT_S;
        struct access *access = &a->access[slot];
        uint64_t life_us, began_us = rf_now_us();
        char *copy;
        int r;

        if (!is_token(token))
                return say(message, size, -RF_EUPSTREAM, "the accounts service's answer holds no token");
        if (is_login && !is_token(refresh))
                return say(message, size, -RF_EUPSTREAM, "the accounts service gave no lasting login");
        if (slot == SLOT_USER && is_token(refresh)) { /* an answer without one means: keep the one you have */
                r = keep_login(a, refresh, is_login, message, size);
                if (r < 0)
                        return r;
        }
        copy = strdup(token);
        if (!copy)
                return -ENOMEM;
        wipe(access->token);
        access->token = copy;
        access->number++;
        life_us = (uint64_t)CLAMP(life_s, (json_int_t)1, (json_int_t)86400) * USEC_PER_SEC;
        access->until_us = began_us + life_us;
        access->renew_us = access->until_us - MIN((uint64_t)AHEAD_US, life_us / 4);
        access->not_before_us = 0;
        return 0;
}

/* Only in so many words is a credential refused. Whatever else stands between us and the service may answer 302, 403 or 408 as well. */
static bool is_client_refused(const char *error)
{
        return error && (strcmp(error, "invalid_client") == 0 || strcmp(error, "unauthorized_client") == 0);
}

static int in_trouble(struct access *access, const struct rf_response *response, char *message, size_t size)
{
        uint64_t pause_us = (uint64_t)rf_retry_after_s(response, rf_wall_us()) * USEC_PER_SEC;

        access->not_before_us = rf_deadline_in(MAX(pause_us, (uint64_t)PAUSE_US));
        snprintf(message, size, "the accounts service is in trouble (%u)", response->status);
        return -RF_EUPSTREAM;
}

/* Accounts errors are flat: {"error","error_description"}. `is_login`: a code was refused, which says nothing of an older login. */
static int take_refusal(struct rf_authority *a, enum slot slot, bool is_login, const struct rf_response *response, const json_t *j,
                        char *message, size_t size)
{
        const char *error = json_string_value(json_object_get(j, "error"));
        const char *text = json_string_value(json_object_get(j, "error_description"));
        bool has_ended = slot == SLOT_USER && !is_login && error && strcmp(error, "invalid_grant") == 0;

        if (response->status >= 500 || response->status == 429 || !(is_client_refused(error) || has_ended || (is_login && error)))
                return in_trouble(&a->access[slot], response, message, size);
        if (has_ended) {
                int r = forget_login(a);

                return r < 0 ? r : say(message, size, -RF_ELOGIN, "the login has ended; log in again");
        }
        if (slot == SLOT_APP)
                a->is_rejected = true;
        snprintf(message, size, "the accounts service refused: %.100s", text ? text : error);
        message[rf_utf8_clip(message, size - 1)] = '\0';
        rf_scrub(message, option(a, a->auth->client_secret_option));
        rf_scrub(message, a->refresh_token);
        return -RF_ELOGIN;
}

/* What the accounts service answered. The answer's copies of the tokens are wiped. */
static int take_answer(struct rf_authority *a, enum slot slot, bool is_login, struct rf_exchange *e, char *message, size_t size)
{
        _cleanup_json_ json_t *j = NULL;
        int r;

        if (e->failure && e->response.status != 429) { /* that says for how long, cut off or not */
                snprintf(message, size, "the accounts service can't be reached: %.110s", e->message);
                return -RF_EUPSTREAM;
        }
        if (rf_json_parse(e->response.body, e->response.body_size, &j, NULL) < 0 && e->response.status < 300)
                r = say(message, size, -RF_EUPSTREAM, "the accounts service's answer isn't JSON");
        else if (e->response.status == 200)
                r = take_tokens(a, slot, is_login, j, message, size);
        else
                r = take_refusal(a, slot, is_login, &e->response, j, message, size);
        wipe_field(j, "access_token");
        wipe_field(j, "refresh_token");
        OPENSSL_cleanse((char *)e->response.body, e->response.body_size);
        return r;
}

/* POSTs a form to the token address and takes what comes. */
static int post_form(struct rf_authority *a, enum slot slot, struct rf_buf *form, bool is_login, char *message, size_t size)
{
        _cleanup_buf_ struct rf_buf url = RF_BUF_INIT;
        _cleanup_(wipe_buf) struct rf_buf basic = RF_BUF_INIT;
        struct rf_header headers[2] = { { "Content-Type", "application/x-www-form-urlencoded" } };
        struct rf_request q = { .size = sizeof(q), .method = RF_METHOD_POST, .headers = headers, .n_headers = 1, .body = form->data,
                                .body_size = form->size };
        uint64_t logins = a->logins;
        struct rf_exchange e;
        int r = accounts_address(a, a->auth->token_url, &url);

        if (r == -RF_ECONFIG)
                return say(message, size, -RF_ELOGIN, "the configured address of the accounts service isn't an address");
        if (r >= 0 && slot == SLOT_APP) {
                r = add_basic(a, &basic);
                headers[q.n_headers++] = (struct rf_header){ "Authorization", basic.data };
        }
        if (r < 0)
                return r;
        q.url = url.data;
        q.path = path_of(url.data);
        r = rf_exchange(a->http, a->provider, &q, FETCH_TIMEOUT_US, false, &e);
        if (r < 0)
                return r;
        if (slot == SLOT_USER && a->logins != logins)
                r = say(message, size, -RF_ELOGIN, REPLACED);
        else
                r = take_answer(a, slot, is_login, &e, message, size);
        if (basic.data)
                rf_scrub(message, basic.data + strlen("Basic "));
        rf_exchange_done(&e);
        return r;
}

static int fetch(struct rf_authority *a, enum slot slot, char *message, size_t size)
{
        _cleanup_(wipe_buf) struct rf_buf form = RF_BUF_INIT;
        int r = rf_buf_reserve(&form, FORM_MAX);

        if (r >= 0)
                r = rf_form_add(&form, "grant_type", slot == SLOT_APP ? "client_credentials" : "refresh_token");
        if (r >= 0 && slot == SLOT_USER)
                r = !a->refresh_token ? -RF_ELOGIN : rf_form_add(&form, "refresh_token", a->refresh_token);
        if (r >= 0 && slot == SLOT_USER)
                r = rf_form_add(&form, "client_id", option(a, a->auth->client_id_option));
        return r < 0 ? r : post_form(a, slot, &form, false, message, size);
}

/* ---- Tokens for calls ---- */

static void run_fetch(struct rf_authority *a, enum slot slot)
{
        struct access *access = &a->access[slot];

        access->message[0] = '\0';
        access->error = fetch(a, slot, access->message, sizeof(access->message));
        access->is_fetching = false;
        if (access->error < 0) {
                access->n_failures++;
                access->not_before_us = MAX(access->not_before_us, rf_deadline_in(PAUSE_US));
        }
        rf_wake_all(&access->waiters);
}

static int fetch_for_app(void *arg)
{
        run_fetch(arg, SLOT_APP);
        return 0;
}

static int fetch_for_user(void *arg)
{
        run_fetch(arg, SLOT_USER);
        return 0;
}

/* One at a time of each kind, for all callers. */
static int start_fetch(struct rf_authority *a, enum slot slot)
{
        struct access *access = &a->access[slot];
        int r = a->group ? 0 : rf_group_new_detached(RF_FOREVER, &a->group);

        if (r >= 0 && !access->is_fetching) {
                r = rf_group_spawn(a->group, "token", slot == SLOT_APP ? fetch_for_app : fetch_for_user, a);
                access->is_fetching = r >= 0;
        }
        return r;
}

static enum slot slot_of(const struct rf_authority *a, bool needs_user)
{
        /* the app's own token where it will do: a person's is for that person's calls */
        return needs_user || !has_app_credential(a) ? SLOT_USER : SLOT_APP;
}

static int wait_for_token(struct rf_authority *a, enum slot slot, uint64_t deadline_us, char *message, size_t size)
{
        struct access *access = &a->access[slot];
        uint64_t failures = access->n_failures;
        int r = 0;

        if (!access->is_fetching && rf_now_us() < access->not_before_us)
                return say(message, size, access->error, access->message); /* as a moment ago */
        r = start_fetch(a, slot);
        if (r >= 0)
                r = rf_wait(&access->waiters, deadline_us);
        if (r == -ETIMEDOUT && rf_check_cancelled() == 0)
                return say(message, size, -RF_EUPSTREAM, "the accounts service didn't answer in time");
        return r >= 0 && access->n_failures != failures ? say(message, size, access->error, access->message) : r;
}

int rf_authority_bearer(struct rf_authority *a, bool needs_user, uint64_t timeout_us, const char **ret_bearer, char *message, size_t size)
{
        uint64_t deadline_us = rf_deadline_in(timeout_us);
        struct access *access;
        const char *problem;
        enum slot slot;

        *ret_bearer = NULL;
        if (!a->auth)
                return 0;
        problem = rf_authority_problem(a, needs_user);
        if (problem)
                return say(message, size, -RF_ELOGIN, problem);
        slot = slot_of(a, needs_user);
        access = &a->access[slot];
        while (!access->token || access->until_us <= rf_now_us()) {
                int r = wait_for_token(a, slot, deadline_us, message, size);

                if (r < 0)
                        return r;
        }
        /* nobody waits for the renewal ahead of the end; if it fails, the old one is good for a while yet */
        if (access->renew_us <= rf_now_us() && rf_now_us() >= access->not_before_us)
                (void)start_fetch(a, slot);
        *ret_bearer = access->token;
        return 0;
}

uint64_t rf_authority_token(const struct rf_authority *a, bool needs_user)
{
        return a->auth ? a->access[slot_of(a, needs_user)].number : 0;
}

bool rf_authority_expire(struct rf_authority *a, bool needs_user, uint64_t token)
{
        struct access *access;

        if (!a->auth || token == 0)
                return false;
        access = &a->access[slot_of(a, needs_user)];
        if (access->number == token)
                access->token = wipe(access->token);
        return true;
}

void rf_authority_refused(struct rf_authority *a, bool needs_user, uint64_t token)
{
        struct access *access = &a->access[slot_of(a, needs_user)];

        if (access->number != token || access->is_fetching)
                return;
        access->token = wipe(access->token);
        access->not_before_us = rf_deadline_in(UNTAKEN_US);
        access->error = say(access->message, sizeof(access->message), -RF_ELOGIN, "the service doesn't take the tokens that it gives");
}

/* ---- Logging in ---- */

int rf_authority_begin_login(struct rf_authority *a, const char *redirect_uri, char **ret_url, char **ret_state)
{
        _cleanup_buf_ struct rf_buf url = RF_BUF_INIT, query = RF_BUF_INIT;
        _cleanup_free_ char *challenge = NULL;
        unsigned char digest[32];
        unsigned digest_size = 0;
        int r;

        if (!a->auth || !(a->auth->flows & RF_AUTH_PKCE))
                return -ENOTSUP;
        if (!option(a, a->auth->client_id_option))
                return -RF_ELOGIN;
        end_login(a);
        a->login_state = rf_random_text();
        a->login_verifier = rf_random_text();
        a->login_redirect = strdup(redirect_uri);
        a->login_until_us = rf_deadline_in(LOGIN_US);
        if (!a->login_state || !a->login_verifier || !a->login_redirect ||
            EVP_Digest(a->login_verifier, strlen(a->login_verifier), digest, &digest_size, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        challenge = rf_base64url(digest, digest_size);
        if (!challenge)
                return -ENOMEM;
        if ((r = rf_form_add(&query, "response_type", "code")) < 0 ||
            (r = rf_form_add(&query, "client_id", option(a, a->auth->client_id_option))) < 0 ||
            (r = rf_form_add(&query, "redirect_uri", redirect_uri)) < 0 || (r = rf_form_add(&query, "scope", a->auth->scopes)) < 0 ||
            (r = rf_form_add(&query, "state", a->login_state)) < 0 || (r = rf_form_add(&query, "code_challenge_method", "S256")) < 0 ||
            (r = rf_form_add(&query, "code_challenge", challenge)) < 0 || (r = accounts_address(a, a->auth->authorize_url, &url)) < 0 ||
            (r = rf_buf_addf(&url, "?%s", query.data)) < 0)
                return r;
        *ret_state = strdup(a->login_state);
        if (!*ret_state)
                return -ENOMEM;
        *ret_url = rf_buf_take(&url, NULL);
        return 0;
}

int rf_authority_complete_login(struct rf_authority *a, const char *state, const char *code, char *message, size_t size)
{
        _cleanup_(wipe_buf) struct rf_buf form = RF_BUF_INIT;
        char *verifier;
        int r;

        message[0] = '\0';
        if (!a->auth || !a->login_state || strcmp(state, a->login_state) != 0)
                return say(message, size, -EINVAL, "this isn't the login that was begun");
        if (rf_now_us() > a->login_until_us) {
                end_login(a);
                return say(message, size, -EINVAL, "the login took too long; begin again");
        }
        if ((r = rf_buf_reserve(&form, FORM_MAX)) < 0 || (r = rf_form_add(&form, "grant_type", "authorization_code")) < 0 || (r = rf_form_add(&form, "code", code)) < 0 ||
            (r = rf_form_add(&form, "redirect_uri", a->login_redirect)) < 0 ||
            (r = rf_form_add(&form, "client_id", option(a, a->auth->client_id_option))) < 0 ||
            (r = rf_form_add(&form, "code_verifier", a->login_verifier)) < 0)
                return r;
        verifier = TAKE_PTR(a->login_verifier);
        end_login(a); /* a code is good for one try */
        a->logins++; /* a renewal of an older login that is under way is forgotten */
        r = post_form(a, SLOT_USER, &form, true, message, size);
        rf_scrub(message, code);
        rf_scrub(message, verifier);
        wipe(verifier);
        if (r >= 0 && a->logged_in)
                a->logged_in(a->arg);
        return r;
}

int rf_authority_logout(struct rf_authority *a)
{
        end_login(a);
        a->logins++;
        return forget_login(a);
}
