/* Intrusive doubly linked list with a head. Never allocates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct rf_list {
        struct rf_list *next, *prev;
};

static inline void rf_list_init(struct rf_list *l)
{
        l->next = l->prev = l;
}

static inline bool rf_list_is_empty(const struct rf_list *l)
{
        return l->next == l;
}

/* Whether an element (initialised with rf_list_init) stands in some list. */
static inline bool rf_list_is_linked(const struct rf_list *l)
{
        return l->next != l;
}

static inline void rf_list_append(struct rf_list *head, struct rf_list *item)
{
        item->prev = head->prev;
        item->next = head;
        head->prev->next = item;
        head->prev = item;
}

static inline void rf_list_prepend(struct rf_list *head, struct rf_list *item)
{
        rf_list_append(head->next, item);
}

/* Harmless on an element that stands in no list. */
static inline void rf_list_remove(struct rf_list *item)
{
        item->prev->next = item->next;
        item->next->prev = item->prev;
        rf_list_init(item);
}

#define rf_list_entry(item, type, member) container_of(item, type, member)
#define rf_list_first(head, type, member) \
        (rf_list_is_empty(head) ? NULL : rf_list_entry((head)->next, type, member))

#define rf_list_foreach(head, var, type, member)                                                \
        for (type *var = rf_list_entry((head)->next, type, member); &var->member != (head);     \
             var = rf_list_entry(var->member.next, type, member))
