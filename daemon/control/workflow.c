#include "control/workflow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "control/encode.h"
#include "control/save.h"
#include "control/wish_json.h"
#include "sched/sched.h"

#define INTERFACE "io.recflow.workflow"

/* ---- Errors ---- */

/* Stable words for why a run failed. */
static const struct {
        int error;
        const char *code;
} CODES[] = {
        { RF_EPROMPT, "prompt" },     { RF_ENOTRACKS, "no_tracks" }, { RF_EUPSTREAM, "upstream" }, { RF_EMALFORMED, "upstream" },
        { RF_EINVALIDCALL, "upstream" }, { RF_EOPEN, "upstream" },   { RF_ERATE, "rate" },         { RF_EQUOTA, "quota" },
        { RF_ELOGIN, "login" },       { RF_EREFUSED, "refused" },    { RF_EUNSUPPORTED, "unsupported" }, { ETIMEDOUT, "deadline" },
        { RF_ELIMIT, "limit" },       { EINVAL, "prompt" },        { RF_ECONFIG, "configuration" },
        { ENOSPC, "storage" },        { EDQUOT, "storage" },         { EROFS, "storage" },         { EFBIG, "storage" },
        { EIO, "storage" },           { EACCES, "storage" },         { RF_ECORRUPT, "storage" },
        { ENOTRECOVERABLE, "storage" },
};

const char *rf_workflow_code(int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(CODES); i++)
                if (CODES[i].error == -error)
                        return CODES[i].code;
        return "internal";
}

static int reply_error(struct rf_varlink_call *c, const char *name, json_t *parameters)
{
        return parameters ? rf_varlink_call_error(c, name, parameters) : -ENOMEM;
}

static int reply_failed(struct rf_varlink_call *c, const char *run, int error, const char *message)
{
        return reply_error(c, INTERFACE ".RunFailed",
                           json_pack("{s:s, s:s, s:s}", "run", run, "code", rf_workflow_code(error), "message",
                                     message && message[0] ? message : rf_strerror(error)));
}

int rf_workflow_reply_no_run(struct rf_varlink_call *c, const char *run)
{
        char message[160];

        snprintf(message, sizeof(message), "there is no run \"%.60s\"; \"recflowctl runs\" lists those that are kept", run);
        return reply_error(c, INTERFACE ".NoSuchRun", json_pack("{s:s, s:s}", "run", run, "message", message));
}

int rf_workflow_reply_busy(struct rf_varlink_call *c, const char *limit, uint32_t value)
{
        char message[160];

        if (strcmp(limit, "stopping") == 0)
                snprintf(message, sizeof(message), "the daemon is stopping; try again once it's back");
        else
                snprintf(message, sizeof(message), "the limit %s (%u) is reached; try again later", limit, value);
        return reply_error(c, INTERFACE ".Busy", json_pack("{s:s, s:i, s:s}", "limit", limit, "value", (int)value, "message", message));
}

/* A wish that can't be read: nothing was accepted. */
static int reply_bad_wish(struct rf_varlink_call *c, int error, const char *parameter, const char *message)
{
        if (error == -EINVAL && message[0])
                return reply_failed(c, "", -RF_ELIMIT, message);
        return error == -EINVAL ? rf_varlink_call_invalid(c, parameter) : error;
}

static const char *text_of(struct rf_varlink_call *c, const char *name)
{
        return json_string_value(json_object_get(rf_varlink_call_parameters(c), name));
}

/* Who is served fairly: one process of one user. */
static uint64_t client_of(struct rf_varlink_call *c)
{
        const struct rf_peer *p = rf_varlink_call_peer(c);

        return (uint64_t)p->uid << 32 | (uint32_t)p->pid;
}

/* ---- Runs ---- */

static json_t *encode_progress(struct rf_build *b, const struct rf_progress *p)
{
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "step", rf_step_name(p->step));
        rf_build_int(b, o, "candidates", p->candidates);
        rf_build_int(b, o, "chosen", p->chosen);
        rf_build_int(b, o, "calls", p->calls);
        rf_build_string(b, o, "message", p->message);
        return o;
}

