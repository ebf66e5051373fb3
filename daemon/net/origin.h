/* Where requests go: scheme, host and port of an address. Only net/ includes this. Never yields. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { RF_ORIGIN_MAX = 300, RF_ORIGINS_KEPT = 16 };

struct rf_origin {
        char text[RF_ORIGIN_MAX]; /* the address up to its path */
        size_t size;              /* 0: unused */
        char host[RF_ORIGIN_MAX], port[8];
        bool is_literal; /* an address in numbers */
        bool is_proxy;   /* which has a port of its own if none is named */
};

/* The last few, parsed. Zero-initialised is empty and valid. */
struct rf_origins {
        struct rf_origin kept[RF_ORIGINS_KEPT];
        size_t next;
};

/* That of an address; good until others were asked for. NULL: it isn't an address. */
const struct rf_origin *rf_origins_get(struct rf_origins *all, const char *url, bool is_proxy);
/* Whether a list as in $no_proxy names its host, or a domain that it's in. */
bool rf_origin_is_exempt(const struct rf_origin *o, const char *no_proxy);
