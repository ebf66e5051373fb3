/*
 * The credential of one provider: OAuth 2 as its plugin describes it (RFC 6749; PKCE: RFC 7636). Tokens are fetched ahead of their end,
 * once for all callers. The refresh token of a person who logged in lies in the state store; access tokens and secrets live in memory
 * only, and are in no record, log or error.
 */
#pragma once

#include "base/macros.h"
#include "net/http.h"
#include "provider/provider.h"
#include "store/state.h"

struct rf_authority;

/* `http` and `state` may be NULL. A provider without authentication has an authority that always agrees. */
int rf_authority_new(struct rf_provider *p, struct rf_http *http, struct rf_state *state, struct rf_authority **ret);
struct rf_authority *rf_authority_free(struct rf_authority *a); /* wipes what it holds */
DEFINE_CLEANUP(struct rf_authority *, rf_authority_free);

/* Ends fetches under way, after a moment for a person's renewal: its answer may be the only one with the new refresh token (yields). */
void rf_authority_stop(struct rf_authority *a);
/* `logged_in` is called after each login: the credential may be allowed more than the last. It doesn't yield. */
void rf_authority_on_login(struct rf_authority *a, void (*logged_in)(void *arg), void *arg);

/* Whether there is a credential for calls, or for a person's own calls. NULL: yes; otherwise what to do about it. */
const char *rf_authority_problem(const struct rf_authority *a, bool needs_user);

/*
 * A bearer token (NULL: none is needed), valid until the next yield. Yields if one has to be fetched, for which it waits no longer than
 * `timeout_us`. -RF_ELOGIN: there is no
 * credential, or the service no longer takes it; -RF_EUPSTREAM: the token couldn't be fetched. `message` says it for people.
 */
int rf_authority_bearer(struct rf_authority *a, bool needs_user, uint64_t timeout_us, const char **ret_bearer, char *message, size_t size);
/* Which token that was, right after rf_authority_bearer(); 0: none was needed. */
uint64_t rf_authority_token(const struct rf_authority *a, bool needs_user);
/*
 * The service called that token expired before its time: the next call fetches another, unless it was replaced already. False: there was
 * none to replace.
 */
bool rf_authority_expire(struct rf_authority *a, bool needs_user, uint64_t token);
/* The service didn't take the token that was fetched for that either: for a minute there is none, and rf_authority_bearer() says so. */
void rf_authority_refused(struct rf_authority *a, bool needs_user, uint64_t token);

/* ---- Logging in: authorisation code with PKCE ---- */

/*
 * Begins: the address that a person is to open, and the state that must come back, as new strings. `redirect_uri` is a loopback
 * literal. -ENOTSUP: this provider has no login; -RF_ELOGIN: it isn't configured (no client id).
 */
int rf_authority_begin_login(struct rf_authority *a, const char *redirect_uri, char **ret_url, char **ret_state);
/* Ends with what came back (yields). -EINVAL: not the state that was begun with; -RF_ELOGIN: refused; -RF_EUPSTREAM. */
int rf_authority_complete_login(struct rf_authority *a, const char *state, const char *code, char *message, size_t size);
int rf_authority_logout(struct rf_authority *a); /* yields. 0 also if nobody was logged in */
bool rf_authority_is_logged_in(const struct rf_authority *a);
/* Which login that is: the same through renewals and restarts, another for each who logs in. 0: nobody is. */
uint64_t rf_authority_login(const struct rf_authority *a);
