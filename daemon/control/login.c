#include "control/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "control/workflow.h"
#include "upstream/authority.h"

enum { REDIRECT_MAX = 512 };

static const char *text_of(const struct rf_varlink_call *c, const char *name)
{
        return json_string_value(json_object_get(rf_varlink_call_parameters(c), name));
}

static int reply_failed(struct rf_varlink_call *c, const char *provider, int error, const char *message)
{
        json_t *o = json_pack("{s:s, s:s, s:s}", "provider", provider, "code", error == -EINVAL ? "state" : rf_workflow_code(error), "message",
                              message && message[0] ? message : rf_strerror(error));

        return o ? rf_varlink_call_error(c, "io.recflow.admin.LoginFailed", o) : -ENOMEM;
}

/* The provider's credential, or NULL after a reply in *ret_reply. */
static struct rf_authority *find(struct rf_varlink_call *c, const struct rf_control *control, int *ret_reply)
{
        const char *provider = text_of(c, "provider");
        const struct rf_provider *p = rf_providers_find(control->providers, provider);
        char message[200];
        json_t *o;

        if (!rf_may_administer(control, c)) {
                *ret_reply = rf_varlink_call_denied(c);
                return NULL;
        }
        if (p && !rf_provider_problem(p))
                return rf_upstream_authority(control->upstream, provider);
        if (p)
                snprintf(message, sizeof(message), "%.190s", rf_provider_problem(p));
        else
                snprintf(message, sizeof(message), "there is no provider \"%.60s\"; \"recflowctl providers\" lists them", provider);
        o = json_pack("{s:s, s:s}", "provider", provider, "message", message);
        *ret_reply = o ? rf_varlink_call_error(c, "io.recflow.admin.NoSuchProvider", o) : -ENOMEM;
        return NULL;
}

/* Codes may only travel to this machine, or encrypted: a loopback literal (RFC 8252), or HTTPS. */
static bool may_redirect_to(const char *uri)
{
        static const char *const allowed[] = { "http://127.0.0.1:", "http://127.0.0.1/", "http://[::1]:", "http://[::1]/", "https://" };

        if (strlen(uri) > REDIRECT_MAX || uri[strcspn(uri, " \t\r\n#")])
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
                if (strncmp(uri, allowed[i], strlen(allowed[i])) == 0)
                        return true;
        return false;
}

int rf_control_begin_login(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        const char *provider = text_of(c, "provider"), *redirect = text_of(c, "redirect_uri");
        _cleanup_free_ char *url = NULL, *state = NULL;
        char message[128];
        struct rf_authority *a;
        json_t *o;
        int r = 0;

        a = find(c, control, &r);
        if (!a)
                return r;
        if (!may_redirect_to(redirect))
                return rf_varlink_call_invalid(c, "redirect_uri");
        r = rf_authority_begin_login(a, redirect, &url, &state);
        if (r == -ENOTSUP) {
                snprintf(message, sizeof(message), "%.60s has no login: nobody needs an account there", provider);
                return reply_failed(c, provider, -RF_EUNSUPPORTED, message);
        }
        if (r == -RF_ELOGIN)
                return reply_failed(c, provider, -RF_ECONFIG, rf_authority_problem(a, true));
        if (r < 0)
                return r;
        o = json_pack("{s:s, s:s}", "url", url, "state", state);
        return o ? rf_varlink_call_reply(c, o) : -ENOMEM;
}

int rf_control_complete_login(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        const char *provider = text_of(c, "provider");
        char message[200] = "";
        struct rf_authority *a;
        int r = 0;

        a = find(c, control, &r);
        if (!a)
                return r;
        r = rf_authority_complete_login(a, text_of(c, "state"), text_of(c, "code"), message, sizeof(message));
        if (r == -ECANCELED || r == -ENOMEM)
                return r;
        if (r < 0)
                return reply_failed(c, provider, r, message);
        rf_upstream_allow_user(control->upstream, provider);
        return rf_varlink_call_reply(c, NULL);
}

int rf_control_logout(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        struct rf_authority *a;
        bool was_logged_in;
        json_t *o;
        int r = 0;

        a = find(c, control, &r);
        if (!a)
                return r;
        was_logged_in = rf_authority_is_logged_in(a);
        r = rf_authority_logout(a);
        if (r < 0)
                return reply_failed(c, text_of(c, "provider"), r, NULL);
        o = json_pack("{s:b}", "was_logged_in", was_logged_in);
        return o ? rf_varlink_call_reply(c, o) : -ENOMEM;
}
