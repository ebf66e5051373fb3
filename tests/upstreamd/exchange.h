/*
 * One request and its answer: what the simulated services say, sent as the weather has it. While an answer isn't due, its connection is
 * suspended, and the list of those knows when each is due.
 */
#pragma once

#include <microhttpd.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "../plugins/mock/services.h"

struct exchange;

/* What all exchanges share. */
struct server {
        struct mock_services *services;
        uint64_t delay_us; /* of every answer, beside the weather's */
        uint64_t speed;   /* divides latencies */
        uint64_t start_us;
        uint64_t n;       /* exchanges so far: the last one's number */
        bool is_ending;   /* also when nobody reads the journal any more */
        struct exchange *waiting; /* list of the suspended ones */
};

/* Callbacks of libmicrohttpd; the context is the server. */
enum MHD_Result exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                const char *data, size_t *size, void **exchange);
void exchange_completed(void *context, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code);

/* Fills `ret` with the sockets of the suspended ones, at most `max`, to be polled for the client's leaving. Returns how many. */
size_t exchange_sockets(const struct server *s, struct pollfd *ret, size_t max);
/* Resumes those that are due and those whose client has left, which is told at once. */
void exchange_resume(struct server *s, const struct pollfd *sockets, size_t n);
/* When the next one is due; UINT64_MAX: none is. */
uint64_t exchange_next_us(const struct server *s);
/* Before the end: suspended connections can't be closed. */
void exchange_resume_all(struct server *s);
