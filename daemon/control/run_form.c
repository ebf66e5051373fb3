/* A run of the store as JSON and back; its wish as the parameters of Recommend. */
#include "control/state_forms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "control/build.h"
#include "control/run_record.h"
#include "control/runs.h"
#include "control/state_form.h"
#include "control/varlink/encode.h"
#include "control/varlink/idl.h"
#include "control/wish_json.h"
#include "daemon/control/descriptions.h"

/* ---- To JSON ---- */

static json_t *wish_to_json(struct rf_build *b, const struct rf_wish *w)
{
        json_t *wish = rf_build_object(b), *o = rf_build_object(b);

        rf_build_string(b, wish, "prompt", w->prompt);
        if (w->n_tracks)
                rf_build_int(b, o, "tracks", w->n_tracks);
        if (w->duration_s)
                rf_build_int(b, o, "duration_s", w->duration_s);
        if (w->deadline_ms)
                rf_build_int(b, o, "deadline_ms", w->deadline_ms);
        if (w->n_exclude_artists)
                rf_build_strings(b, o, "exclude_artists", w->exclude_artists, w->n_exclude_artists);
        if (w->n_like)
                rf_build_strings(b, o, "like", w->like, w->n_like);
        if (w->no_explicit)
                rf_build_bool(b, o, "no_explicit", true);
        if (w->has_arc)
                rf_build_string(b, o, "arc", rf_arc_name(w->arc));
        if (w->strict)
                rf_build_bool(b, o, "strict", true);
        rf_build_int(b, o, "seed", w->seed);
        rf_build_put(b, wish, "options", o);
        return wish;
}

static json_t *record_to_json(struct rf_build *b, const struct rf_run_record *record)
{
        json_t *o = rf_build_object(b);

        rf_build_string(b, o, "state", rf_run_state_name(record->state));
        rf_build_int(b, o, "accepted_us", record->accepted_us);
        rf_build_int(b, o, "ended_us", record->ended_us);
        rf_build_int(b, o, "uid", record->client >> 32);
        rf_build_int(b, o, "pid", record->client & UINT32_MAX);
        if (record->error)
                rf_build_int(b, o, "error", (uint64_t)-record->error);
        rf_build_int(b, o, "tracks", record->n_tracks);
        rf_build_put(b, o, "wish", wish_to_json(b, record->wish));
        rf_build_string(b, o, "title", record->title);
        rf_build_string(b, o, "message", record->message);
        return o;
}

int rf_run_to_json(const void *data, size_t size, json_t **ret)
{
        struct rf_build b = { 0 };
        struct rf_run_memory memory;
        struct rf_run_record record;
        json_t *o, *playlist = NULL;
        int r = rf_run_record_decode(data, size, &record, &memory);

        if (r < 0)
                return r;
        if (record.playlist)
                r = rf_json_parse(record.playlist, record.playlist_size, &playlist, NULL);
        o = record_to_json(&b, &record);
        if (playlist)
                rf_build_put(&b, o, "playlist", playlist);
        rf_run_memory_done(&memory);
        o = rf_build_done(&b, o);
        if (r < 0 || !o) {
                json_decref(o);
                return r == -EBADMSG ? -RF_ECORRUPT : -ENOMEM;
        }
        *ret = o;
        return 0;
}

/* ---- From JSON ---- */

_printf_(2, 3) static int refuse(char *message, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(message, RF_STATE_MESSAGE_SIZE, format, args);
        va_end(args);
        return -EINVAL;
}

/* As the interface checks the parameters of Recommend. */
static int take_wish(const json_t *wish, struct rf_wish_json *ret, char *message)
{
        _cleanup_(rf_idl_freep) struct rf_idl *idl = NULL;
        const char *member = "", *parameter;
        char text[256] = "";
        int r = rf_idl_parse(rf_workflow_description, &idl, text, sizeof(text));

        if (r < 0)
                return r;
        if (rf_idl_check(rf_idl_method(idl, "Recommend")->in, wish, &member) < 0)
                return refuse(message, "\"wish\": \"%.40s\" is missing or not as it should be; it has the parameters of "
                                       "io.recflow.workflow.Recommend", member);
        r = rf_wish_from_json(wish, ret, &parameter, text, sizeof(text));
        return r == -EINVAL ? refuse(message, "\"wish\": %s", text[0] ? text : parameter) : r;
}