static json_t *encode_state(const struct rf_job *j, const struct rf_job_view *v)
{
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b), *playlist;

        rf_build_string(&b, o, "run", v->id);
        rf_build_int(&b, o, "seq", v->seq);
        rf_build_string(&b, o, "state", rf_run_state_name(v->state));
        if (v->place)
                rf_build_int(&b, o, "place", v->place);
        if (v->has_progress && !rf_job_has_ended(j))
                rf_build_put(&b, o, "progress", encode_progress(&b, &v->progress));
        playlist = v->state == RF_RUN_DONE ? rf_job_playlist(j) : NULL;
        if (playlist)
                rf_build_put(&b, o, "playlist", playlist);
        return rf_build_done(&b, o);
}

static int reply_end(struct rf_varlink_call *c, const struct rf_job *j)
{
        struct rf_job_view v;
        json_t *state;

        rf_job_view(j, &v);
        if (v.state == RF_RUN_FAILED)
                return reply_failed(c, v.id, v.error, v.message);
        if (v.state == RF_RUN_CANCELLED)
                return reply_error(c, INTERFACE ".RunCancelled",
                                   json_pack("{s:s, s:s}", "run", v.id, "message", "the run was cancelled"));
        state = encode_state(j, &v);
        return state ? rf_varlink_call_reply(c, state) : -ENOMEM;
}

/* Tells the present state and then each change, as fast as the client reads: what it missed meanwhile is left out. */
static int follow(struct rf_varlink_call *c, struct rf_job *j, uint64_t after_seq)
{
        while (!rf_job_has_ended(j)) {
                struct rf_job_view v;
                int r;

                rf_job_view(j, &v);
                if (rf_varlink_call_wants_more(c) && v.seq > after_seq) {
                        json_t *state = encode_state(j, &v);

                        after_seq = v.seq;
                        r = state ? rf_varlink_call_continue(c, state) : -ENOMEM;
                } else
                        r = rf_job_wait(j);
                if (r < 0)
                        return r;
        }
        return reply_end(c, j);
}

static int recommend(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        _cleanup_(rf_brief_freep) struct rf_brief *brief = NULL;
        const char *parameter = "", *limit = "";
        struct rf_wish_json wish;
        struct rf_job_view v;
        char message[RF_STATE_EXPLANATION_SIZE + 64] = "";
        uint32_t value = 0;
        json_t *state;
        int r;

        r = rf_wish_from_json(rf_varlink_call_parameters(c), &wish, &parameter, message, sizeof(message));
        if (r < 0)
                return reply_bad_wish(c, r, parameter, message);
        /* what nobody can work with is refused before it becomes a run; the run reads the wish again */
        r = rf_understand(control->flow->lexicon, &wish.wish, &brief);
        if (r < 0)
                return reply_failed(c, "", r, NULL);
        r = rf_runs_accept(control->runs, &wish.wish, client_of(c), &j, &limit, &value);
        if (r == -RF_ELIMIT)
                return rf_workflow_reply_busy(c, limit, value);
        if (r < 0) {
                snprintf(message, sizeof(message), "the run could not be put on disk: %s",
                         strcmp(rf_workflow_code(r), "storage") == 0 ? rf_state_explain(control->state, r) : rf_strerror(r));
                return reply_failed(c, "", r, message);
        }
        if (!json_is_true(json_object_get(rf_varlink_call_parameters(c), "detach")))
                return follow(c, j, 0);
        rf_job_view(j, &v);
        state = encode_state(j, &v);
        return state ? rf_varlink_call_reply(c, state) : -ENOMEM;
}

/* The job that a call names, or a reply that there is none (then *ret is NULL). */
static int find_job(struct rf_varlink_call *c, struct rf_control *control, struct rf_job **ret)
{
        const char *run = text_of(c, "run");
        int r = rf_runs_find(control->runs, run, ret);
        char message[128];

        if (r >= 0 || r == -RF_ENORUN)
                return r < 0 ? rf_workflow_reply_no_run(c, run) : 0;
        snprintf(message, sizeof(message), "the run can't be read now: %.90s", rf_strerror(r));
        return reply_failed(c, run, r, message);
}

