#include "control/save_steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "control/save_find.h"
#include "sched/sched.h"
#include "upstream/authority.h"

int rf_save_check(struct rf_upstream *u, struct rf_provider *p, char *message, size_t size)
{
        static const enum rf_op needed[] = { RF_OP_CREATE_PLAYLIST, RF_OP_ADD_TO_PLAYLIST, RF_OP_FIND_PLAYLIST, RF_OP_PLAYLIST_TRACKS,
                                             RF_OP_SEARCH_TRACKS };
        const char *problem;

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
                if (rf_provider_problem(p) || !rf_provider_operation(p, needed[i])) {
                        snprintf(message, size, "%.60s can't keep playlists (it has no %s)", rf_provider_name(p), rf_op_name(needed[i]));
                        return -RF_EUNSUPPORTED;
                }
        problem = rf_authority_problem(rf_upstream_authority(u, rf_provider_name(p)), true);
        if (problem) {
                snprintf(message, size, "%.40s: %.140s", rf_provider_name(p), problem);
                return -RF_ELOGIN;
        }
        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                problem = rf_provider_refusal(p, needed[i], rf_wall_us());
                if (problem) {
                        snprintf(message, size, "%.40s refused %s lately: %.100s", rf_provider_name(p), rf_op_name(needed[i]), problem);
                        return -RF_EREFUSED;
                }
        }
        return 0;
}

static void note(void *arg, const struct rf_call_record *record)
{
        struct rf_save_steps *s = arg;

        if (record->error < 0 && record->message[0])
                snprintf(s->message, sizeof(s->message), "%s: %.150s", record->provider, record->message);
}

static int call(struct rf_save_steps *s, const struct rf_query *q, struct rf_answer **ret)
{
        const struct rf_caller caller = { .priority = RF_PRIORITY_PERSON, .deadline_us = RF_FOREVER,
                                          .provider = rf_provider_name(s->provider), .observe = note, .observe_arg = s };
        int r;

        s->message[0] = '\0';
        r = rf_upstream_call(s->upstream, &caller, q, ret);
        if (r < 0 && !s->message[0])
                snprintf(s->message, sizeof(s->message), "%.60s: %.100s", rf_provider_name(s->provider), rf_strerror(r));
        return r;
}

/* Failures after which a write may have been carried out all the same. */
static bool is_unclear(int r)
{
        return r == -RF_EUPSTREAM || r == -RF_EMALFORMED || r == -ETIMEDOUT;
}

static int fail(struct rf_save_steps *s, int error, const char *message)
{
        snprintf(s->message, sizeof(s->message), "%s", message);
        return error;
}

/* ---- Finding the tracks ---- */

static int find(struct rf_save_steps *s)
{
        struct rf_save_record *rec = s->record;
        _cleanup_json_ json_t *tracks = s->tracks(s->arg);
        json_t *found;
        int r;

        if (!tracks)
                return fail(s, -RF_ENORUN, "the run is no longer kept");
        r = rf_save_find(s->upstream, s->provider, tracks, &rec->tracks, &rec->not_saved, s->message, sizeof(s->message));
        if (r < 0)
                return r;
        found = rec->tracks;
        rec->n_total = (uint32_t)json_array_size(found);
        if (rec->n_total == 0) {
                rec->tracks = NULL; /* looked for anew if it's tried again */
                json_decref(found);
                return fail(s, -RF_ENOTRACKS, "none of the tracks is known there");
        }
        return s->keep(s->arg);
}

/* ---- Making the playlist ---- */

/* The text by which a playlist of ours is known again: the description up to its first colon. */
static int look_for_playlist(struct rf_save_steps *s, struct rf_answer **ret)
{
        const char *description = s->record->description;
        _cleanup_free_ char *mark = strndup(description, strcspn(description, ":") + 1);
        struct rf_query q = { .op = RF_OP_FIND_PLAYLIST, .text = mark };

        return mark ? call(s, &q, ret) : -ENOMEM;
}

static int take_playlist(struct rf_save_steps *s, const struct rf_created *c)
{
        s->record->playlist = strdup(c->id);
        s->record->link = c->uri ? strdup(c->uri) : NULL;
        if (!s->record->playlist || (c->uri && !s->record->link))
                return -ENOMEM;
        return s->keep(s->arg);
}

/* Before something is sent again: a late write is given time to show. */
static int settle(void)
{
        return rf_sleep_us(RF_SAVE_SETTLE_US);
}

static int create_once(struct rf_save_steps *s)
{
        struct rf_save_record *rec = s->record;
        struct rf_query q = { .op = RF_OP_CREATE_PLAYLIST, .name = rec->name, .description = rec->description, .is_public = rec->is_public };
        _cleanup_(rf_answer_unrefp) struct rf_answer *found = NULL, *made = NULL;
        int r = 0;

        if (rec->is_create_sent || s->is_doubtful) {
                r = rec->is_create_sent ? settle() : 0;
                if (r >= 0)
                        r = look_for_playlist(s, &found);
                if (r < 0)
                        return r;
                rec->n_sent = found->created ? rec->n_total : 0; /* what is in it is looked at before anything is added */
                if (found->created)
                        return take_playlist(s, found->created);
        }
        rec->is_create_sent = true;
        r = s->keep(s->arg);
        if (r >= 0)
                r = call(s, &q, &made);
        if (r < 0)
                return r;
        return made->created ? take_playlist(s, made->created) : fail(s, -RF_EREFUSED, "the service made no playlist");
}

