#include "observe/stats.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "observe/series.h"

#define MINUTE_US 60000000u
#define HOUR_US 3600000000u

enum { RECORD_VERSION = 1 };

struct rf_stats {
        struct rf_figures *open; /* of the minute that goes on */
        uint64_t open_us;        /* a time in it; 0: nothing was counted yet */
        struct rf_figures *total;
        uint64_t since_us; /* when counting began; 0: it hasn't */
        struct rf_series *minutes, *hours;
        uint64_t prompts[RF_STATS_PROMPTS]; /* hashes, each at its own place, where a later one replaces it */
        uint64_t lost;
        bool is_total_changed;
};

int rf_stats_new(struct rf_stats **ret)
{
        _cleanup_(rf_stats_freep) struct rf_stats *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->open = rf_figures_new();
        s->total = rf_figures_new();
        r = s->open && s->total ? rf_series_new(MINUTE_US, RF_STATS_MINUTES, &s->minutes) : -ENOMEM;
        if (r >= 0)
                r = rf_series_new(HOUR_US, RF_STATS_HOURS, &s->hours);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct rf_stats *rf_stats_free(struct rf_stats *s)
{
        if (!s)
                return NULL;
        rf_figures_free(s->open);
        rf_figures_free(s->total);
        rf_series_free(s->minutes);
        rf_series_free(s->hours);
        free(s);
        return NULL;
}

uint64_t rf_stats_lost(const struct rf_stats *s)
{
        return s->lost;
}

/* ---- Counting ---- */

int rf_stats_close(struct rf_stats *s)
{
        int r, e;

        if (rf_figures_is_empty(s->open))
                return 0;
        r = rf_series_add(s->minutes, s->open_us, s->open);
        e = rf_series_add(s->hours, s->open_us, s->open);
        r = r < 0 ? r : e;
        e = rf_figures_merge(s->total, s->open);
        r = r < 0 ? r : e;
        s->lost += r < 0;
        s->is_total_changed = true;
        rf_figures_clear(s->open);
        return r;
}

/* The figures that what happens now belongs to. */
static struct rf_figures *figures_at(struct rf_stats *s, uint64_t wall_us)
{
        if (s->since_us == 0)
                s->since_us = wall_us;
        if (wall_us / MINUTE_US != s->open_us / MINUTE_US)
                (void)rf_stats_close(s); /* counted as lost there */
        s->open_us = wall_us;
        return s->open;
}

/* Whether a run with this prompt ended before, as far as is remembered; from now on it is. */
static bool is_repeat(struct rf_stats *s, uint64_t hash)
{
        uint64_t *place = &s->prompts[hash % RF_STATS_PROMPTS];
        bool is_known = *place == hash;

        *place = hash;
        return is_known;
}

void rf_stats_run(struct rf_stats *s, uint64_t wall_us, const struct rf_run_fact *fact)
{
        struct rf_figures *f = figures_at(s, wall_us);

        f->runs[fact->end]++;
        if (fact->end == RF_RUN_END_FAILED)
                f->steps[MIN(fact->step, (unsigned)RF_FIGURE_STEPS_MAX - 1)].failed_runs++;
        if (fact->end != RF_RUN_END_DONE)
                return;
        rf_histogram_add(&f->run_time, fact->total_us);
        for (unsigned i = 0; i < RF_FIGURE_STEPS_MAX; i++)
                rf_histogram_add(&f->steps[i].time, fact->step_us[i]);
        if (is_repeat(s, fact->prompt_hash)) {
                f->repeats++;
                f->repeat_hits += fact->hits;
                f->repeat_calls += (uint64_t)fact->hits + fact->calls;
        }
}

void rf_stats_call(struct rf_stats *s, uint64_t wall_us, const struct rf_call_fact *fact)
{
        struct rf_figures *f = figures_at(s, wall_us);
        struct rf_endpoint_figures *e = rf_figures_endpoint(f, fact->provider, fact->endpoint);

        if (fact->step > 0) {
                struct rf_step_figures *step = &f->steps[MIN(fact->step, (unsigned)RF_FIGURE_STEPS_MAX) - 1];

                step->calls++;
                step->errors += fact->is_error;
        }
        if (!e) {
                s->lost++;
                return;
        }
        e->calls++;
        e->errors += fact->is_error;
        e->coalesced += fact->is_coalesced;
        e->cache[MIN(fact->cache, (unsigned)RF_FIGURE_CACHE_STATES_MAX - 1)]++;
}

void rf_stats_attempt(struct rf_stats *s, uint64_t wall_us, const struct rf_attempt_fact *fact)
{
        struct rf_endpoint_figures *e = rf_figures_endpoint(figures_at(s, wall_us), fact->provider, fact->endpoint);

        if (!e) {
                s->lost++;
                return;
        }
        e->attempts[fact->outcome]++;
        e->timeouts += fact->is_timeout;
        e->retries += fact->is_retry;
        e->in_flight_peak = MAX(e->in_flight_peak, (uint64_t)fact->in_flight);
        if (fact->outcome != RF_OUTCOME_CANCELLED)
                rf_histogram_add(&e->time, fact->duration_us);
}

/* ---- Looking ---- */

int rf_stats_sum(struct rf_stats *s, uint64_t wall_us, uint64_t since_us, struct rf_figures **ret, uint64_t *ret_from_us)
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = rf_figures_new();
        uint64_t from_us = since_us < wall_us ? wall_us - since_us : 0;
        int r = f ? rf_stats_close(s) : -ENOMEM;

        if (r < 0)
                return r;
        if (since_us == 0) {
                r = rf_figures_merge(f, s->total);
                from_us = s->since_us ? s->since_us : wall_us;
        } else
                r = rf_series_sum(since_us <= (RF_STATS_MINUTES - 1) * (uint64_t)MINUTE_US ? s->minutes : s->hours, from_us, wall_us, f, &from_us);
        if (r < 0)
                return r;
        *ret_from_us = MAX(from_us, s->since_us);
        *ret = TAKE_PTR(f);
        return 0;
}