static int take_state(const char *name, enum rf_run_state *ret, char *message)
{
        for (unsigned s = 0; s <= RF_RUN_CANCELLED; s++)
                if (strcmp(rf_run_state_name(s), name) == 0) {
                        *ret = s;
                        return 0;
                }
        return refuse(message, "\"state\" is \"%.40s\"; one of waiting, running, done, failed and cancelled is needed", name);
}

static bool is_id(const char *key)
{
        return strlen(key) == RF_RUN_ID_SIZE - 1 && strspn(key, "0123456789abcdefghjkmnpqrstvwxyz") == RF_RUN_ID_SIZE - 1;
}

/* The members of `value`, into a record that points into it and into `wish`. */
static int take_record(const json_t *value, struct rf_run_record *ret, struct rf_wish_json *ret_wish, json_t **ret_playlist, char *message)
{
        json_int_t accepted_us, ended_us, uid, pid, error = 0, tracks;
        const char *state, *title = NULL, *text = NULL;
        json_t *wish, *playlist = NULL;
        json_error_t problem;
        int r;

        if (json_unpack_ex((json_t *)value, &problem, JSON_STRICT, "{s:s, s:I, s:I, s:I, s:I, s?I, s:I, s:o, s?s, s?s, s?o}", "state",
                           &state, "accepted_us", &accepted_us, "ended_us", &ended_us, "uid", &uid, "pid", &pid, "error", &error, "tracks",
                           &tracks, "wish", &wish, "title", &title, "message", &text, "playlist", &playlist) < 0)
                return refuse(message, "\"value\" is not a run (%.120s): it has state, accepted_us, ended_us, uid, pid, tracks and wish, and may "
                                       "have error, title, message and playlist", problem.text);
        if (accepted_us < 0 || ended_us < 0 || uid < 0 || uid > UINT32_MAX || pid < 0 || pid > INT32_MAX || error < 0 || error > 100000 ||
            tracks < 0 || tracks > RF_TRACKS_MAX)
                return refuse(message, "a number of the run is out of range: none is below 0, and tracks is at most %u", RF_TRACKS_MAX);
        if (playlist && !json_is_object(playlist))
                return refuse(message, "\"playlist\" is not an object");
        *ret = (struct rf_run_record){ .accepted_us = (uint64_t)accepted_us, .ended_us = (uint64_t)ended_us,
                                       .client = (uint64_t)uid << 32 | (uint64_t)pid, .error = -(int)error, .n_tracks = (uint32_t)tracks,
                                       .title = title, .message = text };
        r = take_state(state, &ret->state, message);
        if (r >= 0 && ret->state == RF_RUN_DONE && !playlist)
                return refuse(message, "a run that is done has a \"playlist\"");
        *ret_playlist = playlist;
        return r < 0 ? r : take_wish(wish, ret_wish, message);
}

int rf_run_from_json(const char *key, const json_t *value, struct rf_buf *ret, char *message)
{
        _cleanup_buf_ struct rf_buf text = RF_BUF_INIT;
        struct rf_run_record record;
        struct rf_wish_json wish;
        json_t *playlist = NULL;
        int r;

        if (!is_id(key))
                return refuse(message, "\"%.40s\" is not the key of a run: 12 digits and small letters without i, l, o and u", key);
        r = take_record(value, &record, &wish, &playlist, message);
        if (r >= 0 && playlist)
                r = rf_json_encode(&text, playlist);
        if (r < 0)
                return r == -EINVAL && !message[0] ? refuse(message, "\"playlist\" holds a NUL, or is nested too deep") : r;
        record.wish = &wish.wish;
        record.playlist = text.data;
        record.playlist_size = text.size;
        r = rf_run_record_encode(&record, ret);
        return r == -E2BIG ? refuse(message, "the run takes more than %u bytes", RF_RUN_RECORD_MAX) : r;
}
