#include "warm/warmer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "sched/sched.h"
#include "warm/warm_set.h"

/* Nobody else's number: clients' are made of their user and process ids. */
#define CLIENT UINT64_MAX

struct rf_warmer {
        struct rf_warmer_options options;
        const struct rf_flow *flow;
        struct rf_state *state;
        struct rf_warm_set *set;
        struct rf_allowance allowance; /* of the pass */
        struct rf_group *saver;        /* NULL before the start */
        struct rf_waiters counted;
        struct rf_group *pass;         /* the run under way; NULL: none */
        bool is_passing, is_stopped_by_person, is_stopped_by_service, is_out_of_calls;
        struct rf_footprint footprint, renewed; /* of the run under way */
        struct rf_warm_stats stats;
};

const char *rf_warm_end_name(enum rf_warm_end e)
{
        static const char *const names[] = { "done", "budget", "person", "service", "busy", "off" };

        return (size_t)e < ARRAY_SIZE(names) ? names[e] : "unknown";
}

/* ---- Life ---- */

int rf_warmer_new(const struct rf_warmer_options *o, const struct rf_flow *flow, struct rf_state *state, struct rf_warmer **ret)
{
        struct rf_warmer *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->options = *o;
        w->options.prompts = w->options.seeds = NULL;
        w->flow = flow;
        w->state = state;
        rf_waiters_init(&w->counted);
        r = rf_warm_set_new(state, &w->set);
        if (r < 0) {
                free(w);
                return r;
        }
        *ret = w;
        return 0;
}

struct rf_warmer *rf_warmer_free(struct rf_warmer *w)
{
        if (!w)
                return NULL;
        assert(!w->saver && !w->is_passing);
        rf_warm_set_free(w->set);
        free(w);
        return NULL;
}

/* Counts reach the disk a few seconds late, many at once. What can't be written stays counted, and is tried again as late. */
static int save(void *arg)
{
        struct rf_warmer *w = arg;
        int r = 0;

        while (r >= 0) {
                r = rf_warm_set_is_unsaved(w->set) ? 0 : rf_wait(&w->counted, RF_FOREVER);
                if (r >= 0)
                        r = rf_sleep_us(RF_WARM_SAVE_US);
                if (r >= 0)
                        (void)rf_warm_set_save(w->set);
        }
        return 0;
}

/* A person waits for a service: whatever isn't under way there isn't begun any more. */
static void give_way(void *arg)
{
        struct rf_warmer *w = arg;

        if (!w->is_passing)
                return;
        w->is_stopped_by_person = true;
        w->allowance.left = 0;
        if (w->pass)
                rf_group_cancel(w->pass);
}

int rf_warmer_start(struct rf_warmer *w)
{
        int r = rf_warm_set_load(w->set);

        rf_upstream_watch_persons(w->flow->upstream, give_way, w);
        if (r >= 0)
                r = rf_group_new_detached(RF_FOREVER, &w->saver);
        if (r >= 0 && w->state)
                r = rf_group_spawn(w->saver, "warm set's saver", save, w);
        return r;
}

int rf_warmer_take_up(struct rf_warmer *w)
{
        return rf_warm_set_load(w->set);
}

bool rf_warmer_knows(const struct rf_warmer *w, const uint8_t key[static RF_WARM_KEY_SIZE])
{
        return rf_warm_set_find(w->set, key) != NULL;
}

void rf_warmer_stop(struct rf_warmer *w)
{
        give_way(w);
        w->saver = rf_group_free(w->saver);
        (void)rf_warm_set_save(w->set);
        rf_upstream_watch_persons(w->flow->upstream, NULL, NULL);
}

int rf_warmer_configure(struct rf_warmer *w, const struct rf_warmer_options *o)
{
        int r = rf_warm_set_configure(w->set, o->prompts, o->seeds);

        w->options = *o;
        w->options.prompts = w->options.seeds = NULL;
        return r;
}

/* ---- Learning ---- */

static void changed(struct rf_warmer *w, struct rf_warm_item *i)
{
        i->is_unsaved = true;
        rf_wake_all(&w->counted);
}

void rf_warmer_used(struct rf_warmer *w, const struct rf_wish *wish, const struct rf_footprint *footprint)
{
        uint64_t now_us = rf_wall_us();
        uint8_t key[RF_WARM_KEY_SIZE];
        struct rf_warm_item *i = NULL;
        uint32_t saved;

        if (rf_warm_key(wish, key) < 0)
                return;
        i = rf_warm_set_find(w->set, key);
        if (!i && (!w->options.learns || rf_warm_set_get(w->set, wish, &i) < 0))
                return; /* out of memory: this use isn't counted */
        rf_rhythm_add(&i->rhythm, now_us);
        i->uses++;
        i->used_us = now_us;
        saved = rf_footprint_calls(&i->renewed, now_us);
        i->saved += saved;
        w->stats.saved += saved;
        i->renewed = (struct rf_footprint){ 0 };
        i->footprint = *footprint;
        changed(w, i);
}

