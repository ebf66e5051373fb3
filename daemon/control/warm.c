#include "control/warm.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "control/encode.h"

enum { LIMIT_DEFAULT = 100 };

#define REPLY_BYTES_MAX (RF_MESSAGE_MAX / 4) /* of prompts and names: JSON may need several bytes for one */

/* ---- The set ---- */

/* A wish that points into the parameters. -EINVAL: `ret_parameter` is out of range. */
struct warm_wish {
        struct rf_wish wish;
        const char *like[RF_WISH_LIST_MAX];
};

static int wish_of(struct rf_varlink_call *call, struct warm_wish *ret, const char **ret_parameter)
{
        const json_t *p = rf_varlink_call_parameters(call), *like = json_object_get(p, "like");
        const char *prompt = json_string_value(json_object_get(p, "prompt"));
        size_t n = json_array_size(like);

        *ret_parameter = "prompt";
        if (prompt && strlen(prompt) > RF_PROMPT_MAX)
                return -EINVAL;
        if ((!prompt || !prompt[0]) && n == 0)
                return -EINVAL;
        *ret_parameter = "like";
        if (n > RF_WISH_LIST_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                ret->like[i] = json_string_value(json_array_get(like, i));
                if (strlen(ret->like[i]) > RF_RECORD_STRING_MAX)
                        return -EINVAL;
        }
        ret->wish = (struct rf_wish){ .prompt = prompt ? prompt : "", .like = ret->like, .n_like = n };
        return 0;
}

static int no_such(struct rf_varlink_call *call, const char *message)
{
        json_t *o = json_pack("{s:s}", "message", message);

        return o ? rf_varlink_call_error(call, "io.recflow.admin.NoSuchWarmItem", o) : -ENOMEM;
}

static int too_many(struct rf_varlink_call *call)
{
        json_t *o = json_pack("{s:i, s:s}", "limit", (int)RF_WARM_KEPT_MAX, "message",
                              "so many prompts and seeds are kept warm already, or this one is too long");

        return o ? rf_varlink_call_error(call, "io.recflow.admin.TooManyWarmItems", o) : -ENOMEM;
}

int rf_warm_add_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        _cleanup_(rf_brief_freep) struct rf_brief *brief = NULL;
        struct warm_wish w;
        const char *parameter;
        json_t *o;
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (wish_of(call, &w, &parameter) < 0)
                return rf_varlink_call_invalid(call, parameter);
        r = rf_understand(c->flow->lexicon, &w.wish, &brief);
        if (r == -RF_EPROMPT)
                return rf_varlink_call_invalid(call, "prompt");
        if (r >= 0)
                r = rf_warmer_add(c->warmer, &w.wish);
        if (r == -RF_ELIMIT)
                return too_many(call);
        if (r < 0)
                return r;
        o = json_pack("{s:b}", "added", r == 1);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

int rf_warm_remove_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct warm_wish w;
        const char *parameter;
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (wish_of(call, &w, &parameter) < 0)
                return rf_varlink_call_invalid(call, parameter);
        r = rf_warmer_remove(c->warmer, &w.wish);
        if (r == -ENOENT)
                return no_such(call, "nobody has asked for that or wants it kept warm");
        if (r == -EPERM)
                return no_such(call, "it stands in the configuration, section [warm]");
        return r < 0 ? r : rf_varlink_call_reply(call, NULL);
}

/* ---- Warming ---- */

int rf_warm_due_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct rf_warm_report report;
        struct rf_build b = { 0 };
        json_t *o;
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        r = rf_warmer_run_due(c->warmer, &report);
        if (r < 0)
                return r;
        o = rf_build_object(&b);
        rf_build_int(&b, o, "due", report.due);
        rf_build_int(&b, o, "warmed", report.warmed);
        rf_build_int(&b, o, "failed", report.failed);
        rf_build_int(&b, o, "calls", report.calls);
        rf_build_string(&b, o, "ended", rf_warm_end_name(report.end));
        o = rf_build_done(&b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

/* ---- Looking ---- */

static const char *origin_of(const struct rf_warm_item *i)
{
        return i->is_configured ? "configured" : i->is_added ? "added" : "learned";
}

static void put_time(struct rf_build *b, json_t *o, const char *name, uint64_t wall_us)
{
        char time[RF_TIME_TEXT_SIZE];

        if (wall_us > 0)
                rf_build_string(b, o, name, rf_time_text(wall_us, time));
}

static json_t *encode_item(struct rf_build *b, const struct rf_warm_view *v)
{
        const struct rf_warm_item *i = v->item;
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "prompt", i->wish->prompt);
        rf_build_strings(b, o, "like", i->wish->like, i->wish->n_like);
        rf_build_string(b, o, "origin", origin_of(i));
        rf_build_bool(b, o, "due", v->due.is_due);
        rf_build_int(b, o, "value_milli", (uint64_t)(v->due.value * 1000 + 0.5));
        put_time(b, o, "warm_until", rf_footprint_ends_us(&i->footprint));
        put_time(b, o, "used", i->used_us);
        rf_build_int(b, o, "uses", i->uses);
        put_time(b, o, "warmed", i->warmed_us);
        rf_build_int(b, o, "runs", i->passes);
        rf_build_int(b, o, "calls_spent", i->spent);
        rf_build_int(b, o, "calls_saved", i->saved);
        return o;
}

static size_t bytes_of(const struct rf_warm_item *i)
{
        size_t n = strlen(i->wish->prompt);

        for (size_t k = 0; k < i->wish->n_like; k++)
                n += strlen(i->wish->like[k]);
        return n;
}

int rf_warm_status_method(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        const json_t *limit = json_object_get(rf_varlink_call_parameters(call), "limit");
        json_int_t max = json_is_integer(limit) ? json_integer_value(limit) : LIMIT_DEFAULT;
        struct rf_warm_stats s = rf_warmer_stats(c->warmer);
        _cleanup_free_ struct rf_warm_view *views = NULL;
        struct rf_build build = { 0 }, *b = &build;
        size_t n, i = 0, bytes = 0;
        json_t *o, *items;
        int r;

        if (max < 0 || max > RF_WARM_ITEMS_MAX)
                return rf_varlink_call_invalid(call, "limit");
        r = rf_warmer_list(c->warmer, &views, &n);
        if (r < 0)
                return r;
        o = rf_build_object(b);
        items = rf_build_array(b);
        for (; i < n && i < (size_t)max && (bytes += bytes_of(views[i].item)) <= REPLY_BYTES_MAX; i++)
                rf_build_add(b, items, encode_item(b, &views[i]));
        rf_build_put(b, o, "items", items);
        rf_build_int(b, o, "more", n - i);
        rf_build_int(b, o, "passes", s.passes);
        rf_build_int(b, o, "interrupted", s.interrupted);
        rf_build_int(b, o, "runs", s.warmed);
        rf_build_int(b, o, "calls_spent", s.spent);
        rf_build_int(b, o, "calls_saved", s.saved);
        o = rf_build_done(b, o);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}
