#include "control/save_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "flow/names.h"
#include "sched/sched.h"

enum { SEARCH_LIMIT = 10, DURATION_SLACK_MS = 10000 };

/* What its helpers share: they take the next track until none is left. */
struct finding {
        struct rf_upstream *upstream;
        const struct rf_provider *provider;
        const json_t *tracks;
        size_t next;
        char **ids; /* by position; NULL: not to be had */
        char message[160];
};

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s && s[0] ? s : NULL;
}

static const char *first_artist(const json_t *track)
{
        return json_string_value(json_array_get(json_object_get(track, "artists"), 0));
}

/* The id that a track carries along: the service's own, or Spotify's in its address. A new string; NULL if there is none. */
static char *carried_id(const struct rf_provider *p, const json_t *track)
{
        static const char *const before[] = { "spotify:track:", "https://open.spotify.com/track/" };
        const char *provider = text(track, "provider"), *id = text(track, "id"), *uri = text(track, "uri");

        if (provider && id && strcmp(provider, rf_provider_name(p)) == 0)
                return strdup(id);
        for (size_t i = 0; uri && i < ARRAY_SIZE(before) && strcmp(rf_provider_plugin(p)->name, "spotify") == 0; i++)
                if (strncmp(uri, before[i], strlen(before[i])) == 0)
                        return strndup(uri + strlen(before[i]), strcspn(uri + strlen(before[i]), "?#/"));
        return NULL;
}

static bool is_same_song(const struct rf_track *t, const json_t *track)
{
        json_int_t duration_ms = json_integer_value(json_object_get(track, "duration_ms"));
        const char *artist = first_artist(track);
        bool same_artist = false;

        for (size_t i = 0; i < t->n_artists && artist; i++)
                same_artist |= rf_name_equal(t->artists[i].name, artist);
        if (!same_artist || rf_title_key(t->title, false) == 0 || rf_title_key(t->title, false) != rf_title_key(text(track, "title"), false))
                return false;
        return t->duration_ms == 0 || duration_ms == 0 || llabs((long long)t->duration_ms - duration_ms) <= DURATION_SLACK_MS;
}

static void note(void *arg, const struct rf_call_record *record)
{
        struct finding *f = arg;

        if (record->error < 0 && record->message[0])
                snprintf(f->message, sizeof(f->message), "%s", record->message);
}

/* 0: `ret` is a new string, or NULL if nothing fits. */
static int search(struct finding *f, const json_t *track, const struct rf_query *q, char **ret)
{
        const struct rf_caller caller = { .priority = RF_PRIORITY_PERSON, .deadline_us = RF_FOREVER,
                                          .provider = rf_provider_name(f->provider), .observe = note, .observe_arg = f };
        _cleanup_(rf_answer_unrefp) struct rf_answer *answer = NULL;
        int r = rf_upstream_call(f->upstream, &caller, q, &answer);

        if (r < 0)
                return r;
        for (size_t i = 0; i < answer->n_tracks; i++) {
                const struct rf_track *t = &answer->tracks[i];

                if (!(q->isrc && t->isrc && strcasecmp(q->isrc, t->isrc) == 0) && !is_same_song(t, track))
                        continue;
                *ret = strdup(t->id);
                return *ret ? 0 : -ENOMEM;
        }
        return 0;
}

static int find_one(struct finding *f, size_t i)
{
        const json_t *track = json_array_get(f->tracks, i);
        struct rf_query by_isrc = { .op = RF_OP_SEARCH_TRACKS, .isrc = text(track, "isrc"), .limit = SEARCH_LIMIT };
        struct rf_query by_name = { .op = RF_OP_SEARCH_TRACKS, .track = text(track, "title"), .artist = first_artist(track),
                                    .limit = SEARCH_LIMIT };
        int r = 0;

        f->ids[i] = carried_id(f->provider, track);
        if (!f->ids[i] && by_isrc.isrc)
                r = search(f, track, &by_isrc, &f->ids[i]);
        if (r >= 0 && !f->ids[i] && by_name.track && by_name.artist)
                r = search(f, track, &by_name, &f->ids[i]);
        return r;
}

static int find_some(void *arg)
{
        struct finding *f = arg;

        while (f->next < json_array_size(f->tracks)) {
                int r = find_one(f, f->next++);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int find_all(struct finding *f)
{
        _cleanup_(rf_group_freep) struct rf_group *g = NULL;
        int r = rf_group_new(RF_FOREVER, &g);

        if (r >= 0)
                rf_group_cancel_on_error(g);
        for (size_t i = 0; i < RF_SAVE_SEARCHES_MAX && r >= 0; i++)
                r = rf_group_spawn(g, "find tracks", find_some, f);
        return r >= 0 ? rf_group_join(g) : r;
}

static int add_not_saved(json_t *list, size_t i, const json_t *track, const char *why)
{
        json_t *o = json_pack("{s:I, s:s, s:s, s:s}", "position", (json_int_t)i + 1, "title", text(track, "title") ? : "", "artist",
                              first_artist(track) ? : "", "why", why);

        return json_array_append_new(list, o) < 0 ? -ENOMEM : 0;
}

/* Each id once: the service would take the same track twice. */
static int sort_out(const struct finding *f, json_t *ids, json_t *not_saved)
{
        _cleanup_(rf_map_freep) struct rf_map *seen = rf_map_new();
        int r = seen ? 0 : -ENOMEM;

        for (size_t i = 0; i < json_array_size(f->tracks) && r >= 0; i++) {
                const json_t *track = json_array_get(f->tracks, i);
                char why[96];

                if (!f->ids[i]) {
                        snprintf(why, sizeof(why), "not found at %.60s", rf_provider_name(f->provider));
                        r = add_not_saved(not_saved, i, track, why);
                        continue;
                }
                r = rf_map_put_string(seen, f->ids[i], f->ids[i]);
                if (r == -EEXIST)
                        r = add_not_saved(not_saved, i, track, "the same recording there as another one of this playlist");
                else if (r >= 0)
                        r = json_array_append_new(ids, json_string(f->ids[i])) < 0 ? -ENOMEM : 0;
        }
        return r;
}

int rf_save_find(struct rf_upstream *u, const struct rf_provider *provider, const json_t *tracks, json_t **ret_ids, json_t **ret_not_saved,
                 char *message, size_t size)
{
        struct finding f = { .upstream = u, .provider = provider, .tracks = tracks };
        _cleanup_json_ json_t *ids = json_array(), *not_saved = json_array();
        size_t n = json_array_size(tracks);
        int r;

        f.ids = calloc(n + 1, sizeof(*f.ids));
        r = f.ids && ids && not_saved ? find_all(&f) : -ENOMEM;
        if (r >= 0)
                r = sort_out(&f, ids, not_saved);
        else
                snprintf(message, size, "%s", f.message);
        for (size_t i = 0; i < n && f.ids; i++)
                free(f.ids[i]);
        free(f.ids);
        if (r < 0)
                return r;
        *ret_ids = TAKE_PTR(ids);
        *ret_not_saved = TAKE_PTR(not_saved);
        return 0;
}