static int create(struct rf_save_steps *s)
{
        int r = -EINVAL;

        for (unsigned i = 0; i < RF_SAVE_ATTEMPTS_MAX; i++) {
                r = create_once(s);
                if (!is_unclear(r))
                        break;
        }
        return r;
}

/* ---- Adding the tracks ---- */

/* All ids that the playlist holds now. */
static int read_back(struct rf_save_steps *s, struct rf_map *present)
{
        const struct rf_operation *o = rf_provider_operation(s->provider, RF_OP_PLAYLIST_TRACKS);
        uint32_t page = o->page_limit ? o->page_limit : RF_QUERY_IDS_MAX;

        for (uint32_t i = 0; i < RF_SAVE_PAGES_MAX; i++) {
                struct rf_query q = { .op = RF_OP_PLAYLIST_TRACKS, .playlist = s->record->playlist, .limit = page, .offset = i * page };
                _cleanup_(rf_answer_unrefp) struct rf_answer *a = NULL;
                int r = call(s, &q, &a);

                if (r < 0 || a->n_tracks == 0)
                        return r;
                for (size_t k = 0; k < a->n_tracks; k++) {
                        r = rf_map_put_string(present, a->tracks[k].id, s);
                        if (r < 0 && r != -EEXIST)
                                return r;
                }
        }
        return fail(s, -RF_ELIMIT, "the playlist has grown too long to see what is in it; --again makes another one");
}

/* What was sent and is there counts as added; the others of it are sent again. */
static int clear_up(struct rf_save_steps *s)
{
        struct rf_save_record *rec = s->record;
        _cleanup_(rf_map_freep) struct rf_map *present = rf_map_new();
        _cleanup_json_ json_t *order = json_array(), *absent = json_array();
        const json_t *id;
        size_t i;
        int r = !present || !order || !absent ? -ENOMEM : rec->n_sent > rec->n_added ? settle() : 0;

        if (r >= 0)
                r = read_back(s, present);
        if (r < 0)
                return r;
        json_array_foreach(rec->tracks, i, id) {
                bool is_there = i < rec->n_added || ((i < rec->n_sent || s->is_doubtful) && rf_map_get_string(present, json_string_value(id)));

                r |= json_array_append(is_there ? order : absent, (json_t *)id);
        }
        i = json_array_size(order);
        if (r < 0 || json_array_extend(order, absent) < 0)
                return -ENOMEM;
        json_decref(rec->tracks);
        rec->tracks = TAKE_PTR(order);
        rec->n_added = rec->n_sent = (uint32_t)i;
        s->is_doubtful = false;
        return s->keep(s->arg);
}

static int add_batch(struct rf_save_steps *s)
{
        struct rf_save_record *rec = s->record;
        const char *ids[RF_QUERY_IDS_MAX];
        struct rf_query q = { .op = RF_OP_ADD_TO_PLAYLIST, .playlist = rec->playlist, .ids = ids };
        _cleanup_(rf_answer_unrefp) struct rf_answer *added = NULL;
        uint32_t most = MIN(s->batch_max, (uint32_t)RF_QUERY_IDS_MAX);
        int r;

        while (q.n_ids < most && rec->n_added + q.n_ids < rec->n_total) {
                ids[q.n_ids] = json_string_value(json_array_get(rec->tracks, rec->n_added + q.n_ids));
                q.n_ids++;
        }
        rec->n_sent = rec->n_added + (uint32_t)q.n_ids;
        r = s->keep(s->arg);
        if (r >= 0)
                r = call(s, &q, &added);
        if (r < 0)
                return r;
        if (!added->created)
                return fail(s, -RF_EREFUSED, "the playlist is no longer there; --again makes another one");
        rec->n_added = rec->n_sent;
        return s->keep(s->arg);
}

static int add_all(struct rf_save_steps *s)
{
        struct rf_save_record *rec = s->record;
        unsigned failures = 0;

        while (rec->n_added < rec->n_total) {
                int r = rec->n_sent > rec->n_added || s->is_doubtful ? clear_up(s) : 0;

                if (r >= 0 && rec->n_added < rec->n_total)
                        r = add_batch(s);
                if (r < 0 && (!is_unclear(r) || ++failures >= RF_SAVE_ATTEMPTS_MAX))
                        return r;
                if (r >= 0)
                        failures = 0;
        }
        return 0;
}

int rf_save_steps(struct rf_save_steps *s)
{
        int r = rf_save_check(s->upstream, s->provider, s->message, sizeof(s->message));

        if (r >= 0 && !s->record->tracks)
                r = find(s);
        if (r >= 0 && !s->record->playlist)
                r = create(s);
        return r >= 0 ? add_all(s) : r;
}
