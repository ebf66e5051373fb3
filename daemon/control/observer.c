#include "control/observer.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "sched/sched.h"

#define SAVE_US (60 * USEC_PER_SEC)

struct rf_observer {
        struct rf_observer_options options;
        struct rf_stats *stats;
        struct rf_group *group; /* of who saves; NULL: not started */
        uint64_t unsaved;
};

_Static_assert((int)RF_STEP_COUNT <= (int)RF_FIGURE_STEPS_MAX && (int)RF_CACHE_BYPASS < (int)RF_FIGURE_CACHE_STATES_MAX, "the figures have room for both");

int rf_observer_new(const struct rf_observer_options *options, struct rf_observer **ret)
{
        struct rf_observer *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->options = *options;
        r = rf_stats_new(&o->stats);
        if (r < 0) {
                free(o);
                return r;
        }
        *ret = o;
        return 0;
}

struct rf_observer *rf_observer_free(struct rf_observer *o)
{
        if (!o)
                return NULL;
        rf_stats_free(o->stats);
        free(o);
        return NULL;
}

void rf_observer_configure(struct rf_observer *o, const struct rf_observer_options *options)
{
        struct rf_state *state = o->options.state;

        o->options = *options;
        o->options.state = state;
}

const struct rf_observer_options *rf_observer_options(const struct rf_observer *o)
{
        return &o->options;
}

struct rf_stats *rf_observer_stats(struct rf_observer *o)
{
        return o->stats;
}

uint64_t rf_observer_unsaved(const struct rf_observer *o)
{
        return o->unsaved;
}

/* ---- What happens ---- */

void rf_observer_call(void *arg, const struct rf_caller *caller, const struct rf_call_record *record)
{
        struct rf_observer *o = arg;

        /* the question isn't for that provider, or the caller may make no more calls: nobody was asked */
        if (record->error == -ENOTSUP || record->error == -RF_ELIMIT || !record->provider)
                return;
        /* that nobody is logged in is no failure of a service */
        rf_stats_call(o->stats, rf_wall_us(), &(struct rf_call_fact){
                .provider = record->provider, .endpoint = record->endpoint, .cache = record->cache, .step = caller->step,
                .is_coalesced = record->coalesced, .is_error = record->error < 0 && record->error != -ECANCELED && record->error != -RF_ELOGIN });
}

void rf_observer_attempt(void *arg, const struct rf_attempt_record *record)
{
        struct rf_observer *o = arg;

        rf_stats_attempt(o->stats, rf_wall_us(), &(struct rf_attempt_fact){
                .provider = record->provider, .endpoint = record->endpoint, .outcome = record->outcome,
                .is_timeout = record->failure && strcmp(record->failure, "timeout") == 0, .is_retry = record->number > 1,
                .duration_us = record->duration_us, .in_flight = record->in_flight });
        if (o->options.slow && o->options.slow_us > 0 && record->duration_us > o->options.slow_us)
                o->options.slow(o->options.slow_arg, record);
}

void rf_observer_run(struct rf_observer *o, const struct rf_wish *wish, enum rf_step step, uint64_t total_us,
                     const struct rf_playlist *playlist, int error)
{
        struct rf_run_fact fact = { .end = playlist            ? RF_RUN_END_DONE
                                           : error == -ECANCELED ? RF_RUN_END_CANCELLED
                                                                 : RF_RUN_END_FAILED,
                                    .total_us = total_us, .step = step };

        if (!o)
                return;
        if (playlist) {
                for (unsigned i = 0; i < RF_STEP_COUNT; i++)
                        fact.step_us[i] = playlist->receipt.steps[i].total_us;
                fact.prompt_hash = rf_hash(wish->prompt, strlen(wish->prompt), 0);
                fact.hits = playlist->receipt.cache_hits;
                fact.calls = playlist->receipt.calls;
        }
        rf_stats_run(o->stats, rf_wall_us(), &fact);
}

/* ---- Kept ---- */

/* What changes while it's written is written the next time. */
static int save(struct rf_observer *o)
{
        int first_error = rf_stats_close(o->stats);

        for (size_t i = 0; i < RF_STATS_RECORDS; i++) {
                _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
                char name[RF_STATS_RECORD_NAME_SIZE];
                int r;

                if (!rf_stats_record_is_changed(o->stats, i))
                        continue;
                rf_stats_record_mark(o->stats, i, false);
                rf_stats_record_name(i, name);
                r = rf_stats_record_encode(o->stats, i, &b);
                if (r >= 0)
                        r = rf_state_put(o->options.state, RF_TABLE_STATS, name, strlen(name), b.data, b.size);
                if (r >= 0)
                        continue;
                rf_stats_record_mark(o->stats, i, true);
                o->unsaved++;
                first_error = first_error < 0 ? first_error : r;
        }
        return first_error;
}

static int save_again_and_again(void *arg)
{
        int r = 0;

        while (r >= 0) {
                r = rf_sleep_us(SAVE_US);
                if (r >= 0)
                        (void)save(arg); /* counted there, and tried again */
        }
        return 0;
}

static int load_one(struct rf_observer *o, size_t i, const char *name)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        int r = rf_state_get(o->options.state, RF_TABLE_STATS, name, strlen(name), &b);

        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : rf_stats_record_decode(o->stats, i, b.data, b.size);
}

static int load(struct rf_observer *o, size_t *ret_damaged)
{
        for (size_t i = 0; i < RF_STATS_RECORDS; i++) {
                char name[RF_STATS_RECORD_NAME_SIZE];
                int r;

                rf_stats_record_name(i, name);
                r = load_one(o, i, name);
                if (r == -ENOMEM)
                        return r;
                *ret_damaged += r < 0;
        }
        return 0;
}

int rf_observer_keep(struct rf_observer *o)
{
        return o->options.state ? save(o) : 0;
}

int rf_observer_take_up(struct rf_observer *o, const char *name)
{
        char other[RF_STATS_RECORD_NAME_SIZE];

        for (size_t i = 0; i < RF_STATS_RECORDS && o->options.state; i++) {
                rf_stats_record_name(i, other);
                if (strcmp(name, other) != 0)
                        continue;
                rf_stats_record_mark(o->stats, i, false);
                return load_one(o, i, name);
        }
        return 0; /* one that nothing is made of */
}

int rf_observer_start(struct rf_observer *o, size_t *ret_damaged)
{
        int r;

        *ret_damaged = 0;
        if (!o->options.state)
                return 0;
        r = load(o, ret_damaged);
        if (r >= 0)
                r = rf_group_new_detached(RF_FOREVER, &o->group);
        return r < 0 ? r : rf_group_spawn(o->group, "save-figures", save_again_and_again, o);
}

void rf_observer_stop(struct rf_observer *o)
{
        if (!o->group)
                return;
        o->group = rf_group_free(o->group);
        (void)save(o);
}
