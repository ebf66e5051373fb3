/* One wish whose uses are counted, or that is to be kept warm, and its form in the state store. Never yields. */
#pragma once

#include "flow/wish.h"
#include "warm/footprint.h"
#include "warm/rhythm.h"

enum { RF_WARM_KEY_SIZE = 16 };

struct rf_warm_item {
        uint8_t key[RF_WARM_KEY_SIZE];
        struct rf_wish *wish;
        bool is_configured, is_added; /* to be kept warm: the configuration, or a person, says so */
        uint64_t added_us;
        struct rf_rhythm rhythm;
        struct rf_footprint footprint; /* of the last run */
        struct rf_footprint renewed;   /* by warming, and not used since */
        uint64_t uses, used_us;        /* by people; the last one */
        uint64_t warmed_us, tried_us;  /* the last success; the last failure since */
        uint64_t passes, spent, saved; /* warmed so often; calls that it took, and that people didn't have to wait for */
        bool is_unsaved;
};

/* The same for wishes that ask for the same music: the case of letters, punctuation, deadline and order don't count. -ENOMEM, -EINVAL. */
int rf_warm_key(const struct rf_wish *wish, uint8_t ret[static RF_WARM_KEY_SIZE]);

int rf_warm_item_new(const struct rf_wish *wish, const uint8_t key[static RF_WARM_KEY_SIZE], struct rf_warm_item **ret);
struct rf_warm_item *rf_warm_item_free(struct rf_warm_item *i);
DEFINE_CLEANUP(struct rf_warm_item *, rf_warm_item_free);

bool rf_warm_item_is_kept(const struct rf_warm_item *i);

/* -E2BIG over RF_WARM_RECORD_MAX. Whether it was added is kept elsewhere. */
int rf_warm_item_encode(const struct rf_warm_item *i, struct rf_buf *b);
int rf_warm_item_decode(const void *data, size_t size, const uint8_t key[static RF_WARM_KEY_SIZE], struct rf_warm_item **ret);
