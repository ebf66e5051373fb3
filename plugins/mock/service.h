/* What the simulated services share. Internal to them. */
#pragma once

#include "services.h"

#include <jansson.h>

enum { MOCK_IDS_MAX = 104, MOCK_TOKENS_MAX = 64, MOCK_PLAYLISTS_MAX = 4096 };

/* Something that the accounts service handed out. The oldest of a kind is forgotten when there are too many. */
struct mock_token {
        char text[64];
        char client_id[129];
        char challenge[64], redirect[257]; /* of a code */
        bool is_user;
        uint64_t until_us;
};

struct mock_tokens {
        struct mock_token list[MOCK_TOKENS_MAX];
        uint32_t n; /* ever made */
};

struct mock_playlist {
        char id[23];
        json_t *record; /* id, name, description, public, uris */
};

/* The times of the last requests to a service, for the most in any window. */
struct mock_recent {
        uint64_t *times_us; /* ring */
        uint32_t capacity, first, n;
};

struct mock_services {
        struct mock_services_options options;
        bool is_development;
        struct mock_sky *sky;
        struct mock_service_stats stats[MOCK_SERVICES];
        struct mock_recent recent[MOCK_SERVICES];
        struct mock_tokens access, refresh, codes;
        uint32_t n_refreshed;
        struct mock_playlist *playlists;
        uint32_t n_playlists;
        char *location; /* of the last redirection */
        char (*values)[16]; /* of headers: a ring */
        uint32_t n_values;
};

/* One request, and its answer in the making. */
struct mock_call {
        struct mock_services *services;
        const struct mock_world *world;
        const struct rf_request *request;
        uint64_t now_us;
        char id[64]; /* what stands for {id} in the path */
        const struct mock_token *token;
        uint64_t n_ids; /* asked for, for the statistics */

        uint16_t status; /* 200 unless set */
        json_t *json;    /* the body, or.. */
        const char *text;
        const char *location;
};

enum { MOCK_ENDPOINT_EXTENDED_403 = 1u << 0, /* gone in development mode: 403 */
       MOCK_ENDPOINT_EXTENDED_404 = 1u << 1, /* gone in development mode: 404 without a word */
       MOCK_ENDPOINT_RARE = 1u << 3,         /* gone for partial apps, too, in the same way */
       MOCK_ENDPOINT_USER = 1u << 2,         /* a person's */
};

struct mock_endpoint {
        enum rf_method method;
        const char *path; /* with "{id}" for a part of it */
        uint32_t flags;
        /* -ENOMEM, or 0 with the answer in `call`. */
        int (*answer)(struct mock_call *call);
};

struct mock_endpoints {
        const struct mock_endpoint *list;
        size_t n;
        /* Before the endpoint: whether the caller may. False with the answer in `call`. `endpoint` is NULL if there is none. */
        bool (*admit)(struct mock_call *call, const struct mock_endpoint *endpoint);
};

extern const struct mock_endpoints mock_spotify_endpoints, mock_accounts_endpoints, mock_reccobeat_endpoints;

/* ---- Help for endpoints ---- */

const char *mock_param(const struct mock_call *call, const char *name);
const char *mock_header(const struct mock_call *call, const char *name);
/* False: it's there and isn't a number of min..max. */
bool mock_number(const struct mock_call *call, const char *name, unsigned long fallback, unsigned long min, unsigned long max,
                 unsigned long *ret);
/* Splits "a,b,c"; at most MOCK_IDS_MAX of at most 63 bytes. Returns how many, and counts them. */
size_t mock_ids(struct mock_call *call, const char *list, char (*ret)[64], size_t max);
/* A number over a text, for draws. */
uint64_t mock_hash(uint64_t h, const char *text);
/* 22 characters of base62 from a number. */
void mock_base62(uint64_t number, char ret[23]);

/* Names of the features in both services, as enum rf_feature. */
extern const char *const mock_feature_names[MOCK_FEATURES];

/* ---- Tokens ---- */

struct mock_token *mock_token_make(struct mock_tokens *tokens, uint64_t seed, const char *kind);
struct mock_token *mock_token_find(struct mock_tokens *tokens, const char *text);

/* ---- Errors as each service words them ---- */

int mock_spotify_error(struct mock_call *call, uint16_t status, const char *message);
int mock_reccobeat_error(struct mock_call *call, uint16_t status, int code, const char *path, const char *message);

/* ---- Spoiling ---- */

/* Turns a good body into a bad one; `body` is replaced. -ENOMEM. */
int mock_spoil(enum mock_spoil spoil, uint64_t key, char **body, size_t *size);

/* ---- Statistics ---- */

int mock_stats_init(struct mock_services *s);
struct mock_endpoint_stats *mock_stats_count(struct mock_services *s, enum mock_service_id service, const struct mock_endpoint *endpoint,
                                             uint64_t now_us); /* NULL: there is none */
