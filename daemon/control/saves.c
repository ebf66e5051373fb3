#include "control/saves.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "control/save_record.h"
#include "control/save_steps.h"
#include "sched/sched.h"

enum { KEY_SIZE = RF_RUN_ID_SIZE + 64, DESCRIPTION_MAX = 280, SWEEP_MAX = 256 };

struct rf_save {
        struct rf_saves *saves;
        unsigned references;
        char key[KEY_SIZE]; /* RUN/PROVIDER */
        char run[RF_RUN_ID_SIZE];
        struct rf_provider *provider;
        struct rf_save_record record;
        struct rf_waiters waiters;
        uint64_t seq;
        uint64_t postponed_until_us; /* wall clock; 0: it isn't */
        int postponed_for;           /* -RF_ERATE, -RF_EQUOTA */
        bool already;
        bool is_doubtful; /* the service may know more of it than the record */
        int keep_error;   /* of the last write */
};

struct rf_saves {
        struct rf_saves_options options;
        struct rf_map *active; /* by key; postponed ones, too */
        size_t n_postponed;
        struct rf_group *group;
        struct rf_waiters idle; /* somebody waits for those under way to end */
        uint64_t started_wall_us;
        bool is_draining, is_hurried, is_stopping;
};

/* ---- One ---- */

static struct rf_save *save_new(struct rf_saves *saves, const char *run, struct rf_provider *p)
{
        struct rf_save *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->saves = saves;
        s->references = 1;
        s->provider = p;
        s->seq = 1;
        rf_waiters_init(&s->waiters);
        snprintf(s->run, sizeof(s->run), "%s", run);
        snprintf(s->key, sizeof(s->key), "%.12s/%.60s", run, rf_provider_name(p));
        return s;
}

struct rf_save *rf_save_unref(struct rf_save *s)
{
        if (!s || --s->references > 0)
                return NULL;
        rf_save_record_done(&s->record);
        free(s);
        return NULL;
}

bool rf_save_has_ended(const struct rf_save *s)
{
        return s->record.state != RF_SAVE_UNDER_WAY;
}

int rf_save_wait(struct rf_save *s)
{
        return rf_wait(&s->waiters, RF_FOREVER);
}

static void changed(struct rf_save *s)
{
        s->seq++;
        rf_wake_all(&s->waiters);
}

void rf_save_view(const struct rf_save *s, struct rf_save_view *ret)
{
        const struct rf_save_record *r = &s->record;

        *ret = (struct rf_save_view){ .run = s->run, .provider = rf_provider_name(s->provider), .link = r->link, .playlist = r->playlist,
                                      .message = r->message, .seq = s->seq, .n_added = r->n_added, .n_total = r->n_total, .error = r->error,
                                      .already = s->already, .not_saved = r->not_saved, .postponed_until_us = s->postponed_until_us,
                                      .postponed_for = s->postponed_for };
        ret->step = r->state == RF_SAVE_DONE ? "done" : r->playlist ? "adding" : r->tracks ? "creating" : "finding";
}

static int keep(void *arg)
{
        struct rf_save *s = arg;
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_save_record_encode(&s->record, &b);

        if (r >= 0)
                r = rf_state_put(s->saves->options.state, RF_TABLE_SAVES, s->key, strlen(s->key), b.data, b.size);
        if (r >= 0)
                changed(s);
        s->keep_error = r;
        return r;
}

static json_t *tracks_of_run(void *arg)
{
        struct rf_save *s = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        _cleanup_json_ json_t *playlist = NULL;

        if (rf_runs_find(s->saves->options.runs, s->run, &j) < 0)
                return NULL;
        playlist = rf_job_playlist(j);
        return json_incref(json_object_get(playlist, "tracks"));
}

/* ---- What the store holds ---- */

/* Those to go on with, and those whose run may be gone. */
struct found {
        char resume[RF_SAVES_ACTIVE_MAX + RF_SAVES_POSTPONED_MAX][KEY_SIZE], ended[SWEEP_MAX][KEY_SIZE];
        size_t n_resume, n_ended;
};

