#include "weather.h"

#include "random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

enum { QUOTA_CALLS = 200, QUOTA_S = 48925, SILENT_S = 5 /* how long a block is whose length isn't told */, DOWN_STEP = 5,
       BURST_AFTER = 12, BURST_SPREAD = 24 };

/* Seconds; log-normal where there is a median, uniform otherwise. */
struct latency {
        double median, spread, least, most;
};

/* What there is of each model beyond its own code. Accounts are as Spotify without its limit. */
static const struct model {
        const char *name;
        struct latency spotify, reccobeats;
        uint32_t spotify_limit, reccobeats_limit; /* in any 30 s; in any second */
} models[MOCK_WEATHERS] = {
#define SPOTIFY { 0.15, 0.3, 0.08, 0.35 }
#define RECCOBEATS { 0.2, 0.3, 0.08, 0.3 }
        [MOCK_WEATHER_FINE] = { "fine", { 0 }, { 0 }, 0, 0 },
        [MOCK_WEATHER_LOGGED_RUN] = { "logged-run", SPOTIFY, RECCOBEATS, 180, 10 },
        [MOCK_WEATHER_PLAN] = { "plan", SPOTIFY, { 0, 0, 30, 45 }, 180, 10 },
        [MOCK_WEATHER_BAD_DAY] = { "bad-day", SPOTIFY, { 59, 0.4, 20, 140 }, 180, 10 },
        [MOCK_WEATHER_DEV_MODE] = { "dev-mode", SPOTIFY, RECCOBEATS, 60, 10 },
        [MOCK_WEATHER_STORM] = { "storm", SPOTIFY, RECCOBEATS, 180, 10 },
        [MOCK_WEATHER_QUOTA] = { "quota", SPOTIFY, RECCOBEATS, 180, 10 },
        [MOCK_WEATHER_RECCOBEATS_DOWN] = { "reccobeats-down", SPOTIFY, RECCOBEATS, 180, 10 },
        [MOCK_WEATHER_HOSTILE] = { "hostile", SPOTIFY, RECCOBEATS, 180, 10 },
};

int mock_weather_find(const char *name)
{
        for (int i = 0; i < MOCK_WEATHERS; i++)
                if (strcmp(models[i].name, name) == 0)
                        return i;
        return -1;
}

static int window_init(struct mock_window *w, uint32_t limit, uint64_t length_us)
{
        w->length_us = length_us;
        w->limit = limit;
        w->accepted = calloc(limit + 1, sizeof(*w->accepted));
        return w->accepted ? 0 : -ENOMEM;
}

int mock_sky_new(enum mock_weather weather, uint64_t seed, struct mock_sky **ret)
{
        struct mock_sky *sky = calloc(1, sizeof(*sky));
        struct mock_random r = { .state = seed };

        if (!sky)
                return -ENOMEM;
        sky->weather = weather;
        sky->seed = seed;
        sky->next_burst = BURST_AFTER + mock_random_below(&r, BURST_SPREAD);
        if (window_init(&sky->windows[MOCK_SPOTIFY], models[weather].spotify_limit, 30 * SECOND) < 0 ||
            window_init(&sky->windows[MOCK_ACCOUNTS], 0, 30 * SECOND) < 0 ||
            window_init(&sky->windows[MOCK_RECCOBEATS], models[weather].reccobeats_limit, SECOND) < 0) {
                mock_sky_free(sky);
                return -ENOMEM;
        }
        *ret = sky;
        return 0;
}

struct mock_sky *mock_sky_free(struct mock_sky *sky)
{
        for (int i = 0; sky && i < MOCK_SERVICES; i++)
                free(sky->windows[i].accepted);
        free(sky);
        return NULL;
}

/* Microseconds until the window has room; 0: it has, and the request is in it. */
static uint64_t window_enter(struct mock_window *w, uint64_t now_us)
{
        if (w->limit == 0)
                return 0;
        while (w->n > 0 && w->accepted[w->first] + w->length_us <= now_us) {
                w->first = (w->first + 1) % w->limit;
                w->n--;
        }
        if (w->n == w->limit)
                return w->accepted[w->first] + w->length_us - now_us;
        w->accepted[(w->first + w->n++) % w->limit] = now_us;
        return 0;
}

static uint64_t draw_latency(const struct latency *l, struct mock_random *r)
{
        double s = l->median > 0 ? l->median * exp(l->spread * mock_random_normal(r)) : l->least + (l->most - l->least) * mock_random_unit(r);

        return (uint64_t)(fmin(fmax(s, l->least), l->most) * 1e6);
}

/* ---- Blocks ---- */

static void say_block(const struct mock_sky *sky, enum mock_service_id service, struct mock_draw *d)
{
        d->trouble = MOCK_TROUBLE_TOO_MANY;
        d->retry_s = sky->blocks[service].retry_s;
        d->is_silent = sky->blocks[service].is_silent;
        d->words = sky->blocks[service].words;
}

