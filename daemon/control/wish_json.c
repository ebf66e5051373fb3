#include "control/wish_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/tokens.h"

#define SEED_MAX 9007199254740991 /* exact in every client's numbers */

struct reading {
        const char **ret_parameter;
        char *message;
        size_t message_size;
};

_printf_(3, 4) static int refuse(const struct reading *rd, const char *parameter, const char *format, ...)
{
        va_list args;

        *rd->ret_parameter = parameter;
        va_start(args, format);
        vsnprintf(rd->message, rd->message_size, format, args);
        va_end(args);
        return -EINVAL;
}

/* An integer in a range; `ret` stays as it is where there is none. */
static int take_int(const struct reading *rd, const json_t *o, const char *name, json_int_t min, json_int_t max, uint64_t *ret)
{
        const json_t *j = json_object_get(o, name);
        json_int_t v;

        if (!json_is_integer(j))
                return 0;
        v = json_integer_value(j);
        if (v < min || v > max)
                return refuse(rd, "options", "%s is %" JSON_INTEGER_FORMAT "; it must be %" JSON_INTEGER_FORMAT "..%" JSON_INTEGER_FORMAT, name, v,
                              min, max);
        *ret = (uint64_t)v;
        return 0;
}

static int take_list(const struct reading *rd, const json_t *o, const char *name, size_t max, const char **list, const char *const **ret,
                     size_t *ret_n)
{
        const json_t *j = json_object_get(o, name);
        size_t n = json_array_size(j);

        if (n > max)
                return refuse(rd, "options", "%s has %zu entries; at most %zu are allowed", name, n, max);
        for (size_t i = 0; i < n; i++) {
                list[i] = json_string_value(json_array_get(j, i));
                if (strlen(list[i]) > RF_RECORD_STRING_MAX)
                        return refuse(rd, "options", "an entry of %s has %zu bytes; at most %u are allowed", name, strlen(list[i]),
                                      RF_RECORD_STRING_MAX);
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

static bool is_true(const json_t *o, const char *name)
{
        return json_is_true(json_object_get(o, name));
}

int rf_wish_from_json(const json_t *parameters, struct rf_wish_json *ret, const char **ret_parameter, char *message, size_t message_size)
{
        const struct reading rd = { ret_parameter, message, message_size };
        const json_t *o = json_object_get(parameters, "options");
        struct rf_wish *w = &ret->wish;
        uint64_t tracks = 0, duration_s = 0, deadline_ms = 0, seed = 0;
        const char *arc = json_string_value(json_object_get(o, "arc"));
        size_t words;
        int r;

        *w = (struct rf_wish){ .prompt = json_string_value(json_object_get(parameters, "prompt")) };
        if (strlen(w->prompt) > RF_PROMPT_MAX)
                return refuse(&rd, "prompt", "the prompt has %zu bytes; at most %u are allowed", strlen(w->prompt), RF_PROMPT_MAX);
        words = rf_tokens_count(w->prompt);
        if (words > RF_PROMPT_WORDS_MAX)
                return refuse(&rd, "prompt", "the prompt has %zu words; at most %u are allowed", words, RF_PROMPT_WORDS_MAX);
        if ((r = take_int(&rd, o, "tracks", 1, RF_TRACKS_MAX, &tracks)) < 0 ||
            (r = take_int(&rd, o, "duration_s", 60, 86400, &duration_s)) < 0 ||
            (r = take_int(&rd, o, "deadline_ms", 100, 3600000, &deadline_ms)) < 0 ||
            (r = take_int(&rd, o, "seed", 0, SEED_MAX, &seed)) < 0 ||
            (r = take_list(&rd, o, "exclude_artists", RF_WISH_LIST_MAX, ret->lists, &w->exclude_artists, &w->n_exclude_artists)) < 0 ||
            (r = take_list(&rd, o, "like", RF_MENTIONS_MAX, ret->lists + RF_WISH_LIST_MAX, &w->like, &w->n_like)) < 0)
                return r;
        w->n_tracks = (uint32_t)tracks;
        w->duration_s = (uint32_t)duration_s;
        w->deadline_ms = (uint32_t)deadline_ms;
        w->seed = seed;
        w->no_explicit = is_true(o, "no_explicit");
        w->strict = is_true(o, "strict");
        w->has_arc = arc != NULL;
        return arc ? rf_arc_from_name(arc, &w->arc) : 0;
}

/* As rf_encode_tracks() writes them. */
static const struct {
        const char *name;
        enum rf_feature feature;
        float scale, min, max;
} FEATURES[] = {
        { "acousticness_milli", RF_FEATURE_ACOUSTICNESS, .001f, 0.f, 1.f },
        { "danceability_milli", RF_FEATURE_DANCEABILITY, .001f, 0.f, 1.f },
        { "energy_milli", RF_FEATURE_ENERGY, .001f, 0.f, 1.f },
        { "instrumentalness_milli", RF_FEATURE_INSTRUMENTALNESS, .001f, 0.f, 1.f },
        { "liveness_milli", RF_FEATURE_LIVENESS, .001f, 0.f, 1.f },
        { "speechiness_milli", RF_FEATURE_SPEECHINESS, .001f, 0.f, 1.f },
        { "valence_milli", RF_FEATURE_VALENCE, .001f, 0.f, 1.f },
        { "key", RF_FEATURE_KEY, 1.f, -1.f, 11.f },
        { "mode", RF_FEATURE_MODE, 1.f, 0.f, 1.f },
        { "loudness_millidb", RF_FEATURE_LOUDNESS, .001f, -60.f, 2.f },
        { "tempo_millibpm", RF_FEATURE_TEMPO, .001f, 0.f, 250.f },
        { "popularity", RF_FEATURE_POPULARITY, 1.f, 0.f, 100.f },
};

static int take_features(const struct reading *rd, const json_t *o, size_t number, struct rf_features *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(FEATURES); i++) {
                const json_t *j = json_object_get(o, FEATURES[i].name);
                float v;

                if (!json_is_integer(j))
                        continue;
                v = (float)json_integer_value(j) * FEATURES[i].scale;
                if (v < FEATURES[i].min || v > FEATURES[i].max)
                        return refuse(rd, "tracks", "track %zu: %s is out of range (%g..%g)", number + 1, FEATURES[i].name,
                                      (double)(FEATURES[i].min / FEATURES[i].scale), (double)(FEATURES[i].max / FEATURES[i].scale));
                ret->has |= RF_FEATURE_BIT(FEATURES[i].feature);
                ret->value[FEATURES[i].feature] = v;
        }
        return 0;
}

int rf_order_items_from_json(const json_t *parameters, struct rf_order_item **ret_items, size_t *ret_n, const char **ret_parameter,
                             char *message, size_t message_size)
{
        const struct reading rd = { ret_parameter, message, message_size };
        const json_t *tracks = json_object_get(parameters, "tracks");
        size_t n = json_array_size(tracks);
        _cleanup_free_ struct rf_order_item *items = NULL;

        if (n > RF_ORDER_INPUT_MAX)
                return refuse(&rd, "tracks", "%zu tracks are given; at most %u can be ordered at once", n, RF_ORDER_INPUT_MAX);
        items = calloc(n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const json_t *t = json_array_get(tracks, i), *duration = json_object_get(t, "duration_ms");
                struct rf_order_item *item = &items[i];
                const char *texts[4];
                int r;

                item->uri = texts[0] = json_string_value(json_object_get(t, "uri"));
                item->isrc = texts[1] = json_string_value(json_object_get(t, "isrc"));
                item->artist = texts[2] = json_string_value(json_object_get(t, "artist"));
                item->title = texts[3] = json_string_value(json_object_get(t, "title"));
                for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
                        if (texts[k] && strlen(texts[k]) > RF_RECORD_STRING_MAX)
                                return refuse(&rd, "tracks", "track %zu: a text of more than %u bytes", i + 1, RF_RECORD_STRING_MAX);
                if (json_is_integer(duration)) {
                        if (json_integer_value(duration) < 0 || json_integer_value(duration) > 86400000)
                                return refuse(&rd, "tracks", "track %zu: duration_ms must be 0..86400000", i + 1);
                        item->duration_ms = (uint32_t)json_integer_value(duration);
                }
                r = take_features(&rd, json_object_get(t, "features"), i, &item->features);
                if (r < 0)
                        return r;
        }
        *ret_items = TAKE_PTR(items);
        *ret_n = n;
        return 0;
}