int rf_warmer_add(struct rf_warmer *w, const struct rf_wish *wish)
{
        return rf_warm_set_add(w->set, wish);
}

int rf_warmer_remove(struct rf_warmer *w, const struct rf_wish *wish)
{
        return rf_warm_set_remove(w->set, wish);
}

/* ---- What is due ---- */

/* When it failed last; 0: it has been warmed since, or never failed. */
static uint64_t failed_us(const struct rf_warm_item *i)
{
        return i->tried_us > i->warmed_us ? i->tried_us : 0;
}

static int compare(const void *a, const void *b)
{
        const struct rf_warm_view *x = a, *y = b;
        int kept = (int)rf_warm_item_is_kept(y->item) - (int)rf_warm_item_is_kept(x->item);

        if (kept != 0)
                return kept;
        if (x->due.value != y->due.value)
                return x->due.value < y->due.value ? 1 : -1;
        return memcmp(x->item->key, y->item->key, RF_WARM_KEY_SIZE);
}

int rf_warmer_list(const struct rf_warmer *w, struct rf_warm_view **ret, size_t *ret_n)
{
        struct rf_warm_view *list = calloc(rf_warm_set_size(w->set) + 1, sizeof(*list));
        const struct rf_warm_item *i;
        uint64_t now_us = rf_wall_us();
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (size_t at = 0; (i = rf_warm_set_next(w->set, &at));) {
                struct rf_warm_view *v = &list[n++];

                v->item = i;
                v->due = rf_due_of(&w->options.due, &i->rhythm, &i->footprint, rf_warm_item_is_kept(i), now_us);
                if (!rf_warm_item_is_kept(i) && !w->options.learns)
                        v->due.is_due = false;
                if (failed_us(i) > 0 && now_us < i->tried_us + w->options.due.ahead_us)
                        v->due.is_due = false; /* it failed just now */
        }
        qsort(list, n, sizeof(*list), compare);
        *ret = list;
        *ret_n = n;
        return 0;
}

/* ---- Warming ---- */

/* The calls of the run under way. */
static void observe(void *arg, const struct rf_call_record *record)
{
        struct rf_warmer *w = arg;

        rf_footprint_note(&w->footprint, record);
        if (record->attempts > 0 && !record->coalesced)
                rf_footprint_note(&w->renewed, record);
        w->is_stopped_by_service |= record->error == -RF_ERATE || record->error == -RF_EQUOTA || record->error == -RF_EOPEN;
        w->is_out_of_calls |= record->error == -RF_ELIMIT;
}

/* Whether the pass is over, and why. */
static enum rf_warm_end end_of(const struct rf_warmer *w)
{
        if (w->is_stopped_by_person)
                return RF_WARM_PERSON;
        if (w->is_stopped_by_service)
                return RF_WARM_SERVICE;
        return w->is_out_of_calls ? RF_WARM_BUDGET : RF_WARM_DONE;
}

/* What a run needs, and what became of it. */
struct task {
        struct rf_warmer *warmer;
        struct rf_wish *wish; /* a copy: the item may go meanwhile */
        uint8_t key[RF_WARM_KEY_SIZE];
        uint64_t life_min_us;
};

static int run_task(void *arg)
{
        struct task *t = arg;
        struct rf_warmer *w = t->warmer;
        struct rf_run_hooks hooks = { .client = CLIENT, .deadline_us = RF_FOREVER,
                                      .calls = { .priority = RF_PRIORITY_BACKGROUND, .ahead_us = w->options.due.ahead_us,
                                                 .life_min_us = t->life_min_us, .allowance = &w->allowance, .observe = observe,
                                                 .observe_arg = w } };
        struct rf_playlist *p = NULL;
        char message[256];
        int r = rf_flow_recommend(w->flow, t->wish, &hooks, &p, message, sizeof(message));

        rf_playlist_free(p);
        return r;
}

