#include "control/state_import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "control/build.h"
#include "control/state_form.h"
#include "sched/sched.h"

struct record {
        enum rf_table table;
        uint64_t line;
        struct rf_buf key, data;
};

struct import {
        bool replaces, has_header, has_end;
        uint64_t line; /* of the last entry */
        uint64_t bytes, bytes_max;
        struct record **records;
        size_t n, room;
        struct rf_map *seen; /* records by table and key */
};

/* ---- One ---- */

static struct record *record_free(struct record *r)
{
        if (r) {
                rf_buf_done(&r->key);
                rf_buf_done(&r->data);
                free(r);
        }
        return NULL;
}

static void import_free(void *arg)
{
        struct import *i = arg;

        for (size_t k = 0; k < i->n; k++)
                record_free(i->records[k]);
        free(i->records);
        rf_map_free(i->seen);
        free(i);
}

static int reply_invalid(struct rf_varlink_call *call, uint64_t line, const char *text)
{
        char message[RF_STATE_MESSAGE_SIZE + 32];
        json_t *o;

        rf_varlink_call_set_kept(call, NULL, NULL); /* nothing of a file with a mistake counts */
        snprintf(message, sizeof(message), "line %llu: %s", (unsigned long long)line, text);
        o = json_pack("{s:I, s:s}", "line", (json_int_t)line, "message", message);
        return o ? rf_varlink_call_error(call, "io.recflow.admin.InvalidState", o) : -ENOMEM;
}

static int reply_none(struct rf_varlink_call *call)
{
        json_t *o = json_pack("{s:s}", "message", "no import was begun on this connection, or it ended with a mistake; BeginImport begins one");

        return o ? rf_varlink_call_error(call, "io.recflow.admin.NoImport", o) : -ENOMEM;
}

int rf_control_begin_import(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct import *i;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        i->replaces = json_is_true(json_object_get(rf_varlink_call_parameters(call), "replace"));
        i->bytes_max = c->state_max;
        i->seen = rf_map_new();
        if (!i->seen) {
                import_free(i);
                return -ENOMEM;
        }
        rf_varlink_call_set_kept(call, i, import_free);
        return rf_varlink_call_reply(call, NULL);
}

/* ---- Entries ---- */

static int refuse(char *message, const char *text)
{
        snprintf(message, RF_STATE_MESSAGE_SIZE, "%s", text);
        return -EINVAL;
}

static int take_header(struct import *i, const json_t *entry, char *message)
{
        const char *format = json_string_value(json_object_get(entry, "format"));
        const json_t *version = json_object_get(entry, "version");

        if (!format || strcmp(format, RF_STATE_FORMAT) != 0 || !json_is_integer(version))
                return refuse(message, "this is not a file of \"recflowctl state export\": it begins with {\"format\":\"recflow-state\",\"version\":1,…}");
        if (json_integer_value(version) > RF_STATE_FORMAT_VERSION || json_integer_value(version) < 1) {
                snprintf(message, RF_STATE_MESSAGE_SIZE, "the file has format %lld (of recflow %.40s), and this recflow reads formats up to %d; "
                                                         "a newer one is needed to import it", (long long)json_integer_value(version),
                         json_string_value(json_object_get(entry, "recflow")) ? json_string_value(json_object_get(entry, "recflow")) : "?",
                         RF_STATE_FORMAT_VERSION);
                return -EINVAL;
        }
        i->has_header = true;
        return 0;
}

static int take_end(struct import *i, const json_t *entry, char *message)
{
        const json_t *records = json_object_get(entry, "records");

        if (!json_is_integer(records) || json_integer_value(records) != (json_int_t)i->n) {
                snprintf(message, RF_STATE_MESSAGE_SIZE, "the end says that there are %lld records, and %zu came before it: lines are missing, or "
                                                         "too many", (long long)json_integer_value(records), i->n);
                return -EINVAL;
        }
        i->has_end = true;
        return 0;
}

static int remember(struct import *i, struct record *rec, char *message)
{
        _cleanup_buf_ struct rf_buf name = RF_BUF_INIT;
        const struct record *other;
        int r = rf_buf_put_u8(&name, (uint8_t)rec->table);

        if (r >= 0)
                r = rf_buf_add(&name, rec->key.data, rec->key.size);
        if (r < 0)
                return r;
        other = rf_map_get(i->seen, name.data, name.size);
        if (other) {
                snprintf(message, RF_STATE_MESSAGE_SIZE, "the same record stands in line %llu already", (unsigned long long)other->line);
                return -EINVAL;
        }
        if (i->n == i->room) {
                size_t room = MAX(2 * i->room, (size_t)64);
                struct record **records = reallocarray(i->records, room, sizeof(*records));

                if (!records)
                        return -ENOMEM;
                i->records = records;
                i->room = room;
        }
        r = rf_map_put(i->seen, name.data, name.size, rec);
        if (r >= 0)
                i->records[i->n++] = rec;
        return r;
}

static int take_record(struct import *i, const json_t *entry, char *message)
{
        struct record *rec = calloc(1, sizeof(*rec));
        int r;

        if (!rec)
                return -ENOMEM;
        rec->line = i->line;
        r = rf_state_entry_decode(entry, &rec->table, &rec->key, &rec->data, message);
        i->bytes += rec->key.size + rec->data.size;
        if (r >= 0 && i->bytes > i->bytes_max) {
                snprintf(message, RF_STATE_MESSAGE_SIZE, "up to here the records take more than the state store may grow to (%llu MiB); raise size "
                                                         "in [state]", (unsigned long long)(i->bytes_max >> 20));
                r = -EINVAL;
        }
        if (r >= 0)
                r = remember(i, rec, message);
        if (r < 0)
                record_free(rec);
        return r;
}

