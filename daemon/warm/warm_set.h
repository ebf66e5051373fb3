/*
 * The wishes whose uses are counted, and those to be kept warm: from the configuration, from a person's command, from use. A bounded
 * number; of those that nobody wants kept, the one used least makes room. They live in the state store; counts reach it with some delay.
 */
#pragma once

#include "store/state.h"
#include "warm/item.h"

struct rf_warm_set;

/* `state` outlives it; NULL: nothing is kept across restarts. */
int rf_warm_set_new(struct rf_state *state, struct rf_warm_set **ret);
struct rf_warm_set *rf_warm_set_free(struct rf_warm_set *s);
DEFINE_CLEANUP(struct rf_warm_set *, rf_warm_set_free);

/* Takes up what is in the store and isn't known yet. Records that can't be read are left out, and removed when next written. Doesn't yield. */
int rf_warm_set_load(struct rf_warm_set *s);

/* What the configuration wants kept warm, instead of what it wanted before: lists separated by "|". Doesn't yield. -RF_ELIMIT. */
int rf_warm_set_configure(struct rf_warm_set *s, const char *prompts, const char *seeds);

/* The item of a wish; NULL. Valid until the set changes. */
struct rf_warm_item *rf_warm_set_find(const struct rf_warm_set *s, const uint8_t key[static RF_WARM_KEY_SIZE]);
/* The same, made if there is none; doesn't yield. */
int rf_warm_set_get(struct rf_warm_set *s, const struct rf_wish *wish, struct rf_warm_item **ret);

/* A person wants it kept warm (yields until that is on disk). 1: it's new; 0: it was already. -RF_ELIMIT. */
int rf_warm_set_add(struct rf_warm_set *s, const struct rf_wish *wish);
/* Neither kept warm nor remembered any more (yields). -ENOENT: nobody knows it; -EPERM: the configuration wants it. */
int rf_warm_set_remove(struct rf_warm_set *s, const struct rf_wish *wish);

size_t rf_warm_set_size(const struct rf_warm_set *s);
/* `at` starts at 0; NULL at the end. The set may not change in between. */
struct rf_warm_item *rf_warm_set_next(const struct rf_warm_set *s, size_t *at);

bool rf_warm_set_is_unsaved(const struct rf_warm_set *s);
int rf_warm_set_save(struct rf_warm_set *s); /* writes what has changed (yields) */