static int follow_run(struct rf_varlink_call *c, void *arg)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        const json_t *after = json_object_get(rf_varlink_call_parameters(c), "after_seq");
        int r;

        if (!rf_varlink_call_wants_more(c))
                return rf_varlink_call_expected_more(c);
        if (json_is_integer(after) && json_integer_value(after) < 0)
                return rf_varlink_call_invalid(c, "after_seq");
        r = find_job(c, arg, &j);
        return r < 0 || !j ? r : follow(c, j, json_is_integer(after) ? (uint64_t)json_integer_value(after) : 0);
}

static int cancel(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        json_t *reply;
        int r;

        r = find_job(c, control, &j);
        if (r < 0 || !j)
                return r;
        r = rf_runs_cancel(control->runs, j);
        if (r == -ECANCELED || r == -ETIMEDOUT)
                return r;
        if (r < 0)
                return reply_failed(c, text_of(c, "run"), r, "the cancelling could not be stored");
        reply = json_pack("{s:b}", "cancelled", r);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

static json_t *encode_info(struct rf_build *b, const struct rf_job_view *v)
{
        char time[RF_TIME_TEXT_SIZE];
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "run", v->id);
        rf_build_string(b, o, "prompt", v->prompt);
        rf_build_string(b, o, "state", rf_run_state_name(v->state));
        if (v->place)
                rf_build_int(b, o, "place", v->place);
        rf_build_string(b, o, "accepted", rf_time_text(v->accepted_us, time));
        if (v->ended_us)
                rf_build_string(b, o, "ended", rf_time_text(v->ended_us, time));
        if (v->state == RF_RUN_DONE)
                rf_build_int(b, o, "tracks", v->n_tracks);
        rf_build_string(b, o, "title", v->title);
        if (v->state == RF_RUN_FAILED)
                rf_build_string(b, o, "error", v->message ? v->message : rf_strerror(v->error));
        return o;
}

struct listed {
        struct rf_build build;
        json_t *runs;
};

static int list_one(void *arg, const struct rf_job_view *v)
{
        struct listed *l = arg;

        rf_build_add(&l->build, l->runs, encode_info(&l->build, v));
        return l->build.error;
}

/* What a call of List wishes. NULL, or the name of the parameter that can't be. */
static const char *take_filter(struct rf_varlink_call *c, struct rf_runs_filter *f)
{
        const json_t *limit = json_object_get(rf_varlink_call_parameters(c), "limit");
        const char *state = text_of(c, "state"), *since = text_of(c, "since"), *until = text_of(c, "until");
        json_int_t n = json_is_integer(limit) ? json_integer_value(limit) : 50;

        *f = (struct rf_runs_filter){ .before = text_of(c, "before"), .state = -1, .limit = (uint32_t)n };
        if (n < 1 || n > 1000)
                return "limit";
        for (int s = 0; state && s <= RF_RUN_CANCELLED; s++)
                if (strcmp(state, rf_run_state_name((enum rf_run_state)s)) == 0)
                        f->state = s;
        if (since && rf_time_parse(since, &f->since_us) < 0)
                return "since";
        return until && rf_time_parse(until, &f->until_us) < 0 ? "until" : NULL;
}