static int take_entry(struct import *i, const json_t *entry, char *message)
{
        if (i->has_end)
                return refuse(message, "there is more after the end of the export");
        if (!i->has_header)
                return take_header(i, entry, message);
        return json_is_true(json_object_get(entry, "end")) ? take_end(i, entry, message) : take_record(i, entry, message);
}

int rf_control_add_to_import(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        const json_t *entries = json_object_get(rf_varlink_call_parameters(call), "entries"), *entry;
        struct import *i = rf_varlink_call_kept(call);
        char message[RF_STATE_MESSAGE_SIZE] = "";
        json_t *reply;
        size_t k;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (!i)
                return reply_none(call);
        json_array_foreach(entries, k, entry) {
                int r;

                i->line++;
                r = take_entry(i, entry, message);
                if (r == -EINVAL)
                        return reply_invalid(call, i->line, message);
                if (r < 0)
                        return r;
        }
        reply = json_pack("{s:I}", "records", (json_int_t)i->n);
        return reply ? rf_varlink_call_reply(call, reply) : -ENOMEM;
}

/* ---- Committing ---- */

/* What is under way goes on as it is. */
static bool is_under_way(const struct rf_control *c, const struct record *rec)
{
        return (rec->table == RF_TABLE_RUNS && rf_runs_is_under_way(c->runs, rec->key.data)) ||
               (rec->table == RF_TABLE_SAVES && rf_saves_is_under_way(c->saves, rec->key.data)) ||
               (rec->table == RF_TABLE_USES && rec->key.size == RF_WARM_KEY_SIZE && rf_warmer_knows(c->warmer, (const uint8_t *)rec->key.data));
}

/* What the running daemon would otherwise write over, or sort before. */
static int take_up(const struct rf_control *c, const struct rf_state_write *writes, size_t n)
{
        bool warms = false;

        for (size_t k = 0; k < n; k++) {
                int r = 0;

                if (writes[k].is_kept)
                        continue;
                if (writes[k].table == RF_TABLE_RUNS)
                        rf_runs_note_id(c->runs, writes[k].key);
                else if (writes[k].table == RF_TABLE_STATS)
                        r = rf_observer_take_up(c->observer, writes[k].key);
                else if (writes[k].table == RF_TABLE_LIMITS)
                        rf_upstream_take_up(c->upstream, writes[k].key);
                warms |= writes[k].table == RF_TABLE_USES || writes[k].table == RF_TABLE_WARM;
                if (r == -ENOMEM) /* one that can't be read is said by the next start */
                        return r;
        }
        return warms ? rf_warmer_take_up(c->warmer) : 0;
}

static int reply_counts(struct rf_varlink_call *call, const struct rf_state_write *writes, size_t n, size_t n_under_way)
{
        size_t kept = n_under_way, replaced = 0;
        json_t *o;

        for (size_t k = 0; k < n; k++) {
                kept += writes[k].is_kept;
                replaced += writes[k].replaced;
        }
        o = json_pack("{s:I, s:I, s:I}", "added", (json_int_t)(n + n_under_way - kept - replaced), "replaced", (json_int_t)replaced, "kept",
                      (json_int_t)kept);
        return o ? rf_varlink_call_reply(call, o) : -ENOMEM;
}

static int commit(struct rf_varlink_call *call, const struct rf_control *c, const struct import *i)
{
        _cleanup_free_ struct rf_state_write *writes = calloc(MAX(i->n, (size_t)1), sizeof(*writes));
        size_t n = 0;
        int r;

        if (!writes)
                return -ENOMEM;
        for (size_t k = 0; k < i->n; k++) {
                const struct record *rec = i->records[k];

                if (!is_under_way(c, rec))
                        writes[n++] = (struct rf_state_write){ .table = rec->table, .key = rec->key.data, .key_size = rec->key.size,
                                                               .value = rec->data.data, .size = rec->data.size, .keeps = !i->replaces };
        }
        r = rf_observer_keep(c->observer); /* what was counted here is there already */
        if (r >= 0)
                r = rf_state_put_all(c->state, writes, n);
        if (r < 0) {
                json_t *o = json_pack("{s:s}", "message", rf_state_explain(c->state, r));

                return o ? rf_varlink_call_error(call, "io.recflow.admin.StoreFailed", o) : -ENOMEM;
        }
        r = take_up(c, writes, n);
        if (r < 0)
                return r;
        return reply_counts(call, writes, n, i->n - n);
}

int rf_control_commit_import(struct rf_varlink_call *call, void *arg)
{
        const struct rf_control *c = arg;
        struct import *i = rf_varlink_call_kept(call);
        int r;

        if (!rf_may_administer(c, call))
                return rf_varlink_call_denied(call);
        if (!i)
                return reply_none(call);
        if (!i->has_end)
                return reply_invalid(call, i->line + 1, "the file is cut off: its last line, {\"end\":true,…}, is missing");
        r = commit(call, c, i);
        rf_varlink_call_set_kept(call, NULL, NULL);
        return r;
}