static void block(struct mock_sky *sky, enum mock_service_id service, uint64_t now_us, uint32_t retry_s, bool is_silent, enum mock_words words,
                  struct mock_draw *d)
{
        sky->blocks[service].retry_s = retry_s;
        sky->blocks[service].is_silent = is_silent;
        sky->blocks[service].words = words;
        sky->blocks[service].known_us = now_us + d->delay_us + sky->grace_us;
        /* the client counts from the moment at which it hears of it */
        sky->blocks[service].until_us = now_us + retry_s * SECOND;
        say_block(sky, service, d);
}

/* While a block lasts, whoever knows of it and calls all the same makes it last its full time again. */
static bool is_blocked(struct mock_sky *sky, enum mock_service_id service, uint64_t now_us, struct mock_draw *d)
{
        if (now_us >= sky->blocks[service].until_us)
                return false;
        say_block(sky, service, d);
        if (!d->is_silent)
                d->retry_s = (uint32_t)((sky->blocks[service].until_us - now_us + SECOND - 1) / SECOND);
        if (now_us > sky->blocks[service].known_us) {
                d->is_violation = true;
                d->retry_s = sky->blocks[service].retry_s;
                sky->blocks[service].until_us = now_us + sky->blocks[service].retry_s * SECOND;
        }
        return true;
}

/* ---- Models ---- */

static void spotify_weather(struct mock_sky *sky, uint64_t now_us, struct mock_draw *d)
{
        static const uint32_t storm_s[] = { 16, 41, 763 };

        sky->n_accepted++;
        if (sky->weather == MOCK_WEATHER_QUOTA && sky->n_accepted > QUOTA_CALLS) {
                sky->n_accepted = 0; /* the next day has its own */
                block(sky, MOCK_SPOTIFY, now_us, QUOTA_S, false, MOCK_WORDS_QUOTA, d);
        }
        if (sky->weather == MOCK_WEATHER_STORM && sky->n_accepted > sky->next_burst) {
                struct mock_random r = { .state = sky->seed + 1 + sky->n_bursts };
                uint32_t n = sky->n_bursts++ + (uint32_t)(sky->seed % 3);
                bool is_silent = sky->n_bursts % 4 == 0;

                sky->next_burst = sky->n_accepted + BURST_AFTER + mock_random_below(&r, BURST_SPREAD);
                block(sky, MOCK_SPOTIFY, now_us, is_silent ? SILENT_S : storm_s[n % 3], is_silent,
                      (enum mock_words)((n + n / 3) % MOCK_WORDS_COUNT), d);
        }
}

static void reccobeats_weather(struct mock_sky *sky, struct mock_random *r, struct mock_draw *d)
{
        static const enum mock_trouble steps[] = { MOCK_TROUBLE_REFUSED, MOCK_TROUBLE_HANG, MOCK_TROUBLE_ERROR };

        if (sky->weather == MOCK_WEATHER_BAD_DAY) {
                double dice = mock_random_unit(r);

                if (dice < 0.10) {
                        d->trouble = dice < 0.05 ? MOCK_TROUBLE_REFUSED : MOCK_TROUBLE_RESET;
                        d->delay_us = dice < 0.05 ? 1000 : d->delay_us;
                } else if (dice < 0.15) {
                        d->trouble = MOCK_TROUBLE_ERROR;
                        d->status = (uint16_t)(500 + (dice < 0.12 ? 0 : dice < 0.135 ? 2 : 3));
                }
        } else if (sky->weather == MOCK_WEATHER_RECCOBEATS_DOWN) {
                uint32_t step = sky->n_down++ / DOWN_STEP;

                d->trouble = steps[step < 3 ? step : 2];
                d->status = 503;
                if (d->trouble == MOCK_TROUBLE_REFUSED)
                        d->delay_us = 1000;
        }
}

struct mock_draw mock_sky_draw(struct mock_sky *sky, enum mock_service_id service, uint64_t key, uint64_t now_us)
{
        const struct model *m = &models[sky->weather];
        struct mock_random r = { .state = sky->seed ^ key };
        struct mock_draw d = { .delay_us = draw_latency(service == MOCK_RECCOBEATS ? &m->reccobeats : &m->spotify, &r) };
        uint64_t wait_us;

        r.state += 0x9e3779b9u * (uint64_t)sky->times_made[key & 0xffff]++;
        if (service == MOCK_ACCOUNTS || is_blocked(sky, service, now_us, &d))
                return d;
        wait_us = window_enter(&sky->windows[service], now_us);
        if (wait_us > 0) {
                bool is_silent = service == MOCK_RECCOBEATS && mock_random_below(&r, 2) == 0; /* its words say it, then */

                block(sky, service, now_us, (uint32_t)((wait_us + SECOND - 1) / SECOND), is_silent,
                      service == MOCK_RECCOBEATS ? MOCK_WORDS_JSON : (enum mock_words)mock_random_below(&r, 2), &d);
                return d;
        }
        if (service == MOCK_SPOTIFY)
                spotify_weather(sky, now_us, &d);
        else
                reccobeats_weather(sky, &r, &d);
        if (sky->weather == MOCK_WEATHER_HOSTILE && mock_random_below(&r, 10) < 4) {
                d.trouble = MOCK_TROUBLE_SPOILT;
                d.spoil = (enum mock_spoil)mock_random_below(&r, MOCK_SPOIL_COUNT);
        }
        return d;
}
