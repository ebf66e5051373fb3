#include "sim/archive.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "sched/sched.h"
#include "upstream/key.h"

static int get(struct sim_archive *a, const char *provider, uint64_t login, const struct rf_query *q, struct rf_cache_entry *ret)
{
        _cleanup_buf_ struct rf_buf key = RF_BUF_INIT;
        int r = rf_query_key(provider, login, q, &key);

        return r < 0 ? r : rf_cache_get(a->cache, key.data, key.size, a->run->record.accepted_us, ret);
}

static int had(void *arg, const char *provider, uint64_t login, const struct rf_query *q, struct rf_cache_entry *ret)
{
        struct sim_archive *a = arg;
        struct rf_cache_entry e;
        int r = get(a, provider, login, q, &e);

        if (r < 0)
                return r;
        if (e.stored_us >= a->run->record.accepted_us) {
                rf_buf_done(&e.value);
                return -ENOENT;
        }
        a->n_before++;
        *ret = e;
        return 0;
}

static void miss(struct sim_archive *a, const char *provider, const struct rf_query *q)
{
        const char *words[] = { q->track, q->artist, q->genre, q->text, q->n_ids > 0 ? q->ids[0] : NULL, q->n_seeds > 0 ? q->seeds[0] : NULL };
        const char *about = "";

        for (size_t i = 0; i < ARRAY_SIZE(words) && !about[0]; i++)
                about = words[i] ? words[i] : "";
        if (a->n_missing++ < SIM_MISSING_MAX)
                snprintf(a->missing[a->n_missing - 1], sizeof(a->missing[0]), "%.20s %s %.50s", provider, rf_op_name(q->op), about);
}

static int find(struct sim_archive *a, const char *provider, uint64_t login, const struct rf_query *q, struct rf_answer **ret)
{
        struct rf_cache_entry e;
        int r = get(a, provider, login, q, &e);

        if (r >= 0) {
                r = rf_answer_decode(provider, e.value.data, e.value.size, ret);
                rf_buf_done(&e.value);
        }
        if (r >= 0) {
                a->n_there++;
                a->n_renewed += e.stored_us > a->run->record.ended_us;
        } else if (r != -ENOMEM) {
                miss(a, provider, q);
                r = -ENOENT;
        }
        return r;
}

/* Look-ups are kept id by id. One that is missing among others is one that the answer doesn't tell of. */
static int find_each(struct sim_archive *a, const char *provider, uint64_t login, const struct rf_query *q, struct rf_answer **ret)
{
        _cleanup_(rf_sink_freep) struct rf_sink *s = NULL;
        int r = rf_sink_new(provider, q->op, RF_ANSWER_RECORDS_MAX, &s);
        uint32_t took_ms = 0;
        size_t n = 0;

        for (size_t i = 0; i < q->n_ids && r >= 0; i++) {
                struct rf_query one = { .op = q->op, .ids = &q->ids[i], .n_ids = 1 };
                struct rf_answer *part = NULL;

                r = find(a, provider, login, &one, &part);
                if (r == -ENOENT) {
                        r = 0;
                        continue;
                }
                n++;
                took_ms = part ? MAX(took_ms, part->took_ms) : took_ms;
                for (size_t k = 0; part && k < part->n_tracks && r >= 0; k++)
                        r = rf_sink_track(s, &part->tracks[k]);
                for (size_t k = 0; part && k < part->n_features && r >= 0; k++)
                        r = rf_sink_features(s, &part->features[k]);
                rf_answer_unref(part);
        }
        if (r >= 0 && n == 0)
                return -ENOENT;
        if (r >= 0)
                r = rf_sink_finish(s, ret);
        if (r >= 0)
                (*ret)->took_ms = took_ms;
        return r;
}

static int ask(void *arg, const char *provider, uint64_t login, const struct rf_query *q, struct rf_answer **ret)
{
        struct sim_archive *a = arg;
        bool is_lookup = q->op == RF_OP_TRACKS || q->op == RF_OP_AUDIO_FEATURES;
        int r = rf_sleep_us(sim_past_run_latency_us(a->run, provider, rf_op_name(q->op)));

        return r < 0 ? r : (is_lookup ? find_each : find)(a, provider, login, q, ret);
}

void sim_archive_init(struct sim_archive *a, const struct sim_past_run *run, struct rf_cache *cache)
{
        *a = (struct sim_archive){ .stand_in = { .ask = ask, .had = had, .arg = a }, .run = run, .cache = cache };
}
