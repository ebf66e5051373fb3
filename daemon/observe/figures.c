#include "observe/figures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "observe/varint.h"

static const char OTHER[] = "other"; /* provider and endpoint of what isn't told apart any more */

struct rf_figures *rf_figures_new(void)
{
        return calloc(1, sizeof(struct rf_figures));
}

struct rf_figures *rf_figures_free(struct rf_figures *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < RF_STATS_ENDPOINTS_MAX; i++)
                free(f->endpoints[i]);
        free(f);
        return NULL;
}

void rf_figures_clear(struct rf_figures *f)
{
        struct rf_endpoint_figures *kept[RF_STATS_ENDPOINTS_MAX];

        memcpy(kept, f->endpoints, sizeof(kept));
        *f = (struct rf_figures){ 0 };
        memcpy(f->endpoints, kept, sizeof(kept));
}

bool rf_figures_is_empty(const struct rf_figures *f)
{
        uint64_t runs = 0;

        for (unsigned i = 0; i < RF_RUN_END_COUNT; i++)
                runs += f->runs[i];
        for (unsigned i = 0; i < RF_FIGURE_STEPS_MAX; i++)
                runs += f->steps[i].calls;
        return runs == 0 && f->n_endpoints == 0;
}

static bool is_named(const struct rf_endpoint_figures *e, const char *provider, const char *endpoint)
{
        return strncmp(e->endpoint, endpoint, RF_FIGURE_NAME_SIZE - 1) == 0 && strncmp(e->provider, provider, RF_FIGURE_NAME_SIZE - 1) == 0;
}

struct rf_endpoint_figures *rf_figures_endpoint(struct rf_figures *f, const char *provider, const char *endpoint)
{
        struct rf_endpoint_figures *e;

        for (size_t i = 0; i < f->n_endpoints; i++)
                if (is_named(f->endpoints[i], provider, endpoint))
                        return f->endpoints[i];
        if (f->n_endpoints == RF_STATS_ENDPOINTS_MAX)
                return f->endpoints[RF_STATS_ENDPOINTS_MAX - 1];
        if (f->n_endpoints == RF_STATS_ENDPOINTS_MAX - 1 && strcmp(provider, OTHER) != 0)
                return rf_figures_endpoint(f, OTHER, OTHER);
        e = f->endpoints[f->n_endpoints];
        if (!e)
                e = f->endpoints[f->n_endpoints] = malloc(sizeof(*e));
        if (!e)
                return NULL;
        *e = (struct rf_endpoint_figures){ 0 };
        snprintf(e->provider, sizeof(e->provider), "%s", provider);
        snprintf(e->endpoint, sizeof(e->endpoint), "%s", endpoint);
        f->n_endpoints++;
        return e;
}

static void merge_endpoint(struct rf_endpoint_figures *to, const struct rf_endpoint_figures *from)
{
        to->calls += from->calls;
        to->errors += from->errors;
        to->coalesced += from->coalesced;
        for (unsigned i = 0; i < RF_FIGURE_CACHE_STATES_MAX; i++)
                to->cache[i] += from->cache[i];
        for (unsigned i = 0; i < RF_OUTCOME_COUNT; i++)
                to->attempts[i] += from->attempts[i];
        to->timeouts += from->timeouts;
        to->retries += from->retries;
        to->in_flight_peak = MAX(to->in_flight_peak, from->in_flight_peak);
        rf_histogram_merge(&to->time, &from->time);
}

int rf_figures_merge(struct rf_figures *to, const struct rf_figures *from)
{
        for (unsigned i = 0; i < RF_RUN_END_COUNT; i++)
                to->runs[i] += from->runs[i];
        rf_histogram_merge(&to->run_time, &from->run_time);
        to->repeats += from->repeats;
        to->repeat_hits += from->repeat_hits;
        to->repeat_calls += from->repeat_calls;
        for (unsigned i = 0; i < RF_FIGURE_STEPS_MAX; i++) {
                rf_histogram_merge(&to->steps[i].time, &from->steps[i].time);
                to->steps[i].calls += from->steps[i].calls;
                to->steps[i].errors += from->steps[i].errors;
                to->steps[i].failed_runs += from->steps[i].failed_runs;
        }
        for (size_t i = 0; i < from->n_endpoints; i++) {
                struct rf_endpoint_figures *e = rf_figures_endpoint(to, from->endpoints[i]->provider, from->endpoints[i]->endpoint);

                if (!e)
                        return -ENOMEM;
                merge_endpoint(e, from->endpoints[i]);
        }
        return 0;
}

uint64_t rf_endpoint_attempts(const struct rf_endpoint_figures *e)
{
        uint64_t n = 0;

        for (unsigned i = 0; i < RF_OUTCOME_COUNT; i++)
                n += e->attempts[i];
        return n;
}

uint64_t rf_endpoint_wasted(const struct rf_endpoint_figures *e)
{
        return rf_endpoint_attempts(e) - e->attempts[RF_OUTCOME_OK] - e->attempts[RF_OUTCOME_EMPTY];
}

