/* Spotify's accounts service: tokens for the app, for a person who logged in, and the login itself. */
#include "service.h"

#include "random.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

enum { ACCESS_S = 3600, REFRESH_S = 182 * 86400, CODE_S = 600, FIELD_MAX = 512 };

void mock_base62(uint64_t number, char ret[23])
{
        static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        struct mock_random r = { .state = number };

        for (int i = 0; i < 22; i++)
                ret[i] = digits[mock_random_below(&r, 62)];
        ret[22] = '\0';
}

struct mock_token *mock_token_make(struct mock_tokens *tokens, uint64_t seed, const char *kind)
{
        struct mock_token *t = &tokens->list[tokens->n % MOCK_TOKENS_MAX];
        char text[23];

        mock_base62(mock_hash(seed + tokens->n++, kind), text);
        *t = (struct mock_token){ 0 };
        snprintf(t->text, sizeof(t->text), "%s-%s", kind, text);
        return t;
}

struct mock_token *mock_token_find(struct mock_tokens *tokens, const char *text)
{
        for (size_t i = 0; i < MOCK_TOKENS_MAX; i++)
                if (tokens->list[i].text[0] && strcmp(tokens->list[i].text, text) == 0)
                        return &tokens->list[i];
        return NULL;
}

/* ---- Forms ---- */

/* The value of a form's field, decoded. False: it isn't there, or is too long. */
static bool field(const struct mock_call *call, const char *name, char *ret, size_t size)
{
        const char *at = call->request->body, *end = at ? at + call->request->body_size : NULL;
        size_t length = strlen(name), n = 0;

        while (at && at < end && !((size_t)(end - at) > length && strncmp(at, name, length) == 0 && at[length] == '=')) {
                at = memchr(at, '&', (size_t)(end - at));
                at = at ? at + 1 : NULL;
        }
        if (!at || at >= end)
                return false;
        for (at += length + 1; at < end && *at != '&' && n + 1 < size; at++)
                if (*at == '%' && end - at > 2) {
                        ret[n++] = (char)strtoul((char[]){ at[1], at[2], '\0' }, NULL, 16);
                        at += 2;
                } else
                        ret[n++] = *at == '+' ? ' ' : *at;
        ret[n] = '\0';
        return n > 0 && (at == end || *at == '&');
}

static int refuse(struct mock_call *call, const char *error, const char *description)
{
        call->status = 400;
        call->json = json_pack("{s:s, s:s}", "error", error, "error_description", description);
        return call->json ? 0 : -ENOMEM;
}

/* Any app is known but one that is called "wrong". */
static bool is_client(const char *id)
{
        return id[0] && strcmp(id, "wrong") != 0;
}

/* "Basic " and the base64 of id:secret (RFC 7617); the id. */
static bool basic_client(const struct mock_call *call, char *ret, size_t size)
{
        const char *header = mock_header(call, "Authorization");
        unsigned char plain[512];
        size_t length = header && strncmp(header, "Basic ", 6) == 0 ? strlen(header + 6) : 0;
        char *colon;
        int n;

        if (length == 0 || length > 600)
                return false;
        n = EVP_DecodeBlock(plain, (const unsigned char *)header + 6, (int)length);
        if (n < 0)
                return false;
        plain[n] = '\0';
        colon = strchr((char *)plain, ':');
        if (!colon || !colon[1])
                return false;
        *colon = '\0';
        return strlen((char *)plain) < size && snprintf(ret, size, "%s", (char *)plain) > 0;
}

/* ---- Grants ---- */

static int give(struct mock_call *call, const char *client_id, bool is_user, const char *refresh_token)
{
        struct mock_services *s = call->services;
        struct mock_token *t = mock_token_make(&s->access, s->options.weather_seed, is_user ? "user" : "app");

        snprintf(t->client_id, sizeof(t->client_id), "%s", client_id);
        t->is_user = is_user;
        t->until_us = call->now_us + ACCESS_S * SECOND;
        call->json = json_pack("{s:s, s:s, s:i}", "access_token", t->text, "token_type", "Bearer", "expires_in", ACCESS_S);
        if (call->json && is_user)
                json_object_set_new(call->json, "scope", json_string("user-top-read playlist-modify-private playlist-modify-public"));
        if (call->json && refresh_token)
                json_object_set_new(call->json, "refresh_token", json_string(refresh_token));
        return call->json ? 0 : -ENOMEM;
}

static struct mock_token *make_refresh_token(struct mock_call *call, const char *client_id)
{
        struct mock_token *t = mock_token_make(&call->services->refresh, call->services->options.weather_seed, "refresh");

        snprintf(t->client_id, sizeof(t->client_id), "%s", client_id);
        t->until_us = call->now_us + REFRESH_S * SECOND;
        return t;
}

static int client_credentials(struct mock_call *call)
{
        char client_id[129];

        if (!basic_client(call, client_id, sizeof(client_id)) || !is_client(client_id))
                return refuse(call, "invalid_client", "Invalid client");
        return give(call, client_id, false, NULL);
}

/* S256 (RFC 7636): the challenge is the base64url of the verifier's SHA-256. */
static bool proves(const char *verifier, const char *challenge)
{
        unsigned char digest[32], text[64];
        unsigned n = 0;

        if (EVP_Digest(verifier, strlen(verifier), digest, &n, EVP_sha256(), NULL) != 1)
                return false;
        EVP_EncodeBlock(text, digest, (int)n);
        for (unsigned char *c = text; *c; c++)
                *c = (unsigned char)(*c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c);
        return strcmp((char *)text, challenge) == 0;
}