/* ---- Records ---- */

/* The ring that a record is of, and its slot there; NULL for the sum over everything. */
static struct rf_series *series_of(const struct rf_stats *s, size_t i, size_t *ret_slot)
{
        *ret_slot = i <= RF_STATS_MINUTES ? i - 1 : i - 1 - RF_STATS_MINUTES;
        return i == 0 ? NULL : i <= RF_STATS_MINUTES ? s->minutes : s->hours;
}

void rf_stats_record_name(size_t i, char name[static RF_STATS_RECORD_NAME_SIZE])
{
        if (i == 0)
                snprintf(name, RF_STATS_RECORD_NAME_SIZE, "total");
        else if (i <= RF_STATS_MINUTES)
                snprintf(name, RF_STATS_RECORD_NAME_SIZE, "m%03u", (unsigned)(i - 1) % 1000);
        else
                snprintf(name, RF_STATS_RECORD_NAME_SIZE, "h%03u", (unsigned)(i - 1 - RF_STATS_MINUTES) % 1000);
}

bool rf_stats_record_is_changed(const struct rf_stats *s, size_t i)
{
        size_t slot;
        struct rf_series *series = series_of(s, i, &slot);

        return series ? rf_series_is_changed(series, slot) : s->is_total_changed;
}

void rf_stats_record_mark(struct rf_stats *s, size_t i, bool is_changed)
{
        size_t slot;
        struct rf_series *series = series_of(s, i, &slot);

        if (series)
                rf_series_mark(series, slot, is_changed);
        else
                s->is_total_changed = is_changed;
}

static int encode_total(const struct rf_stats *s, struct rf_buf *b)
{
        int r = rf_buf_put_u64(b, s->since_us);

        for (size_t i = 0; i < RF_STATS_PROMPTS && r >= 0; i++)
                r = rf_buf_put_u64(b, s->prompts[i]);
        return r < 0 ? r : rf_figures_encode(s->total, b);
}

static int decode_total(struct rf_stats *s, struct rf_reader *rd)
{
        _cleanup_(rf_figures_freep) struct rf_figures *f = rf_figures_new();
        _cleanup_free_ uint64_t *prompts = calloc(RF_STATS_PROMPTS, sizeof(*prompts));
        uint64_t since_us;
        int r = f && prompts ? rf_reader_u64(rd, &since_us) : -ENOMEM;

        for (size_t i = 0; i < RF_STATS_PROMPTS && r >= 0; i++)
                r = rf_reader_u64(rd, &prompts[i]);
        if (r >= 0)
                r = rf_figures_decode(rd, f);
        if (r < 0)
                return r;
        s->since_us = since_us;
        memcpy(s->prompts, prompts, sizeof(s->prompts));
        rf_figures_free(s->total);
        s->total = TAKE_PTR(f);
        return 0;
}

int rf_stats_record_encode(const struct rf_stats *s, size_t i, struct rf_buf *b)
{
        size_t slot;
        struct rf_series *series = series_of(s, i, &slot);
        int r = rf_buf_put_u8(b, RECORD_VERSION);

        if (r < 0)
                return r;
        return series ? rf_series_encode(series, slot, b) : encode_total(s, b);
}

int rf_stats_record_decode(struct rf_stats *s, size_t i, const void *data, size_t size)
{
        struct rf_reader rd = { .data = data, .size = size };
        uint8_t version;
        size_t slot;
        struct rf_series *series = series_of(s, i, &slot);
        int r = rf_reader_u8(&rd, &version);

        if (r >= 0 && version != RECORD_VERSION)
                return -RF_EFOREIGN;
        if (r >= 0)
                r = series ? rf_series_decode(series, slot, &rd) : decode_total(s, &rd);
        if (r >= 0 && rd.at != rd.size)
                return -RF_ECORRUPT;
        return r;
}