static int look(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct found *f = arg;
        struct rf_save_record record;
        bool is_under_way = false;

        if (key_size >= KEY_SIZE || key_size < RF_RUN_ID_SIZE)
                return 0;
        if (rf_save_record_decode(value, size, &record) >= 0) {
                is_under_way = record.state == RF_SAVE_UNDER_WAY;
                rf_save_record_done(&record);
        }
        if (is_under_way && f->n_resume < ARRAY_SIZE(f->resume))
                memcpy(f->resume[f->n_resume++], key, key_size);
        else if (!is_under_way && f->n_ended < SWEEP_MAX)
                memcpy(f->ended[f->n_ended++], key, key_size);
        return 0;
}

/* A run that is no longer kept takes what is known of its savings with it. */
static int sweep(struct rf_saves *saves, const char *key)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

        if (rf_state_get(saves->options.state, RF_TABLE_RUNS, key, RF_RUN_ID_SIZE - 1, &b) != -ENOENT)
                return 0;
        return rf_state_remove(saves->options.state, RF_TABLE_SAVES, key, strlen(key));
}

static int look_at_all(struct rf_saves *saves, struct found **ret)
{
        struct found *f = calloc(1, sizeof(*f));
        int r = f ? rf_state_foreach(saves->options.state, RF_TABLE_SAVES, false, look, f) : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < f->n_ended; i++)
                r = sweep(saves, f->ended[i]);
        if (r < 0)
                free(f);
        else
                *ret = f;
        return r;
}

/* More savings than runs: some of them belong to runs that are gone. */
static void tidy(struct rf_saves *saves)
{
        struct found *f = NULL;

        if (rf_state_count(saves->options.state, RF_TABLE_SAVES) > rf_state_count(saves->options.state, RF_TABLE_RUNS) + RF_SAVES_ACTIVE_MAX)
                (void)look_at_all(saves, &f); /* tried again at the next end */
        free(f);
}

/* ---- Under way ---- */

static void end(struct rf_save *s, int error, const char *message)
{
        struct rf_save_record *rec = &s->record;
        int r;

        rec->state = error < 0 ? RF_SAVE_FAILED : RF_SAVE_DONE;
        rec->error = error;
        if (error < 0 && error == s->keep_error && error != -ENOMEM)
                message = rf_state_explain(s->saves->options.state, error);
        rec->message = error < 0 ? strdup(message[0] ? message : rf_strerror(error)) : NULL;
        r = keep(s);
        if (r < 0 && error >= 0) {
                /* everything is there; at the next start it's looked for once more */
                rec->state = RF_SAVE_FAILED;
                rec->error = r;
                rec->message = strdup("saved, but that could not be written down");
        }
        rf_map_remove_string(s->saves->active, s->key);
        changed(s);
}

/* The service allows no more calls for now: until it does, the saving rests. On disk it's still under way. */
static int postpone(struct rf_save *s, int error)
{
        struct rf_saves *saves = s->saves;
        uint64_t blocked_us = rf_upstream_provider_stats(saves->options.upstream, s->provider).blocked_us;
        int r;

        if (saves->n_postponed >= RF_SAVES_POSTPONED_MAX)
                return error;
        blocked_us = MAX(blocked_us, RF_SAVE_PAUSE_MIN_US);
        s->postponed_until_us = rf_wall_us() + blocked_us;
        s->postponed_for = error;
        saves->n_postponed++;
        rf_wake_all(&saves->idle);
        changed(s);
        r = rf_sleep_us(blocked_us);
        saves->n_postponed--;
        s->postponed_until_us = 0;
        s->postponed_for = 0;
        changed(s);
        return r;
}

static int save_main(void *arg)
{
        struct rf_save *s = arg;
        struct rf_saves *saves = s->saves;
        struct rf_save_steps steps = { .upstream = saves->options.upstream, .provider = s->provider, .record = &s->record,
                                       .batch_max = saves->options.batch_max, .is_doubtful = s->is_doubtful, .keep = keep, .tracks = tracks_of_run, .arg = s };
        const struct rf_operation *o = rf_provider_operation(s->provider, RF_OP_ADD_TO_PLAYLIST);
        int r;

        if (o && o->batch_limit > 0)
                steps.batch_max = MIN(steps.batch_max, o->batch_limit);
        r = keep(s); /* from here on it goes on after a crash */
        while (r >= 0) {
                r = rf_save_steps(&steps);
                if (r != -RF_ERATE && r != -RF_EQUOTA)
                        break;
                r = postpone(s, r);
        }
        if (saves->is_stopping && r == -ECANCELED)
                rf_map_remove_string(saves->active, s->key);
        else
                end(s, r, steps.message);
        rf_wake_all(&saves->idle);
        if (!saves->is_stopping)
                tidy(saves);
        rf_save_unref(s);
        return 0;
}