uint64_t rf_endpoint_refusals(const struct rf_endpoint_figures *e)
{
        return e->attempts[RF_OUTCOME_RATE] + e->attempts[RF_OUTCOME_QUOTA];
}

/* ---- Stored form: numbers in the order of their declaration ---- */

static int put_all(struct rf_buf *b, const uint64_t *numbers, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = rf_varint_put(b, numbers[i]);
        return r;
}

/* Adds to what is there. */
static int get_all(struct rf_reader *rd, uint64_t *numbers, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                uint64_t v = 0;

                r = rf_varint_get(rd, &v);
                numbers[i] += v;
        }
        return r;
}

static int encode_endpoint(const struct rf_endpoint_figures *e, struct rf_buf *b)
{
        int r = rf_buf_put_string(b, e->provider);

        if (r >= 0)
                r = rf_buf_put_string(b, e->endpoint);
        if (r >= 0)
                r = put_all(b, (const uint64_t[]){ e->calls, e->errors, e->coalesced, e->timeouts, e->retries, e->in_flight_peak }, 6);
        if (r >= 0)
                r = put_all(b, e->cache, RF_FIGURE_CACHE_STATES_MAX);
        if (r >= 0)
                r = put_all(b, e->attempts, RF_OUTCOME_COUNT);
        return r < 0 ? r : rf_histogram_encode(&e->time, b);
}

static int decode_name(struct rf_reader *rd, char name[static RF_FIGURE_NAME_SIZE])
{
        const char *s;
        size_t size;
        int r = rf_reader_string(rd, &s, &size);

        if (r < 0)
                return r;
        if (!s || size == 0 || size >= RF_FIGURE_NAME_SIZE)
                return -RF_ECORRUPT;
        memcpy(name, s, size);
        name[size] = '\0';
        return 0;
}

static int decode_endpoint(struct rf_reader *rd, struct rf_figures *f)
{
        char provider[RF_FIGURE_NAME_SIZE], endpoint[RF_FIGURE_NAME_SIZE];
        struct rf_endpoint_figures *e;
        uint64_t numbers[6] = { 0 };
        int r = decode_name(rd, provider);

        if (r >= 0)
                r = decode_name(rd, endpoint);
        if (r >= 0)
                r = get_all(rd, numbers, 6);
        if (r < 0)
                return r;
        e = rf_figures_endpoint(f, provider, endpoint);
        if (!e)
                return -ENOMEM;
        e->calls += numbers[0];
        e->errors += numbers[1];
        e->coalesced += numbers[2];
        e->timeouts += numbers[3];
        e->retries += numbers[4];
        e->in_flight_peak = MAX(e->in_flight_peak, numbers[5]);
        r = get_all(rd, e->cache, RF_FIGURE_CACHE_STATES_MAX);
        if (r >= 0)
                r = get_all(rd, e->attempts, RF_OUTCOME_COUNT);
        return r < 0 ? r : rf_histogram_decode(rd, &e->time);
}

int rf_figures_encode(const struct rf_figures *f, struct rf_buf *b)
{
        int r = put_all(b, f->runs, RF_RUN_END_COUNT);

        if (r >= 0)
                r = put_all(b, (const uint64_t[]){ f->repeats, f->repeat_hits, f->repeat_calls }, 3);
        if (r >= 0)
                r = rf_histogram_encode(&f->run_time, b);
        for (unsigned i = 0; i < RF_FIGURE_STEPS_MAX && r >= 0; i++) {
                const struct rf_step_figures *s = &f->steps[i];

                r = put_all(b, (const uint64_t[]){ s->calls, s->errors, s->failed_runs }, 3);
                if (r >= 0)
                        r = rf_histogram_encode(&s->time, b);
        }
        if (r >= 0)
                r = rf_varint_put(b, f->n_endpoints);
        for (size_t i = 0; i < f->n_endpoints && r >= 0; i++)
                r = encode_endpoint(f->endpoints[i], b);
        return r;
}

int rf_figures_decode(struct rf_reader *rd, struct rf_figures *f)
{
        uint64_t repeats[3] = { 0 }, n = 0;
        int r = get_all(rd, f->runs, RF_RUN_END_COUNT);

        if (r >= 0)
                r = get_all(rd, repeats, 3);
        f->repeats += repeats[0];
        f->repeat_hits += repeats[1];
        f->repeat_calls += repeats[2];
        if (r >= 0)
                r = rf_histogram_decode(rd, &f->run_time);
        for (unsigned i = 0; i < RF_FIGURE_STEPS_MAX && r >= 0; i++) {
                uint64_t numbers[3] = { 0 };

                r = get_all(rd, numbers, 3);
                f->steps[i].calls += numbers[0];
                f->steps[i].errors += numbers[1];
                f->steps[i].failed_runs += numbers[2];
                if (r >= 0)
                        r = rf_histogram_decode(rd, &f->steps[i].time);
        }
        if (r >= 0)
                r = rf_varint_get(rd, &n);
        if (r >= 0 && n > RF_STATS_ENDPOINTS_MAX)
                return -RF_ECORRUPT;
        for (uint64_t i = 0; i < n && r >= 0; i++)
                r = decode_endpoint(rd, f);
        return r;
}
