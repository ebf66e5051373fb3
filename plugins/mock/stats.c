/* What the simulated services were asked. */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT_MAX = 1u << 16 };

static const char *const names[MOCK_SERVICES] = { "spotify", "accounts", "reccobeat" };
static const struct mock_endpoints *const endpoints_of[MOCK_SERVICES] = { &mock_spotify_endpoints, &mock_accounts_endpoints,
                                                                          &mock_reccobeat_endpoints };

/* "GET /search"; one name for each endpoint of all services, made once. */
static const char *label(enum mock_service_id service, size_t i)
{
        static char labels[MOCK_SERVICES][MOCK_ENDPOINTS_MAX][64];
        const struct mock_endpoint *e = &endpoints_of[service]->list[i];

        if (!labels[service][i][0])
                snprintf(labels[service][i], sizeof(labels[service][i]), "%s %s", e->method == RF_METHOD_POST ? "POST" : "GET", e->path);
        return labels[service][i];
}

int mock_stats_init(struct mock_services *s)
{
        for (int i = 0; i < MOCK_SERVICES; i++) {
                struct mock_service_stats *stats = &s->stats[i];

                s->recent[i].times_us = calloc(RECENT_MAX, sizeof(uint64_t));
                if (!s->recent[i].times_us)
                        return -ENOMEM;
                s->recent[i].capacity = RECENT_MAX;
                stats->n_endpoints = endpoints_of[i]->n + 1;
                for (size_t k = 0; k < endpoints_of[i]->n; k++)
                        stats->endpoints[k].name = label((enum mock_service_id)i, k);
                stats->endpoints[endpoints_of[i]->n].name = "other"; /* no such endpoint */
        }
        return 0;
}

static uint64_t count_recent(struct mock_recent *recent, uint64_t length_us, uint64_t now_us)
{
        while (recent->n > 0 && (recent->n == recent->capacity || recent->times_us[recent->first] + length_us <= now_us)) {
                recent->first = (recent->first + 1) % recent->capacity;
                recent->n--;
        }
        recent->times_us[(recent->first + recent->n++) % recent->capacity] = now_us;
        return recent->n;
}

struct mock_endpoint_stats *mock_stats_count(struct mock_services *s, enum mock_service_id service, const struct mock_endpoint *endpoint,
                                             uint64_t now_us)
{
        struct mock_service_stats *stats = &s->stats[service];
        uint64_t in_window = count_recent(&s->recent[service], s->sky->windows[service].length_us, now_us);
        size_t i = endpoint ? (size_t)(endpoint - endpoints_of[service]->list) : endpoints_of[service]->n;

        stats->requests++;
        if (in_window > stats->most_in_window)
                stats->most_in_window = in_window;
        stats->endpoints[i].requests++;
        return &stats->endpoints[i];
}

const struct mock_service_stats *mock_services_stats(const struct mock_services *s, enum mock_service_id service)
{
        return &s->stats[service];
}

static json_t *service_json(const struct mock_service_stats *stats)
{
        json_t *endpoints = json_object();

        for (size_t i = 0; i < stats->n_endpoints; i++)
                json_object_set_new(endpoints, stats->endpoints[i].name,
                                    json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)stats->endpoints[i].requests, "ids",
                                              (json_int_t)stats->endpoints[i].ids, "faults", (json_int_t)stats->endpoints[i].faults));
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "requests", (json_int_t)stats->requests, "answers_429",
                         (json_int_t)stats->answers_429, "violations", (json_int_t)stats->violations, "faults", (json_int_t)stats->faults,
                         "most_in_window", (json_int_t)stats->most_in_window, "endpoints", endpoints);
}

char *mock_services_stats_text(const struct mock_services *s)
{
        json_t *services = json_object(), *playlists = json_array(), *all;
        char *text;

        for (int i = 0; i < MOCK_SERVICES; i++)
                json_object_set_new(services, names[i], service_json(&s->stats[i]));
        for (uint32_t i = 0; i < s->n_playlists; i++)
                json_array_append(playlists, s->playlists[i].record);
        all = json_pack("{s:o, s:o}", "services", services, "playlists", playlists);
        text = all ? json_dumps(all, JSON_COMPACT) : NULL;
        json_decref(all);
        return text;
}