static size_t n_busy(const struct rf_saves *saves)
{
        return rf_map_size(saves->active) - saves->n_postponed;
}

/* Takes the reference. */
static int launch(struct rf_save *s, size_t most)
{
        struct rf_saves *saves = s->saves;
        int r;

        if (n_busy(saves) >= most)
                r = -RF_ELIMIT;
        else
                r = rf_map_put_string(saves->active, s->key, s);
        if (r >= 0) {
                r = rf_group_spawn(saves->group, "save", save_main, s);
                if (r < 0)
                        rf_map_remove_string(saves->active, s->key);
        }
        if (r < 0)
                rf_save_unref(s);
        return r;
}

/* ---- Beginning ---- */

/* What is known of an earlier saving, into `s`. -ENOENT. */
static int load(struct rf_save *s)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_state_get(s->saves->options.state, RF_TABLE_SAVES, s->key, strlen(s->key), &b);

        return r < 0 ? r : rf_save_record_decode(b.data, b.size, &s->record);
}

/*
 * Up to the colon it says which saving this is: by that the playlist is known again. Only characters that no service gives back in
 * another form, such as "&#x2F;" for "/".
 */
static char *describe(const struct rf_save *s, uint32_t number, const char *prompt)
{
        char text[DESCRIPTION_MAX + 64], clean[DESCRIPTION_MAX];

        snprintf(clean, sizeof(clean), "%.*s", (int)rf_utf8_clip(prompt, sizeof(clean) - 64), prompt);
        for (char *c = clean; *c; c++)
                if (*c == '\n' || *c == '\r' || *c == '\t')
                        *c = ' ';
        snprintf(text, sizeof(text), "recflow run %s-%u: %s", s->run, number, clean);
        return strdup(text);
}

static int compose(struct rf_save *s, const struct rf_save_wish *w, uint32_t number, const struct rf_job *j, char *message, size_t size)
{
        _cleanup_json_ json_t *playlist = rf_job_playlist(j);
        const char *title = json_string_value(json_object_get(playlist, "title"));
        const char *prompt = json_string_value(json_object_get(playlist, "prompt"));
        const char *name = w->name && w->name[0] ? w->name : title ? title : "recflow";

        if (!playlist) {
                snprintf(message, size, "run %s has no playlist%s", s->run, rf_job_has_ended(j) ? "" : " yet");
                return -RF_ENOTRACKS;
        }
        rf_save_record_done(&s->record);
        s->record = (struct rf_save_record){ .number = number, .is_public = w->is_public,
                                             .name = strndup(name, rf_utf8_clip(name, RF_SAVE_NAME_MAX)),
                                             .description = describe(s, number, prompt ? prompt : "") };
        return s->record.name && s->record.description ? 0 : -ENOMEM;
}

/* Of before this start: the state may have been put back from an older copy, which doesn't know what was saved since. */
static bool is_older(const struct rf_saves *saves, const struct rf_job *j)
{
        struct rf_job_view v;

        rf_job_view(j, &v);
        return v.accepted_us < saves->started_wall_us;
}

/* 1: it's saved already; 0: ready to be launched. */
static int prepare(struct rf_save *s, const struct rf_save_wish *w, char *message, size_t size)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = NULL;
        int known = load(s), r;

        if (known < 0 && known != -ENOENT && known != -RF_ECORRUPT)
                return known;
        if (known >= 0 && s->record.state == RF_SAVE_DONE && !w->again)
                return 1;
        if (known < 0 || w->again) {
                r = rf_runs_find(s->saves->options.runs, w->run, &j);
                if (r < 0)
                        return r;
        }
        r = rf_save_check(s->saves->options.upstream, s->provider, message, size);
        if (r < 0)
                return r;
        s->is_doubtful = !j || is_older(s->saves, j);
        if (!j) {
                free(s->record.message);
                s->record.message = NULL;
                s->record.error = 0;
                s->record.state = RF_SAVE_UNDER_WAY;
                return 0;
        }
        r = compose(s, w, known >= 0 ? s->record.number + 1 : 1, j, message, size);
        /* what can't be read, for damage or for want of memory, may tell of a playlist: it's looked for before one is made */
        s->record.is_create_sent = known == -RF_ECORRUPT;
        return r;
}

