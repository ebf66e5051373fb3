#include "control/save.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "control/build.h"
#include "control/time_text.h"
#include "control/workflow.h"

static json_t *encode(const struct rf_save *s)
{
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b);
        struct rf_save_view v;
        char time[RF_TIME_TEXT_SIZE];

        rf_save_view(s, &v);
        rf_build_string(&b, o, "run", v.run);
        rf_build_string(&b, o, "provider", v.provider);
        rf_build_int(&b, o, "seq", v.seq);
        rf_build_string(&b, o, "step", v.step);
        rf_build_int(&b, o, "added", v.n_added);
        rf_build_int(&b, o, "total", v.n_total);
        rf_build_put(&b, o, "not_saved", v.not_saved ? json_deep_copy(v.not_saved) : json_array());
        rf_build_string(&b, o, "playlist", v.playlist);
        rf_build_string(&b, o, "link", v.link);
        rf_build_bool(&b, o, "already", v.already);
        if (v.postponed_until_us)
                rf_build_string(&b, o, "postponed_until", rf_time_text(v.postponed_until_us, time));
        return rf_build_done(&b, o);
}

static int reply_failed(struct rf_varlink_call *c, const char *run, const char *provider, int error, const char *message, uint32_t added,
                        const char *link)
{
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b);

        rf_build_string(&b, o, "run", run);
        rf_build_string(&b, o, "provider", provider);
        rf_build_string(&b, o, "code", rf_workflow_code(error));
        rf_build_int(&b, o, "added", added);
        rf_build_string(&b, o, "link", link);
        rf_build_string(&b, o, "message", message && message[0] ? message : rf_strerror(error));
        o = rf_build_done(&b, o);
        return o ? rf_varlink_call_error(c, "io.recflow.workflow.SaveFailed", o) : -ENOMEM;
}

/* A quota is a matter of hours: nobody is kept waiting for it, though the saving itself goes on then. */
static int reply_postponed(struct rf_varlink_call *c, const struct rf_save_view *v)
{
        char message[160], time[RF_TIME_TEXT_SIZE];

        snprintf(message, sizeof(message), "%.60s allows no more calls; the saving goes on by itself at %s", v->provider,
                 rf_time_text(v->postponed_until_us, time));
        return reply_failed(c, v->run, v->provider, v->postponed_for, message, v->n_added, v->link);
}

/* Tells the present state and then each change, as fast as the client reads. */
static int follow(struct rf_varlink_call *c, struct rf_save *s)
{
        struct rf_save_view v;
        uint64_t told = 0;
        json_t *o;

        while (!rf_save_has_ended(s)) {
                int r;

                rf_save_view(s, &v);
                if (v.postponed_for == -RF_EQUOTA)
                        return reply_postponed(c, &v);
                if (rf_varlink_call_wants_more(c) && v.seq > told) {
                        told = v.seq;
                        o = encode(s);
                        r = o ? rf_varlink_call_continue(c, o) : -ENOMEM;
                } else
                        r = rf_save_wait(s);
                if (r < 0)
                        return r;
        }
        rf_save_view(s, &v);
        if (v.error < 0)
                return reply_failed(c, v.run, v.provider, v.error, v.message, v.n_added, v.link);
        o = encode(s);
        return o ? rf_varlink_call_reply(c, o) : -ENOMEM;
}

/* The account belongs to whoever administers the daemon: not everybody who may ask for playlists writes into it. */
int rf_control_save(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        const json_t *p = rf_varlink_call_parameters(c);
        const struct rf_save_wish wish = { .run = json_string_value(json_object_get(p, "run")),
                                           .provider = json_string_value(json_object_get(p, "provider")),
                                           .name = json_string_value(json_object_get(p, "name")),
                                           .is_public = json_is_true(json_object_get(p, "public")),
                                           .again = json_is_true(json_object_get(p, "again")) };
        _cleanup_(rf_save_unrefp) struct rf_save *s = NULL;
        char message[240] = "";
        int r;

        if (!rf_may_administer(control, c))
                return rf_varlink_call_denied(c);
        if (wish.name && strlen(wish.name) > RF_SAVE_NAME_MAX)
                return rf_varlink_call_invalid(c, "name");
        r = rf_saves_begin(control->saves, &wish, &s, message, sizeof(message));
        if (r == -RF_ENORUN)
                return rf_workflow_reply_no_run(c, wish.run);
        if (r == -RF_EBUSY)
                return rf_workflow_reply_busy(c, "stopping", 0);
        if (r == -RF_ELIMIT)
                return rf_workflow_reply_busy(c, "saves_active_max", RF_SAVES_ACTIVE_MAX);
        return r < 0 ? reply_failed(c, wish.run, wish.provider, r, message, 0, NULL) : follow(c, s);
}
