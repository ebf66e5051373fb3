#include "control/state_export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "control/build.h"
#include "control/encode.h"
#include "control/state_form.h"
#include "sched/sched.h"

struct export {
        struct rf_varlink_call *call;
        struct rf_state *state;
        bool with_secrets;
        uint64_t n_records, n_left_out, n_damaged;
};

static int send_entry(struct rf_varlink_call *call, json_t *entry, bool is_last)
{
        json_t *parameters = json_pack("{s:o}", "entry", entry);

        if (!parameters)
                return -ENOMEM;
        return is_last ? rf_varlink_call_reply(call, parameters) : rf_varlink_call_continue(call, parameters);
}

static int send_header(const struct export *e, const char *version)
{
        struct rf_build b = { 0 };
        char time[RF_TIME_TEXT_SIZE];
        json_t *o = rf_build_object(&b);

        rf_build_string(&b, o, "format", RF_STATE_FORMAT);
        rf_build_int(&b, o, "version", RF_STATE_FORMAT_VERSION);
        rf_build_int(&b, o, "schema", rf_state_schema(e->state));
        rf_build_string(&b, o, "recflow", version);
        rf_build_string(&b, o, "time", rf_time_text(rf_wall_us(), time));
        rf_build_bool(&b, o, "secrets", e->with_secrets);
        o = rf_build_done(&b, o);
        return o ? send_entry(e->call, o, false) : -ENOMEM;
}

static int send_end(const struct export *e)
{
        json_t *o = json_pack("{s:b, s:I, s:I, s:I}", "end", 1, "records", (json_int_t)e->n_records, "left_out", (json_int_t)e->n_left_out,
                              "damaged", (json_int_t)e->n_damaged);

        return o ? send_entry(e->call, o, true) : -ENOMEM;
}

/* One record at a time, each as it is when its turn comes: nobody's writes wait for a slow reader. */
static int export_table(struct export *e, enum rf_table table)
{
        _cleanup_buf_ struct rf_buf after = RF_BUF_INIT;
        int r;

        for (;;) {
                _cleanup_buf_ struct rf_buf key = RF_BUF_INIT, value = RF_BUF_INIT;
                json_t *entry;

                r = rf_state_next(e->state, table, after.data, after.size, &key, &value);
                if (r == -ENOENT)
                        return 0;
                if (r == -RF_ECORRUPT || r == -RF_EFOREIGN)
                        e->n_damaged++;
                else if (r < 0)
                        return r;
                if (r >= 0) {
                        r = rf_state_entry_encode(table, key.data, key.size, value.data, value.size, &entry);
                        if (r >= 0)
                                r = send_entry(e->call, entry, false);
                        if (r < 0)
                                return r;
                        e->n_records++;
                }
                rf_buf_clear(&after);
                r = rf_buf_add(&after, key.data, key.size);
                if (r >= 0)
                        r = rf_yield(); /* a fast reader doesn't hold up the others */
                if (r < 0)
                        return r;
        }
}

int rf_control_export(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct export e = { .call = call, .state = c->state,
                            .with_secrets = json_is_true(json_object_get(rf_varlink_call_parameters(call), "secrets")) };
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (!rf_varlink_call_wants_more(call))
                return rf_varlink_call_expected_more(call);
        r = send_header(&e, c->version);
        for (unsigned t = 0; t < RF_TABLE_COUNT && r >= 0; t++) {
                if (!rf_state_table_name(t))
                        continue;
                if (rf_state_form_is_secret(t) && !e.with_secrets)
                        e.n_left_out += rf_state_count(e.state, t);
                else
                        r = export_table(&e, t);
        }
        return r < 0 ? r : send_end(&e);
}
