/*
 * The simulated services: Spotify's Web API, its accounts service, and ReccoBeats, over one synthetic world and under one weather. The
 * plugin answers with them in process, the test server over HTTP.
 *
 * Requests are told apart by dialect: "spotify" (both of Spotify's services) or "reccobeat"; and by their path, of which everything up
 * to and with "/v1" is left out. Parameters are taken from the request's list, not from its address. Limits and blocks are counted for
 * each service as a whole: there is one app.
 *
 * What happened so far can be read: directly through the functions below, and from the plugin's instance by asking its transport in the
 * dialect "stats" for anything. It answers without delay and without being counted:
 *
 *     {"services": {"spotify": {"requests": 7, "answers_429": 0, "violations": 0, "faults": 0, "most_in_window": 7,
 *                               "endpoints": {"GET /search": {"requests": 7, "ids": 0, "faults": 0}, …}},
 *                   "accounts": …, "reccobeat": …},
 *      "playlists": [{"id": "…", "name": "…", "description": "…", "public": false, "uris": ["spotify:track:…", …]}]}
 */
#pragma once

#include <recflow/plugin.h>

#include "weather.h"
#include "world.h"

struct mock_services;

/* A body of at least so many bytes is "more than any client should read"; the test server goes on with it up to 100 MB. */
enum { MOCK_HUGE_BYTES = (1 << 20) + (1 << 16), MOCK_ENDPOINTS_MAX = 24 /* of one service */ };

/* What Spotify lets the app do. Partial: one that kept its batches and top tracks, but lost audio features and recommendations. */
enum mock_profile { MOCK_PROFILE_WEATHER /* as the weather has it */, MOCK_PROFILE_EXTENDED, MOCK_PROFILE_PARTIAL, MOCK_PROFILE_DEVELOPMENT };
#define MOCK_PROFILE_NAMES "weather|extended|partial|development"

struct mock_services_options {
        const struct mock_world *world; /* must outlive the services */
        enum mock_weather weather;
        uint64_t weather_seed;
        enum mock_profile profile;
        uint64_t grace_us;       /* a call so soon after a 429 may have been on its way; no violation */
        bool checks_user_agent;  /* ReccoBeats' shield: over HTTP only */
};

int mock_services_new(const struct mock_services_options *o, struct mock_services **ret);
struct mock_services *mock_services_free(struct mock_services *s);

/* How a reply is sent, where there is a wire: in process, the delay and the size say the same. */
struct mock_sending {
        bool drips;   /* one byte a second */
        bool is_huge; /* goes on and on */
        bool is_violation;
        const char *endpoint; /* static: "GET /search"; NULL = there is none of that name */
};

/*
 * Answers one request; `ret_sending` may be NULL. The reply's body is the caller's, its header values last until 8,192 more replies were
 * made. -ENOTSUP: no such dialect; -ENOMEM.
 */
int mock_services_answer(struct mock_services *s, const char *dialect, const struct rf_request *request, uint64_t now_us,
                         struct rf_reply *ret_reply, struct mock_sending *ret_sending);

/* ---- What happened ---- */

struct mock_endpoint_stats {
        const char *name; /* "GET /artists/{id}/albums" */
        uint64_t requests, ids, faults;
};

struct mock_service_stats {
        uint64_t requests;       /* all of them, refused ones too */
        uint64_t answers_429;
        uint64_t violations;     /* made while the client knew that it must stay away */
        uint64_t faults;         /* other trouble: connections, 5xx, spoilt answers */
        uint64_t most_in_window; /* most requests in any 30 s (ReccoBeats: in any second) */
        struct mock_endpoint_stats endpoints[MOCK_ENDPOINTS_MAX];
        size_t n_endpoints;
};

const struct mock_service_stats *mock_services_stats(const struct mock_services *s, enum mock_service_id service);
/* All of it, as above; a new string, or NULL. */
char *mock_services_stats_text(const struct mock_services *s);

/* A track that ReccoBeats doesn't know, though Spotify has it. */
bool mock_reccobeat_knows(const struct mock_track *t);