int rf_saves_begin(struct rf_saves *saves, const struct rf_save_wish *w, struct rf_save **ret, char *message, size_t size)
{
        struct rf_provider *p = rf_providers_find(saves->options.providers, w->provider);
        _cleanup_(rf_save_unrefp) struct rf_save *s = NULL;
        struct rf_save *other;
        int r;

        message[0] = '\0';
        if (saves->is_draining)
                return -RF_EBUSY;
        if (!p) {
                snprintf(message, size, "there is no provider \"%.60s\"; \"recflowctl providers\" lists them", w->provider);
                return -RF_EUNSUPPORTED;
        }
        if (strlen(w->run) != RF_RUN_ID_SIZE - 1)
                return -RF_ENORUN;
        s = save_new(saves, w->run, p);
        if (!s)
                return -ENOMEM;
        other = rf_map_get_string(saves->active, s->key);
        if (other) {
                other->references++;
                *ret = other;
                return 0;
        }
        r = prepare(s, w, message, size);
        if (r < 0)
                return r;
        if (r == 0) {
                s->references++;
                r = launch(s, RF_SAVES_ACTIVE_MAX);
                if (r < 0)
                        return r;
        } else
                s->already = true;
        *ret = TAKE_PTR(s);
        return 0;
}

bool rf_saves_is_under_way(const struct rf_saves *saves, const char *key)
{
        return rf_map_get_string(saves->active, key) != NULL;
}

/* ---- Life ---- */

int rf_saves_new(const struct rf_saves_options *o, struct rf_saves **ret)
{
        struct rf_saves *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->options = *o;
        rf_waiters_init(&s->idle);
        s->active = rf_map_new();
        if (!s->active) {
                free(s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

struct rf_saves *rf_saves_free(struct rf_saves *s)
{
        if (!s)
                return NULL;
        assert(!s->group);
        rf_map_free(s->active);
        free(s);
        return NULL;
}

static int resume(struct rf_saves *saves, const char *key)
{
        struct rf_provider *p = rf_providers_find(saves->options.providers, key + RF_RUN_ID_SIZE);
        char run[RF_RUN_ID_SIZE];
        struct rf_save *s;
        int r;

        if (!p || rf_provider_problem(p))
                return 0; /* not configured now: it goes on once it is */
        snprintf(run, sizeof(run), "%.12s", key);
        s = save_new(saves, run, p);
        if (!s)
                return -ENOMEM;
        s->is_doubtful = true;
        r = load(s);
        if (r < 0) {
                rf_save_unref(s);
                return r == -RF_ECORRUPT ? 0 : r;
        }
        r = launch(s, SIZE_MAX); /* some of them will be postponed again */
        return r < 0 ? r : 1;
}

int rf_saves_start(struct rf_saves *saves, size_t *ret_resumed)
{
        _cleanup_free_ struct found *f = NULL;
        int r = rf_group_new_detached(RF_FOREVER, &saves->group);

        *ret_resumed = 0;
        saves->started_wall_us = rf_wall_us();
        if (r >= 0)
                r = look_at_all(saves, &f);
        for (size_t i = 0; r >= 0 && i < f->n_resume; i++) {
                r = resume(saves, f->resume[i]);
                *ret_resumed += r > 0;
        }
        return MIN(r, 0);
}

void rf_saves_drain(struct rf_saves *saves, uint64_t deadline_us)
{
        saves->is_draining = true;
        while (n_busy(saves) > 0 && !saves->is_hurried)
                if (rf_wait(&saves->idle, deadline_us) < 0)
                        return;
}

void rf_saves_hurry(struct rf_saves *saves)
{
        saves->is_hurried = true;
        rf_wake_all(&saves->idle);
}

size_t rf_saves_active(const struct rf_saves *s)
{
        return rf_map_size(s->active);
}

void rf_saves_stop(struct rf_saves *saves)
{
        saves->is_draining = saves->is_stopping = true;
        saves->group = rf_group_free(saves->group);
}