static int authorization_code(struct mock_call *call)
{
        char code[FIELD_MAX], client_id[129], redirect[257], verifier[FIELD_MAX];
        struct mock_token *t;
        bool is_good;

        if (!field(call, "client_id", client_id, sizeof(client_id)) || !is_client(client_id))
                return refuse(call, "invalid_client", "Invalid client");
        if (!field(call, "code", code, sizeof(code)) || !field(call, "redirect_uri", redirect, sizeof(redirect)) ||
            !field(call, "code_verifier", verifier, sizeof(verifier)))
                return refuse(call, "invalid_request", "code, redirect_uri and code_verifier must be supplied");
        t = mock_token_find(&call->services->codes, code);
        if (!t || t->until_us <= call->now_us)
                return refuse(call, "invalid_grant", "Invalid authorization code");
        is_good = strcmp(t->client_id, client_id) == 0 && strcmp(t->redirect, redirect) == 0 && proves(verifier, t->challenge);
        t->text[0] = '\0'; /* good for one try */
        if (!is_good)
                return refuse(call, "invalid_grant", "code_verifier was incorrect");
        return give(call, client_id, true, make_refresh_token(call, client_id)->text);
}

/* Every other answer brings a new refresh token, and then the old one is worth nothing any more. */
static int refresh(struct mock_call *call)
{
        char text[FIELD_MAX], client_id[129];
        struct mock_token *t;
        const char *fresh = NULL;

        if (!field(call, "client_id", client_id, sizeof(client_id)) || !is_client(client_id))
                return refuse(call, "invalid_client", "Invalid client");
        t = field(call, "refresh_token", text, sizeof(text)) ? mock_token_find(&call->services->refresh, text) : NULL;
        if (!t || strcmp(t->client_id, client_id) != 0)
                return refuse(call, "invalid_grant", "Invalid refresh token");
        if (t->until_us <= call->now_us)
                return refuse(call, "invalid_grant", "Refresh token expired");
        if (call->services->n_refreshed++ % 2 == 1) {
                t->text[0] = '\0';
                fresh = make_refresh_token(call, client_id)->text;
        }
        return give(call, client_id, true, fresh);
}

static int answer_token(struct mock_call *call)
{
        static const struct {
                const char *grant;
                int (*answer)(struct mock_call *call);
        } grants[] = { { "client_credentials", client_credentials }, { "authorization_code", authorization_code },
                       { "refresh_token", refresh } };
        char grant[FIELD_MAX];

        if (!field(call, "grant_type", grant, sizeof(grant)))
                return refuse(call, "unsupported_grant_type", "grant_type parameter is missing");
        for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
                if (strcmp(grants[i].grant, grant) == 0)
                        return grants[i].answer(call);
        return refuse(call, "unsupported_grant_type", "grant_type must be client_credentials, authorization_code or refresh_token");
}

/* ---- Logging in: the person agrees at once ---- */

static int reject_page(struct mock_call *call, const char *text)
{
        call->status = 400;
        call->text = text;
        return 0;
}

/* Over TLS, or to a loopback address as a literal. */
static bool is_redirect(const char *uri)
{
        return uri && strlen(uri) <= 256 &&
               (strncmp(uri, "https://", 8) == 0 || strncmp(uri, "http://127.0.0.1:", 17) == 0 || strncmp(uri, "http://[::1]:", 13) == 0);
}

static void encode(FILE *f, const char *text)
{
        for (; *text; text++)
                if (isalnum((unsigned char)*text) || strchr("-._~", *text))
                        fputc(*text, f);
                else
                        fprintf(f, "%%%02X", (unsigned char)*text);
}

static int answer_authorize(struct mock_call *call)
{
        const char *client_id = mock_param(call, "client_id"), *redirect = mock_param(call, "redirect_uri");
        const char *challenge = mock_param(call, "code_challenge"), *method = mock_param(call, "code_challenge_method");
        const char *state = mock_param(call, "state"), *type = mock_param(call, "response_type");
        struct mock_services *s = call->services;
        struct mock_token *code;
        size_t size = 0;
        FILE *f;

        if (!client_id || !is_client(client_id) || strlen(client_id) > 128)
                return reject_page(call, "INVALID_CLIENT: Invalid client");
        if (!is_redirect(redirect))
                return reject_page(call, "INVALID_CLIENT: Insecure redirect URI");
        if (!type || strcmp(type, "code") != 0 || !method || strcmp(method, "S256") != 0 || !challenge || strlen(challenge) != 43)
                return reject_page(call, "response_type must be code, code_challenge_method S256");
        code = mock_token_make(&s->codes, s->options.weather_seed, "code");
        snprintf(code->client_id, sizeof(code->client_id), "%s", client_id);
        snprintf(code->challenge, sizeof(code->challenge), "%s", challenge);
        snprintf(code->redirect, sizeof(code->redirect), "%s", redirect);
        code->until_us = call->now_us + CODE_S * SECOND;
        free(s->location);
        s->location = NULL;
        f = open_memstream(&s->location, &size);
        if (!f)
                return -ENOMEM;
        fprintf(f, "%s%ccode=%s", redirect, strchr(redirect, '?') ? '&' : '?', code->text);
        if (state) {
                fputs("&state=", f);
                encode(f, state);
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        call->status = 302;
        call->location = s->location;
        call->text = "";
        return 0;
}

static bool admit(struct mock_call *call, const struct mock_endpoint *endpoint)
{
        if (endpoint)
                return true;
        call->status = 404;
        call->text = "";
        return false;
}

static const struct mock_endpoint endpoints[] = {
        { RF_METHOD_POST, "/api/token", 0, answer_token },
        { RF_METHOD_GET, "/authorize", 0, answer_authorize },
};

const struct mock_endpoints mock_accounts_endpoints = { endpoints, sizeof(endpoints) / sizeof(endpoints[0]), admit };
