/*
 * The weather over the simulated services: how long answers take, and what goes wrong. Named models; every draw comes from the seed and
 * the request, and for what goes wrong also from how often that request was made, so that the order of requests under way at once
 * changes nothing of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mock_service_id { MOCK_SPOTIFY, MOCK_ACCOUNTS, MOCK_RECCOBEATS, MOCK_SERVICES };

enum mock_weather {
        MOCK_WEATHER_FINE,            /* no limits, no latency */
        MOCK_WEATHER_LOGGED_RUN,      /* as in a real run: 0.08..0.35 s, 180 calls in any 30 s, ReccoBeats 10 a second */
        MOCK_WEATHER_PLAN,            /* each ReccoBeats call takes 30..45 s */
        MOCK_WEATHER_BAD_DAY,         /* ReccoBeats takes 20..140 s, 10 % of connections fail, 5 % are answered 5xx */
        MOCK_WEATHER_DEV_MODE,        /* Spotify in development mode, 60 calls in any 30 s */
        MOCK_WEATHER_STORM,           /* Spotify answers 429 in bursts: 16, 41, 763 s, or without saying how long */
        MOCK_WEATHER_QUOTA,           /* Spotify's quota is used up after 200 calls, for 48,925 s */
        MOCK_WEATHER_RECCOBEATS_DOWN, /* ReccoBeats refuses connections, then hangs, then answers 503 */
        MOCK_WEATHER_HOSTILE,         /* four answers in ten are spoilt */
        MOCK_WEATHERS,
};
#define MOCK_WEATHER_NAMES "fine|logged-run|plan|bad-day|dev-mode|storm|quota|reccobeats-down|hostile"

/* -1: there is none of that name. */
int mock_weather_find(const char *name);

enum mock_trouble {
        MOCK_TROUBLE_NONE,
        MOCK_TROUBLE_TOO_MANY, /* 429: `retry_s`, `is_silent`, `words` */
        MOCK_TROUBLE_REFUSED,  /* connection refused */
        MOCK_TROUBLE_RESET,    /* connection lost */
        MOCK_TROUBLE_HANG,     /* no answer ever */
        MOCK_TROUBLE_ERROR,    /* `status`, 5xx */
        MOCK_TROUBLE_SPOILT,   /* `spoil` */
};

/* What a 429 says in its body. */
enum mock_words { MOCK_WORDS_TEXT, MOCK_WORDS_JSON, MOCK_WORDS_QUOTA, MOCK_WORDS_COUNT };

enum mock_spoil {
        MOCK_SPOIL_TRUNCATED,
        MOCK_SPOIL_DEEP,   /* thousands of levels */
        MOCK_SPOIL_HUGE,   /* more than any client should read */
        MOCK_SPOIL_TYPES,  /* strings for numbers, numbers for strings */
        MOCK_SPOIL_NULLS,
        MOCK_SPOIL_UTF8,   /* a byte that can't be */
        MOCK_SPOIL_DRIP,   /* one byte a second */
        MOCK_SPOIL_COUNT,
};

struct mock_draw {
        enum mock_trouble trouble;
        uint64_t delay_us; /* until the answer is complete */
        uint32_t retry_s;
        bool is_silent;    /* no Retry-After */
        enum mock_words words;
        uint16_t status;
        enum mock_spoil spoil;
        bool is_violation; /* made while the client was told to stay away */
};

/* Requests in a rolling window. */
struct mock_window {
        uint64_t length_us;
        uint32_t limit;     /* accepted requests in any window; 0 = any number */
        uint64_t *accepted; /* ring of the last `limit` times */
        uint32_t n, first;
};

struct mock_sky {
        enum mock_weather weather;
        uint64_t seed;
        uint64_t grace_us; /* a request that comes so soon after a 429 may have been on its way */
        struct mock_window windows[MOCK_SERVICES];
        struct {
                uint64_t known_us, until_us; /* the client knows of the block from.. and must stay away until.. */
                uint32_t retry_s;
                bool is_silent;
                enum mock_words words;
        } blocks[MOCK_SERVICES];
        uint32_t n_accepted, next_burst, n_bursts, n_down; /* storm and quota; reccobeats-down */
        uint16_t times_made[1u << 16]; /* by hash of the request */
};

/* -ENOMEM. `grace_us` may be set afterwards. */
int mock_sky_new(enum mock_weather weather, uint64_t seed, struct mock_sky **ret);
struct mock_sky *mock_sky_free(struct mock_sky *sky);

/* What befalls a request to `service`; `key` is a hash of the request. */
struct mock_draw mock_sky_draw(struct mock_sky *sky, enum mock_service_id service, uint64_t key, uint64_t now_us);
