#include "control/kept_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "control/varlink/encode.h"

enum { PRUNED_AT_ONCE = 64 };

static int put(struct rf_state *state, const struct rf_job *j)
{
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT, playlist = RF_BUF_INIT;
        struct rf_run_record rr = { .state = j->state, .accepted_us = j->accepted_us, .ended_us = j->ended_us, .client = j->client_id,
                                    .error = j->error, .n_tracks = j->n_tracks, .wish = j->wish, .title = j->title,
                                    .message = j->message };
        int r = 0;

        if (j->playlist)
                r = rf_json_encode(&playlist, j->playlist);
        rr.playlist = playlist.data;
        rr.playlist_size = playlist.size;
        if (r >= 0)
                r = rf_run_record_encode(&rr, &record);
        if (r >= 0)
                r = rf_state_put(state, RF_TABLE_RUNS, j->id, strlen(j->id), record.data, record.size);
        return r;
}

int rf_kept_remove(struct rf_state *state, const char *id)
{
        return rf_state_remove(state, RF_TABLE_RUNS, id, strlen(id));
}

static int from_record(const char *id, const void *data, size_t size, bool with_playlist, struct rf_job **ret)
{
        _cleanup_(rf_job_unrefp) struct rf_job *j = rf_job_new(id);
        struct rf_run_memory memory;
        struct rf_run_record record;
        int r;

        if (!j)
                return -ENOMEM;
        r = rf_run_record_decode(data, size, &record, &memory);
        if (r < 0)
                return r;
        j->wish = memory.wish;
        j->title = memory.title;
        j->message = memory.message;
        j->state = record.state;
        j->accepted_us = record.accepted_us;
        j->ended_us = record.ended_us;
        j->client_id = record.client;
        j->error = record.error;
        j->n_tracks = record.n_tracks;
        if (with_playlist && record.playlist)
                r = rf_json_parse(record.playlist, record.playlist_size, &j->playlist, NULL);
        if (r < 0)
                return r == -EBADMSG ? -RF_ECORRUPT : r;
        *ret = TAKE_PTR(j);
        return 0;
}

int rf_kept_get(struct rf_state *state, const char *id, struct rf_job **ret)
{
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT;
        int r;

        if (strlen(id) != RF_RUN_ID_SIZE - 1)
                return -RF_ENORUN;
        r = rf_state_get(state, RF_TABLE_RUNS, id, strlen(id), &record);
        if (r == -ENOENT)
                return -RF_ENORUN;
        return r < 0 ? r : from_record(id, record.data, record.size, true, ret);
}

/* False: it's no key of a run. */
static bool id_of(const void *key, size_t size, char ret[static RF_RUN_ID_SIZE])
{
        if (size != RF_RUN_ID_SIZE - 1)
                return false;
        memcpy(ret, key, size);
        ret[size] = '\0';
        return true;
}

static int newest_one(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        (void)value;
        (void)size;
        return id_of(key, key_size, arg) ? 1 : 0;
}

bool rf_kept_newest(struct rf_state *state, char ret[static RF_RUN_ID_SIZE])
{
        return rf_state_foreach(state, RF_TABLE_RUNS, true, newest_one, ret) == 1;
}

/* ---- Those that hadn't ended ---- */

struct unended {
        int (*each)(void *arg, struct rf_job *j);
        void *arg;
};

static int unended_one(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        const struct unended *u = arg;
        char id[RF_RUN_ID_SIZE];
        struct rf_job *j;
        int r;

        if (size == 0 || *(const uint8_t *)value >= RF_RUN_DONE || !id_of(key, key_size, id))
                return 0;
        r = from_record(id, value, size, false, &j);
        if (r < 0)
                return r == -RF_ECORRUPT ? 0 : r;
        r = u->each(u->arg, j);
        return MIN(r, 0);
}

int rf_kept_unended(struct rf_state *state, int (*each)(void *arg, struct rf_job *j), void *arg)
{
        return rf_state_foreach(state, RF_TABLE_RUNS, false, unended_one, &(struct unended){ each, arg });
}

/* ---- Listing ---- */

struct listing {
        const struct rf_map *living;
        const struct rf_runs_filter *filter;
        uint32_t n;
        int (*each)(void *arg, const struct rf_job_view *v);
        void *arg;
};

static bool fits(const struct rf_runs_filter *f, const struct rf_job *j)
{
        return (f->state < 0 || (int)j->state == f->state) && j->accepted_us >= f->since_us &&
               (f->until_us == 0 || j->accepted_us < f->until_us);
}

