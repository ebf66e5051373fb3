#include "tape.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exchange {
        json_t *record;
        bool is_played;
};

struct mock_tape {
        bool is_playing;
        FILE *file; /* being written */
        struct exchange *list;
        size_t n;
};

bool mock_tape_is_playing(const struct mock_tape *t)
{
        return t->is_playing;
}

static int append(struct mock_tape *t, json_t *record)
{
        struct exchange *bigger = reallocarray(t->list, t->n + 1, sizeof(*bigger));

        if (!bigger) {
                json_decref(record);
                return -ENOMEM;
        }
        t->list = bigger;
        t->list[t->n++] = (struct exchange){ .record = record };
        return 0;
}

static int load(struct mock_tape *t, FILE *f)
{
        bool is_first = true;
        char *line = NULL;
        size_t size = 0;
        int r = 0;

        while (r >= 0 && getline(&line, &size, f) > 0) {
                json_t *record = is_first ? NULL : json_loads(line, 0, NULL);

                if (!is_first)
                        r = json_is_string(json_object_get(record, "url")) && json_is_string(json_object_get(record, "dialect")) ?
                                    append(t, record) : (json_decref(record), -EBADMSG);
                is_first = false;
        }
        free(line);
        return r;
}

int mock_tape_open(const char *path, bool is_playing, struct mock_tape **ret)
{
        struct mock_tape *t = calloc(1, sizeof(*t));
        FILE *f = t ? fopen(path, is_playing ? "re" : "ae") : NULL;
        int r = !t ? -ENOMEM : !f ? -errno : 0;

        if (r >= 0 && is_playing) {
                r = load(t, f);
                fclose(f);
        } else if (r >= 0)
                t->file = f;
        if (r < 0) {
                mock_tape_close(t);
                return r;
        }
        t->is_playing = is_playing;
        *ret = t;
        return 0;
}

void mock_tape_close(struct mock_tape *t)
{
        if (!t)
                return;
        if (t->file)
                fclose(t->file);
        for (size_t i = 0; i < t->n; i++)
                json_decref(t->list[i].record);
        free(t->list);
        free(t);
}

/* ---- Playing ---- */

static bool is_same(const json_t *record, const char *dialect, const struct rf_request *q)
{
        return strcmp(json_string_value(json_object_get(record, "url")), q->url) == 0 &&
               strcmp(json_string_value(json_object_get(record, "dialect")), dialect) == 0 &&
               json_integer_value(json_object_get(record, "method")) == (json_int_t)q->method;
}

static int fill(const json_t *record, struct rf_reply *ret)
{
        const json_t *headers = json_object_get(record, "headers"), *body = json_object_get(record, "body");
        size_t size = json_string_length(body);

        *ret = (struct rf_reply){ .size = sizeof(*ret), .fault = (enum rf_fault)json_integer_value(json_object_get(record, "fault")),
                                  .status = (uint16_t)json_integer_value(json_object_get(record, "status")),
                                  .delay_us = (uint64_t)json_integer_value(json_object_get(record, "delay_us")) };
        ret->body = calloc(1, size + 1);
        if (!ret->body)
                return -ENOMEM;
        if (size > 0)
                memcpy(ret->body, json_string_value(body), size);
        ret->body_size = size;
        /* the strings live as long as the tape */
        for (size_t i = 0; i < json_array_size(headers) && i < sizeof(ret->headers) / sizeof(ret->headers[0]); i++) {
                const char *name = json_string_value(json_array_get(json_array_get(headers, i), 0));
                const char *value = json_string_value(json_array_get(json_array_get(headers, i), 1));

                if (name && value)
                        ret->headers[ret->n_headers++] = (struct rf_header){ name, value };
        }
        return 0;
}

int mock_tape_play(struct mock_tape *t, const char *dialect, const struct rf_request *q, struct rf_reply *ret)
{
        for (size_t i = 0; i < t->n; i++)
                if (!t->list[i].is_played && is_same(t->list[i].record, dialect, q)) {
                        t->list[i].is_played = true;
                        return fill(t->list[i].record, ret);
                }
        return -ENOENT;
}

/* ---- Recording ---- */

int mock_tape_record(struct mock_tape *t, const char *dialect, const struct rf_request *q, const struct rf_reply *reply)
{
        json_t *headers = json_array(), *record;
        char *text;
        int r;

        for (size_t i = 0; i < reply->n_headers; i++)
                json_array_append_new(headers, json_pack("[ss]", reply->headers[i].name, reply->headers[i].value));
        /* what isn't UTF-8 can't be written: it's malformed either way */
        record = json_pack("{s:s, s:i, s:s, s:i, s:i, s:I, s:o}", "dialect", dialect, "method", (int)q->method, "url", q->url, "fault",
                           (int)reply->fault, "status", (int)reply->status, "delay_us", (json_int_t)reply->delay_us, "headers", headers);
        if (!record)
                return -ENOMEM;
        if (!reply->body || json_object_set_new(record, "body", json_stringn(reply->body, reply->body_size)) < 0)
                json_object_set_new(record, "body", json_string(reply->body ? "not UTF-8" : ""));
        text = json_dumps(record, JSON_COMPACT);
        json_decref(record);
        if (!text)
                return -ENOMEM;
        r = fprintf(t->file, "%s\n", text) < 0 ? -EIO : 0;
        free(text);
        return r;
}
