/*
 * A recording of one run's exchanges, in a file of JSON lines. Recording appends each reply; playing answers a request as it was answered
 * then, the n-th time as the n-th time. The first line belongs to whoever began the recording and is left out.
 *
 *     {"dialect": "spotify", "method": 0, "url": "https://…", "fault": 0, "status": 200, "delay_us": 151000, "headers": [["Retry-After",
 *      "5"]], "body": "…"}
 *
 * Headers and bodies of requests, where credentials travel, aren't written down; nor are exchanges about tokens.
 */
#pragma once

#include <recflow/plugin.h>

struct mock_tape;

/* -errno, -EBADMSG: the file isn't such a recording. */
int mock_tape_open(const char *path, bool is_playing, struct mock_tape **ret);
/* A recording is written out. */
void mock_tape_close(struct mock_tape *t); /* accepts NULL */

/* 0: answered; -ENOENT: it isn't on the tape; -ENOMEM. */
int mock_tape_play(struct mock_tape *t, const char *dialect, const struct rf_request *q, struct rf_reply *ret);
/* A failure to write is remembered: the file then lacks its end. -errno. */
int mock_tape_record(struct mock_tape *t, const char *dialect, const struct rf_request *q, const struct rf_reply *reply);
bool mock_tape_is_playing(const struct mock_tape *t);