static int list(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        struct rf_runs_filter filter;
        const char *wrong = take_filter(c, &filter);
        struct listed l = { 0 };
        json_t *reply;
        int r;

        if (wrong)
                return rf_varlink_call_invalid(c, wrong);
        l.runs = rf_build_array(&l.build);
        r = rf_runs_list(control->runs, &filter, list_one, &l);
        if (r < 0) {
                json_decref(l.runs);
                return r;
        }
        reply = json_pack("{s:o}", "runs", l.runs);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

static int get(struct rf_varlink_call *c, void *arg)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        struct rf_build b = { 0 };
        struct rf_job_view v;
        json_t *reply, *playlist;
        int r;

        r = find_job(c, arg, &j);
        if (r < 0 || !j)
                return r;
        rf_job_view(j, &v);
        reply = rf_build_object(&b);
        rf_build_put(&b, reply, "info", encode_info(&b, &v));
        playlist = rf_job_playlist(j);
        if (playlist)
                rf_build_put(&b, reply, "playlist", playlist);
        reply = rf_build_done(&b, reply);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

/* ---- Without a run ---- */

static int understand(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        _cleanup_(rf_brief_freep) struct rf_brief *brief = NULL;
        struct rf_build b = { 0 };
        const char *parameter = "";
        struct rf_wish_json wish;
        char message[256] = "";
        json_t *reply;
        int r;

        r = rf_wish_from_json(rf_varlink_call_parameters(c), &wish, &parameter, message, sizeof(message));
        if (r < 0)
                return reply_bad_wish(c, r, parameter, message);
        r = rf_understand(control->flow->lexicon, &wish.wish, &brief);
        if (r < 0)
                return reply_failed(c, "", r, NULL);
        reply = rf_build_object(&b);
        rf_build_put(&b, reply, "brief", rf_encode_brief(brief));
        rf_build_put(&b, reply, "not_understood", rf_encode_not_understood(brief));
        reply = rf_build_done(&b, reply);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

static int plan(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        _cleanup_(rf_plan_freep) struct rf_plan *p = NULL;
        const char *parameter = "";
        struct rf_wish_json wish;
        char message[256] = "";
        json_t *reply;
        int r;

        r = rf_wish_from_json(rf_varlink_call_parameters(c), &wish, &parameter, message, sizeof(message));
        if (r < 0)
                return reply_bad_wish(c, r, parameter, message);
        r = rf_flow_plan(control->flow, &wish.wish, &p);
        if (r < 0)
                return reply_failed(c, "", r, NULL);
        reply = rf_encode_plan(p);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

static json_t *encode_ordered(const struct rf_playlist *p, const size_t *order)
{
        struct rf_build b = { 0 };
        json_t *o = rf_build_object(&b), *numbers = rf_build_array(&b), *unknown = rf_build_array(&b);

        for (size_t i = 0; i < p->n_tracks; i++) {
                rf_build_add(&b, numbers, json_integer((json_int_t)order[i]));
                if (!(p->tracks[i].track.features.has & ~RF_FEATURE_BIT(RF_FEATURE_POPULARITY)))
                        rf_build_add(&b, unknown, json_integer((json_int_t)order[i]));
        }
        rf_build_put(&b, o, "order", numbers);
        rf_build_put(&b, o, "tracks", rf_encode_tracks(p));
        rf_build_put(&b, o, "quality", rf_encode_quality(&p->receipt.quality));
        rf_build_put(&b, o, "unknown", unknown);
        return rf_build_done(&b, o);
}

static int order(struct rf_varlink_call *c, void *arg)
{
        struct rf_control *control = arg;
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = NULL;
        _cleanup_free_ struct rf_order_item *items = NULL;
        _cleanup_free_ size_t *numbers = NULL;
        const json_t *seed = json_object_get(rf_varlink_call_parameters(c), "seed");
        const char *parameter = "", *arc_name = text_of(c, "arc");
        struct rf_run_hooks hooks = { .client = client_of(c), .deadline_us = RF_FOREVER };
        enum rf_arc arc = RF_ARC_PEAK;
        char message[256] = "";
        json_t *reply;
        size_t n = 0;
        int r;

        r = rf_order_items_from_json(rf_varlink_call_parameters(c), &items, &n, &parameter, message, sizeof(message));
        if (r < 0)
                return reply_bad_wish(c, r, parameter, message);
        if (json_is_integer(seed) && json_integer_value(seed) < 0)
                return rf_varlink_call_invalid(c, "seed");
        if (n == 0)
                return reply_failed(c, "", -RF_ENOTRACKS, "no tracks were given");
        if (arc_name && (r = rf_arc_from_name(arc_name, &arc)) < 0)
                return r;
        r = rf_flow_order(control->flow, items, n, arc, (uint64_t)json_integer_value(seed), &hooks, &p, &numbers);
        if (r == -ECANCELED)
                return r;
        if (r < 0)
                return reply_failed(c, "", r, NULL);
        reply = encode_ordered(p, numbers);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

const struct rf_varlink_method rf_workflow_methods[] = {
        { "Recommend", recommend }, { "Understand", understand }, { "Plan", plan }, { "Follow", follow_run },
        { "Cancel", cancel },       { "List", list },             { "Get", get },   { "Order", order },
        { "Save", rf_control_save },
};
const size_t rf_workflow_n_methods = ARRAY_SIZE(rf_workflow_methods);
