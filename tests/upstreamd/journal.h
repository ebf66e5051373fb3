/*
 * What the test server tells on its standard output: one JSON object a line, flushed. Times are CLOCK_MONOTONIC in microseconds, so that
 * they can be compared with those of other processes.
 *
 *     {"t_us":…, "event":"request", "id":1, "service":"spotify", "method":"GET", "path":"/search", "endpoint":"GET /search",
 *      "params":{…}, "ids":0, "status":200, "delay_us":150000, "authorization":"Bearer …", "user_agent":"…"[, "body":"…"]
 *      [, "retry_after_s":16][, "violation":true][, "fault":"refused"]}
 *     {"t_us":…, "event":"response", "id":1, "status":200}     the answer has been sent as a whole
 *     {"t_us":…, "event":"closed", "id":1}                     the client went away before
 *     {"t_us":…, "event":"dropped", "id":1}                    the weather made the server cut the connection
 *
 * `status` is 0 where no answer comes. A request is told when it has arrived, with the answer that it will get.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

uint64_t journal_now_us(void);

/* Writes the line; `fields` (may be NULL) is consumed. False: nobody reads any more. */
bool journal_write(const char *event, uint64_t id, uint64_t t_us, json_t *fields);
