#include "sim/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/random.h"
#include "sched/sched.h"

#define HOUR_US (3600 * USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)

/* Popularity falls with the rank's power; habits spread by an hour; one request in ten follows none. */
#define ZIPF_POWER 1.0
#define SPREAD_HOURS 1.0
#define WHIM_SHARE 0.1

enum { WORKING_DAYS = 5, DAYS = 7, WAKING_FROM = 7, WAKING_HOURS = 16 };

struct habit {
        size_t prompt;
        double share; /* of all requests, that of the more popular ones included */
        double hour;
        unsigned first_day, n_days;
};

/* Half of them belong to working days, a quarter to weekends. */
static void draw_habits(struct rf_random *random, struct habit *habits, size_t n)
{
        double sum = 0;

        for (size_t i = 0; i < n; i++) { /* an order drawn at random is the order of their popularity */
                size_t k = rf_random_below(random, (uint32_t)i + 1);

                habits[i].prompt = habits[k].prompt;
                habits[k].prompt = i;
        }
        for (size_t i = 0; i < n; i++) {
                double kind = rf_random_unit(random);

                sum += pow((double)(i + 1), -ZIPF_POWER);
                habits[i].share = sum;
                habits[i].hour = WAKING_FROM + rf_random_unit(random) * WAKING_HOURS;
                habits[i].first_day = kind < .75 ? 0 : WORKING_DAYS;
                habits[i].n_days = kind < .5 ? WORKING_DAYS : kind < .75 ? DAYS : DAYS - WORKING_DAYS;
        }
        for (size_t i = 0; i < n; i++)
                habits[i].share /= sum;
}

static struct sim_request draw_one(struct rf_random *random, const struct habit *habits, size_t n, size_t week)
{
        double popularity = rf_random_unit(random), hour = rf_random_normal(random) * SPREAD_HOURS;
        const struct habit *h = habits;
        unsigned day;

        while (h < habits + n - 1 && h->share < popularity)
                h++;
        day = h->first_day + rf_random_below(random, h->n_days);
        hour += h->hour;
        if (rf_random_unit(random) < WHIM_SHARE) {
                day = rf_random_below(random, DAYS);
                hour = WAKING_FROM + rf_random_unit(random) * WAKING_HOURS;
        }
        hour = CLAMP(hour, 0.0, 23.99);
        return (struct sim_request){ .at_us = (week * DAYS + day) * DAY_US + (uint64_t)(hour * (double)HOUR_US), .prompt = h->prompt };
}

static int compare(const void *a, const void *b)
{
        const struct sim_request *x = a, *y = b;

        if (x->at_us != y->at_us)
                return x->at_us < y->at_us ? -1 : 1;
        return x->prompt < y->prompt ? -1 : x->prompt > y->prompt;
}

int sim_schedule_draw(size_t n_prompts, size_t requests, size_t weeks, uint64_t seed, struct sim_request **ret)
{
        _cleanup_free_ struct habit *habits = calloc(n_prompts, sizeof(*habits));
        struct sim_request *list = calloc(requests * weeks, sizeof(*list));
        struct rf_random random;

        if (!habits || !list) {
                free(list);
                return -ENOMEM;
        }
        rf_random_seed_named(&random, seed, "schedule");
        draw_habits(&random, habits, n_prompts);
        for (size_t i = 0; i < requests * weeks; i++)
                list[i] = draw_one(&random, habits, n_prompts, i / requests);
        qsort(list, requests * weeks, sizeof(*list), compare);
        *ret = list;
        return 0;
}