/* -RF_ELIMIT: whatever ends the pass cut it short. */
static int warm(struct rf_warmer *w, struct task *t)
{
        uint32_t spent = w->allowance.spent;
        struct rf_warm_item *i;
        int r = rf_group_new(RF_FOREVER, &w->pass);

        w->footprint = w->renewed = (struct rf_footprint){ 0 };
        if (r >= 0)
                r = rf_group_spawn(w->pass, "warming", run_task, t);
        if (r >= 0)
                r = rf_group_join(w->pass);
        w->pass = rf_group_free(w->pass);
        i = rf_warm_set_find(w->set, t->key);
        if (!i)
                return r;
        spent = w->allowance.spent - spent;
        i->spent += spent;
        w->stats.spent += spent;
        rf_footprint_replace(&i->renewed, &w->renewed);
        if (end_of(w) != RF_WARM_DONE) { /* cut short: some of what it rests on is still missing, so it stays due */
                r = r < 0 ? r : -RF_ELIMIT;
                if (end_of(w) == RF_WARM_SERVICE) /* but what needs another service has its turn before */
                        i->tried_us = rf_wall_us();
        } else if (r < 0) {
                if (r != -ECANCELED) /* whoever asked for the pass is gone: that says nothing of the item */
                        i->tried_us = rf_wall_us();
        } else {
                i->warmed_us = rf_wall_us();
                i->passes++;
                i->footprint = w->footprint;
        }
        changed(w, i);
        return r;
}

/* As compare(), but what failed goes after the others, and who failed last, last: nothing can stand before the others for ever. */
static int compare_turns(const void *a, const void *b)
{
        const struct rf_warm_view *x = a, *y = b;
        uint64_t x_us = failed_us(x->item), y_us = failed_us(y->item);

        return x_us != y_us ? (x_us > y_us ? 1 : -1) : compare(a, b);
}

/* The tasks of a pass in the order of their turns, the most valuable first. */
static int draw_up(struct rf_warmer *w, struct task **ret, size_t *ret_n)
{
        _cleanup_free_ struct rf_warm_view *list = NULL;
        size_t n_items, n = 0;
        struct task *tasks;
        int r = rf_warmer_list(w, &list, &n_items);

        if (r < 0)
                return r;
        qsort(list, n_items, sizeof(*list), compare_turns);
        tasks = calloc(n_items + 1, sizeof(*tasks));
        if (!tasks)
                return -ENOMEM;
        for (size_t i = 0; i < n_items && r >= 0; i++) {
                struct task *t = &tasks[n];

                if (!list[i].due.is_due)
                        continue;
                *t = (struct task){ .warmer = w, .life_min_us = list[i].due.life_min_us };
                memcpy(t->key, list[i].item->key, RF_WARM_KEY_SIZE);
                r = rf_wish_copy(list[i].item->wish, &t->wish);
                n += r >= 0;
        }
        *ret = tasks;
        *ret_n = n;
        return r;
}

static int run_pass(struct rf_warmer *w, const struct task *tasks, size_t n, struct rf_warm_report *report)
{
        int r = 0;

        for (size_t i = 0; i < n && report->end == RF_WARM_DONE; i++) {
                struct task t = tasks[i];

                r = warm(w, &t);
                if (r == -ENOMEM || (r == -ECANCELED && !w->is_stopped_by_person))
                        return r; /* whoever asked for the pass is gone */
                report->warmed += r >= 0;
                report->end = end_of(w);
                report->failed += r < 0 && report->end == RF_WARM_DONE;
        }
        return 0;
}

int rf_warmer_run_due(struct rf_warmer *w, struct rf_warm_report *ret)
{
        struct rf_warm_report report = { 0 };
        struct task *tasks = NULL;
        size_t n = 0;
        int r;

        if (w->is_passing || !rf_is_on(rf_upstream_optimizations(w->flow->upstream), RF_OPT_PREWARM)) {
                *ret = (struct rf_warm_report){ .end = w->is_passing ? RF_WARM_BUSY : RF_WARM_OFF };
                return 0;
        }
        w->is_passing = true;
        w->is_stopped_by_person = w->is_stopped_by_service = w->is_out_of_calls = false;
        w->allowance = (struct rf_allowance){ .left = w->options.calls_max };
        r = draw_up(w, &tasks, &n);
        report.due = n;
        if (r >= 0)
                r = run_pass(w, tasks, n, &report);
        report.calls = w->allowance.spent;
        w->is_passing = false;
        w->stats.passes++;
        w->stats.warmed += report.warmed;
        w->stats.interrupted += report.end == RF_WARM_PERSON;
        for (size_t i = 0; i < n; i++)
                rf_wish_free(tasks[i].wish);
        free(tasks);
        if (r >= 0)
                *ret = report;
        return r;
}

struct rf_warm_stats rf_warmer_stats(const struct rf_warmer *w)
{
        struct rf_warm_stats s = w->stats;
        const struct rf_warm_item *i;

        s.items = rf_warm_set_size(w->set);
        for (size_t at = 0; (i = rf_warm_set_next(w->set, &at));)
                s.kept += rf_warm_item_is_kept(i);
        return s;
}
