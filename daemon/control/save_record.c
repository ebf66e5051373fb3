#include "control/save_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "control/varlink/encode.h"

enum { RECORD_VERSION = 1 };

void rf_save_record_done(struct rf_save_record *r)
{
        free(r->name);
        free(r->description);
        free(r->playlist);
        free(r->link);
        free(r->message);
        json_decref(r->tracks);
        json_decref(r->not_saved);
        *r = (struct rf_save_record){ 0 };
}

int rf_save_record_encode(const struct rf_save_record *r, struct rf_buf *b)
{
        _cleanup_json_ json_t *j = json_pack(
                "{s:i, s:i, s:i, s:b, s:b, s:i, s:i, s:i, s:s, s:s, s:s*, s:s*, s:s*, s:i, s:O*, s:O*}", "version", RECORD_VERSION, "state",
                (int)r->state, "number", (int)r->number, "public", r->is_public, "create_sent", r->is_create_sent, "sent", (int)r->n_sent,
                "added", (int)r->n_added, "total", (int)r->n_total, "name", r->name, "description", r->description, "playlist", r->playlist,
                "link", r->link, "message", r->message, "error", -r->error, "tracks", r->tracks, "not_saved", r->not_saved);

        return j ? rf_json_encode(b, j) : -ENOMEM;
}

static char *copy(const char *text)
{
        return text ? strdup(text) : NULL;
}

static bool is_list_of_ids(const json_t *list)
{
        const json_t *id;
        size_t i;

        json_array_foreach(list, i, id)
                if (!json_is_string(id))
                        return false;
        return json_array_size(list) <= RF_TRACKS_MAX;
}

int rf_save_record_decode(const void *data, size_t size, struct rf_save_record *ret)
{
        _cleanup_json_ json_t *j = NULL;
        const char *name, *description, *playlist = NULL, *link = NULL, *message = NULL;
        int version, state, number, is_public, is_create_sent, sent, added, total, error;
        json_t *tracks = NULL, *not_saved = NULL;
        int r = rf_json_parse(data, size, &j, NULL);

        if (r == -ENOMEM)
                return r;
        if (r < 0 ||
            json_unpack(j, "{s:i, s:i, s:i, s:b, s:b, s:i, s:i, s:i, s:s, s:s, s?s, s?s, s?s, s:i, s?o, s?o}", "version", &version, "state",
                        &state, "number", &number, "public", &is_public, "create_sent", &is_create_sent, "sent", &sent, "added", &added,
                        "total", &total, "name", &name, "description", &description, "playlist", &playlist, "link", &link, "message",
                        &message, "error", &error, "tracks", &tracks, "not_saved", &not_saved) < 0 ||
            version != RECORD_VERSION || state < RF_SAVE_UNDER_WAY || state > RF_SAVE_FAILED || number < 1 || added < 0 || sent < added ||
            (size_t)sent > json_array_size(tracks) || total < 0 || error < 0 || !is_list_of_ids(tracks))
                return -RF_ECORRUPT;
        *ret = (struct rf_save_record){ .state = (enum rf_save_state)state, .number = (uint32_t)number, .is_public = is_public,
                                        .is_create_sent = is_create_sent, .n_sent = (uint32_t)sent, .n_added = (uint32_t)added,
                                        .n_total = (uint32_t)total, .error = -error, .name = copy(name), .description = copy(description),
                                        .playlist = copy(playlist), .link = copy(link), .message = copy(message),
                                        .tracks = json_incref(tracks), .not_saved = json_incref(not_saved) };
        if (!ret->name || !ret->description || (playlist && !ret->playlist) || (link && !ret->link) || (message && !ret->message)) {
                rf_save_record_done(ret);
                return -ENOMEM;
        }
        return 0;
}
