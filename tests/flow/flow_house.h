/* A daemon's inside for tests: embedded provider, upstream, lexicon, on the virtual clock. And what a listener would say of a playlist. */
#pragma once

#include "flow/flow.h"
#include "store/cache.h"
#include "judge.h"

struct house {
        struct rf_providers *providers;
        struct rf_cache *cache;
        struct rf_upstream *upstream;
        struct rf_lexicon *lexicon;
        struct rf_flow flow;
        struct mock_world *world; /* the same catalogue as the provider's */
        char directory[64];       /* of the cache; removed at the end */
};

struct house_options {
        const char *latency; /* of each answer, such as "200ms"; NULL = none */
        const char *hang_rate, *error_rate;
        const char *rate_limit; /* answers in ten minutes, the rest is refused; NULL = any number */
        bool has_cache, has_user;
        uint32_t concurrency;
};

int house_open(struct house *h, const struct house_options *o);
void house_close(struct house *h);

/* One run in a scheduler of its own. `r` is rf_flow_recommend()'s; `playlist` is the caller's. */
struct house_run {
        const struct house *house;
        struct rf_wish wish;
        uint64_t deadline_us; /* after the start; 0 = none */
        const uint32_t *passes; /* as many; NULL = as pay */
        uint64_t shuffle_seed;
        struct rf_playlist *playlist;
        char message[256];
        int r;
        uint64_t cpu_us, virtual_us;
};
int house_recommend(struct house_run *run);

/* Everything of the tracks that a client would see, as text. free(). */
char *house_tracks_text(const struct rf_playlist *p);

/* nDCG@20 of a playlist; below 0: out of memory. */
double house_playlist_ndcg(const struct house *h, const struct mock_taste *taste, const struct rf_playlist *p);
/* The same for as many random tracks, and for the best known. */
double house_random_ndcg(const struct house *h, const struct mock_taste *taste, size_t n);
double house_popular_ndcg(const struct house *h, const struct mock_taste *taste, size_t n);