static int list_one(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct listing *l = arg;
        _cleanup_(rf_job_unrefp) struct rf_job *stored = NULL;
        char id[RF_RUN_ID_SIZE];
        const struct rf_job *j;
        struct rf_job_view v;
        int r;

        if (!id_of(key, key_size, id) || (l->filter->before && strcmp(id, l->filter->before) >= 0))
                return 0;
        j = rf_map_get_string(l->living, id);
        if (!j) {
                r = from_record(id, value, size, false, &stored);
                if (r == -RF_ECORRUPT)
                        return 0;
                if (r < 0)
                        return r;
                j = stored;
        }
        if (!fits(l->filter, j))
                return 0;
        rf_job_view(j, &v);
        r = l->each(l->arg, &v);
        return r < 0 ? r : ++l->n >= l->filter->limit;
}

int rf_kept_list(struct rf_state *state, const struct rf_map *living, const struct rf_runs_filter *filter,
                 int (*each)(void *arg, const struct rf_job_view *v), void *arg)
{
        struct listing l = { .living = living, .filter = filter, .each = each, .arg = arg };
        int r = rf_state_foreach(state, RF_TABLE_RUNS, true, list_one, &l);

        return MIN(r, 0);
}

/* ---- Making room ---- */

struct victims {
        uint64_t excess, ended_before_us;
        size_t most; /* at once */
        char ids[PRUNED_AT_ONCE][RF_RUN_ID_SIZE];
        size_t n;
};

/* Keys sort by the time of acceptance: what was accepted after `ended_before_us` ended after it, too. */
static int choose_victim(void *arg, const void *key, size_t key_size, const void *value, size_t size)
{
        struct victims *v = arg;
        struct rf_reader reader = { .data = value, .size = size };
        uint64_t accepted_us, ended_us;
        uint8_t state;

        if (rf_reader_u8(&reader, &state) < 0 || rf_reader_u64(&reader, &accepted_us) < 0 || rf_reader_u64(&reader, &ended_us) < 0 ||
            !id_of(key, key_size, v->ids[v->n]))
                return 0;
        if (v->excess == 0 && accepted_us >= v->ended_before_us)
                return 1;
        if (state < RF_RUN_DONE || (v->excess == 0 && ended_us >= v->ended_before_us))
                return 0;
        if (v->excess > 0)
                v->excess--;
        return ++v->n == v->most;
}

int rf_kept_prune(struct rf_state *state, const struct rf_map *living, uint64_t most, uint64_t ended_before_us)
{
        struct victims *v;
        int r = 0;

        v = malloc(sizeof(*v));
        if (!v)
                return -ENOMEM;
        do {
                uint64_t kept = rf_state_count(state, RF_TABLE_RUNS), allowed = most + rf_map_size(living);

                *v = (struct victims){ .excess = kept > allowed ? kept - allowed : 0, .ended_before_us = ended_before_us, .most = PRUNED_AT_ONCE };
                if (v->excess > 0 || ended_before_us > 0)
                        r = rf_state_foreach(state, RF_TABLE_RUNS, false, choose_victim, v);
                for (size_t i = 0; r >= 0 && i < v->n; i++)
                        r = rf_kept_remove(state, v->ids[i]);
        } while (r >= 0 && v->n == PRUNED_AT_ONCE);
        free(v);
        return MIN(r, 0);
}

/* 1: the oldest that has ended is gone; 0: there is none. */
static int drop_oldest(struct rf_state *state)
{
        struct victims *v = calloc(1, sizeof(*v));
        int r;

        if (!v)
                return -ENOMEM;
        v->excess = 1;
        v->most = 1;
        r = rf_state_foreach(state, RF_TABLE_RUNS, false, choose_victim, v);
        if (r >= 0 && v->n > 0)
                r = rf_kept_remove(state, v->ids[0]);
        r = r < 0 ? r : v->n > 0;
        free(v);
        return r;
}

/* What a removal gives back can be used after the next one. */
int rf_kept_put(struct rf_state *state, const struct rf_job *j)
{
        int r = put(state, j);

        for (unsigned i = 0; i < RF_RUNS_DROPPED_MAX && r == -ENOSPC && rf_state_is_full(state); i++) {
                if (drop_oldest(state) <= 0)
                        break;
                r = put(state, j);
        }
        return r;
}
